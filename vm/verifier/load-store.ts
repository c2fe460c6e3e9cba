/**
 * Load and store instructions: their fields, then the access. Messages and their order are Linux'.
 */
import {
  ADD,
  AND,
  ATOMIC_CMPXCHG,
  ATOMIC_FETCH,
  ATOMIC_LOAD_ACQ,
  ATOMIC_STORE_REL,
  ATOMIC_XCHG,
  MODE_ABS,
  MODE_ATOMIC,
  MODE_IND,
  MODE_MASK,
  MODE_MEM,
  MODE_MEMSX,
  OR,
  PSEUDO_FUNC,
  PSEUDO_MAP_IDX_VALUE,
  PSEUDO_MAP_VALUE,
  SIZE_MASK,
  XOR,
  sizeOf,
} from './opcodes.js';
import type { Env } from './env.js';
import { leave } from './calls.js';
import { checkMemAccess, checkSameKind, checkUnmodified } from './memory.js';
import { pushBranch } from './paths.js';
import {
  CONST_PTR_TO_MAP,
  PTR_TO_CTX,
  PTR_TO_FLOW_KEYS,
  PTR_TO_FUNC,
  PTR_TO_MAP_VALUE,
  UNKNOWN_REG,
  ZERO_REG,
  constReg,
  isPacketPointer,
  isSockPointer,
  pointerReg,
  typeText,
} from './reg.js';
import { checkBounds, checkReadable, checkWritable, checkWritableUnknown, clearCallerSaved } from './reg-check.js';
import { checkNothingHeld } from './refs.js';
import type { Verifier } from './verifier.js';

const DW = 0x18;

export function checkLoad(v: Verifier): void {
  const { env } = v;
  loadFrom(v, (env.code[env.insn]! & MODE_MASK) === MODE_MEMSX, false);
}

function loadFrom(v: Verifier, signed: boolean, strictOnce: boolean): void {
  const { env } = v;
  const { insn } = env;
  const src = env.src[insn]!;
  const dst = env.dst[insn]!;
  checkReadable(env, src);
  checkWritable(env, dst);
  const { type } = env.reg(src);
  checkMemAccess(v, {
    ptrReg: src,
    off: env.off[insn]!,
    bytes: sizeOf(env.code[insn]!),
    isWrite: false,
    valueReg: dst,
    strictOnce,
    signed,
  });
  checkSameKind(env, type);
  checkBounds(env, dst, 'ldx');
}

export function checkStore(v: Verifier): void {
  const { env } = v;
  const code = env.code[env.insn]!;
  if ((code & MODE_MASK) === MODE_ATOMIC) {
    checkAtomic(v);
    return;
  }
  if ((code & MODE_MASK) !== MODE_MEM || env.imm[env.insn] !== 0) env.invalid('BPF_STX uses reserved fields');
  storeReg(v, false);
}

function storeReg(v: Verifier, strictOnce: boolean): void {
  const { env } = v;
  const { insn } = env;
  const src = env.src[insn]!;
  const dst = env.dst[insn]!;
  checkReadable(env, src);
  checkReadable(env, dst);
  const { type } = env.reg(dst);
  checkMemAccess(v, {
    ptrReg: dst,
    off: env.off[insn]!,
    bytes: sizeOf(env.code[insn]!),
    isWrite: true,
    valueReg: src,
    strictOnce,
  });
  checkSameKind(env, type);
}

export function checkStoreImm(v: Verifier): void {
  const { env } = v;
  const { insn } = env;
  const code = env.code[insn]!;
  const dst = env.dst[insn]!;
  if ((code & MODE_MASK) !== MODE_MEM || env.src[insn] !== 0) env.invalid('BPF_ST uses reserved fields');
  checkReadable(env, dst);
  const { type } = env.reg(dst);
  checkMemAccess(v, { ptrReg: dst, off: env.off[insn]!, bytes: sizeOf(code), isWrite: true, valueReg: -1 });
  checkSameKind(env, type);
}

const READ_MODIFY_WRITE: ReadonlySet<number> = new Set([
  ...[ADD, AND, OR, XOR].flatMap((op) => [op, op | ATOMIC_FETCH]),
  ATOMIC_XCHG,
  ATOMIC_CMPXCHG,
]);

function checkAtomic(v: Verifier): void {
  const { env } = v;
  const imm = env.imm[env.insn]!;
  if (imm === ATOMIC_LOAD_ACQ) {
    loadFrom(v, false, true);
    refusePlain(env, env.src[env.insn]!, 'loads from');
  } else if (imm === ATOMIC_STORE_REL) {
    storeReg(v, true);
    refusePlain(env, env.dst[env.insn]!, 'stores into');
  } else if (READ_MODIFY_WRITE.has(imm)) {
    checkReadModifyWrite(v, imm);
  } else {
    env.invalid(`BPF_ATOMIC uses invalid atomic opcode ${(imm >>> 0).toString(16).padStart(2, '0')}`);
  }
}

/** Memory that atomic instructions may not touch. */
function refusePlain(env: Env, no: number, what: string): void {
  const { type } = env.reg(no);
  if (type === PTR_TO_CTX || isPacketPointer(type) || type === PTR_TO_FLOW_KEYS || isSockPointer(type)) {
    env.deny(`BPF_ATOMIC ${what} R${no} ${typeText(type)} is not allowed`);
  }
}

function checkReadModifyWrite(v: Verifier, imm: number): void {
  const { env } = v;
  const { insn } = env;
  const code = env.code[insn]!;
  const bytes = sizeOf(code);
  const src = env.src[insn]!;
  const dst = env.dst[insn]!;
  if (bytes < 4) env.invalid('invalid atomic operand size');
  checkReadable(env, src);
  checkReadable(env, dst);
  if (imm === ATOMIC_CMPXCHG) checkReadable(env, 0);
  refusePlain(env, dst, 'stores into');
  let loaded = -1;
  if ((imm & ATOMIC_FETCH) !== 0) {
    loaded = imm === ATOMIC_CMPXCHG ? 0 : src;
    checkWritableUnknown(env, loaded);
  }
  const access = { ptrReg: dst, off: env.off[insn]!, bytes, strictOnce: true };
  checkMemAccess(v, { ...access, isWrite: false, valueReg: -1 });
  if (loaded >= 0) checkMemAccess(v, { ...access, isWrite: false, valueReg: loaded });
  checkMemAccess(v, { ...access, isWrite: true, valueReg: -1 });
}

export function checkLdImm(v: Verifier): void {
  const env: Env = v.env;
  const { insn } = env;
  const dst = env.dst[insn]!;
  if (env.off[insn] !== 0) env.invalid('BPF_LD_IMM64 uses reserved fields');
  checkWritable(env, dst);
  const kind = env.src[insn]!;
  if (kind === 0) {
    env.setReg(dst, constReg(env.imm[insn]!, env.imm[insn + 1]!));
    return;
  }
  if (kind === PSEUDO_FUNC) {
    const subprog = env.subprogAt(insn + env.imm[insn]! + 1);
    if (!env.hasFuncInfo) env.invalid('missing btf func_info');
    if (env.subprogs[subprog]!.isGlobal) env.invalid('callback function not static');
    const reg = pointerReg(PTR_TO_FUNC);
    reg.subprog = subprog;
    env.setReg(dst, reg);
    return;
  }
  const isValue = kind === PSEUDO_MAP_VALUE || kind === PSEUDO_MAP_IDX_VALUE;
  const reg = pointerReg(isValue ? PTR_TO_MAP_VALUE : CONST_PTR_TO_MAP);
  reg.map = env.mapAt(insn);
  if (isValue) reg.off = env.imm[insn + 1]!;
  env.setReg(dst, reg);
}

const SKB_TYPES: ReadonlySet<string> = new Set(['socket_filter', 'sched_cls', 'sched_act']);

/** A legacy packet load: r6 holds the context, r0 takes the value. */
export function checkLdAbs(v: Verifier, code: number): void {
  const env: Env = v.env;
  const { insn } = env;
  const mode = code & MODE_MASK;
  if (mode !== MODE_ABS && mode !== MODE_IND) {
    env.invalid(mode === 0 ? 'invalid BPF_LD_IMM insn' : 'invalid BPF_LD mode');
  }
  if (!SKB_TYPES.has(env.program.type)) {
    env.invalid('BPF_LD_[ABS|IND] instructions not allowed for this program type');
  }
  const src = env.src[insn]!;
  if (env.dst[insn] !== 0 || env.off[insn] !== 0 || (code & SIZE_MASK) === DW || (mode === MODE_ABS && src !== 0)) {
    env.invalid('BPF_LD_[ABS|IND] uses reserved fields');
  }
  checkReadable(env, 6);
  checkNothingHeld(env, true, 'BPF_LD_[ABS|IND]');
  const ctx = env.reg(6);
  if (ctx.type !== PTR_TO_CTX) env.invalid('at the time of BPF_LD_ABS|IND R6 != pointer to skb');
  if (mode === MODE_IND) checkReadable(env, src);
  checkUnmodified(env, ctx, 6, false);
  clearCallerSaved(env);
  env.setReg(0, UNKNOWN_REG);
  if (env.cur.depth === 0) {
    env.insn++;
    return;
  }
  // Behind the packet's end the function returns 0.
  pushBranch(env, insn + 1, insn);
  env.setReg(0, ZERO_REG);
  leave(v);
}
