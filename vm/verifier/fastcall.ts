/**
 * Calls for which the compiler saves caller-saved registers although Linux clobbers none (`bpf_fastcall`): their spill
 * slots are not counted as stack if nothing else touches them. Knows no states.
 */
import type { Env } from './env.js';
import { protoOf } from './helper-protos.js';
import { kfuncAt } from './kfunc-protos.js';

const STORE_DW = 0x7b;
const LOAD_DW = 0x79;
const CALLER_SAVED = 0b11_1111;
const GET_SMP_PROCESSOR_ID = 8;
const DISABLED = -0x8000;

export class Fastcall {
  readonly #env: Env;
  /** By function: offset from which on its stack holds such spills only. */
  readonly #from: Int32Array;
  /** By function: holds a call whose spills Linux removes; one whose spills it does not. */
  readonly #removes: Uint8Array;
  readonly #keep: Uint8Array;
  readonly #isPattern: Uint8Array;

  constructor(env: Env) {
    this.#env = env;
    this.#from = new Int32Array(env.subprogs.length);
    this.#removes = new Uint8Array(env.subprogs.length);
    this.#keep = new Uint8Array(env.subprogs.length);
    this.#isPattern = new Uint8Array(env.count);
    for (const [no, { start, end }] of env.subprogs.entries()) {
      let lowest = 0;
      for (let insn = start; insn < end; insn++) {
        if (env.code[insn] === STORE_DW && env.dst[insn] === 10) lowest = Math.min(lowest, env.off[insn]!);
      }
      for (let insn = start; insn < end; insn++) {
        if (env.isHelperCall(insn) || env.isKfuncCall(insn)) this.#findPattern(no, insn, lowest);
      }
    }
  }

  #findPattern(no: number, call: number, lowest: number): void {
    const env = this.#env;
    const kfunc = env.isKfuncCall(call) ? kfuncAt(env, call) : undefined;
    const proto = env.isHelperCall(call) ? protoOf(env, env.imm[call]!) : kfunc;
    if (proto === undefined) return;
    const first = proto.ret === 'void' ? 1 : 0;
    const clobbered = (2 << proto.args.length) - (1 << first);
    let expected = ~clobbered & CALLER_SAVED;
    let off = lowest;
    let pairs = 0;
    for (let i = 1; i <= 6; i++, off += 8) {
      const store = call - i;
      const load = call + i;
      if (store < 0 || load >= env.count) break;
      if (env.code[store] !== STORE_DW || env.code[load] !== LOAD_DW) break;
      if (env.dst[store] !== 10 || env.src[load] !== 10 || env.src[store] !== env.dst[load]) break;
      const bit = 1 << env.src[store]!;
      if ((expected & bit) === 0 || env.off[store] !== off || env.off[load] !== off) break;
      expected &= ~bit;
      this.#isPattern[store] = this.#isPattern[load] = 1;
      pairs++;
    }
    if (pairs === 0) return;
    const isInlined = kfunc === undefined ? env.imm[call] === GET_SMP_PROCESSOR_ID : kfunc.fastcall === true;
    if (isInlined) this.#removes[no] = 1;
    else this.#keep[no] = 1;
    this.#from[no] = Math.min(this.#from[no]!, off);
  }

  /** Something touches the stack from `off` on. */
  noteAccess(no: number, off: number): void {
    if (this.#from[no]! <= off || this.#isPattern[this.#env.insn] !== 0) return;
    this.#from[no] = DISABLED;
  }

  /** Takes the spills that Linux removes off the functions' stacks. */
  finish(): void {
    for (const [no, subprog] of this.#env.subprogs.entries()) {
      const from = this.#from[no]!;
      const removes = from !== DISABLED && this.#removes[no] !== 0 && this.#keep[no] === 0;
      if (removes) subprog.stackBytes = -from;
    }
  }
}
