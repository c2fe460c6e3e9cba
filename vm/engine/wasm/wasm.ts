/**
 * The compiling engine: eBPF to WebAssembly, a module for each program that is entered. Traps, instruction counts and what is left in memory are
 * those of `interp`, except for what Linux's verifier never lets a program see: r1-r5 after a call of a function are the
 * caller's own, and where a function begins, registers are 0 that it is not given (r0, r6-r9, after a tail call r3-r5 too).
 * Without the memory check, an access outside of the memory is the host's to find: the trap has its place, but neither address
 * nor count. Does not step and takes no probe.
 */
import type { Ptr } from '../../addr.js';
import { InvariantError, LoadError, must } from '../../errors.js';
import { wasm as host } from '../../host.js';
import type { WasmInstance, WasmModule } from '../../host.js';
import { STACK_BYTES } from '../../machine/layout.js';
import type { Machine } from '../../machine/machine.js';
import { cells, MAX_FRAMES } from '../../memory/cells.js';
import { TrapSignal } from '../../memory/raise.js';
import { NO_ACCESS, READ_WRITE, WRITE } from '../../memory/shadow.js';
import type { Rights } from '../../memory/shadow.js';
import type { FuncId } from '../../object/object-spec.js';
import type { Batch, Checks, Compiled, Engine, Outcome, Runner, Status } from '../engine.js';
import { readOutcome } from '../outcome.js';
import { CALLBACK_ENTRY, ENTRY, MAKE, mustCompile, ObjectCompiler } from './compile-module.js';
import type { CompiledGroup, CompileOptions } from './compile-module.js';
import { ImportBinder, IMPORT_MODULE } from './imports.js';
import type { Needs } from './imports.js';
import { noteHostStop, noteStop } from './stopped.js';

type Entry = (ctx: Ptr, arg2: number) => void;
type CallbackEntry = (r1: Ptr, r2: Ptr, r3: Ptr) => void;

class WasmRunner implements Runner {
  readonly #machine: Machine;
  readonly #checks: Checks;
  readonly #compiler: ObjectCompiler;
  readonly #binder: ImportBinder;
  /** By the function that each begins with. */
  readonly #groups: (CompiledGroup | undefined)[] = [];
  readonly #entries: (Entry | undefined)[] = [];
  readonly #callbackEntries: (CallbackEntry | undefined)[] = [];
  /** Whether frames may have rights that the next run must not find. */
  #framesOpen = true;

  constructor(machine: Machine, compiler: ObjectCompiler, checks: Checks) {
    if (host === undefined) throw new InvariantError('no WebAssembly');
    this.#machine = machine;
    this.#checks = checks;
    this.#compiler = compiler;
    const table = compiler.usesTable
      ? new host.Table({ element: 'anyfunc', initial: compiler.tableEntries })
      : undefined;
    this.#binder = new ImportBinder(machine, checks, { table, [MAKE]: (func: FuncId) => this.#make(func) });
    if (table !== undefined) this.#instantiate(compiler.stubs());
    // No frame is open but the first: a program that strays from it into another must be caught.
    if (machine.memory.word(cells.depth) === 0) this.#markFrames(1, MAX_FRAMES - 1, NO_ACCESS);
  }

  prepare(func: FuncId): void {
    this.#make(func);
  }

  run(func: FuncId, ctx: Ptr, arg2 = 0): Status {
    const entry = this.#entries[func] ?? this.#make(func);
    this.#closeFrames();
    try {
      entry(ctx, arg2);
      return 'exit';
    } catch (stop) {
      this.#note(stop);
      return 'trap';
    }
  }

  runBatch(func: FuncId, ctx: Ptr, batch: Batch): void {
    const entry = this.#entries[func] ?? this.#make(func);
    for (let index = 0; index < batch.count; index++) {
      batch.arrive(index);
      let status: Status = 'exit';
      this.#closeFrames();
      try {
        entry(ctx, 0);
      } catch (stop) {
        this.#note(stop);
        status = 'trap';
      }
      batch.leave(index, status);
    }
  }

  runCallback(func: FuncId, [r1, r2, r3]: readonly [Ptr, Ptr, Ptr]): Status {
    this.#make(func);
    const enter = must(this.#callbackEntries[func], 'the entry of a callback');
    this.#closeFrames();
    try {
      enter(r1, r2, r3);
      return 'exit';
    } catch (stop) {
      this.#note(stop);
      return 'trap';
    }
  }

  outcome(): Outcome {
    return readOutcome(this.#machine);
  }

  /** Joins the module that begins with a function to the machine. */
  #make(func: FuncId): Entry {
    const known = this.#entries[func];
    if (known !== undefined) return known;
    const group = this.#compiler.group(func);
    const { exports } = this.#instantiate(group.module, group.needs);
    const entry = exports[ENTRY] as Entry;
    this.#callbackEntries[func] = exports[CALLBACK_ENTRY] as CallbackEntry | undefined;
    this.#groups[func] = group;
    this.#entries[func] = entry;
    return entry;
  }

  #instantiate(module: WasmModule, needs?: Needs): WasmInstance {
    if (host === undefined) throw new InvariantError('no WebAssembly');
    return new host.Instance(module, { [IMPORT_MODULE]: this.#binder.bind(needs ?? NOTHING) });
  }

  /** Says in the cells why a run stopped; what is no trap is thrown on. */
  #note(stop: unknown): void {
    const machine = this.#machine;
    const where = { places: this.#compiler.places, groups: this.#groups };
    this.#framesOpen = this.#checks.memory;
    if (stop instanceof TrapSignal) noteStop(machine, where, this.#checks);
    else if (host === undefined || !(stop instanceof host.RuntimeError)) throw stop;
    // Compiled code that stops itself has noted where.
    else if (/unreachable/i.test(stop.message)) noteStop(machine, where, this.#checks);
    else noteHostStop(machine, where, stop);
  }

  #closeFrames(): void {
    // Another runner of the machine may have been stopped within frames.
    if (this.#framesOpen || this.#machine.memory.word(cells.depth) !== 0) this.#resetFrames();
  }

  #resetFrames(): void {
    // A trap leaves frames open; their rights end with the run.
    this.#markFrames(1, this.#machine.memory.word(cells.depth), NO_ACCESS);
    this.#markFrames(0, 0, this.#checks.stackInit ? WRITE : READ_WRITE);
    this.#framesOpen = this.#checks.stackInit;
  }

  #markFrames(first: number, last: number, rights: Rights): void {
    if (!this.#checks.memory) return;
    const { shadow } = this.#machine;
    for (let depth = first; depth <= last; depth++) {
      shadow.mark(this.#machine.framePointer(depth) - STACK_BYTES, STACK_BYTES, rights);
    }
  }
}

/** What the stubs need. */
const NOTHING: Needs = {
  plain: [],
  callback: [],
  tailCalls: false,
  registerCalls: false,
  pointers: false,
  timers: false,
};

/** Functions beyond this are compiled before a run. */
const LARGE_INSNS = 50_000;

/** @param options other ways to compile than the usual one: for tests, and hosts that lack something */
export function wasmEngine(options?: CompileOptions): Engine {
  return {
    name: 'wasm',
    compile(object, layout, checks): Compiled {
      mustCompile();
      if (checks.memory && layout.shadowDelta === 0)
        throw new InvariantError('the memory check needs a layout with shadow');
      if (checks.counters && layout.counters.length === 0)
        throw new InvariantError('counting blocks needs a layout with counters');
      const compiler = new ObjectCompiler(object, layout, checks, options);
      // What a host may refuse for its size shows before anything runs.
      for (const [func, { insns }] of object.functions.entries()) if (insns.length > LARGE_INSNS) compiler.group(func);
      return {
        bind(machine, probe) {
          if (probe === undefined) return new WasmRunner(machine, compiler, checks);
          throw new LoadError('load-unsupported', 'engine wasm takes no probe', {
            data: { feature: 'probe' },
            hint: 'engine interp takes one',
          });
        },
      };
    },
  };
}

/** @throws LoadError `load-unsupported` where there is no WebAssembly */
export const wasm: Engine = wasmEngine();
