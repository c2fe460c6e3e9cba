/**
 * Leaves out what a loop repeats: an instruction is shown the first times that a frame comes by it, later only where its jump goes
 * another way than before. Works on the stream and keeps no steps. Knows nothing of text.
 */
import type { RegisterChange, TraceStep } from '../vm/index.js';

/** Times that an instruction is shown in one frame. */
const SHOWN_ROUNDS = 2;

/** Steps that were left out together. */
export interface Fold {
  readonly steps: number;
  readonly depth: number;
  /** The last value of each register that they changed. */
  readonly registers: readonly RegisterChange[];
}

interface Frame {
  readonly visits: Map<string, number>;
  readonly ways: Map<string, boolean>;
  /** Called from a step that was left out. */
  readonly hidden: boolean;
}

export class TraceFolder {
  readonly #show: (item: TraceStep | Fold) => void;
  readonly #frames: Frame[] = [newFrame(false)];
  readonly #changed = new Map<string, RegisterChange>();
  #steps = 0;
  #depth = 0;

  constructor(show: (item: TraceStep | Fold) => void) {
    this.#show = show;
  }

  add(step: TraceStep): void {
    const hidden = this.#hides(step);
    if (hidden) {
      if (this.#steps === 0) this.#depth = step.depth;
      this.#steps++;
      this.#depth = Math.min(this.#depth, step.depth);
      for (const change of step.registers) this.#changed.set(change.name, change);
    } else {
      this.end();
      this.#show(step);
    }
    if (step.enters !== undefined) this.#frames.push(newFrame(hidden));
    if (step.returns?.again === false) this.#frames.pop();
  }

  /** Tells of what was left out last. */
  end(): void {
    if (this.#steps === 0) return;
    const registers = [...this.#changed.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#show({ steps: this.#steps, depth: this.#depth, registers });
    this.#steps = 0;
    this.#changed.clear();
  }

  #hides({ func, pc, branch, returns, trap }: TraceStep): boolean {
    const frame = this.#frames.at(-1);
    if (frame === undefined || trap !== undefined) return false;
    if (returns?.again === false) return frame.hidden;
    const key = `${func} ${String(pc)}`;
    const visits = (frame.visits.get(key) ?? 0) + 1;
    frame.visits.set(key, visits);
    if (branch !== undefined) {
      const before = frame.ways.get(key);
      frame.ways.set(key, branch.taken);
      if (before !== branch.taken) return frame.hidden;
    }
    return frame.hidden || visits > SHOWN_ROUNDS;
  }
}

function newFrame(hidden: boolean): Frame {
  return { visits: new Map(), ways: new Map(), hidden };
}
