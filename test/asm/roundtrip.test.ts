/** What is printed can be read again: every row with random fields, and whole objects. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { assemble, assembleObject, disassembleSource, formatInsn } from '../../vm/asm/index.js';
import { toHex } from '../../vm/bytes.js';
import { parseElf, SHT } from '../../vm/elf/elf.js';
import { encode } from '../../vm/isa/encode.js';
import { insnOf, ROWS } from './random-insn.js';

const RUNS = 60;

for (const alu32 of [false, true]) {
  t.test(`assemble(formatInsn(insn)) with alu32 ${String(alu32)}`, (t) => {
    for (const row of ROWS) {
      fc.assert(
        fc.property(insnOf(row), (insn) => {
          const text = formatInsn(insn, { alu32 });
          const expected = toHex(encode([insn]));
          const actual = toHex(assemble(text).bytes);
          if (actual !== expected) throw new Error(`${text}: ${actual} is not ${expected}`);
        }),
        { numRuns: RUNS },
      );
      t.pass(row.name);
    }
    t.end();
  });
}

t.test('names instead of numbers', (t) => {
  const { bytes } = assemble('goto +1');
  t.equal(bytes.length, 8);
  const jump = { name: 'ja', dst: 0, src: 0, off: 1, imm: 0, immHi: 0, pc: 4 } as const;
  t.equal(formatInsn(jump, { labels: new Map([[6, 'out']]) }), 'goto out');
  const load = { name: 'ld_map_fd', dst: 1, src: 1, off: 0, imm: 3, immHi: 0, pc: 4 } as const;
  t.equal(formatInsn(load, { refs: new Map([[4, 'map conns']]) }), 'r1 = map conns ll');
  const call = { name: 'call_local', dst: 0, src: 1, off: 0, imm: 3, immHi: 0, pc: 4 } as const;
  t.equal(formatInsn(call, { refs: new Map([[4, 'parse']]) }), 'call parse');
  t.equal(formatInsn({ ...call, name: 'call_helper', src: 0, imm: 1 }), 'call bpf_map_lookup_elem');
  t.equal(formatInsn({ ...call, name: 'call_helper', src: 0, imm: 1 }, { style: 'llvm' }), 'call 0x1');
  t.end();
});

/** Contents and relocations of the sections that a text holds. */
function summaryOf(bytes: Uint8Array) {
  const file = parseElf(bytes);
  const nameOf = (section: number): string => file.sections[section]?.name ?? '';
  return Object.fromEntries(
    file.sections
      .filter(({ type, sizeBytes, name }) => {
        return (type === SHT.PROGBITS || type === SHT.NOBITS) && sizeBytes > 0 && !name.startsWith('.debug');
      })
      .map((section) => {
        const relocations = file
          .relocations(section.index)
          // What points into debug sections is not kept; loaders do not look at it.
          .filter(() => !section.name.startsWith('.BTF'))
          .map(({ off, type, symbol }) => `${String(off)} ${String(type)} ${symbol.name || nameOf(symbol.section)}`)
          .sort();
        const { type, flags, sizeBytes } = section;
        return [section.name, { type, flags: flags & 7, sizeBytes, hex: toHex(file.contents(section)), relocations }];
      }),
  );
}

const OBJECTS = ['bpf', 'bpf/examples'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.o') && !name.includes('big-endian'))
    .map((name) => `${folder}/${name}`),
);

t.test('assembleObject(disassembleSource(object)) has the same sections', (t) => {
  t.ok(OBJECTS.length > 1, 'there are objects');
  for (const path of OBJECTS) {
    const bytes = readFileSync(path);
    for (const options of [{}, { alu32: true, source: true }]) {
      t.same(
        summaryOf(assembleObject(disassembleSource(bytes, options), { debugInfo: false })),
        summaryOf(bytes),
        path,
      );
    }
  }
  t.end();
});
