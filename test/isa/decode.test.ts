/** Bytes to instructions and back: one row or a refusal for everything, the RFC's structure as the oracle. */
import fc from 'fast-check';
import t from 'tap';
import { viewOf } from '../../vm/bytes.js';
import { decode, decodeOne } from '../../vm/isa/decode.js';
import { encode } from '../../vm/isa/encode.js';
import { isWide, slotsOf } from '../../vm/isa/insn.js';
import { INSN_ROWS } from '../../vm/spec/insns.js';
import { type Fields, groupOf } from './rfc9669.js';

function slotOf({ op, dst, src, off, imm }: Fields): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = viewOf(bytes);
  bytes[0] = op;
  bytes[1] = (src << 4) | dst;
  view.setInt16(2, off, true);
  view.setInt32(4, imm, true);
  return bytes;
}

/** Two slots, the second empty, so that 64-bit immediates are whole. */
function outcomeOf(fields: Fields): string {
  const bytes = new Uint8Array(16);
  bytes.set(slotOf(fields));
  const one = decodeOne(viewOf(bytes), 0);
  return 'name' in one ? INSN_ROWS[one.name].group : one.reason;
}

function expectedOf(fields: Fields): string {
  const group = groupOf(fields);
  if (group !== undefined && fields.dst <= 10 && fields.src <= 10) return group;
  if (group !== undefined) return 'register';
  return KNOWN_OPCODES.has(fields.op) ? 'reserved-field' : 'opcode';
}

const OFFS = [0, 1, 2, 8, 16, 32, -1, 0x7fff];
const IMMS = [0, 1, 16, 32, 64, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe0, 0xe1, 0xf0, 0xf1, 0x100, 0x101, 0x110, -1];
const SRCS = [0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 15];
const DSTS = [0, 1, 10, 11];

function* allPatterns(op: number): Generator<Fields> {
  for (const dst of DSTS)
    for (const src of SRCS) for (const off of OFFS) for (const imm of IMMS) yield { op, dst, src, off, imm };
}

const KNOWN_OPCODES: ReadonlySet<number> = new Set(
  Array.from({ length: 256 }, (_, op) => op).filter((op) =>
    [...allPatterns(op)].some((fields) => groupOf(fields) !== undefined),
  ),
);

t.test('every opcode and field pattern is what the RFC says', (t) => {
  for (let op = 0; op < 256; op++) {
    const wrong: string[] = [];
    for (const fields of allPatterns(op)) {
      const found = outcomeOf(fields);
      const wanted = expectedOf(fields);
      if (found !== wanted) wrong.push(`${JSON.stringify(fields)}: ${found}, not ${wanted}`);
    }
    t.strictSame(wrong.slice(0, 5), [], `opcode 0x${op.toString(16).padStart(2, '0')}`);
  }
  t.end();
});

const anyFields = fc.record({
  op: fc.integer({ min: 0, max: 255 }),
  dst: fc.integer({ min: 0, max: 15 }),
  src: fc.integer({ min: 0, max: 15 }),
  off: fc.oneof(fc.constantFrom(...OFFS), fc.integer({ min: -0x8000, max: 0x7fff })),
  imm: fc.oneof(fc.constantFrom(...IMMS), fc.integer({ min: -0x80000000, max: 0x7fffffff })),
});

t.test('random slots are what the RFC says', (t) => {
  fc.assert(
    fc.property(anyFields, (fields) => outcomeOf(fields) === expectedOf(fields)),
    { numRuns: 20_000 },
  );
  t.end();
});

t.test('what decodes encodes to the same bytes', (t) => {
  const stream = fc.array(anyFields, { maxLength: 12 }).map((all) => {
    const bytes = new Uint8Array(8 * all.length);
    all.forEach((fields, i) => bytes.set(slotOf(fields), 8 * i));
    return bytes;
  });
  const valid = anyFields
    .filter((fields) => expectedOf(fields) === groupOf(fields))
    .chain((fields) => {
      if (fields.op !== 0x18) return fc.constant(slotOf(fields));
      return fc.integer({ min: -0x80000000, max: 0x7fffffff }).map((high) => {
        const bytes = new Uint8Array(16);
        bytes.set(slotOf(fields));
        viewOf(bytes).setInt32(12, high, true);
        return bytes;
      });
    });
  const validStream = fc
    .array(valid, { maxLength: 12 })
    .map((parts) => new Uint8Array(parts.flatMap((part) => [...part])));
  fc.assert(
    fc.property(fc.oneof(stream, validStream), (bytes) => {
      const result = decode(bytes);
      return !result.ok || Buffer.compare(encode(result.insns), bytes) === 0;
    }),
    { numRuns: 5_000 },
  );
  fc.assert(
    fc.property(validStream, (bytes) => {
      const result = decode(bytes);
      if (!result.ok) return false;
      let pc = 0;
      for (const insn of result.insns) {
        if (insn.pc !== pc) return false;
        pc += slotsOf(insn);
      }
      return pc * 8 === bytes.length;
    }),
    { numRuns: 2_000 },
  );
  t.end();
});

const FAULTS: readonly { name: string; hex: string; pc: number; reason: string }[] = [
  { name: 'half a slot', hex: '9500000000000000 95000000', pc: 1, reason: 'length' },
  { name: 'an opcode that is none', hex: '9500000000000000 ff00000000000000', pc: 1, reason: 'opcode' },
  { name: 'r11', hex: 'b70b000000000000', pc: 0, reason: 'register' },
  { name: 'an offset on exit', hex: '9500010000000000', pc: 0, reason: 'reserved-field' },
  { name: 'a 64-bit immediate cut in half', hex: '1800000000000000', pc: 0, reason: 'second-slot' },
  { name: 'an opcode in the second slot', hex: '1800000000000000 9500000000000000', pc: 0, reason: 'second-slot' },
  {
    name: 'a pc behind a wide instruction',
    hex: '1800000000000000 0000000000000000 0000000000000000',
    pc: 2,
    reason: 'opcode',
  },
];

for (const { name, hex, pc, reason } of FAULTS) {
  t.test(`refuses ${name}`, (t) => {
    const result = decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
    t.match(result, { ok: false, fault: { pc, reason } });
    t.end();
  });
}

t.test('the empty stream has no instructions', (t) => {
  t.strictSame(decode(new Uint8Array(0)), { ok: true, insns: [] });
  t.end();
});

t.test('exactly the 64-bit immediates take two slots', (t) => {
  for (const row of Object.values(INSN_ROWS)) t.equal(isWide(row.name), row.op === 0x18, row.name);
  t.end();
});
