/**
 * What the emitters of one function share: its code, where registers live, the instruction count and the way out for traps.
 * Knows no instruction.
 */
import type { SpecialField } from '../../hooks/hook.js';
import type { Layout } from '../../machine/layout.js';
import { STACK_BYTES } from '../../machine/layout.js';
import { cells } from '../../memory/cells.js';
import type { FunctionSpec, ObjectSpec } from '../../object/object-spec.js';
import { TRAP_CODES } from '../../spec/traps.js';
import type { TrapName } from '../../spec/traps.js';
import { CodeBuilder } from '../../wasm/code-builder.js';
import type { ValueType } from '../../wasm/opcodes.js';
import type { Checks } from '../engine.js';
import type { Imports } from './imports.js';

/** Every eBPF function takes r1-r5 and the instructions executed so far, and returns r0 and the same count. */
export const PARAMETERS: readonly ValueType[] = ['i64', 'i64', 'i64', 'i64', 'i64', 'i64'];
export const RESULTS: readonly ValueType[] = ['i64', 'i64'];

/** What all functions of a module share. */
export interface ModuleContext {
  readonly object: ObjectSpec;
  readonly layout: Layout;
  readonly checks: Checks;
  readonly imports: Imports;
  /** Index of each function in the module, and of the type that they all have. */
  readonly functions: readonly number[];
  readonly type: number;
  /** Ctx fields, by offset, whose stores do more than hold bits. */
  readonly special: ReadonlyMap<number, SpecialField>;
}

export class FunctionContext {
  readonly module: ModuleContext;
  readonly func: number;
  readonly spec: FunctionSpec;
  readonly code = new CodeBuilder(PARAMETERS.length);
  /** Locals: the count, the lowest byte of the stack frame, scratch, the function called back, the next block of a dispatch loop. */
  readonly insns = PARAMETERS.length - 1;
  readonly frame: number;
  readonly address: number;
  readonly scratch: number;
  readonly word: number;
  readonly callee: number;
  readonly next: number;
  /** Whether r10 always is the frame's end. */
  readonly fixedFramePointer: boolean;
  /** The instruction that is being emitted, and instructions behind it that were charged together with it. */
  at = 0;
  ahead = 0;
  readonly #registers: readonly number[];

  constructor(module: ModuleContext, func: number, spec: FunctionSpec, fixedFramePointer: boolean) {
    this.module = module;
    this.func = func;
    this.spec = spec;
    this.fixedFramePointer = fixedFramePointer;
    const { code } = this;
    const r0 = code.local('i64');
    const rest = Array.from({ length: 5 }, () => code.local('i64'));
    this.#registers = [r0, 0, 1, 2, 3, 4, ...rest];
    this.address = code.local('i64');
    this.scratch = code.local('i64');
    this.frame = code.local('i32');
    this.word = code.local('i32');
    this.callee = code.local('i32');
    this.next = code.local('i32');
  }

  /** Pushes a register. */
  get(register: number): CodeBuilder {
    return this.code.localGet(this.#registers[register]!);
  }

  /** Pops into a register. */
  set(register: number): CodeBuilder {
    return this.code.localSet(this.#registers[register]!);
  }

  /** Pushes a register's low word. */
  getWord(register: number): CodeBuilder {
    return this.get(register).op('i32.wrap_i64');
  }

  /** Pops a word into a register, its high word 0. */
  setWord(register: number): CodeBuilder {
    this.code.op('i64.extend_i32_u');
    return this.set(register);
  }

  /** Sets `frame` and r10 by the call depth. */
  openFrame(): void {
    const { layout } = this.module;
    this.code
      .i32(0)
      .memory('i32.load', cells.depth)
      .i32(layout.frameStride)
      .op('i32.mul')
      .i32(layout.stack)
      .op('i32.add');
    this.code.localTee(this.frame).i32(STACK_BYTES).op('i32.add').op('i64.extend_i32_u');
    this.set(10);
  }

  /** Counts instructions as executed. */
  charge(insns: number): void {
    this.code.localGet(this.insns).i64(insns).op('i64.add').localSet(this.insns);
  }

  /** Pushes the instructions executed up to and with this one. */
  getInsns(): void {
    this.code.localGet(this.insns);
    if (this.ahead !== 0) this.code.i64(this.ahead).op('i64.sub');
  }

  /** Notes in cells how far the run has come, for whatever may stop it here. */
  storePlace(): void {
    const { code } = this;
    code.i32(0);
    this.getInsns();
    code.memory('i64.store', cells.insns);
    code.i32(0).i64(this.func, this.at).memory('i64.store', cells.trapFunc);
  }

  /** Stops the run here. */
  trap(name: TrapName, detail = 0): void {
    this.storePlace();
    this.code.i32(0).i32(TRAP_CODES[name]).memory('i32.store', cells.trapCode);
    this.code.i32(0).i64(detail, 0).memory('i64.store', cells.trapA);
    this.code.i32(0).i32(0).memory('i32.store', cells.trapAccess);
    this.code.op('unreachable');
  }

  /** Where fuel is checked: stops the run if more was executed than it may. */
  checkFuel(): void {
    if (!this.module.checks.fuel) return;
    this.getInsns();
    this.code.i32(0).memory('i64.load', cells.fuel).op('i64.gt_u').if();
    this.trap('fuel');
    this.code.end();
  }

  /** Returns r0 to the caller. */
  leave(): void {
    this.get(0);
    this.getInsns();
    this.code.op('return');
  }
}
