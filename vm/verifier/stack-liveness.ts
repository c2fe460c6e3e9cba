/**
 * Which stack slots may still be read: a data flow over each function, per chain of calls, over what the exploration has
 * seen instructions read and certainly write. Grows as paths are explored; asked when a finished checkpoint is stripped
 * of what is dead. Knows no registers.
 */
import { CALLS_CALLBACK, type Env } from './env.js';
import { MAX_FRAMES, type State } from './state.js';

/** Slot sets of one frame, by instruction of a function: two words each. */
class Sets {
  readonly mayRead: Int32Array;
  readonly mustWrite: Int32Array;
  /** Certainly written by the instruction or behind it. */
  readonly willWrite: Int32Array;
  /** May be read at the instruction or behind it. */
  readonly live: Int32Array;
  /** By place in the postorder: what must be looked at again. */
  readonly stale: Uint8Array;

  constructor(insns: number) {
    this.stale = new Uint8Array(insns);
    this.mayRead = new Int32Array(2 * insns);
    this.mustWrite = new Int32Array(2 * insns);
    this.willWrite = new Int32Array(2 * insns);
    this.live = new Int32Array(2 * insns);
  }
}

/** A function as called through one chain of calls. */
class Instance {
  readonly start: number;
  readonly insns: number;
  /** The calls that lead here, outermost first. */
  readonly callsites: readonly number[];
  readonly outer: Instance | undefined;
  readonly inner = new Map<number, Instance>();
  readonly frames: (Sets | undefined)[];
  readonly writesKnown: Uint8Array;
  updated = false;
  writesShrank = false;

  constructor(start: number, insns: number, callsites: readonly number[], outer: Instance | undefined) {
    this.start = start;
    this.insns = insns;
    this.callsites = callsites;
    this.outer = outer;
    this.frames = new Array<Sets | undefined>(callsites.length + 1).fill(undefined);
    this.writesKnown = new Uint8Array(insns);
  }

  get depth(): number {
    return this.callsites.length;
  }

  setsOf(frame: number): Sets {
    return (this.frames[frame] ??= new Sets(this.insns));
  }
}

export class StackLiveness {
  readonly #env: Env;
  /** Place of each instruction in its function's postorder. */
  readonly #place: Int32Array;
  /** Places of those before each instruction, one behind the other. */
  readonly #before: Int32Array;
  readonly #beforeStart: Int32Array;
  readonly #roots = new Map<number, Instance>();
  /** Of the state under way; undefined where it must be looked up. */
  #current: Instance | undefined = undefined;
  readonly #writesLo = new Int32Array(MAX_FRAMES);
  readonly #writesHi = new Int32Array(MAX_FRAMES);
  #writeInsn = 0;
  #anyWrite = false;

  constructor(env: Env) {
    this.#env = env;
    this.#place = new Int32Array(env.count);
    for (const { postorderStart, postorderEnd } of env.subprogs) {
      for (let i = postorderStart; i < postorderEnd; i++) this.#place[env.postorder[i]!] = i - postorderStart;
    }
    this.#beforeStart = new Int32Array(env.count + 1);
    for (const insn of env.postorder) {
      for (const to of [env.next[insn]!, env.target[insn]!]) if (to >= 0) this.#beforeStart[to + 1]!++;
    }
    for (let insn = 0; insn < env.count; insn++) this.#beforeStart[insn + 1]! += this.#beforeStart[insn]!;
    const fill = this.#beforeStart.slice();
    this.#before = new Int32Array(this.#beforeStart[env.count]!);
    for (const insn of env.postorder) {
      for (const to of [env.next[insn]!, env.target[insn]!]) {
        if (to >= 0) this.#before[fill[to]!++] = this.#place[insn]!;
      }
    }
  }

  /** The calls that lead to the running function have changed. */
  forgetChain(): void {
    this.#current = undefined;
  }

  #instanceOf(state: State, frame: number): Instance {
    const root = state.frames[0]!;
    let instance = this.#rootOf(root.subprog);
    for (let depth = 1; depth <= frame; depth++) {
      const { callsite, subprog } = state.frames[depth]!;
      const key = callsite * 256 + subprog;
      let inner: Instance | undefined = instance.inner.get(key);
      if (inner === undefined) {
        inner = this.#newInstance(subprog, [...instance.callsites, callsite], instance);
        instance.inner.set(key, inner);
      }
      instance = inner;
    }
    return instance;
  }

  #rootOf(subprog: number): Instance {
    let instance = this.#roots.get(subprog);
    if (instance === undefined) {
      instance = this.#newInstance(subprog, [], undefined);
      this.#roots.set(subprog, instance);
    }
    return instance;
  }

  #newInstance(subprog: number, callsites: readonly number[], outer: Instance | undefined): Instance {
    const { start, end } = this.#env.subprogs[subprog]!;
    return new Instance(start, end - start, callsites, outer);
  }

  #ensureCurrent(): Instance {
    return (this.#current ??= this.#instanceOf(this.#env.cur, this.#env.cur.depth));
  }

  /** The instruction may read a slot. */
  read(frame: number, slot: number): void {
    const lo = slot < 32 ? 1 << slot : 0;
    const hi = slot < 32 ? 0 : 1 << (slot - 32);
    this.#read(this.#ensureCurrent(), frame, this.#env.insn, lo, hi);
  }

  #read(instance: Instance, frame: number, insn: number, lo: number, hi: number): void {
    const sets = instance.setsOf(frame);
    const at = 2 * (insn - instance.start);
    const newLo = sets.mayRead[at]! | lo;
    const newHi = sets.mayRead[at + 1]! | hi;
    if (newLo === sets.mayRead[at] && newHi === sets.mayRead[at + 1]) return;
    if ((newLo & ~sets.live[at]!) !== 0 || (newHi & ~sets.live[at + 1]!) !== 0) instance.updated = true;
    sets.mayRead[at] = newLo;
    sets.mayRead[at + 1] = newHi;
    sets.stale[this.#place[insn]!] = 1;
  }

  /** The instruction writes all of a slot. */
  write(frame: number, slot: number): void {
    if (slot < 32) this.#writesLo[frame]! |= 1 << slot;
    else this.#writesHi[frame]! |= 1 << (slot - 32);
    this.#anyWrite = true;
  }

  beginInsn(insn: number): void {
    this.#ensureCurrent();
    this.#reset(insn);
  }

  #reset(insn: number): void {
    this.#writeInsn = insn;
    if (this.#anyWrite) {
      this.#writesLo.fill(0);
      this.#writesHi.fill(0);
      this.#anyWrite = false;
    }
  }

  /** Between `beginInsn` and here the chain of calls may have changed: then nothing is known of the instruction. */
  endInsn(): void {
    if (this.#current !== undefined) this.#commitWrites(this.#current);
  }

  #commitWrites(instance: Instance): void {
    const index = this.#writeInsn - instance.start;
    const known = instance.writesKnown[index] !== 0;
    for (let frame = 0; frame <= instance.depth; frame++) {
      let lo = this.#writesLo[frame]!;
      let hi = this.#writesHi[frame]!;
      if ((lo | hi) === 0 && (!known || instance.frames[frame] === undefined)) continue;
      const sets = instance.setsOf(frame);
      const at = 2 * index;
      const oldLo = sets.mustWrite[at]!;
      const oldHi = sets.mustWrite[at + 1]!;
      if (known) {
        lo &= oldLo;
        hi &= oldHi;
      }
      if (oldLo !== lo || oldHi !== hi) {
        sets.mustWrite[at] = lo;
        sets.mustWrite[at + 1] = hi;
        sets.stale[this.#place[this.#writeInsn]!] = 1;
        instance.updated = true;
      }
      if ((oldLo & ~lo) !== 0 || (oldHi & ~hi) !== 0) instance.writesShrank = true;
    }
    instance.writesKnown[index] = 1;
  }

  /** Brings every function of the state's chain up to date. */
  update(state: State): void {
    this.#current = undefined;
    for (let frame = state.depth; frame >= 0; frame--) {
      const instance = this.#instanceOf(state, frame);
      if (!instance.updated) continue;
      this.#solve(instance);
      instance.updated = false;
      instance.writesShrank = false;
    }
  }

  #solve(instance: Instance): void {
    const { start } = instance;
    const subprog = this.#env.subprogs[this.#env.subprogOf(start)]!;
    for (const sets of instance.frames) {
      if (sets === undefined) continue;
      if (instance.writesShrank) {
        sets.willWrite.fill(0);
        sets.stale.fill(1);
      }
      while (this.#sweep(sets, start, subprog.postorderStart));
    }
    if (instance.outer !== undefined) this.#passOut(instance, instance.outer);
  }

  /** Looks once at what is stale; true: something before became so. */
  #sweep(sets: Sets, start: number, postorderStart: number): boolean {
    const { stale } = sets;
    let again = false;
    for (let place = stale.indexOf(1); place >= 0; place = stale.indexOf(1, place + 1)) {
      stale[place] = 0;
      const insn = this.#env.postorder[postorderStart + place]!;
      if (!this.#solveInsn(sets, insn, start)) continue;
      const end = this.#beforeStart[insn + 1]!;
      for (let i = this.#beforeStart[insn]!; i < end; i++) {
        const before = this.#before[i]!;
        stale[before] = 1;
        if (before <= place) again = true;
      }
    }
    return again;
  }

  #solveInsn(sets: Sets, insn: number, start: number): boolean {
    const next = this.#env.next[insn]!;
    const target = this.#env.target[insn]!;
    if (next < 0 && target < 0) return false;
    let liveLo = 0;
    let liveHi = 0;
    let willLo = -1;
    let willHi = -1;
    for (let edge = 0; edge < 2; edge++) {
      const to = edge === 0 ? next : target;
      if (to < 0) continue;
      const at = 2 * (to - start);
      liveLo |= sets.live[at]!;
      liveHi |= sets.live[at + 1]!;
      willLo &= sets.willWrite[at]!;
      willHi &= sets.willWrite[at + 1]!;
    }
    const at = 2 * (insn - start);
    const writeLo = sets.mustWrite[at]!;
    const writeHi = sets.mustWrite[at + 1]!;
    willLo |= writeLo;
    willHi |= writeHi;
    liveLo = (liveLo & ~writeLo) | sets.mayRead[at]!;
    liveHi = (liveHi & ~writeHi) | sets.mayRead[at + 1]!;
    const same =
      liveLo === sets.live[at] &&
      liveHi === sets.live[at + 1] &&
      willLo === sets.willWrite[at] &&
      willHi === sets.willWrite[at + 1];
    if (same) return false;
    sets.live[at] = liveLo;
    sets.live[at + 1] = liveHi;
    sets.willWrite[at] = willLo;
    sets.willWrite[at + 1] = willHi;
    return true;
  }

  /** What a function does to its callers' stacks, its call does. */
  #passOut(instance: Instance, outer: Instance): void {
    const callsite = instance.callsites[instance.depth - 1]!;
    this.#anyWrite = true;
    this.#reset(callsite);
    for (let frame = 0; frame < instance.depth; frame++) {
      const sets = instance.frames[frame];
      if (sets === undefined) continue;
      this.#writesLo[frame] = sets.willWrite[0]!;
      this.#writesHi[frame] = sets.willWrite[1]!;
      this.#anyWrite = true;
      this.#read(outer, frame, callsite, sets.live[0]!, sets.live[1]!);
    }
    this.#commitWrites(outer);
    this.#anyWrite = true;
    this.#reset(0);
  }

  /** Tells of each frame of a state which slots may still be read. Valid until the next `update`. */
  aliveIn(state: State): (frame: number, slot: number) => boolean {
    const instances = state.frames.map((_, frame) => this.#instanceOf(state, frame));
    const top = instances.length - 1;
    return (frame, slot) => {
      if (isLive(instances[top]!, state.insn, frame, slot)) return true;
      for (let i = frame; i < top; i++) {
        const callsite = state.frames[i + 1]!.callsite;
        const at = this.#env.has(callsite, CALLS_CALLBACK) ? callsite : callsite + 1;
        if (isLive(instances[i]!, at, frame, slot)) return true;
      }
      return false;
    };
  }
}

function isLive(instance: Instance, insn: number, frame: number, slot: number): boolean {
  const sets = instance.frames[frame];
  if (sets === undefined) return false;
  const at = 2 * (insn - instance.start);
  return ((slot < 32 ? sets.live[at]! >>> slot : sets.live[at + 1]! >>> (slot - 32)) & 1) !== 0;
}
