/**
 * Whether everything that a checkpoint was found to allow is allowed to a state, too: each live register and stack slot
 * of the state says at least as much. Knows no instructions.
 */
import { type Env } from './env.js';
import { IdMap } from './id-map.js';
import {
  ADD_CONST,
  CONST_PTR_TO_MAP,
  NOT_INIT,
  PTR_TO_BUF,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_STACK,
  PTR_TO_TP_BUFFER,
  type Reg,
  SCALAR,
  UNKNOWN_REG,
  baseType,
} from './reg.js';
import {
  type Candidate,
  type Checkpoint,
  DYNPTR,
  type Frame,
  INVALID,
  INVALID_SLOT,
  ITER,
  MISC,
  type Precision,
  SPILL,
  Slot,
  type State,
  ZERO,
} from './state.js';

/**
 * `loose`: what is dead or imprecise may differ. `within`: every value must be allowed, since what is dead is not known
 * yet. `exact`: nothing may differ.
 */
export type Exactness = 'loose' | 'within' | 'exact';

/** Places of a difference that are no register; registers are below. */
const FIRST_SLOT = 16;
const ALIKE = -1;
const NOWHERE = -2;

export class StateComparer {
  readonly #env: Env;
  readonly #ids = new IdMap();
  /** Where the last comparison found a difference. */
  #frame = 0;
  #index = NOWHERE;

  constructor(env: Env) {
    this.#env = env;
  }

  /** As `isCovered`; remembers in the candidate what a state differs in. */
  isCoveredBy(candidate: Candidate, cur: State, exactness: 'loose' | 'within'): boolean {
    if (this.#differsThere(candidate, cur)) return false;
    const isCovered = this.isCovered(candidate.checkpoint, cur, exactness);
    if (!isCovered && exactness === 'loose' && this.#index >= 0) this.#noteDifference(candidate, cur);
    return isCovered;
  }

  isCovered(old: Checkpoint, cur: State, exactness: Exactness): boolean {
    this.#index = NOWHERE;
    if (old.frames.length !== cur.frames.length || old.inSleepable !== cur.inSleepable) return false;
    this.#ids.reset(this.#env.idGen);
    if (!this.#sameRefs(old, cur)) return false;
    for (let no = 0; no < old.frames.length; no++) {
      const oldFrame = old.frames[no]!;
      const frame = cur.frames[no]!;
      if (oldFrame.callsite !== frame.callsite) return false;
      const live = this.#env.liveRegs[old.insnOf(no)]!;
      this.#index = this.#differenceIn(oldFrame, frame, old.precise[no]!, live, exactness);
      this.#frame = no;
      if (this.#index !== ALIKE) return false;
    }
    return true;
  }

  #sameRefs(old: State, cur: State): boolean {
    if (
      old.refs.length !== cur.refs.length ||
      old.activeLocks !== cur.activeLocks ||
      old.preemptLocks !== cur.preemptLocks ||
      old.rcuLocks !== cur.rcuLocks ||
      old.activeLockHolder !== cur.activeLockHolder ||
      !this.#ids.match(old.activeLockId, cur.activeLockId)
    ) {
      return false;
    }
    for (let i = 0; i < old.refs.length; i++) {
      const a = old.refs[i]!;
      const b = cur.refs[i]!;
      if (a.kind !== b.kind || a.holder !== b.holder || !this.#ids.match(a.id, b.id)) return false;
    }
    return true;
  }

  /** Register, or FIRST_SLOT + slot; negative where nothing differs, or neither is to blame. */
  #differenceIn(old: Frame, cur: Frame, precise: Precision, live: number, exactness: Exactness): number {
    if (old.callbackDepth > cur.callbackDepth) return NOWHERE;
    for (let no = 0; no < 11; no++) {
      if (((live >>> no) & 1) === 0) continue;
      if (!this.#isSafe(old.regs[no]!, cur.regs[no]!, ((precise.regs >>> no) & 1) !== 0, exactness)) return no;
    }
    for (let index = 0; index < old.stack.length; index++) {
      const slot = old.stack[index]!;
      if (!this.#isSafeSlot(slot, cur.stack[index], precise.hasSlot(index), exactness)) return FIRST_SLOT + index;
    }
    return ALIKE;
  }

  /** Remembers the difference found last, unless it depends on ids seen before it. */
  #noteDifference(candidate: Candidate, cur: State): void {
    const no = this.#frame;
    const index = this.#index;
    const frame = candidate.checkpoint.frames[no]!;
    const precise = candidate.checkpoint.precise[no]!;
    candidate.frame = no;
    candidate.index = index;
    if (index < FIRST_SLOT) {
      candidate.mine = frame.regs[index]!;
      candidate.isPrecise = ((precise.regs >>> index) & 1) !== 0;
    } else {
      candidate.mine = frame.stack[index - FIRST_SLOT]!;
      candidate.isPrecise = precise.hasSlot(index - FIRST_SLOT);
    }
    if (!this.#differsThere(candidate, cur)) candidate.frame = -1;
  }

  /** Whether a state, too, differs where another one did. */
  #differsThere(candidate: Candidate, cur: State): boolean {
    const frame = candidate.frame < 0 ? undefined : cur.frames[candidate.frame];
    if (frame === undefined) return false;
    const { index, mine, isPrecise } = candidate;
    const theirs = index < FIRST_SLOT ? frame.regs[index] : frame.stack[index - FIRST_SLOT];
    this.#ids.reset(this.#env.idGen);
    const safe =
      mine instanceof Slot
        ? this.#isSafeSlot(mine, theirs as Slot | undefined, isPrecise, 'loose')
        : this.#isSafe(mine!, theirs as Reg, isPrecise, 'loose');
    if (!safe) candidate.theirs = theirs;
    return !safe;
  }

  #sameIds(old: Reg, cur: Reg): boolean {
    return this.#ids.match(old.id, cur.id) && this.#ids.match(old.refId, cur.refId);
  }

  /** Nothing differs but the ids' numbers. */
  #isExact(old: Reg, cur: Reg): boolean {
    return old.sameBesidesIds(cur) && this.#sameIds(old, cur);
  }

  /** Whatever was safe with `old` is safe with `cur`. */
  #isSafe(old: Reg, cur: Reg, isPrecise: boolean, exactness: Exactness): boolean {
    if (exactness === 'exact') return this.#isExact(old, cur);
    if (old.type === NOT_INIT && (exactness === 'loose' || cur.type === NOT_INIT)) return true;
    if (old.type !== cur.type) return false;
    switch (baseType(old.type)) {
      case SCALAR:
        if (!isPrecise && exactness === 'loose') return true;
        // Tied to nothing before, it may be tied to anything now.
        if (old.id === 0) return old.bounds.contains(cur.bounds);
        if (((old.id ^ cur.id) & ADD_CONST) !== 0) return false;
        if ((old.id & ADD_CONST) !== 0 && old.off !== cur.off) return false;
        return old.bounds.contains(cur.bounds) && this.#ids.matchScalars(old.id, cur.id);
      case PTR_TO_MAP_KEY:
      case PTR_TO_MAP_VALUE:
      case PTR_TO_MEM:
      case PTR_TO_BUF:
      case PTR_TO_TP_BUFFER:
        return old.sameKind(cur) && old.bounds.contains(cur.bounds) && this.#sameIds(old, cur);
      case PTR_TO_PACKET:
      case PTR_TO_PACKET_META:
        return (
          old.range <= cur.range &&
          old.off === cur.off &&
          this.#ids.match(old.id, cur.id) &&
          old.bounds.contains(cur.bounds)
        );
      case PTR_TO_STACK:
        return this.#isExact(old, cur) && old.frame === cur.frame;
      case CONST_PTR_TO_MAP:
      default:
        return this.#isExact(old, cur);
    }
  }

  #isSafeSlot(old: Slot, cur: Slot | undefined, isPrecise: boolean, exactness: Exactness): boolean {
    if (exactness === 'loose') {
      // The same spill still pairs the ids of what it holds.
      if (old === INVALID_SLOT || (old === cur && old.reg.type === NOT_INIT)) return true;
    } else if (old.types !== cur?.types) {
      return false;
    }
    return this.#sameSlot(old, cur, isPrecise, exactness);
  }

  #sameSlot(a: Slot, b: Slot | undefined, isPrecise: boolean, exactness: Exactness): boolean {
    const told = toldBytes(a.types);
    if (told === 0) return true;
    if (b === undefined) return false;
    if (a.isSpilledScalar64) {
      if (b.isSpilledScalar64) return this.#isSafe(a.reg, b.reg, isPrecise, exactness);
      // Eight bytes of which nothing is known read as one number.
      if (toldBytes(b.types) === 0) return this.#isSafe(a.reg, UNKNOWN_REG, isPrecise, exactness);
    }
    if (((a.types ^ b.types) & Math.imul(told, 15)) !== 0) return false;
    const kind = a.types >>> 28;
    return kind === INVALID || kind === MISC || this.#sameObject(a, b, kind, isPrecise, exactness);
  }

  #sameObject(a: Slot, b: Slot, kind: number, isPrecise: boolean, exactness: Exactness): boolean {
    switch (kind) {
      case SPILL:
        return this.#isSafe(a.reg, b.reg, isPrecise, exactness);
      case DYNPTR:
        return (
          a.reg.dynptr?.type === b.reg.dynptr?.type &&
          a.reg.dynptr?.firstSlot === b.reg.dynptr?.firstSlot &&
          this.#ids.match(a.reg.refId, b.reg.refId)
        );
      case ITER:
        return (
          a.reg.iter?.name === b.reg.iter?.name &&
          a.reg.iter?.state === b.reg.iter?.state &&
          this.#ids.match(a.reg.refId, b.reg.refId)
        );
      case ZERO:
        return true;
      default:
        return false;
    }
  }
}

/** The lowest bit of each byte's type where something is known of the byte: where it is neither INVALID nor MISC. */
function toldBytes(types: number): number {
  return (types | (types >>> 2)) & 0x1111_1111;
}
