/** Open-coded iterators: objects on the stack that are made, stepped and destroyed by calls. Messages are Linux'. */
import type { Env } from './env.js';
import { notNull } from './jumps.js';
import type { IterShape } from './kfunc-protos.js';
import { checkMemAccess } from './memory.js';
import { pushBranch } from './paths.js';
import { acquireRef, releaseRef } from './refs.js';
import { PTR_TO_STACK, type Reg, ZERO_REG, pointerReg } from './reg.js';
import { BAD_PLACE, slotOfObject } from './stack-objects.js';
import { INVALID_SLOT, ITER, Slot, type State, eight } from './state.js';
import type { Verifier } from './verifier.js';
import { widenFrom } from './widen.js';

/** Where an iterator lies: frame, and slot at the lowest address. */
export interface IterPlace {
  readonly frame: number;
  readonly slot: number;
}

function checkPlace(env: Env, regNo: number): Reg {
  const reg = env.reg(regNo);
  if (reg.type !== PTR_TO_STACK) env.invalid(`arg#${regNo - 1} expected pointer to an iterator on stack`);
  return reg;
}

export function makeIter(v: Verifier, regNo: number, shape: IterShape): void {
  const env: Env = v.env;
  const reg = checkPlace(env, regNo);
  const object = { kind: 'iter', slots: shape.slots };
  const frame = env.cur.frames[reg.frame]!;
  const before = slotOfObject(env, reg, object);
  let isFree = before !== BAD_PLACE;
  for (let i = 0; before >= 0 && i < shape.slots; i++) if (hasIterBytes(frame.stack[before - i]!)) isFree = false;
  if (!isFree) env.invalid(`expected uninitialized iter_${shape.name} as arg #${regNo - 1}`);
  for (let off = 0; off < 8 * shape.slots; off += 8) {
    checkMemAccess(v, { ptrReg: regNo, off, bytes: 8, isWrite: true, valueReg: -1 });
  }
  const slot = slotOfObject(env, reg, object);
  const id = acquireRef(env, env.insn);
  for (let i = 0; i < shape.slots; i++) {
    const iter = pointerReg(PTR_TO_STACK);
    iter.refId = i === 0 ? id : 0;
    iter.iter = { name: shape.name, state: 'active', depth: 0 };
    frame.setSlot(slot - i, new Slot(eight(ITER), iter));
    wrote(v, reg.frame, slot - i);
  }
}

function wrote(v: Verifier, frame: number, slot: number): void {
  v.liveness.write(frame, slot);
  v.env.dirtySlots[slot] = 1;
}

function hasIterBytes(slot: Slot): boolean {
  for (let byte = 0; byte < 8; byte++) if (slot.typeAt(byte) === ITER) return true;
  return false;
}

/** An iterator that was made and not destroyed. */
export function checkIter(v: Verifier, regNo: number, shape: IterShape): IterPlace {
  const env: Env = v.env;
  const reg = checkPlace(env, regNo);
  const slot = slotOfObject(env, reg, { kind: 'iter', slots: shape.slots });
  const { stack } = env.cur.frames[reg.frame]!;
  const isIter = (i: number): boolean => {
    const there = stack[slot - i];
    return there?.types === eight(ITER) && there.reg.iter?.name === shape.name && (there.reg.refId !== 0) === (i === 0);
  };
  for (let i = 0; i < shape.slots; i++) {
    if (slot < 0 || !isIter(i)) env.invalid(`expected an initialized iter_${shape.name} as arg #${regNo - 1}`);
  }
  for (let i = 0; i < shape.slots; i++) v.liveness.read(reg.frame, slot - i);
  return { frame: reg.frame, slot };
}

export function destroyIter(v: Verifier, { frame, slot }: IterPlace, shape: IterShape): void {
  const env: Env = v.env;
  const holder = env.cur.frames[frame]!;
  releaseRef(env, holder.stack[slot]!.reg.refId);
  for (let i = 0; i < shape.slots; i++) {
    holder.setSlot(slot - i, INVALID_SLOT);
    wrote(v, frame, slot - i);
  }
}

function stepped(state: State, { frame, slot }: IterPlace, next: 'active' | 'drained'): void {
  const holder = state.frames[frame]!;
  const there = holder.stack[slot]!;
  const iter = there.reg.iter!;
  const reg = there.reg.copy();
  reg.iter = { name: iter.name, state: next, depth: iter.depth + (next === 'active' ? 1 : 0) };
  holder.setSlot(slot, there.with(reg));
}

/** One way has another element, the other one none; the first is explored as long as rounds differ. */
export function stepIter(v: Verifier, place: IterPlace): void {
  const env: Env = v.env;
  const { insn } = env;
  const here = env.cur;
  if (here.frames[place.frame]!.stack[place.slot]!.reg.iter?.state === 'active') {
    const queued = pushBranch(env, insn + 1, insn);
    stepped(queued, place, 'active');
    widenFrom(env, here.parent, insn, queued);
    const { regs } = queued.top;
    regs[0] = notNull(regs[0]!);
  }
  stepped(here, place, 'drained');
  env.dirtySlots[place.slot] = 1;
  env.setReg(0, ZERO_REG);
}
