/**
 * Whether a state needs no exploring, because a checkpoint at the same instruction allowed everything it can do; and when
 * checkpoints are made and dropped. Counters are Linux'.
 */
import { CALLS_CALLBACK, type Env, FORCE_CHECKPOINT, ITER_NEXT, JUMP_POINT, MAY_GOTO } from './env.js';
import { type Exactness, StateComparer } from './compare-states.js';
import { demand, followDemand } from './precision.js';
import { NOT_INIT_REG, PTR_TO_STACK, SCALAR } from './reg.js';
import { LoopVisits } from './loop-visits.js';
import { printState } from './state-text.js';
import { Bucket, Candidate, type Checkpoint, type Frame, INVALID_SLOT, ITER, type State } from './state.js';
import type { StackLiveness } from './stack-liveness.js';

/** Branches of history that are noted before a checkpoint is forced. */
const MAX_HISTORY = 40;

export class Pruner {
  readonly #env: Env;
  readonly #liveness: StackLiveness;
  readonly #compare: StateComparer;
  readonly visits: LoopVisits;

  constructor(env: Env, liveness: StackLiveness) {
    this.#env = env;
    this.#liveness = liveness;
    this.#compare = new StateComparer(env);
    this.visits = new LoopVisits(env, propagatePrecision);
  }

  #bucket(insn: number): Bucket {
    const env = this.#env;
    const index = ((insn ^ env.cur.top.callsite) >>> 0) % env.count;
    return (env.explored[index] ??= new Bucket());
  }

  /** True: the state under way was seen before. May make a checkpoint of it otherwise. */
  isVisited(insn: number): boolean {
    const env = this.#env;
    const { cur } = env;
    const force = env.testStateFreq || env.has(insn, FORCE_CHECKPOINT) || cur.historyCount > MAX_HISTORY;
    let add = force || (env.jumps - env.jumpsAtCheckpoint >= 2 && env.processed - env.processedAtCheckpoint >= 8);
    const bucket = this.#bucket(insn);
    if (bucket.uncleaned > 0) this.#clean(bucket, insn, cur);
    const { candidates } = bucket;
    let count = 0;
    for (let i = candidates.length - 1; i >= 0; i--) {
      const candidate = candidates[i]!;
      count++;
      if (candidate.insn !== insn) continue;
      const old = candidate.checkpoint;
      let hit = false;
      let loop = false;
      if (!candidate.finished) {
        const answer = candidate.differsAgain(cur) ? 'miss' : this.#compareUnfinished(candidate, cur, insn);
        if (answer === 'loop') hit = loop = true;
        else if (answer === 'hit') hit = true;
        else if (!force && env.jumps - env.jumpsAtCheckpoint < 20 && env.processed - env.processedAtCheckpoint < 100) {
          add = false;
        }
      } else if (!candidate.differsAgain(cur)) {
        loop = this.visits.isIncomplete(old);
        hit = this.#compare.isCoveredBy(candidate, cur, loop ? 'within' : 'loose');
      }
      if (hit) {
        candidate.hits++;
        this.#arriveAt(old, insn, loop);
        return true;
      }
      if (add) candidate.misses++;
      if (this.#isHopeless(candidate)) this.#retire(bucket, i);
    }
    if (env.maxStatesPerInsn < count) env.maxStatesPerInsn = count;
    if (add) this.#checkpoint(bucket, insn);
    return false;
  }

  /** A checkpoint that the path came through: seeing it again may mean an endless loop. */
  #compareUnfinished(candidate: Candidate, cur: State, insn: number): 'hit' | 'loop' | 'miss' {
    const env: Env = this.#env;
    const old = candidate.checkpoint;
    const covers = (exactness: Exactness): boolean => this.#compare.isCovered(old, cur, exactness);
    if (old.top.inAsyncCallback && old.top.asyncEntries !== cur.top.asyncEntries) return 'miss';
    if (env.has(insn, ITER_NEXT)) return covers('within') && isActiveIter(cur) ? 'loop' : 'miss';
    const remembers = !env.has(insn, MAY_GOTO);
    if (!remembers && old.mayGotoDepth !== cur.mayGotoDepth && covers('within')) return 'loop';
    if (env.has(insn, CALLS_CALLBACK)) return covers('within') ? 'hit' : 'miss';
    const isEndless =
      mayLoop(candidate, cur, remembers) &&
      covers('exact') &&
      !iterDepthsDiffer(old, cur) &&
      old.mayGotoDepth === cur.mayGotoDepth &&
      old.callbackUnrolls === cur.callbackUnrolls;
    if (!isEndless) return 'miss';
    env.showLine(insn, '; ');
    env.log.add(`infinite loop detected at insn ${insn}\n`);
    env.log.add('cur state:');
    printState(env, cur, cur.depth);
    env.log.add('old state:');
    printState(env, old, cur.depth);
    env.fail(22);
  }

  /** The checkpoint's continuation is ours: what it relies on, we rely on. */
  #arriveAt(old: Checkpoint, insn: number, loop: boolean): void {
    const env = this.#env;
    const { cur } = env;
    if (env.has(env.insn, JUMP_POINT)) env.remember(-1, false, false, undefined);
    propagatePrecision(env, old, cur);
    if (loop) this.visits.addBackedge(old, cur.checkpoint(), insn);
  }

  #isHopeless({ finished, hits, misses, insn }: Candidate): boolean {
    const patience = !finished && this.#env.has(insn, FORCE_CHECKPOINT) ? 64 : 3;
    return misses > hits * patience + patience;
  }

  #retire(bucket: Bucket, index: number): void {
    const env = this.#env;
    const [candidate] = bucket.candidates.splice(index, 1);
    const { checkpoint, finished, cleaned } = candidate!;
    if (finished && !cleaned) bucket.uncleaned--;
    checkpoint.retired = true;
    env.retiredStates++;
    env.exploredStates--;
    this.visits.freeIfDone(checkpoint);
  }

  /** Strips finished checkpoints of what is dead. */
  #clean(bucket: Bucket, insn: number, cur: State): void {
    for (let i = bucket.candidates.length - 1; i >= 0; i--) {
      const candidate = bucket.candidates[i]!;
      const { checkpoint, finished, cleaned } = candidate;
      if (!finished || cleaned || candidate.insn !== insn || !checkpoint.sameCallsites(cur)) continue;
      if (this.visits.isIncomplete(checkpoint)) continue;
      candidate.cleaned = true;
      candidate.frame = -1;
      bucket.uncleaned--;
      this.#strip(checkpoint);
    }
  }

  #strip(old: Checkpoint): void {
    const env = this.#env;
    const isAlive = this.#liveness.aliveIn(old);
    for (const [no, frame] of old.frames.entries()) {
      const live = env.liveRegs[old.insnOf(no)]!;
      for (let reg = 0; reg < 10; reg++) if (((live >>> reg) & 1) === 0) frame.regs[reg] = NOT_INIT_REG;
      for (let slot = 0; slot < frame.stack.length; slot++) {
        if (frame.stack[slot] !== INVALID_SLOT && !isAlive(no, slot)) frame.setSlot(slot, INVALID_SLOT);
      }
    }
  }

  #checkpoint(bucket: Bucket, insn: number): void {
    const env = this.#env;
    const { cur } = env;
    env.totalStates++;
    env.exploredStates++;
    env.updatePeak();
    env.jumpsAtCheckpoint = env.jumps;
    env.processedAtCheckpoint = env.processed;
    const made = cur.checkpoint();
    made.insn = insn;
    this.visits.enter(made);
    cur.parent = made;
    cur.firstInsn = insn;
    cur.history = undefined;
    env.historyEntry = undefined;
    const candidate = new Candidate(made);
    made.bucket = bucket;
    made.candidate = candidate;
    bucket.candidates.push(candidate);
  }
}

/** Numbers that a checkpoint's continuation relies on are relied on by who arrives there. */
export function propagatePrecision(env: Env, old: Checkpoint, cur: State): boolean {
  for (let no = old.depth; no >= 0; no--) {
    const precise = old.precise[no]!;
    const frame = old.frames[no]!;
    for (let wanted = precise.regs; wanted !== 0; wanted &= wanted - 1) {
      const lowest = wanted & -wanted;
      if (frame.regs[31 - Math.clz32(lowest)]!.type === SCALAR) demand.regs[no]! |= lowest;
    }
    for (let wanted = precise.slotsLo; wanted !== 0; wanted &= wanted - 1) {
      demandSlot(frame, no, 31 - Math.clz32(wanted & -wanted));
    }
    for (let wanted = precise.slotsHi; wanted !== 0; wanted &= wanted - 1) {
      demandSlot(frame, no, 63 - Math.clz32(wanted & -wanted));
    }
    if (env.log.keepsPaths) showPropagated(env, no);
  }
  return followDemand(env, cur);
}

function demandSlot(frame: Frame, no: number, slot: number): void {
  if (frame.stack[slot]?.isSpilledScalar === true) demand.addSlot(no, slot);
}

function showPropagated(env: Env, no: number): void {
  const names: string[] = [];
  for (let reg = 0; reg < 10; reg++) if (((demand.regs[no]! >>> reg) & 1) !== 0) names.push(`r${reg}`);
  for (let slot = 0; slot < 64; slot++) if (demand.hasSlot(no, slot)) names.push(`fp${-8 * (slot + 1)}`);
  if (names.length > 0) env.log.add(`frame ${no}: propagating ${names.join(',')}\n`);
}

/** A first guess at "the same state". */
function mayLoop(candidate: Candidate, cur: State, remembers: boolean): boolean {
  const old = candidate.checkpoint;
  if (old.depth !== cur.depth) return false;
  const now = cur.top.regs;
  const { regs } = old.top;
  for (let i = 0; i < 11; i++) {
    const a = regs[i]!;
    const b = now[i]!;
    if (a === b || (a.id === b.id && a.refId === b.refId && a.sameBesidesIds(b))) continue;
    if (remembers) {
      candidate.frame = cur.depth;
      candidate.index = i;
      candidate.theirs = b;
    }
    return false;
  }
  return true;
}

function isActiveIter(cur: State): boolean {
  const reg = cur.top.regs[1]!;
  if (reg.type !== PTR_TO_STACK) return false;
  const slot = (-(reg.off + reg.bounds.bits.vLo) - 1) >> 3;
  return cur.frames[reg.frame]?.stack[slot]?.reg.iter?.state === 'active';
}

function iterDepthsDiffer(old: Checkpoint, cur: State): boolean {
  return old.frames.some((frame, no) =>
    frame.stack.some((slot, index) => {
      if (slot.typeAt(0) !== ITER || slot.reg.iter?.state !== 'active') return false;
      return cur.frames[no]!.stack[index]?.reg.iter?.depth !== slot.reg.iter.depth;
    }),
  );
}
