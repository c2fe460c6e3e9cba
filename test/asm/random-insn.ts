/** Valid instructions at random and at the edges of their fields, from the rows. */
import fc from 'fast-check';
import type { Insn } from '../../vm/isa/insn.js';
import { INSN_ROWS } from '../../vm/spec/insns.js';
import type { InsnName, InsnRow } from '../../vm/spec/insns.js';

export const ROWS = Object.values(INSN_ROWS) as readonly InsnRow<InsnName>[];

const int16 = fc.oneof(fc.constantFrom(0, 1, -1, 0x7fff, -0x8000), fc.integer({ min: -0x8000, max: 0x7fff }));
const int32 = fc.oneof(fc.constantFrom(0, 1, -1, 0x7fff_ffff, -0x8000_0000), fc.integer());
const register = fc.integer({ min: 0, max: 10 });

function uses(row: InsnRow, ...roles: string[]): boolean {
  return row.operands.some((operand) => roles.includes(operand.split(':')[0] ?? ''));
}

export function insnOf(row: InsnRow<InsnName>): fc.Arbitrary<Insn> {
  return fc.record({
    name: fc.constant(row.name),
    dst: uses(row, 'dst') ? register : fc.constant(0),
    src: uses(row, 'src') ? register : fc.constant(row.src ?? 0),
    off: uses(row, 'off', 'jump16') ? int16 : fc.constant(row.off ?? 0),
    imm: uses(row, 'imm', 'imm64', 'jump32') ? int32 : fc.constant(row.imm ?? 0),
    immHi: uses(row, 'imm64') ? int32 : fc.constant(0),
    pc: fc.constant(0),
  });
}

/** A few instructions of every row, the same in each run. */
export function sampleInsns(eachRow: number): readonly Insn[] {
  return ROWS.flatMap((row) => fc.sample(insnOf(row), { seed: 19, numRuns: eachRow }));
}
