/**
 * Dynptrs as they lie on the stack, two slots each, and what becomes of them when they are written over or given back.
 * Knows no instructions.
 */
import { errno } from '../spec/errno.js';
import type { Env } from './env.js';
import { mapRegs } from './paths.js';
import { goneReg, releaseRef } from './refs.js';
import {
  CONST_PTR_TO_DYNPTR,
  DYNPTR_LOCAL,
  DYNPTR_RINGBUF,
  DYNPTR_SKB,
  DYNPTR_SKB_META,
  DYNPTR_XDP,
  type DynptrFact,
  MAYBE_NULL,
  PTR_TO_MEM,
  type Reg,
  pointerReg,
} from './reg.js';
import { type ObjectOnStack, slotOfObject } from './stack-objects.js';
import { DYNPTR, type Frame, INVALID_SLOT, Slot, eight } from './state.js';
import type { Verifier } from './verifier.js';

export type DynptrKind = DynptrFact['type'];

export const DYNPTR_OBJECT: ObjectOnStack = { kind: 'dynptr', slots: 2 };

const SLICE_FLAGS: Readonly<Record<DynptrKind, number>> = {
  local: DYNPTR_LOCAL,
  ringbuf: DYNPTR_RINGBUF,
  skb: DYNPTR_SKB,
  xdp: DYNPTR_XDP,
  skb_meta: DYNPTR_SKB_META,
};

/** Modifier of the type of memory that a dynptr's slice points to. */
export function sliceFlag(kind: DynptrKind): number {
  return SLICE_FLAGS[kind];
}

/** A dynptr of its own number. */
function dynptrReg(type: DynptrKind, firstSlot: boolean, id: number, refId: number): Reg {
  const reg = pointerReg(CONST_PTR_TO_DYNPTR);
  reg.id = id;
  reg.refId = refId;
  reg.dynptr = { type, firstSlot };
  return reg;
}

/** The argument of a function that only reads a dynptr. */
export function constDynptr(env: Env, type: DynptrKind): Reg {
  return dynptrReg(type, true, env.newId(), 0);
}

/** Puts a new dynptr into two slots; `refId` 0 where it holds no reference. */
export function placeDynptr(v: Verifier, frame: Frame, slot: number, type: DynptrKind, refId: number): void {
  const id = v.env.newId();
  frame.setSlot(slot, new Slot(eight(DYNPTR), dynptrReg(type, true, id, refId)));
  frame.setSlot(slot - 1, new Slot(eight(DYNPTR), dynptrReg(type, false, id, refId)));
  wrote(v, frame, slot);
}

function wrote(v: Verifier, frame: Frame, slot: number): void {
  for (const each of [slot, slot - 1]) {
    v.env.dirtySlots[each] = 1;
    v.liveness.write(frame.no, each);
  }
}

/** A store into a dynptr's slot ends the dynptr. */
export function destroyDynptr(v: Verifier, frame: Frame, slot: number): void {
  const env: Env = v.env;
  const there = frame.stack[slot];
  if (there?.typeAt(0) !== DYNPTR) return;
  const first = there.reg.dynptr?.firstSlot === true ? slot : slot + 1;
  const { reg } = frame.stack[first]!;
  if (reg.dynptr?.type === 'ringbuf') env.invalid('cannot overwrite referenced dynptr');
  frame.setSlot(first, INVALID_SLOT);
  frame.setSlot(first - 1, INVALID_SLOT);
  const gone = goneReg(env);
  mapRegs(env.cur, (other) => {
    const isSlice = (other.type & ~MAYBE_NULL) === PTR_TO_MEM && other.dynptrId === reg.id;
    return isSlice ? gone : other;
  });
  wrote(v, frame, first);
}

/** Gives a dynptr back: its clones and slices end with it. */
export function releaseDynptr(v: Verifier, regNo: number): void {
  const env: Env = v.env;
  const reg = env.reg(regNo);
  const slot = slotOfObject(env, reg, DYNPTR_OBJECT);
  const frame = env.cur.frames[reg.frame]!;
  const there = frame.stack[slot];
  if (there === undefined) env.fail(errno.EINVAL);
  const { refId } = there.reg;
  releaseRef(env, refId);
  for (let index = 1; index < frame.stack.length; index++) {
    const { reg: other } = frame.stack[index]!;
    if (refId === 0 || other.refId !== refId || other.dynptr?.firstSlot !== true) continue;
    frame.setSlot(index, INVALID_SLOT);
    frame.setSlot(index - 1, INVALID_SLOT);
    wrote(v, frame, index);
  }
}

/** What a dynptr argument is: undefined where there is none. */
export function dynptrOf(env: Env, reg: Reg): Reg | undefined {
  if (reg.type === CONST_PTR_TO_DYNPTR) return reg;
  const slot = slotOfObject(env, reg, DYNPTR_OBJECT);
  if (slot < 0) return undefined;
  const { stack } = env.cur.frames[reg.frame]!;
  const first = stack[slot];
  const second = stack[slot - 1];
  if (first?.reg.dynptr?.firstSlot !== true) return undefined;
  return first.types === eight(DYNPTR) && second?.types === eight(DYNPTR) ? first.reg : undefined;
}
