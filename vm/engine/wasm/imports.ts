/**
 * What compiled code calls in JavaScript: helpers, the steps of those that call back, the target of a tail call. No signature
 * holds an i64, which would cost a BigInt a call. Register words go as i32. Where compiled code cannot check arguments itself, or a
 * callback is driven, r1-r5 go through the register file in memory, and the same adapter as the interpreter's takes them from there.
 */
import { must } from '../../errors.js';
import { isCallback } from '../../helpers/helper.js';
import type { CallbackHelper, PlainHelper } from '../../helpers/helper.js';
import type { Kfunc } from '../../kfuncs/kfunc.js';
import { functionAt, STACK_BYTES } from '../../machine/layout.js';
import type { Machine } from '../../machine/machine.js';
import { cells, frame, FRAME_BYTES, FRAMES_BASE, iter, MAX_FRAMES, REGS_BASE } from '../../memory/cells.js';
import { raiseTrap } from '../../memory/raise.js';
import { READ_WRITE, WRITE } from '../../memory/shadow.js';
import { helperOf } from '../../helpers/table.js';
import { helperById } from '../../spec/helpers.js';
import type { FunctionSpec, ObjectSpec } from '../../object/object-spec.js';
import type { ModuleBuilder } from '../../wasm/module-builder.js';
import type { ValueType } from '../../wasm/opcodes.js';
import { makeArgCheck, makeCall, memoryArgs, wordsOf } from '../call-helper.js';
import { calleesOf, callRowOf, implementationOf } from '../callee.js';
import type { CalleeName } from '../callee.js';
import type { Checks } from '../engine.js';
import { MAX_TAIL_CALLS } from '../limits.js';

/** Name of the one module that everything is imported from. */
export const IMPORT_MODULE = 'skep';
const REGISTER_WORDS = 22;

/** How an object's functions reach each other, besides plain calls. */
export interface CallKinds {
  readonly tailCalls: boolean;
  readonly registerCalls: boolean;
  /** Callbacks, or callx. */
  readonly pointers: boolean;
  /** Starts timers, whose callbacks are called from outside. */
  readonly timers: boolean;
}

/** What a module calls. */
export interface Needs extends CallKinds {
  readonly plain: readonly (PlainHelper | Kfunc)[];
  readonly callback: readonly CallbackHelper[];
}

/** Function indices of imports in the module. */
export interface Imports {
  readonly plain: ReadonlyMap<CalleeName, number>;
  /** Where arguments are checked: those that take them from the register file, and check them. */
  readonly checked: ReadonlyMap<CalleeName, number>;
  readonly callback: ReadonlyMap<CalleeName, { readonly begin: number; readonly next: number }>;
  /** -1 where the object has no tail calls. */
  readonly tailCall: number;
  /** -1 where the object has no callx. */
  readonly registerCall: number;
}

export function callKindsOf(object: ObjectSpec): CallKinds {
  const names = calleesOf(object.functions);
  const registerCalls = object.functions.some(({ insns }) => insns.some(({ name }) => name === 'callx'));
  const callbacks = [...names].some((name) => {
    const helper = implementationOf(name);
    return helper !== undefined && isCallback(helper);
  });
  return {
    tailCalls: names.has('tail_call'),
    registerCalls,
    pointers: callbacks || registerCalls,
    timers: names.has('timer_set_callback'),
  };
}

export function needsOf(functions: readonly FunctionSpec[], kinds: CallKinds): Needs {
  const helpers = [...calleesOf(functions)].flatMap((name) => implementationOf(name) ?? []);
  return {
    ...kinds,
    plain: helpers.filter((helper): helper is PlainHelper | Kfunc => !isCallback(helper)),
    callback: helpers.filter(isCallback),
  };
}

/** Whether a plain helper has arguments that must be checked, by compiled code or from the register file. */
function hasChecked(name: CalleeName, checks: Checks): boolean {
  return checks.memory && memoryArgs(callRowOf(name)).length > 0;
}

export function declareImports(module: ModuleBuilder, needs: Needs, checks: Checks): Imports {
  const declare = (name: string, parameters: number, results: readonly ValueType[]): number => {
    const words = Array.from({ length: parameters }, (): ValueType => 'i32');
    return module.importFunction(IMPORT_MODULE, name, module.type(words, results));
  };
  return {
    plain: new Map(needs.plain.map(({ name }) => [name, declare(name, wordsOf(callRowOf(name)).length, ['i32'])])),
    checked: new Map(
      needs.plain
        .filter(({ name }) => hasChecked(name, checks))
        .map(({ name }) => [name, declare(`${name}.checked`, 0, [])]),
    ),
    callback: new Map(
      needs.callback.map(({ name }) => [
        name,
        { begin: declare(`${name}.begin`, 0, ['i32']), next: declare(`${name}.next`, 2, ['i32']) },
      ]),
    ),
    tailCall: needs.tailCalls ? declare('tail_call', 2, ['i32']) : -1,
    registerCall: needs.registerCalls ? declare('callx', 2, ['i32']) : -1,
  };
}

/** The functions behind `declareImports` for one machine, for as many modules as there are. */
export class ImportBinder {
  readonly #bound: Record<string, unknown>;
  readonly #machine: Machine;
  readonly #checks: Checks;
  readonly #regs: Int32Array;

  /** @param others memory is bound anyway */
  constructor(machine: Machine, checks: Checks, others: Readonly<Record<string, unknown>>) {
    this.#machine = machine;
    this.#checks = checks;
    this.#regs = new Int32Array(machine.memory.buffer, REGS_BASE, REGISTER_WORDS);
    this.#bound = { memory: machine.memory.host, ...others };
  }

  /** All that was ever asked for. */
  bind(needs: Needs): Readonly<Record<string, unknown>> {
    const machine = this.#machine;
    const checks = this.#checks;
    const regs = this.#regs;
    const bound = this.#bound;
    for (const helper of needs.plain) {
      if (bound[helper.name] !== undefined) continue;
      const fn = helper.bind(machine);
      bound[helper.name] = fn;
      if (!hasChecked(helper.name, checks)) continue;
      const call = makeCall(callRowOf(helper.name), fn, machine, true);
      bound[`${helper.name}.checked`] = () => {
        call(regs);
      };
    }
    for (const helper of needs.callback) {
      if (bound[`${helper.name}.begin`] !== undefined) continue;
      const { begin, next } = bindSteps(helper, machine, checks, regs);
      bound[`${helper.name}.begin`] = begin;
      bound[`${helper.name}.next`] = next;
    }
    if (needs.tailCalls) bound.tail_call ??= bindTailCall(machine, checks);
    if (needs.registerCalls) bound.callx ??= bindRegisterCall(machine, checks, regs);
    return bound;
  }
}

/** Address of the iterator's block in the frame record of a call depth. */
function blockOf(depth: number): number {
  return FRAMES_BASE + depth * FRAME_BYTES + frame.iter;
}

interface Steps {
  /** Function to call, or -1 where there is nothing to call. */
  readonly begin: () => number;
  /** Whether to call once more. */
  readonly next: (r0Lo: number, r0Hi: number) => number;
}

function bindSteps(helper: CallbackHelper, machine: Machine, checks: Checks, regs: Int32Array): Steps {
  const { memory, layout } = machine;
  const row = callRowOf(helper.name);
  const steps = helper.iterate(machine);
  const registers = wordsOf(row);
  const words = registers.map(() => 0);
  const callback = 2 * (row.args.indexOf('func') + 1);
  const check = checks.memory ? makeArgCheck(row, machine) : undefined;
  return {
    begin: () => {
      check?.(regs);
      const pointer = must(regs[callback], 'a callback');
      const func = functionAt(layout, pointer);
      const depth = memory.word(cells.depth) + 1;
      if (depth >= MAX_FRAMES) raiseTrap(memory, 'call-depth');
      const block = blockOf(depth);
      for (let word = 0; word < 10; word++) memory.setWord(block + iter.args + 4 * word, 0);
      for (let i = 0; i < words.length; i++) words[i] = regs[registers[i]!]!;
      if (!steps.begin(block, words)) return -1;
      if (func < 0) raiseTrap(memory, 'bad-callback', pointer, regs[callback + 1]);
      return func;
    },
    next: (r0Lo, r0Hi) => (steps.next(blockOf(memory.word(cells.depth)), r0Lo, r0Hi) ? 1 : 0),
  };
}

function bindTailCall(machine: Machine, checks: Checks): (map: number, index: number) => number {
  const { memory, maps, shadow } = machine;
  return (map, index) => {
    const target = maps.progArray(map).target(index);
    const done = memory.word(cells.tailCalls);
    if (target < 0 || done >= MAX_TAIL_CALLS) return -1;
    memory.setWord(cells.tailCalls, done + 1);
    if (checks.memory) {
      const bottom = machine.framePointer(memory.word(cells.depth)) - STACK_BYTES;
      shadow.mark(bottom, STACK_BYTES, checks.stackInit ? WRITE : READ_WRITE);
    }
    return target;
  };
}

/** The function to call, or -1 where the register names a helper, which has then run on the register file. */
function bindRegisterCall(machine: Machine, checks: Checks, regs: Int32Array): (lo: number, hi: number) => number {
  const { memory, layout } = machine;
  const bound = new Map<number, (regs: Int32Array) => void>();
  return (lo, hi) => {
    const func = hi === 0 ? functionAt(layout, lo) : -1;
    if (func >= 0) return func;
    const row = hi === 0 ? helperById(lo) : undefined;
    if (row === undefined) return raiseTrap(memory, 'bad-callback', lo, hi);
    const helper = helperOf(row.name);
    if (helper === undefined || isCallback(helper)) return raiseTrap(memory, 'unsupported-helper', lo);
    let call = bound.get(lo);
    if (call === undefined) {
      call = makeCall(row, helper.bind(machine), machine, checks.memory);
      bound.set(lo, call);
    }
    call(regs);
    return -1;
  };
}
