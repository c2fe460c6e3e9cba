/**
 * Two engines as one: programs start on the one that starts fast, and go over to the fast one once they have executed so much
 * that compiling pays, or at once where they may run long. A run stays on the engine that it began on. Knows no engine.
 */
import type { Ptr } from '../addr.js';
import { LoadError, must } from '../errors.js';
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import type { FuncId, ObjectSpec } from '../object/object-spec.js';
import { toNumber } from '../u64.js';
import type { Batch, Compiled, Engine, Outcome, Runner, Status } from './engine.js';
import { mayRunLong } from './may-run-long.js';

/** Instructions that a program may execute on the first engine: some, and so many times its own length. */
const COLD_INSNS = 200_000;
const COLD_ROUNDS = 200;

export interface Tiers {
  readonly cold: Engine;
  readonly hot: Engine;
  /** Throws a LoadError where the second engine can run nothing. */
  readonly check: () => void;
}

class TieredRunner implements Runner {
  readonly #object: ObjectSpec;
  readonly #machine: Machine;
  readonly #cold: Runner;
  readonly #hot: () => Runner;
  /** By function: the engine that it has gone over to, and what it executed before. */
  readonly #settled: (Runner | undefined)[] = [];
  readonly #executed: number[] = [];

  constructor(object: ObjectSpec, machine: Machine, cold: Compiled, hot: () => Compiled) {
    this.#object = object;
    this.#machine = machine;
    this.#cold = cold.bind(machine);
    let runner: Runner | undefined;
    this.#hot = () => (runner ??= hot().bind(machine));
  }

  run(func: FuncId, ctx: Ptr, arg2?: number): Status {
    const settled = this.#settled[func] ?? this.#settle(func);
    if (settled !== undefined) return settled.run(func, ctx, arg2);
    const status = this.#cold.run(func, ctx, arg2);
    this.#count(func);
    return status;
  }

  runBatch(func: FuncId, ctx: Ptr, batch: Batch): void {
    for (let index = 0; index < batch.count; index++) {
      batch.arrive(index);
      batch.leave(index, this.run(func, ctx));
    }
  }

  runCallback(func: FuncId, args: readonly [Ptr, Ptr, Ptr]): Status {
    const settled = this.#settled[func] ?? this.#settle(func);
    if (settled !== undefined) return settled.runCallback(func, args);
    const status = this.#cold.runCallback(func, args);
    this.#count(func);
    return status;
  }

  #count(func: FuncId): void {
    const { memory } = this.#machine;
    this.#executed[func]! += toNumber(memory.word(cells.insns), memory.word(cells.insns + 4));
  }

  outcome(): Outcome {
    return this.#cold.outcome();
  }

  /** The engine to go over to now, if it is time. */
  #settle(func: FuncId): Runner | undefined {
    const executed = this.#executed[func];
    if (executed === undefined) this.#executed[func] = 0;
    const isDue =
      executed === undefined
        ? mayRunLong(this.#object, func)
        : executed > COLD_INSNS + COLD_ROUNDS * must(this.#object.functions[func], 'a function').insns.length;
    return isDue ? (this.#settled[func] = this.#hotFor(func)) : undefined;
  }

  /** The second engine, or the first where the second cannot run this program. */
  #hotFor(func: FuncId): Runner {
    const hot = this.#hot();
    try {
      hot.prepare?.(func);
      return hot;
    } catch (error) {
      if (!(error instanceof LoadError)) throw error;
      return this.#cold;
    }
  }
}

/** An engine by the name of the second one. Outcomes are those that both give: the cells say what a run came to. */
export function tiered({ cold, hot, check }: Tiers): Engine {
  return {
    name: hot.name,
    compile(object, layout, checks): Compiled {
      check();
      const first = cold.compile(object, layout, checks);
      let compiled: Compiled | undefined;
      const then = (): Compiled => (compiled ??= hot.compile(object, layout, checks));
      return {
        bind: (machine, probe) =>
          probe === undefined ? new TieredRunner(object, machine, first, then) : then().bind(machine, probe),
      };
    },
  };
}
