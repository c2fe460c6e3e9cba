/**
 * What holds for every type of every committed object: any bytes decode, and what they decode to encodes to the same
 * bytes, padding aside. Which bits are padding is worked out here by other means.
 */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { parseBtf } from '../../vm/btf/btf.js';
import type { Btf, BtfId } from '../../vm/btf/btf.js';
import { decodeValue, encodeValue } from '../../vm/btf/value.js';
import { SkepError } from '../../vm/errors.js';
import { toHex } from '../../vm/bytes.js';
import { parseElf } from '../../vm/elf/elf.js';

const seed = Number(process.env.SEED ?? 20_260_105);
t.comment(`seed ${seed} (set SEED to change it)`);

const MAX_BYTES = 4096;

/** Objects with BTF, by their paths. */
const objects = ['bpf', 'bpf/examples'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.bpf.o') && !/big-endian|no-btf/.test(name))
    .map((name) => `${folder}/${name}`),
);

function btfOf(path: string): { readonly btf: Btf; readonly section: Uint8Array } {
  const elf = parseElf(new Uint8Array(readFileSync(path)));
  const section = elf.sections.find(({ name }) => name === '.BTF');
  if (section === undefined) throw new Error(`${path} has no BTF`);
  const bytes = elf.contents(section);
  return { btf: parseBtf(bytes), section: bytes };
}

/** Sets the bits that belong to values. */
function markUsed(btf: Btf, id: BtfId, bitOff: number, bits: number, used: Uint8Array): void {
  const type = btf.resolved(id);
  const mark = (from: number, count: number): void => {
    for (let bit = from; bit < from + count; bit++) used[bit >> 3] = (used[bit >> 3] ?? 0) | (1 << (bit & 7));
  };
  switch (type.kind) {
    case 'struct':
    case 'union':
      for (const member of type.members) markUsed(btf, member.type, bitOff + member.bitOff, member.bits, used);
      return;
    case 'array':
      for (let i = 0; i < type.count; i++) {
        markUsed(btf, type.type, bitOff + 8 * i * (btf.sizeOf(type.type) ?? 0), 0, used);
      }
      return;
    case 'var':
      markUsed(btf, type.type, bitOff, 0, used);
      return;
    default:
      mark(bitOff, bits > 0 ? bits : 8 * (btf.sizeOf(id) ?? 0));
  }
}

/** Types that have values. */
function valueTypes(btf: Btf): BtfId[] {
  return Array.from({ length: btf.count }, (_, id) => id).filter((id) => {
    const sizeBytes = btf.sizeOf(id);
    return sizeBytes !== undefined && sizeBytes <= MAX_BYTES && btf.kind(id) !== 'datasec';
  });
}

t.ok(objects.length > 10);
for (const path of objects) {
  t.test(path, (t) => {
    const { btf } = btfOf(path);
    const types = valueTypes(btf);
    for (const id of types) {
      const sizeBytes = btf.sizeOf(id) ?? 0;
      const used = new Uint8Array(sizeBytes);
      markUsed(btf, id, 0, 0, used);
      fc.assert(
        fc.property(fc.uint8Array({ minLength: sizeBytes, maxLength: sizeBytes }), (bytes) => {
          const want = bytes.map((byte, at) => byte & (used[at] ?? 0));
          const got = encodeValue(btf, id, decodeValue(btf, id, bytes));
          if (toHex(got) !== toHex(want)) throw new Error(`type ${id}: ${toHex(want)} became ${toHex(got)}`);
        }),
        { seed, numRuns: 8, examples: [[new Uint8Array(sizeBytes)], [new Uint8Array(sizeBytes).fill(255)]] },
      );
    }
    t.ok(types.length > 0, `${types.length} types`);
    t.end();
  });
}

t.test('broken BTF is refused, not believed', (t) => {
  const { section } = btfOf('bpf/examples/typed.bpf.o');
  let decoded = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(section.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.nat(200),
      (changes, pick) => {
        const bytes = section.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        try {
          const btf = parseBtf(bytes);
          const id = pick % btf.count;
          const sizeBytes = btf.sizeOf(id) ?? 0;
          if (sizeBytes > MAX_BYTES) return;
          const value = decodeValue(btf, id, new Uint8Array(sizeBytes).fill(0x5a));
          decoded++;
          encodeValue(btf, id, value);
        } catch (error) {
          if (!(error instanceof SkepError)) throw error;
        }
      },
    ),
    { seed, numRuns: 3000 },
  );
  t.ok(decoded > 500, 'many are still read');
  t.end();
});
