/**
 * What is decided about each function of an object before any is emitted: its signature, whether it has a stack frame, whether
 * its calls are replaced by its code, how deep a call chain it may stand in. Knows no code.
 */
import { isCallback } from '../../helpers/helper.js';
import { helperOf } from '../../helpers/table.js';
import { flowOf } from '../../isa/flow.js';
import type { Flow } from '../../isa/flow.js';
import { MAX_FRAMES } from '../../memory/cells.js';
import type { FuncId, FunctionSpec, ObjectSpec } from '../../object/object-spec.js';
import { helperById } from '../../spec/helpers.js';
import { usesFrame } from '../frame-use.js';
import { ALL_ARGUMENTS, ARGUMENTS, liveAtEntry } from './register-use.js';

/** A function this small, without frame and calls, is put where it is called. */
const INLINED_INSNS = 40;
/** Insns that inlining may add to one function. */
export const INLINED_INSNS_A_CALLER = 4000;

/** Registers of the functions that a run or a tail call begins with. */
export const MAIN_PARAMETERS = [1, 2] as const;

const MAIN_SET = 0x06;

export interface FunctionPlan {
  readonly spec: FunctionSpec;
  readonly flow: Flow;
  /** Registers that it takes, in order. */
  readonly parameters: readonly number[];
  /** It needs no frame of its own, and the depth need not tell of it. */
  readonly frameless: boolean;
  readonly inlined: boolean;
  readonly touchesFrame: boolean;
  /** It may leave by a tail call, for a program with a frame. */
  readonly tails: boolean;
  /** A call in it may be one too many. */
  readonly mayBeTooDeep: boolean;
}

/** What an instruction means for the plan: a kind of call, if it is one. */
export type CallKind = 'none' | 'plain' | 'local' | 'callback' | 'tail' | 'register';

export function callKindOf(name: string, imm: number): CallKind {
  if (name === 'call_local') return 'local';
  if (name === 'callx') return 'register';
  if (name === 'call_kfunc') return 'plain';
  if (name !== 'call_helper') return 'none';
  const row = helperById(imm);
  if (row?.name === 'tail_call') return 'tail';
  const helper = row === undefined ? undefined : helperOf(row.name);
  return helper !== undefined && isCallback(helper) ? 'callback' : 'plain';
}

interface Facts {
  readonly spec: FunctionSpec;
  readonly flow: Flow;
  readonly callees: readonly FuncId[];
  readonly tails: boolean;
  /** Calls functions through pointers. */
  readonly calls: boolean;
  readonly touchesFrame: boolean;
}

function factsOf(spec: FunctionSpec): Facts {
  let tails = false;
  let calls = false;
  const callees: FuncId[] = [];
  for (const [index, insn] of spec.insns.entries()) {
    const kind = callKindOf(insn.name, insn.imm);
    const ref = kind === 'local' ? spec.refs.get(index) : undefined;
    if (ref?.kind === 'call') callees.push(ref.func);
    tails ||= kind === 'tail';
    calls ||= kind === 'callback' || kind === 'register';
  }
  return { spec, flow: flowOf(spec.insns, spec.name), callees, tails, calls, touchesFrame: usesFrame(spec) };
}

/** Functions that the object may begin with or call through a pointer. */
function roots(object: ObjectSpec): ReadonlySet<FuncId> {
  const found = new Set<FuncId>(object.programs.map(({ func }) => func));
  found.add(0);
  for (const { values } of object.maps) for (const each of values) if (each.kind === 'func') found.add(each.func);
  for (const { refs } of object.functions)
    for (const ref of refs.values()) if (ref.kind === 'func') found.add(ref.func);
  return found;
}

/** Callees before callers, as far as there is no recursion. */
function calleesFirst(all: readonly Facts[]): FuncId[] {
  const state = new Uint8Array(all.length);
  const order: FuncId[] = [];
  const path: { func: FuncId; next: number }[] = [];
  for (let start = 0; start < all.length; start++) {
    if (state[start] !== 0) continue;
    state[start] = 1;
    path.push({ func: start, next: 0 });
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const callee = all[top.func]?.callees[top.next++];
      if (callee === undefined) {
        order.push(top.func);
        path.pop();
      } else if (state[callee] === 0) {
        state[callee] = 1;
        path.push({ func: callee, next: 0 });
      }
    }
  }
  return order;
}

/** The deepest frame that each function may have, at most MAX_FRAMES. Any function may be the first. */
function depthsOf(object: ObjectSpec, all: readonly Facts[]): Int32Array {
  const depths = new Int32Array(all.length);
  const pointed = new Set<FuncId>();
  for (const { refs } of object.functions)
    for (const ref of refs.values()) if (ref.kind === 'func') pointed.add(ref.func);
  for (let changed = true; changed;) {
    changed = false;
    const raise = (func: FuncId, to: number): void => {
      if (to <= depths[func]! || depths[func]! >= MAX_FRAMES) return;
      depths[func] = to;
      changed = true;
    };
    let tailed = 0;
    for (const [func, { callees, calls, tails }] of all.entries()) {
      const depth = depths[func]!;
      for (const callee of callees) raise(callee, depth + 1);
      // A pointer may have been computed: it may lead anywhere.
      if (calls) for (let to = 0; to < all.length; to++) raise(to, depth + 1);
      if (tails) tailed = Math.max(tailed, depth);
    }
    if (tailed > 0) for (let to = 0; to < all.length; to++) raise(to, tailed);
  }
  return depths;
}

/** @throws LoadError `load-insn` where a jump leaves its function */
export function planFunctions(object: ObjectSpec): readonly FunctionPlan[] {
  const all = object.functions.map(factsOf);
  const isRoot = roots(object);
  const liveIn: number[] = all.map(() => ALL_ARGUMENTS);
  for (const func of calleesFirst(all)) {
    const { spec, flow } = all[func]!;
    liveIn[func] = liveAtEntry(spec, flow, liveIn) & ALL_ARGUMENTS;
  }
  const depths = depthsOf(object, all);
  return all.map(({ spec, flow, callees, tails, calls, touchesFrame }, func) => {
    const isMain = isRoot.has(func);
    const isLeaf = callees.length === 0 && !tails && !calls;
    const frameless = !isMain && isLeaf && !touchesFrame;
    return {
      spec,
      flow,
      parameters:
        isMain && (liveIn[func]! & ~MAIN_SET) === 0
          ? MAIN_PARAMETERS
          : ARGUMENTS.filter((register) => (liveIn[func]! & (1 << register)) !== 0),
      frameless,
      inlined: frameless && spec.insns.length <= INLINED_INSNS && flow.reducible,
      touchesFrame,
      tails,
      mayBeTooDeep: depths[func]! + 1 >= MAX_FRAMES,
    };
  });
}
