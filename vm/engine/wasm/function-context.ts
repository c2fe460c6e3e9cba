/**
 * What the emitters of one function share: its code, where registers live, what is known of them, the instruction count and the
 * way out for traps. Knows no instruction.
 */
import { must } from '../../errors.js';
import type { SpecialField } from '../../hooks/hook.js';
import type { Layout } from '../../machine/layout.js';
import { STACK_BYTES } from '../../machine/layout.js';
import { cells } from '../../memory/cells.js';
import type { FunctionSpec, ObjectSpec } from '../../object/object-spec.js';
import type { TrapName } from '../../spec/traps.js';
import { CodeBuilder } from '../../wasm/code-builder.js';
import type { Label } from '../../wasm/code-builder.js';
import type { ModuleBuilder } from '../../wasm/module-builder.js';
import type { Checks } from '../engine.js';
import type { Imports } from './imports.js';
import { entryState, knownAs } from './known-values.js';
import type { KnownKind, KnownState } from './known-values.js';
import type { Places } from './places.js';
import type { FunctionPlan } from './plan-functions.js';

/** What all functions of a module share. */
export interface ModuleContext {
  readonly object: ObjectSpec;
  readonly layout: Layout;
  readonly checks: Checks;
  readonly imports: Imports;
  readonly builder: ModuleBuilder;
  readonly plans: readonly FunctionPlan[];
  /** Index of each function in the module. */
  readonly functions: readonly number[];
  /** Type of what a run or a tail call begins with: r1, r2, count -> r0, count. In the table by function. */
  readonly mainType: number;
  /** Type of what is called through a pointer: r1 to r5, count -> r0, count. In the table behind those. */
  readonly pointerType: number;
  readonly places: Places;
  /** Ctx fields, by offset, whose stores do more than hold bits. */
  readonly special: ReadonlyMap<number, SpecialField>;
  /** Whether the host has tail calls. */
  readonly tailCalls: boolean;
  /** Index of the function that looks keys up in a map, by map, as far as there are calls. */
  readonly lookups: Map<number, number>;
  /** Emits a function in the place of its call; its r0 becomes the caller's. */
  readonly emitInlined: (caller: FunctionContext, func: number) => void;
}

/** Where an inlined function ends. */
interface Inlined {
  readonly caller: FunctionContext;
  readonly end: Label;
}

export class FunctionContext {
  readonly module: ModuleContext;
  readonly func: number;
  readonly spec: FunctionSpec;
  readonly plan: FunctionPlan;
  readonly code: CodeBuilder;
  /** Locals: instructions left to execute (less than 0: executed beyond), where to stop, an address for it. */
  readonly left: number;
  readonly place: number;
  readonly address: number;
  /** Locals: the lowest byte of the stack frame, its depth, scratch, the function called back, the next block of a dispatch loop. */
  readonly frame: number;
  readonly depth: number;
  readonly scratch: number;
  readonly word: number;
  readonly callee: number;
  readonly next: number;
  /** Where traps go. */
  readonly stop: Label;
  /** Whether r10 always is the frame's end. */
  readonly fixedFramePointer: boolean;
  readonly inlined: Inlined | undefined;
  /** The instruction that is being emitted. */
  at = 0;
  /** Instructions executed up to and with this one that `left` does not hold yet. */
  owed = 0;
  /** What registers hold in front of the instruction. */
  known: KnownState;
  /** Insns that were inlined so far. */
  inlinedInsns = 0;
  readonly #registers: readonly number[];

  /** @param inlined the context of the function whose code this one's becomes a part of */
  constructor(module: ModuleContext, func: number, fixedFramePointer: boolean, inlined?: FunctionContext) {
    this.module = module;
    this.func = func;
    this.plan = must(module.plans[func], 'a plan');
    this.spec = this.plan.spec;
    this.fixedFramePointer = fixedFramePointer;
    this.known = entryState(fixedFramePointer);
    const { parameters } = this.plan;
    if (inlined === undefined) {
      const code = new CodeBuilder(parameters.length + 1);
      this.code = code;
      this.inlined = undefined;
      this.left = parameters.length;
      this.#registers = Array.from({ length: 11 }, (_, register) => {
        const at = parameters.indexOf(register);
        return at < 0 ? code.local('i64') : at;
      });
      this.address = code.local('i64');
      this.scratch = code.local('i64');
      this.place = code.local('i32');
      this.frame = code.local('i32');
      this.depth = code.local('i32');
      this.word = code.local('i32');
      this.callee = code.local('i32');
      this.next = code.local('i32');
      this.stop = code.block();
    } else {
      const { code } = inlined;
      this.code = code;
      this.#registers = Array.from({ length: 11 }, (_, register) =>
        register === 10 ? inlined.#registers[10]! : code.local('i64'),
      );
      this.left = inlined.left;
      this.place = inlined.place;
      this.address = inlined.address;
      this.scratch = inlined.scratch;
      this.frame = inlined.frame;
      this.depth = inlined.depth;
      this.word = inlined.word;
      this.callee = inlined.callee;
      this.next = inlined.next;
      this.stop = inlined.stop;
      this.owed = inlined.owed;
      for (const register of parameters) {
        this.known[register] = inlined.known[register]!;
        inlined.get(register);
        this.set(register);
      }
      this.inlined = { caller: inlined, end: code.block() };
    }
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

  /** What a register holds, if it is known and of that kind. */
  knownAs(register: number, kind: KnownKind): number | undefined {
    return knownAs(this.known[register]!, kind);
  }

  /** Sets `depth`, `frame` and r10. */
  openFrame(): void {
    const { layout } = this.module;
    const { code } = this;
    code.i32(0).memory('i32.load', cells.depth).localTee(this.depth);
    code.i32(layout.frameStride).op('i32.mul').i32(layout.stack).op('i32.add').localTee(this.frame);
    code.i32(STACK_BYTES).op('i32.add').op('i64.extend_i32_u');
    this.set(10);
  }

  /** Makes `left` exact up to and with this instruction. */
  settle(): void {
    this.charge(this.owed);
    this.owed = 0;
  }

  /** Takes from `left`. */
  charge(insns: number): void {
    if (insns !== 0) this.code.localGet(this.left).i64(insns).op('i64.sub').localSet(this.left);
  }

  /** Number of this instruction's place. */
  #placeHere(trap?: TrapName, access = 0, detail = 0): number {
    const { func, at, owed } = this;
    const frames = this.plan.frameless ? 1 : 0;
    return this.module.places.add({ func, insn: at, owed, frames, access, detail, ...(trap && { trap }) });
  }

  /** Notes in cells how far the run has come, for JavaScript that may stop it here. */
  storePlace(): void {
    const { code } = this;
    code.i32(0).localGet(this.left).memory('i64.store', cells.insns);
    code
      .i32(0)
      .i32(1 + this.#placeHere())
      .memory('i32.store', cells.resume);
  }

  /** Notes where the code stands, for what the host stops by itself. */
  markPlace(trap: TrapName = 'memory'): void {
    this.code.mark(this.#placeHere(trap));
  }

  /** Stops the run here. */
  trap(name: TrapName, detail = 0): void {
    this.code
      .i32(1 + this.#placeHere(name, 0, detail))
      .localSet(this.place)
      .br(this.stop);
  }

  /** Stops the run here if the word on the stack is not 0. */
  trapIf(name: TrapName, detail = 0): void {
    this.code
      .i32(1 + this.#placeHere(name, 0, detail))
      .localSet(this.place)
      .brIf(this.stop);
  }

  /** Stops the run here if the word on the stack is not 0, because of an access; `address` must hold where. */
  refuseIf(access: number): void {
    this.code
      .i32(1 + this.#placeHere('memory', access))
      .localSet(this.place)
      .brIf(this.stop);
  }

  /** Where fuel is checked: stops the run if more was executed than it may. `left` must be exact. */
  checkFuel(): void {
    if (!this.module.checks.fuel) return;
    this.code.localGet(this.left).i64(0).op('i64.lt_s');
    this.trapIf('fuel');
  }

  /** Returns r0 to the caller. */
  leave(): void {
    const { code } = this;
    if (this.inlined !== undefined) {
      const { owed } = this;
      this.charge(owed);
      this.get(0);
      this.inlined.caller.set(0).br(this.inlined.end);
      return;
    }
    this.get(0).localGet(this.left);
    if (this.owed !== 0) code.i64(this.owed).op('i64.sub');
    code.op('return');
  }

  /** Emits what traps come to. */
  finish(): CodeBuilder {
    const { code } = this;
    code.end();
    code.i32(0).localGet(this.address).memory('i64.store', cells.trapA);
    code.i32(0).localGet(this.left).memory('i64.store', cells.insns);
    code.i32(0).localGet(this.place).memory('i32.store', cells.resume);
    return code.op('unreachable');
  }
}
