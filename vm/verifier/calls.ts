/**
 * Calls within the program: static functions, which are walked into; callbacks; returns. Messages are Linux'.
 */
import { errno } from '../spec/errno.js';
import type { Env } from './env.js';
import { checkGlobalCall, matchesBtf } from './global-funcs.js';
import { pushBranch, pushState } from './paths.js';
import { markPrecise } from './precision.js';
import {
  CONST_PTR_TO_MAP,
  NOT_INIT_REG,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_STACK,
  type Reg,
  SCALAR,
  UNKNOWN_REG,
  pointerReg,
} from './reg.js';
import { checkReturnRange } from './returns.js';
import { printState } from './state-text.js';
import { type Frame, MAX_FRAMES, NO_CALLSITE, State, newFrame } from './state.js';
import type { VerifierMap } from './program.js';
import type { Verifier } from './verifier.js';
import { widenAfterCallback } from './widen.js';

/** Sets up what a function finds in r1 to r5. */
export type Arguments = (caller: Frame, callee: Frame) => void;

function passArguments(caller: Frame, callee: Frame): void {
  for (let no = 1; no <= 5; no++) callee.regs[no] = caller.regs[no]!;
}

/** Puts the callee's frame on top of a state. */
function enter(env: Env, state: State, subprog: number, callsite: number, pass: Arguments): Frame {
  if (state.frames.length >= MAX_FRAMES) {
    env.reject(errno.E2BIG, `the call stack of ${state.frames.length + 1} frames is too deep`);
  }
  const caller = state.top;
  const callee = newFrame(callsite, state.frames.length, subprog);
  pass(caller, callee);
  state.frames.push(callee);
  return callee;
}

/** A call of a function of the program. */
export function checkLocalCall(v: Verifier): void {
  const { env } = v;
  const { insn, cur } = env;
  const subprogNo = env.subprogAt(insn + env.imm[insn]! + 1);
  const subprog = env.subprogs[subprogNo]!;
  const matches = matchesBtf(v, subprogNo);
  if (subprog.isGlobal) {
    checkGlobalCall(v, subprogNo, matches);
    env.insn++;
    return;
  }
  const caller = cur.top;
  enter(env, cur, subprogNo, insn, passArguments);
  for (let no = 0; no <= 5; no++) caller.regs[no] = NOT_INIT_REG;
  env.touchAll();
  v.liveness.forgetChain();
  env.insn = subprog.start;
  if (env.log.showsPaths) {
    env.log.add('caller:\n');
    printState(env, cur, caller.no);
    env.log.add('callee:\n');
    printState(env, cur, cur.depth);
  }
}

/** Exit of a function that was called; leaves in `env.insn` where the caller goes on. */
export function leave(v: Verifier): void {
  const { env } = v;
  const { cur } = env;
  const callee = cur.top;
  const r0 = callee.regs[0]!;
  if (r0.type === PTR_TO_STACK) env.invalid('cannot return stack pointer to the caller');
  const caller = cur.frames[cur.depth - 1]!;
  const { inCallback } = callee;
  if (inCallback) {
    if (r0.type !== SCALAR) env.deny('R0 not a scalar value');
    markPrecise(env, 0);
    checkReturnRange(env, r0, callee.callbackRange!, 'At callback return', 'R0');
  } else {
    caller.regs[0] = r0;
  }
  const back = inCallback ? callee.callsite : callee.callsite + 1;
  if (env.log.showsPaths) {
    env.log.add('returning from callee:\n');
    printState(env, cur, callee.no);
    env.log.add(`to caller at ${back}:\n`);
    printState(env, cur, caller.no);
  }
  cur.frames.pop();
  env.insn = back;
  if (inCallback) widenAfterCallback(env, cur, back);
}

/** Explores a callback later, as if the helper called it now. */
export function pushCallback(v: Verifier, subprogNo: number, pass: Arguments): void {
  const { env } = v;
  const { insn, cur } = env;
  matchesBtf(v, subprogNo);
  const subprog = env.subprogs[subprogNo]!;
  subprog.isCallback = true;
  const state = pushBranch(env, subprog.start, insn);
  enter(env, state, subprogNo, insn, pass);
  state.callbackUnrolls++;
  state.frames[state.depth - 1]!.callbackDepth++;
  cur.top.callbackDepth = 0;
}

/** Explores a callback that will run some time after the program. */
export function pushAsyncCallback(v: Verifier, subprogNo: number, pass: Arguments): void {
  const { env } = v;
  matchesBtf(v, subprogNo);
  const subprog = env.subprogs[subprogNo]!;
  subprog.isCallback = true;
  subprog.isAsyncCallback = true;
  const caller = env.cur.top;
  const frame = newFrame(NO_CALLSITE, 0, subprogNo);
  const state = new State([frame]);
  pushState(env, state, subprog.start, env.insn, ' for async cb');
  frame.asyncEntries = caller.asyncEntries + 1;
  pass(caller, frame);
}

function mapPointer(type: number, map: VerifierMap | undefined): Reg {
  const reg = pointerReg(type);
  reg.map = map;
  return reg;
}

const BOOLEAN = { min: 0, max: 1 };

/** callback(u64 index, void *ctx) */
export const loopArguments: Arguments = (caller, callee) => {
  callee.regs[1] = UNKNOWN_REG;
  callee.regs[2] = caller.regs[3]!;
  callee.inCallback = true;
  callee.callbackRange = BOOLEAN;
};

/** callback(map, key, value, void *ctx) */
export const eachArguments: Arguments = (caller, callee) => {
  const { map } = caller.regs[1]!;
  callee.regs[1] = caller.regs[1]!;
  callee.regs[2] = mapPointer(PTR_TO_MAP_KEY, map);
  callee.regs[3] = mapPointer(PTR_TO_MAP_VALUE, map);
  callee.regs[4] = caller.regs[3]!;
  callee.inCallback = true;
  callee.callbackRange = BOOLEAN;
};

/** callback(map, key, value) */
export const timerArguments: Arguments = (caller, callee) => {
  const { map } = caller.regs[1]!;
  callee.regs[1] = mapPointer(CONST_PTR_TO_MAP, map);
  callee.regs[2] = mapPointer(PTR_TO_MAP_KEY, map);
  callee.regs[3] = mapPointer(PTR_TO_MAP_VALUE, map);
  callee.inAsyncCallback = true;
  callee.callbackRange = BOOLEAN;
};
