/** The lower rungs of the fuzz ladder: random bytes, and instructions that exist in any order. Knows no verifier. */
import { encode } from '../../vm/isa/encode.js';
import { type Insn, isWide } from '../../vm/isa/insn.js';
import { INSNS, type InsnName, type InsnRow } from '../../vm/spec/insns.js';
import type { Random } from './random.js';

/** Mostly not even instructions. */
export function randomBytes(random: Random): Uint8Array {
  const bytes = random.bytes(8 * random.between(1, 6));
  // Opcodes that exist, now and then, to come further.
  for (let at = 0; at < bytes.length; at += 8) {
    if (random.percent(50)) bytes[at] = random.pick(ROWS).op;
    if (random.percent(50)) bytes[at + 1] = random.below(11) * 16 + random.below(11);
    if (random.percent(50)) bytes.fill(0, at + 2, at + 8);
  }
  return bytes;
}

/** Without what refers to maps, functions of the kernel or its variables: those are numbers of another world. */
const ROWS = (INSNS as readonly InsnRow<InsnName>[]).filter(
  ({ name }) => !/^ld_(map|btf|var|func)/.test(name) && name !== 'call_kfunc',
);

const SMALL = [0, 0, 1, 2, 3, 7, 8, 16, 31, 32, 63, 64, -1, -8, -16, 0x7fffffff, -0x80000000];

/** Each field is what its instruction allows, and the last instruction is exit. */
export function validInsns(random: Random): Uint8Array {
  const rows = Array.from({ length: random.between(2, 14) }, () => random.pick(ROWS));
  let pc = 0;
  const insns = rows.map((row): Insn => {
    const uses = (role: string): boolean => row.operands.some((operand) => operand.split(':')[0] === role);
    const here = pc;
    pc += isWide(row.name) ? 2 : 1;
    const isJump = uses('jump16') || uses('jump32');
    const distance = random.percent(90) ? random.below(4) : random.between(-4, 6);
    const memory = uses('off');
    return {
      name: row.name,
      dst: uses('dst') ? (memory && random.percent(70) ? 10 : random.below(11)) : 0,
      src: uses('src') ? random.pick([0, 1, 10, random.below(11)]) : (row.src ?? 0),
      off: memory ? random.pick([-8, -16, -4, 0, 4, -512]) : uses('jump16') ? distance : (row.off ?? 0),
      imm: isJump && uses('jump32') ? distance : uses('imm') || uses('imm64') ? random.pick(SMALL) : (row.imm ?? 0),
      immHi: 0,
      pc: here,
    };
  });
  const start: Insn = { name: 'mov64_k', dst: 0, src: 0, off: 0, imm: 1, immHi: 0, pc: 0 };
  return encode([start, ...insns, { ...start, name: 'exit', imm: 0, pc }]);
}
