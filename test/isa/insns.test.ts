/** The instruction table: rows that cannot be mistaken for each other, counted and dated as RFC 9669 and LLVM do. */
import t from 'tap';
import { INSNS, type InsnRow } from '../../vm/spec/insns.js';

const ROWS: readonly InsnRow[] = INSNS;

const uses = (row: InsnRow, field: string): boolean => row.operands.some((operand) => operand.split(':')[0] === field);

/** What a row demands of a field; undefined where the field is an operand. */
function demandOf(row: InsnRow, field: 'dst' | 'src' | 'off' | 'imm'): number | undefined {
  const operands = { dst: ['dst'], src: ['src'], off: ['off', 'jump16'], imm: ['imm', 'imm64', 'jump32'] }[field];
  if (operands.some((operand) => uses(row, operand))) return undefined;
  return field === 'dst' ? 0 : (row[field] ?? 0);
}

t.test('names are unique', (t) => {
  t.equal(new Set(ROWS.map(({ name }) => name)).size, ROWS.length);
  t.end();
});

t.test('no two rows describe the same bytes', (t) => {
  const fields = ['dst', 'src', 'off', 'imm'] as const;
  for (const a of ROWS) {
    for (const b of ROWS) {
      if (a === b || a.op !== b.op) continue;
      const differ = fields.some((field) => {
        const [left, right] = [demandOf(a, field), demandOf(b, field)];
        return left !== undefined && right !== undefined && left !== right;
      });
      t.ok(differ, `${a.name} and ${b.name}`);
    }
  }
  t.end();
});

t.test('a field is a discriminator or an operand, not both', (t) => {
  for (const row of ROWS) {
    for (const field of ['src', 'off', 'imm'] as const) {
      if (row[field] !== undefined) t.equal(demandOf(row, field), row[field], `${row.name}: ${field}`);
    }
  }
  t.end();
});

t.test('rows by group', (t) => {
  const counts: Record<string, number> = {};
  for (const { group } of ROWS) counts[group] = (counts[group] ?? 0) + 1;
  const binary = 8;
  const conditions = 11;
  t.strictSame(counts, {
    // Binary operations and moves with constant and register, two sign-extending moves, neg; swaps to 16 and 32 bits in
    // three orders; conditions, two gotos, three calls, exit; loads and stores of three widths.
    base32: 2 * (binary + 1) + 2 + 1 + 3 * 2 + 2 * conditions + 2 + 3 + 1 + 3 * 3,
    // The same in 64 bits: three sign-extending moves, one swap an order, no goto, call or exit; one width; three
    // sign-extending loads; seven kinds of 64-bit immediate.
    base64: 2 * (binary + 1) + 3 + 1 + 3 + 2 * conditions + 3 + 3 + 7,
    // mul, div, sdiv, mod, smod.
    divmul32: 10,
    divmul64: 10,
    // add, or, and, xor with and without fetch; xchg, cmpxchg.
    atomic32: 10,
    atomic64: 10,
    // Absolute and indirect, three widths.
    packet: 6,
    callx: 1,
    // addr_space_cast, may_goto, load-acquire and store-release of four widths.
    linux: 10,
  });
  t.end();
});

/** First LLVM cpu that has an instruction; whatever is not listed is v1. */
const SINCE: readonly { cpu: number; names: RegExp }[] = [
  { cpu: 2, names: /^j(lt|le|slt|sle)64_/ },
  { cpu: 3, names: /^j\w+32_|^lock_(or|and|xor)|^fetch_|^(cmp)?xchg/ },
  {
    cpu: 4,
    names: /^s(div|mod)|^movsx|^ldxs|^bswap|^gotol$|^may_goto$|^addr_space_cast$|^load_acquire|^store_release|^callx$/,
  },
];

t.test('rows by cpu version', (t) => {
  for (const { name, cpu } of ROWS) t.equal(cpu, SINCE.find(({ names }) => names.test(name))?.cpu ?? 1, name);
  t.end();
});

t.test('calls lose r1 to r5 and set r0', (t) => {
  for (const { name, implicit } of ROWS.filter((row) => row.name.startsWith('call'))) {
    t.equal(implicit?.writes, 0b111111, name);
    t.equal(implicit?.reads, 0b111110, name);
  }
  t.end();
});
