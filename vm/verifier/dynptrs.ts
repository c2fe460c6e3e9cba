/** Dynptrs as arguments of helpers and kernel functions. Messages are Linux'. */
import type { Env } from './env.js';
import { DYNPTR_OBJECT, type DynptrKind, destroyDynptr, dynptrOf, placeDynptr } from './dynptr-slots.js';
import { checkMemAccess } from './memory.js';
import { acquireRef } from './refs.js';
import { CONST_PTR_TO_DYNPTR, PTR_TO_STACK, type Reg } from './reg.js';
import { BAD_PLACE, slotOfObject } from './stack-objects.js';
import type { Verifier } from './verifier.js';

function checkPlace(env: Env, regNo: number): Reg {
  const reg = env.reg(regNo);
  if (reg.type !== PTR_TO_STACK && reg.type !== CONST_PTR_TO_DYNPTR) {
    env.invalid(`arg#${regNo - 1} expected pointer to stack or const struct bpf_dynptr`);
  }
  return reg;
}

/** An initialised dynptr, of that kind if one is named; what is known of it. */
export function checkDynptr(v: Verifier, regNo: number, kind?: DynptrKind, mayBeConst = true): Reg {
  const env: Env = v.env;
  const reg = checkPlace(env, regNo);
  if (reg.type === CONST_PTR_TO_DYNPTR && !mayBeConst) {
    env.invalid('cannot pass pointer to const bpf_dynptr, the helper mutates it');
  }
  const dynptr = dynptrOf(env, reg);
  if (dynptr === undefined) env.invalid(`Expected an initialized dynptr as arg #${regNo - 1}`);
  if (kind !== undefined && dynptr.dynptr?.type !== kind) {
    env.invalid(`Expected a dynptr of type ${kind} as arg #${regNo - 1}`);
  }
  if (reg.type === PTR_TO_STACK) {
    const slot = slotOfObject(env, reg, DYNPTR_OBJECT);
    v.liveness.read(reg.frame, slot);
    v.liveness.read(reg.frame, slot - 1);
  }
  return dynptr;
}

/** Makes a dynptr where the argument points; a clone shares the reference of what it is cloned from. */
export function makeDynptr(v: Verifier, regNo: number, kind: DynptrKind, cloneRefId = 0): void {
  const env: Env = v.env;
  const reg = checkPlace(env, regNo);
  const isFree = reg.type === PTR_TO_STACK && slotOfObject(env, reg, DYNPTR_OBJECT) !== BAD_PLACE;
  if (!isFree) env.invalid('Dynptr has to be an uninitialized dynptr');
  for (let off = 0; off < 16; off += 8) {
    checkMemAccess(v, { ptrReg: regNo, off, bytes: 8, isWrite: true, valueReg: -1 });
  }
  const slot = slotOfObject(env, reg, DYNPTR_OBJECT);
  const frame = env.cur.frames[reg.frame]!;
  destroyDynptr(v, frame, slot);
  destroyDynptr(v, frame, slot - 1);
  const refId = kind !== 'ringbuf' ? 0 : cloneRefId !== 0 ? cloneRefId : acquireRef(env, env.insn);
  placeDynptr(v, frame, slot, kind, refId);
}

/** A dynptr that is given back holds a reference. */
export function checkReleasedDynptr(v: Verifier, regNo: number): void {
  const env: Env = v.env;
  const reg = env.reg(regNo);
  if (reg.type !== PTR_TO_STACK) env.invalid('cannot release unowned const bpf_dynptr');
  const slot = slotOfObject(env, reg, DYNPTR_OBJECT);
  const there = env.cur.frames[reg.frame]!.stack[slot];
  if (slot < 0 || there === undefined || there.reg.refId === 0) env.invalid(`arg ${regNo} is an unacquired reference`);
  checkDynptr(v, regNo, 'ringbuf', false);
}
