/** Makes a program of a text in which kernel functions stand by name. */
import { assemble } from '../../vm/asm/assemble.js';
import { KFUNCS } from '../../vm/spec/kfuncs.js';
import type { SlotRef, VerifierProgram } from '../../vm/verifier/verify.js';
import { KFUNC_MAPS, type KfuncProgram } from './kfunc-programs.js';

const NAMES: readonly string[] = KFUNCS.map(({ name }) => name);
const CALL = 0x85;
const LD_IMM64 = 0x18;

export function kfuncProgramOf({ name, type = 'sched_cls', text }: KfuncProgram): VerifierProgram {
  const numbered = text.replace(/call ([a-z]\w+)/g, (whole, kfunc: string) =>
    NAMES.includes(kfunc) ? `call kfunc ${NAMES.indexOf(kfunc)}` : whole,
  );
  const insns = assemble(numbered).bytes;
  const view = new DataView(insns.buffer, insns.byteOffset);
  const refs = new Map<number, SlotRef>();
  for (let insn = 0; insn * 8 < insns.length; insn++) {
    const code = view.getUint8(insn * 8);
    const src = view.getUint8(insn * 8 + 1) >>> 4;
    const imm = view.getInt32(insn * 8 + 4, true);
    if (code === CALL && src === 2) refs.set(insn, { kind: 'kfunc', name: NAMES[imm] ?? '?' });
    if (code === LD_IMM64 && src === 1) refs.set(insn, { kind: 'map', map: imm });
    if (code === LD_IMM64) insn++;
  }
  return { name, type, flags: 0, license: 'GPL', insns, maps: KFUNC_MAPS, refs };
}
