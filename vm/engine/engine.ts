/**
 * The contract of an engine. `compile` gives something immutable that knows a layout but no machine; `bind` joins it with
 * a machine; `run` allocates nothing and leaves r0, the instruction count and a trap in cells.
 */
import type { Ptr } from '../addr.js';
import type { Layout } from '../machine/layout.js';
import type { Machine } from '../machine/machine.js';
import type { FuncId, ObjectSpec } from '../object/object-spec.js';
import type { TrapName } from '../spec/traps.js';

/** What is checked at run time; what is off costs nothing. */
export interface Checks {
  /** Stop a run after `fuel` instructions; looked at on back edges, calls and tail calls. */
  readonly fuel: boolean;
  /** Refuse accesses without rights (needs a layout with shadow). */
  readonly memory: boolean;
  /** With `memory`: reading stack bytes that this frame never wrote is refused too. Linux allows it when privileged. */
  readonly stackInit: boolean;
  /** Count how often each basic block is entered (needs a layout with counters; `block-counts.ts` reads them). */
  readonly counters: boolean;
}

/** What nobody has verified runs with. */
export const ALL_CHECKS: Checks = { fuel: true, memory: true, stackInit: false, counters: false };
export const NO_CHECKS: Checks = { fuel: false, memory: false, stackInit: false, counters: false };

/** Instructions a run may execute unless told otherwise: about a second of `interp`. */
export const DEFAULT_FUEL = 200_000_000;

export type Status = 'exit' | 'trap' | 'paused';

export interface Trap {
  readonly name: TrapName;
  readonly func: FuncId;
  /** Slot from the function's start. */
  readonly pc: number;
  /** The whole story in a line, without the place in the source. */
  readonly message: string;
}

export type Outcome = { readonly insns: number } & (
  { readonly kind: 'exit'; readonly r0: bigint } | { readonly kind: 'trap'; readonly trap: Trap }
);

/** Called around each instruction of a probed run: numbers only. `insn` indexes `FunctionSpec.insns`. */
export interface Probe {
  before(func: FuncId, insn: number): void;
  after(func: FuncId, insn: number): void;
}

/** Packets that are run one after the other. */
export interface Batch {
  readonly count: number;
  /** Puts one where the program finds it. */
  arrive(index: number): void;
  /** Takes over what came of it, from the cells. */
  leave(index: number, status: Status): void;
}

export interface Runner {
  /**
   * Does what a first run of the function would do before it begins; left out where that is nothing.
   * @throws LoadError `load-unsupported` where this host cannot run it
   */
  prepare?(func: FuncId): void;
  /** Runs a function with r1 = `ctx` (and r2 = `arg2`) until it exits or traps. */
  run(func: FuncId, ctx: Ptr, arg2?: number): Status;
  /** Runs a function on each packet of a batch, with r1 = `ctx`. One that traps does not keep the others from being run. */
  runBatch(func: FuncId, ctx: Ptr, batch: Batch): void;
  /** Runs a callback, to be called between runs, with r1-r3. Counts as a run of its own. */
  runCallback(func: FuncId, args: readonly [Ptr, Ptr, Ptr]): Status;
  /** What the last run came to; allocates, so not for hot loops that only want cells. */
  outcome(): Outcome;
}

/** An instruction: `insn` indexes `FunctionSpec.insns`. */
export interface InsnPosition {
  readonly func: FuncId;
  readonly insn: number;
}

/** A runner that can pause between any two instructions. All of its state is in memory. */
export interface SteppingRunner extends Runner {
  begin(func: FuncId, ctx: Ptr, arg2?: number): void;
  /** Executes at most `insns` instructions. */
  step(insns: number): Status;
  /** After a trap: where each open frame stands, the innermost first; those outside of it at their calls. */
  openFrames(): readonly InsnPosition[];
  /** Where the next instruction is. */
  position(): { readonly func: FuncId; readonly insn: number; readonly depth: number };
  /** Value of r0-r10 as u64. */
  register(index: number): bigint;
}

export interface Compiled {
  /** Binds to a machine of the layout that was compiled against. */
  bind(machine: Machine, probe?: Probe): Runner;
}

export interface Engine {
  readonly name: 'interp' | 'wasm';
  /** @throws LoadError `load-unsupported` where this engine cannot run the object */
  compile(object: ObjectSpec, layout: Layout, checks: Checks): Compiled;
}
