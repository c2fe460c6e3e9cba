/**
 * The yardstick for the interpreter: the smallest loop that could run these programs. Decoded arrays, one switch, int32 pairs,
 * no checks, no frames, no helpers, no limits, no count. Not part of the product.
 */
import type { Insn } from '../vm/isa/insn.js';
import type { InsnName } from '../vm/spec/insns.js';

const NAMES = [
  'mov64_k',
  'mov64_x',
  'mov32_k',
  'add64_k',
  'add64_x',
  'and64_k',
  'xor64_k',
  'xor64_x',
  'lsh64_k',
  'rsh64_k',
  'lddw',
  'be16',
  'ldxb',
  'ldxh',
  'ldxw',
  'ja',
  'jeq64_k',
  'jne64_k',
  'jgt64_x',
  'jlt64_k',
  'exit',
] as const satisfies readonly InsnName[];

/** Returns a function that runs the program and gives r0's low word. */
export function baseline(insns: readonly Insn[], view: DataView): (ctx: number) => number {
  const length = insns.length;
  const ops = new Uint8Array(length);
  const dsts = new Uint8Array(length);
  const srcs = new Uint8Array(length);
  const offs = new Int32Array(length);
  const los = new Int32Array(length);
  const his = new Int32Array(length);
  const starts = new Map(insns.map((insn, i) => [insn.pc, i]));
  for (const [i, insn] of insns.entries()) {
    const op = (NAMES as readonly string[]).indexOf(insn.name);
    if (op < 0) throw new Error(`the baseline has no ${insn.name}`);
    ops[i] = op;
    dsts[i] = 2 * insn.dst;
    srcs[i] = 2 * insn.src;
    offs[i] = insn.name.startsWith('j') ? (starts.get(insn.pc + 1 + insn.off) ?? 0) : insn.off;
    los[i] = insn.imm;
    his[i] = insn.name === 'lddw' ? insn.immHi : insn.imm >> 31;
  }
  const R = new Int32Array(22);
  return (ctx) => {
    R[2] = ctx;
    R[3] = 0;
    let pc = 0;
    for (;;) {
      const d = dsts[pc]!;
      const s = srcs[pc]!;
      switch (ops[pc]) {
        case 0: // mov64_k
          R[d] = los[pc]!;
          R[d + 1] = his[pc]!;
          break;
        case 1: // mov64_x
          R[d] = R[s]!;
          R[d + 1] = R[s + 1]!;
          break;
        case 2: // mov32_k
          R[d] = los[pc]!;
          R[d + 1] = 0;
          break;
        case 3: {
          // add64_k
          const old = R[d]!;
          const sum = (old + los[pc]!) | 0;
          R[d + 1] = R[d + 1]! + his[pc]! + (sum >>> 0 < old >>> 0 ? 1 : 0);
          R[d] = sum;
          break;
        }
        case 4: {
          // add64_x
          const old = R[d]!;
          const sum = (old + R[s]!) | 0;
          R[d + 1] = R[d + 1]! + R[s + 1]! + (sum >>> 0 < old >>> 0 ? 1 : 0);
          R[d] = sum;
          break;
        }
        case 5: // and64_k
          R[d] = R[d]! & los[pc]!;
          R[d + 1] = R[d + 1]! & his[pc]!;
          break;
        case 6: // xor64_k
          R[d] = R[d]! ^ los[pc]!;
          R[d + 1] = R[d + 1]! ^ his[pc]!;
          break;
        case 7: // xor64_x
          R[d] = R[d]! ^ R[s]!;
          R[d + 1] = R[d + 1]! ^ R[s + 1]!;
          break;
        case 8: {
          // lsh64_k, by 1 to 31
          const by = los[pc]!;
          R[d + 1] = (R[d + 1]! << by) | (R[d]! >>> (32 - by));
          R[d] = R[d]! << by;
          break;
        }
        case 9: {
          // rsh64_k, by 1 to 31
          const by = los[pc]!;
          R[d] = (R[d]! >>> by) | (R[d + 1]! << (32 - by));
          R[d + 1] = R[d + 1]! >>> by;
          break;
        }
        case 10: // lddw
          R[d] = los[pc]!;
          R[d + 1] = his[pc]!;
          break;
        case 11: {
          // be16
          const word = R[d]!;
          R[d] = ((word & 0xff) << 8) | ((word >>> 8) & 0xff);
          R[d + 1] = 0;
          break;
        }
        case 12: // ldxb
          R[d] = view.getUint8((R[s]! + offs[pc]!) | 0);
          R[d + 1] = 0;
          break;
        case 13: // ldxh
          R[d] = view.getUint16((R[s]! + offs[pc]!) | 0, true);
          R[d + 1] = 0;
          break;
        case 14: // ldxw
          R[d] = view.getInt32((R[s]! + offs[pc]!) | 0, true);
          R[d + 1] = 0;
          break;
        case 15: // ja
          pc = offs[pc]!;
          continue;
        case 16: // jeq64_k
          if (R[d] === los[pc] && R[d + 1] === his[pc]) {
            pc = offs[pc]!;
            continue;
          }
          break;
        case 17: // jne64_k
          if (R[d] !== los[pc] || R[d + 1] !== his[pc]) {
            pc = offs[pc]!;
            continue;
          }
          break;
        case 18: // jgt64_x
          if (R[d + 1] === R[s + 1] ? R[d]! >>> 0 > R[s]! >>> 0 : R[d + 1]! >>> 0 > R[s + 1]! >>> 0) {
            pc = offs[pc]!;
            continue;
          }
          break;
        case 19: // jlt64_k
          if (R[d + 1] === his[pc] ? R[d]! >>> 0 < los[pc]! >>> 0 : R[d + 1]! >>> 0 < his[pc]! >>> 0) {
            pc = offs[pc]!;
            continue;
          }
          break;
        default: // exit
          return R[0]!;
      }
      pc++;
    }
  };
}
