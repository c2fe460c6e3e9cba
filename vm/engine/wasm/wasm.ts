/**
 * The compiling engine: eBPF to WebAssembly, one module an object. Traps, instruction counts and what is left in memory are
 * those of `interp`, except for what Linux's verifier never lets a program see: r1-r5 after a call of a function are the
 * caller's own, and r0 and r6-r9 are 0 where a function begins. Does not step and takes no probe.
 */
import type { Ptr } from '../../addr.js';
import { InvariantError, LoadError } from '../../errors.js';
import { wasm as host } from '../../host.js';
import { STACK_BYTES } from '../../machine/layout.js';
import type { Machine } from '../../machine/machine.js';
import { cells, MAX_FRAMES } from '../../memory/cells.js';
import { TrapSignal } from '../../memory/raise.js';
import { NO_ACCESS, READ_WRITE, WRITE } from '../../memory/shadow.js';
import type { Rights } from '../../memory/shadow.js';
import type { FuncId } from '../../object/object-spec.js';
import type { Checks, Compiled, Engine, Outcome, Runner, Status } from '../engine.js';
import { readOutcome } from '../outcome.js';
import { compileModule, ENTRY } from './compile-module.js';
import type { CompiledModule } from './compile-module.js';
import type { ControlFlow } from './emit-function.js';
import { bindImports, IMPORT_MODULE } from './imports.js';

type Entry = (func: FuncId, ctx: Ptr, arg2: number) => void;

class WasmRunner implements Runner {
  readonly #machine: Machine;
  readonly #checks: Checks;
  readonly #entry: Entry;

  constructor(machine: Machine, { module, needs }: CompiledModule, checks: Checks) {
    if (host === undefined) throw new InvariantError('no WebAssembly');
    this.#machine = machine;
    this.#checks = checks;
    const imports = { [IMPORT_MODULE]: bindImports(needs, machine, checks) };
    this.#entry = new host.Instance(module, imports).exports[ENTRY] as Entry;
    // No frame is open but the first: a program that strays from it into another must be caught.
    if (machine.memory.word(cells.depth) === 0) this.#markFrames(1, MAX_FRAMES - 1, NO_ACCESS);
  }

  run(func: FuncId, ctx: Ptr, arg2 = 0): Status {
    const { memory } = this.#machine;
    // A trap leaves frames open; their rights end with the run.
    this.#markFrames(1, memory.word(cells.depth), NO_ACCESS);
    this.#markFrames(0, 0, this.#checks.stackInit ? WRITE : READ_WRITE);
    memory.setWord(cells.trapCode, 0);
    memory.setWord(cells.depth, 0);
    memory.setWord(cells.tailCalls, 0);
    memory.setWord(cells.mayGoto, 0);
    try {
      this.#entry(func, ctx, arg2);
      return 'exit';
    } catch (stop) {
      if (stop instanceof TrapSignal) return 'trap';
      // Compiled code fills the trap cells before it stops itself.
      if (host !== undefined && stop instanceof host.RuntimeError && memory.word(cells.trapCode) !== 0) return 'trap';
      throw stop;
    }
  }

  outcome(): Outcome {
    return readOutcome(this.#machine);
  }

  #markFrames(first: number, last: number, rights: Rights): void {
    if (!this.#checks.memory) return;
    const { shadow } = this.#machine;
    for (let depth = first; depth <= last; depth++) {
      shadow.mark(this.#machine.framePointer(depth) - STACK_BYTES, STACK_BYTES, rights);
    }
  }
}

/** @param control `dispatch` compiles jumps in the way meant for graphs that do not nest: for tests */
export function wasmEngine(control: ControlFlow = 'structured'): Engine {
  return {
    name: 'wasm',
    compile(object, layout, checks): Compiled {
      const compiled = compileModule(object, layout, checks, control);
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

/** @throws LoadError `load-unsupported` for `callx`, tail calls where the host lacks them, and where there is no WebAssembly */
export const wasm: Engine = wasmEngine();
