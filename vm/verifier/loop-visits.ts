/**
 * Rounds through loops. While a loop is being explored, a checkpoint in it does not know yet what its continuation relies
 * on; what arrives there is kept, and told when the loop is done. Knows no instructions.
 */
import type { Env } from './env.js';
import { markAllPrecise } from './precision.js';
import type { Checkpoint, LoopVisit, State } from './state.js';

const MAX_ROUNDS = 64;

/** Hands precision on from a checkpoint to a state that arrived there; whether anything changed. */
export type Propagate = (env: Env, target: Checkpoint, state: Checkpoint) => boolean;

export class LoopVisits {
  readonly #env: Env;
  readonly #propagate: Propagate;
  readonly #hasLoops: boolean;
  readonly #visits = new Map<string, LoopVisit>();

  constructor(env: Env, propagate: Propagate) {
    this.#env = env;
    this.#propagate = propagate;
    this.#hasLoops = env.scc.some((scc) => scc !== 0);
  }

  /** The outermost loop that a state is in, by the calls that lead there. */
  #visitOf(state: State): LoopVisit | undefined {
    if (!this.#hasLoops) return undefined;
    let key = '';
    for (let frame = 0; frame < state.frames.length; frame++) {
      const insn = state.insnOf(frame);
      const loop = this.#env.scc[insn]!;
      if (loop === 0) {
        key += `${insn},`;
        continue;
      }
      key += `#${loop}`;
      let visit = this.#visits.get(key);
      if (visit === undefined) {
        visit = { entry: undefined, backedges: [] };
        this.#visits.set(key, visit);
      }
      return visit;
    }
    return undefined;
  }

  /** A new checkpoint: in a loop that is not being explored it is the entry. */
  enter(made: Checkpoint): void {
    const visit = this.#visitOf(made);
    made.visit = visit;
    if (visit !== undefined) visit.entry ??= made;
  }

  /** Whether what the checkpoint's continuation relies on is not known in full. */
  isIncomplete(checkpoint: Checkpoint): boolean {
    return checkpoint.visit !== undefined && checkpoint.visit.backedges.length > 0;
  }

  addBackedge(target: Checkpoint, state: Checkpoint, insn: number): void {
    state.insn = insn;
    target.visit?.backedges.push({ state, target });
    this.#env.backedges++;
    this.#env.updatePeak();
  }

  /** A path has ended. */
  finish(state: State): void {
    if (--state.branches > 0) return;
    let child: Checkpoint | undefined;
    let at = state.parent;
    while (at !== undefined) {
      at.branches--;
      if (at.branches > 0) break;
      finishCandidate(at);
      this.#leave(at);
      child = at;
      at = at.parent;
      this.freeIfDone(child);
    }
  }

  #leave(checkpoint: Checkpoint): void {
    const { visit } = checkpoint;
    if (visit?.entry !== checkpoint) return;
    const env = this.#env;
    visit.entry = undefined;
    env.backedges -= visit.backedges.length;
    env.updatePeak();
    for (let round = 0, changed = true; changed; round++) {
      changed = false;
      if (round > MAX_ROUNDS) {
        for (const { state } of visit.backedges) markAllPrecise(env, state);
        break;
      }
      for (const { state, target } of visit.backedges) if (this.#propagate(env, target, state)) changed = true;
    }
    visit.backedges = [];
  }

  /** Forgets a retired checkpoint that nothing descends from. */
  freeIfDone(checkpoint: Checkpoint): void {
    if (!checkpoint.retired || checkpoint.branches > 0 || this.isIncomplete(checkpoint)) return;
    this.#env.retiredStates--;
  }
}

function finishCandidate({ candidate, bucket, retired }: Checkpoint): void {
  if (candidate === undefined || bucket === undefined || retired) return;
  candidate.finished = true;
  candidate.frame = -1;
  bucket.uncleaned++;
}
