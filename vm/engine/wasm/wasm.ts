/**
 * The compiling engine: eBPF to WebAssembly, one module an object. Traps, instruction counts and what is left in memory are
 * those of `interp`, except for what Linux's verifier never lets a program see: r1-r5 after a call of a function are the
 * caller's own, and where a function begins, registers are 0 that it is not given (r0, r6-r9, after a tail call r3-r5 too).
 * Without the memory check, an access outside of the memory is the host's to find: the trap has its place, but neither address
 * nor count. Does not step and takes no probe.
 */
import type { Ptr } from '../../addr.js';
import { InvariantError, LoadError, must } from '../../errors.js';
import { wasm as host } from '../../host.js';
import { STACK_BYTES } from '../../machine/layout.js';
import type { Machine } from '../../machine/machine.js';
import { cells, MAX_FRAMES } from '../../memory/cells.js';
import { TrapSignal } from '../../memory/raise.js';
import { NO_ACCESS, READ_WRITE, WRITE } from '../../memory/shadow.js';
import type { Rights } from '../../memory/shadow.js';
import type { FuncId } from '../../object/object-spec.js';
import type { Batch, Checks, Compiled, Engine, Outcome, Runner, Status } from '../engine.js';
import { readOutcome } from '../outcome.js';
import { CALLBACK_ENTRY, compileModule, ENTRY } from './compile-module.js';
import type { CompiledModule, CompileOptions } from './compile-module.js';
import { bindImports, IMPORT_MODULE } from './imports.js';
import { noteHostStop, noteStop } from './stopped.js';

type Entry = (func: FuncId, ctx: Ptr, arg2: number) => void;
type CallbackEntry = (func: FuncId, r1: Ptr, r2: Ptr, r3: Ptr) => void;

class WasmRunner implements Runner {
  readonly #machine: Machine;
  readonly #checks: Checks;
  readonly #entry: Entry;
  /** Undefined where the object has no timers. */
  readonly #callbackEntry: CallbackEntry | undefined;
  readonly #compiled: CompiledModule;
  /** Whether frames may have rights that the next run must not find. */
  #framesOpen = true;

  constructor(machine: Machine, compiled: CompiledModule, checks: Checks) {
    if (host === undefined) throw new InvariantError('no WebAssembly');
    this.#machine = machine;
    this.#checks = checks;
    this.#compiled = compiled;
    const imports = { [IMPORT_MODULE]: bindImports(compiled.needs, machine, checks) };
    const { exports } = new host.Instance(compiled.module, imports);
    this.#entry = exports[ENTRY] as Entry;
    this.#callbackEntry = exports[CALLBACK_ENTRY] as CallbackEntry | undefined;
    // No frame is open but the first: a program that strays from it into another must be caught.
    if (machine.memory.word(cells.depth) === 0) this.#markFrames(1, MAX_FRAMES - 1, NO_ACCESS);
  }

  run(func: FuncId, ctx: Ptr, arg2 = 0): Status {
    if (this.#framesOpen) this.#resetFrames();
    try {
      this.#entry(func, ctx, arg2);
      return 'exit';
    } catch (stop) {
      this.#note(stop);
      return 'trap';
    }
  }

  runBatch(func: FuncId, ctx: Ptr, batch: Batch): void {
    const entry = this.#entry;
    for (let index = 0; index < batch.count; index++) {
      batch.arrive(index);
      let status: Status = 'exit';
      if (this.#framesOpen) this.#resetFrames();
      try {
        entry(func, ctx, 0);
      } catch (stop) {
        this.#note(stop);
        status = 'trap';
      }
      batch.leave(index, status);
    }
  }

  runCallback(func: FuncId, [r1, r2, r3]: readonly [Ptr, Ptr, Ptr]): Status {
    const enter = must(this.#callbackEntry, 'the entry of callbacks');
    if (this.#framesOpen) this.#resetFrames();
    try {
      enter(func, r1, r2, r3);
      return 'exit';
    } catch (stop) {
      this.#note(stop);
      return 'trap';
    }
  }

  outcome(): Outcome {
    return readOutcome(this.#machine);
  }

  /** Says in the cells why a run stopped; what is no trap is thrown on. */
  #note(stop: unknown): void {
    const machine = this.#machine;
    this.#framesOpen = this.#checks.memory;
    if (stop instanceof TrapSignal) noteStop(machine, this.#compiled, this.#checks);
    else if (host === undefined || !(stop instanceof host.RuntimeError)) throw stop;
    // Compiled code that stops itself has noted where.
    else if (/unreachable/i.test(stop.message)) noteStop(machine, this.#compiled, this.#checks);
    else noteHostStop(machine, this.#compiled, stop);
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

/** @param options other ways to compile than the usual one: for tests, and hosts that lack something */
export function wasmEngine(options?: CompileOptions): Engine {
  return {
    name: 'wasm',
    compile(object, layout, checks): Compiled {
      const compiled = compileModule(object, layout, checks, options);
      return {
        bind(machine, probe) {
          if (probe === undefined) return new WasmRunner(machine, compiled, checks);
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
