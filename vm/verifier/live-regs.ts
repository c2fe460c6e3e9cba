/**
 * Which registers are read at an instruction or behind it before they are written: a data flow over each function.
 * Dead registers need not agree when states are compared. Knows no states.
 */
import type { Env } from './env.js';
import { protoOf } from './helper-protos.js';
import { kfuncAt } from './kfunc-protos.js';
import {
  ATOMIC_CMPXCHG,
  ATOMIC_FETCH,
  ATOMIC_LOAD_ACQ,
  ATOMIC_STORE_REL,
  CALL,
  END,
  EXIT,
  JA,
  JCOND,
  JMP,
  JMP32,
  LD,
  LDX,
  LD_IMM64,
  MODE_ATOMIC,
  MODE_MASK,
  MOV,
  SRC_REG,
  ST,
  STX,
  classOf,
  opOf,
} from './opcodes.js';

const ARGS = 0b11_1110;
const CALLER_SAVED = 0b11_1111;
const ALL = 0xffff;

/** Registers read, and written << 16. */
function useAndDef(env: Env, insn: number): number {
  const code = env.code[insn]!;
  const dst = 1 << env.dst[insn]!;
  const src = 1 << env.src[insn]!;
  const op = opOf(code);
  switch (classOf(code)) {
    case LD:
      return code === LD_IMM64 ? dst << 16 : ALL;
    case LDX:
      return src | (dst << 16);
    case ST:
      return dst;
    case STX:
      return (code & MODE_MASK) === MODE_ATOMIC ? atomic(env.imm[insn]!, dst, src) : dst | src;
    case JMP:
    case JMP32:
      if (op === JA || op === JCOND) return 0;
      if (op === EXIT) return 1;
      if (op === CALL) return callArgs(env, insn) | (CALLER_SAVED << 16);
      return (code & SRC_REG) === 0 ? dst : dst | src;
    default: {
      const operand = (code & SRC_REG) === 0 ? 0 : src;
      if (op === END) return dst | (dst << 16);
      return (op === MOV ? operand : dst | operand) | (dst << 16);
    }
  }
}

function atomic(imm: number, dst: number, src: number): number {
  switch (imm) {
    case ATOMIC_CMPXCHG:
      return 1 | dst | src | (1 << 16);
    case ATOMIC_LOAD_ACQ:
      return src | (dst << 16);
    case ATOMIC_STORE_REL:
      return dst | src;
    default:
      return dst | src | ((imm & ATOMIC_FETCH) === 0 ? 0 : src << 16);
  }
}

function callArgs(env: Env, insn: number): number {
  const proto = env.src[insn] === 0 ? protoOf(env, env.imm[insn]!) : kfuncAt(env, insn);
  return proto === undefined ? ARGS : (2 << proto.args.length) - 2;
}

export function computeLiveRegs(env: Env): void {
  const { liveRegs, postorder } = env;
  const use = new Int32Array(env.count);
  for (const insn of postorder) use[insn] = useAndDef(env, insn);
  for (let changed = true; changed;) {
    changed = false;
    for (const insn of postorder) {
      const next = env.next[insn]!;
      const target = env.target[insn]!;
      const after = (next < 0 ? 0 : liveRegs[next]!) | (target < 0 ? 0 : liveRegs[target]!);
      const before = (after & ~(use[insn]! >>> 16)) | (use[insn]! & ALL);
      if (before !== liveRegs[insn]) {
        liveRegs[insn] = before;
        changed = true;
      }
    }
  }
}
