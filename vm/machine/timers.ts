/**
 * Timers that programs keep in map values (struct bpf_timer). What a timer is, is kept here by its address: its bytes say
 * nothing, as no program may read them. Says which one is due next; whoever has an engine calls it. Knows no engine.
 */
import type { Ptr } from '../addr.js';
import { alignUp } from '../addr.js';
import { cells } from '../memory/cells.js';
import type { Memory } from '../memory/memory.js';
import { raiseTrap } from '../memory/raise.js';
import type { FuncId } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { toBigInt } from '../u64.js';
import type { MapTable } from './map-table.js';

/** CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME: here they are one. */
const CLOCKS: ReadonlySet<number> = new Set([0, 1, 7]);
const MAX_CLOCKS = 16;
const START_FLAGS = { absolute: 1, pinned: 2 } as const;
/** Never (KTIME_MAX). */
const FOREVER = 2n ** 63n - 1n;

interface Timer {
  readonly at: Ptr;
  readonly map: Ptr;
  /** -1: none, so that it cannot be started. */
  readonly func: FuncId;
  /** Nanoseconds of the machine's clock; undefined where it is not started. */
  readonly due: bigint | undefined;
  /** Of two that are due at once, the one that was started first is first. */
  readonly turn: number;
}

export interface SavedTimers {
  readonly timers: readonly Timer[];
  readonly turns: number;
  readonly running: Ptr;
}

/** A timer that has gone off: what its callback is called with. */
export interface DueTimer {
  readonly func: FuncId;
  readonly map: Ptr;
  readonly key: Ptr;
  readonly value: Ptr;
  readonly due: bigint;
}

export class Timers {
  readonly #memory: Memory;
  readonly #maps: MapTable;
  /** Where the index of an array's value is put for the callback to read. */
  readonly #indexAt: Ptr;
  readonly #timers = new Map<Ptr, Timer>();
  #turns = 0;
  /** The timer whose callback is running, or 0. */
  #running: Ptr = 0;

  constructor(memory: Memory, maps: MapTable, indexAt: Ptr) {
    this.#memory = memory;
    this.#maps = maps;
    this.#indexAt = indexAt;
  }

  /** bpf_timer_init; traps where the timer does not lie in a value of the map. */
  init(at: Ptr, map: Ptr, flagsLo: number, flagsHi: number): number {
    const { spec, base, bytes } = this.#maps.extent(map);
    const isInside = at >= base && at < base + bytes && spec.special?.some(({ kind }) => kind === 'bpf_timer') === true;
    if (!isInside) raiseTrap(this.#memory, 'bad-map', map);
    if (flagsHi !== 0 || flagsLo >>> 0 >= MAX_CLOCKS || !CLOCKS.has(flagsLo)) return -errno.EINVAL;
    if (this.#timers.has(at)) return -errno.EBUSY;
    this.#timers.set(at, { at, map, func: -1, due: undefined, turn: 0 });
    return 0;
  }

  setCallback(at: Ptr, func: FuncId): number {
    return this.#change(at, { func });
  }

  start(at: Ptr, nsLo: number, nsHi: number, flagsLo: number, flagsHi: number): number {
    if (flagsHi !== 0 || (flagsLo & ~(START_FLAGS.absolute | START_FLAGS.pinned)) !== 0) return -errno.EINVAL;
    const timer = this.#timers.get(at);
    if (timer === undefined || timer.func < 0) return -errno.EINVAL;
    const ns = (BigInt(nsHi | 0) << 32n) | BigInt(nsLo >>> 0);
    const now = this.#now();
    const isAbsolute = (flagsLo & START_FLAGS.absolute) !== 0;
    const due = isAbsolute ? (ns < now ? now : ns) : ns < 0n || now + ns > FOREVER ? FOREVER : now + ns;
    return this.#change(at, { due, turn: this.#turns++ });
  }

  /** 1 where it was started, 0 where not, or a negative errno. Its callback is forgotten. */
  cancel(at: Ptr): number {
    const timer = this.#timers.get(at);
    if (timer === undefined) return -errno.EINVAL;
    if (at === this.#running) return -errno.EDEADLK;
    this.#change(at, { func: -1, due: undefined });
    return timer.due === undefined ? 0 : 1;
  }

  /** The value that the timer lies in goes away. */
  free(at: Ptr): void {
    this.#timers.delete(at);
  }

  /** Takes the timer that goes off next, at `now` or before; its callback counts as running until `finish`. */
  take(now: bigint): DueTimer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers.values()) {
      const { due, turn } = timer;
      if (due === undefined || due > now) continue;
      if (next?.due === undefined || due < next.due || (due === next.due && turn < next.turn)) next = timer;
    }
    if (next?.due === undefined) return undefined;
    const { at, func, map, due } = next;
    this.#change(at, { due: undefined });
    this.#running = at;
    return { func, map, due, ...this.#placeOf(map, at) };
  }

  finish(): void {
    this.#running = 0;
  }

  /** Whether any timer is started. */
  get any(): boolean {
    for (const { due } of this.#timers.values()) if (due !== undefined) return true;
    return false;
  }

  save(): SavedTimers {
    return { timers: [...this.#timers.values()], turns: this.#turns, running: this.#running };
  }

  restore({ timers, turns, running }: SavedTimers): void {
    this.#timers.clear();
    for (const timer of timers) this.#timers.set(timer.at, timer);
    this.#turns = turns;
    this.#running = running;
  }

  #change(at: Ptr, change: Partial<Timer>): number {
    const timer = this.#timers.get(at);
    if (timer === undefined) return -errno.EINVAL;
    this.#timers.set(at, { ...timer, ...change });
    return 0;
  }

  /** The value that a timer lies in, and its key: in arrays its index, elsewhere right in front of it. */
  #placeOf(map: Ptr, at: Ptr): { key: Ptr; value: Ptr } {
    const { spec, base } = this.#maps.extent(map);
    const off = spec.special?.find(({ kind }) => kind === 'bpf_timer')?.off ?? 0;
    const value = at - off;
    if (spec.type !== 'array') return { key: value - alignUp(spec.keyBytes, 8), value };
    this.#memory.setWord(this.#indexAt, Math.floor((value - base) / alignUp(spec.valueBytes, 8)));
    return { key: this.#indexAt, value };
  }

  #now(): bigint {
    return toBigInt(this.#memory.word(cells.clock), this.#memory.word(cells.clock + 4));
  }
}
