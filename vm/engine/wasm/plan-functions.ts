/**
 * What is decided about the functions of an object before they are emitted: signatures, whether one has a stack frame, whether
 * its calls are replaced by its code, how deep a call chain it may stand in. Worked out as functions are asked for. Knows no code.
 */
import { must } from '../../errors.js';
import { isCallback } from '../../helpers/helper.js';
import { helperOf } from '../../helpers/table.js';
import { checkJumps, flowOf } from '../../isa/flow.js';
import type { Flow } from '../../isa/flow.js';
import { MAX_FRAMES } from '../../memory/cells.js';
import type { FuncId, FunctionSpec, ObjectSpec } from '../../object/object-spec.js';
import { helperById } from '../../spec/helpers.js';
import { usesFrame } from '../frame-use.js';
import { ALL_ARGUMENTS, ARGUMENTS, liveAtEntry, shapesOf } from './register-use.js';
import type { Shape } from './register-use.js';

/** A function this small, without frame and calls, is put where it is called. */
const INLINED_INSNS = 40;
/** Insns that inlining may add to one function. */
export const INLINED_INSNS_A_CALLER = 4000;

/** Registers of the functions that a run or a tail call begins with. */
export const MAIN_PARAMETERS = [1, 2] as const;

const MAIN_SET = 0x06;

export interface FunctionPlan {
  readonly spec: FunctionSpec;
  readonly shapes: readonly Shape[];
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
  readonly callees: readonly FuncId[];
  readonly tails: boolean;
  /** Calls functions through pointers. */
  readonly calls: boolean;
}

function factsOf(spec: FunctionSpec): Facts {
  let tails = false;
  let calls = false;
  const callees: FuncId[] = [];
  const { insns } = spec;
  for (let index = 0; index < insns.length; index++) {
    const { name, imm } = must(insns[index], 'an instruction');
    const kind = callKindOf(name, imm);
    if (kind === 'none' || kind === 'plain') continue;
    const ref = kind === 'local' ? spec.refs.get(index) : undefined;
    if (ref?.kind === 'call') callees.push(ref.func);
    tails ||= kind === 'tail';
    calls ||= kind === 'callback' || kind === 'register';
  }
  return { spec, callees, tails, calls };
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

/** A function and all that its calls lead to, callees before callers as far as there is no recursion. */
function calleesFirst(all: readonly Facts[], start: FuncId): FuncId[] {
  const seen = new Set([start]);
  const order: FuncId[] = [];
  const path: { func: FuncId; next: number }[] = [{ func: start, next: 0 }];
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const callee = all[top.func]?.callees[top.next++];
    if (callee === undefined) {
      order.push(top.func);
      path.pop();
    } else if (!seen.has(callee)) {
      seen.add(callee);
      path.push({ func: callee, next: 0 });
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

/** The plans of an object's functions. */
export class Plans {
  readonly #all: readonly Facts[];
  readonly #isRoot: ReadonlySet<FuncId>;
  readonly #depths: Int32Array;
  readonly #plans: (FunctionPlan | undefined)[] = [];
  readonly #liveIn: number[];

  /** @throws LoadError `load-insn` where a jump leaves its function */
  constructor(object: ObjectSpec) {
    for (const { insns, name } of object.functions) checkJumps(insns, name);
    this.#all = object.functions.map(factsOf);
    this.#isRoot = roots(object);
    this.#depths = depthsOf(object, this.#all);
    this.#liveIn = this.#all.map(() => ALL_ARGUMENTS);
  }

  get(func: FuncId): FunctionPlan {
    const known = this.#plans[func];
    if (known !== undefined) return known;
    for (const each of calleesFirst(this.#all, func)) this.#plans[each] ??= this.#make(each);
    return must(this.#plans[func], 'a plan');
  }

  /** The function, and all that it may call without leaving for another program. */
  closureOf(func: FuncId): readonly FuncId[] {
    const found = new Set([func]);
    for (const each of found) {
      const { spec, callees } = must(this.#all[each], 'facts');
      for (const callee of callees) found.add(callee);
      for (const ref of spec.refs.values()) if (ref.kind === 'func') found.add(ref.func);
    }
    return [...found];
  }

  #make(func: FuncId): FunctionPlan {
    const { spec, callees, tails, calls } = must(this.#all[func], 'facts');
    const flow = flowOf(spec.insns, spec.name);
    const shapes = shapesOf(spec.insns);
    const liveIn = liveAtEntry(spec, shapes, flow, this.#liveIn) & ALL_ARGUMENTS;
    this.#liveIn[func] = liveIn;
    const touchesFrame = usesFrame(spec);
    const isMain = this.#isRoot.has(func);
    const isLeaf = callees.length === 0 && !tails && !calls;
    const frameless = !isMain && isLeaf && !touchesFrame;
    return {
      spec,
      shapes,
      flow,
      parameters:
        isMain && (liveIn & ~MAIN_SET) === 0
          ? MAIN_PARAMETERS
          : ARGUMENTS.filter((register) => (liveIn & (1 << register)) !== 0),
      frameless,
      inlined: frameless && spec.insns.length <= INLINED_INSNS && flow.reducible,
      touchesFrame,
      tails,
      mayBeTooDeep: this.#depths[func]! + 1 >= MAX_FRAMES,
    };
  }
}
