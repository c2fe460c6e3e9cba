/**
 * The other clocks. All run with the one that bpf_ktime_get_ns reads: the machine never sleeps, and nobody has told Linux
 * how far TAI is from UTC.
 */
import { cells } from '../memory/cells.js';
import type { Memory } from '../memory/memory.js';
import { divU, hiWord, modU } from '../u64.js';
import type { PlainHelper } from './helper.js';

/** At 250 Hz, the usual choice. */
const TICK_NS = 4_000_000;
const TICKS_A_SECOND = 250;
/** Jiffies start five minutes before 2^32 (INITIAL_JIFFIES). */
const INITIAL_JIFFIES = 2 ** 32 - 300 * TICKS_A_SECOND;

function readClock(memory: Memory): number {
  memory.setWord(cells.retHi, memory.word(cells.clock + 4));
  return memory.word(cells.clock);
}

export const ktimeGetBootNs: PlainHelper = {
  name: 'ktime_get_boot_ns',
  bind:
    ({ memory }) =>
    () =>
      readClock(memory),
};

export const ktimeGetTaiNs: PlainHelper = {
  name: 'ktime_get_tai_ns',
  bind:
    ({ memory }) =>
    () =>
      readClock(memory),
};

/** The time of the last tick. */
export const ktimeGetCoarseNs: PlainHelper = {
  name: 'ktime_get_coarse_ns',
  bind:
    ({ memory }) =>
    () => {
      const lo = memory.word(cells.clock);
      const hi = memory.word(cells.clock + 4);
      const since = modU(lo, hi, TICK_NS, 0);
      memory.setWord(cells.retHi, hi - (lo >>> 0 < since >>> 0 ? 1 : 0));
      return (lo - since) | 0;
    },
};

export const jiffies64: PlainHelper = {
  name: 'jiffies64',
  bind:
    ({ memory }) =>
    () => {
      const ticks = divU(memory.word(cells.clock), memory.word(cells.clock + 4), TICK_NS, 0);
      const ticksHi = hiWord[0] ?? 0;
      const lo = (ticks + INITIAL_JIFFIES) | 0;
      memory.setWord(cells.retHi, ticksHi + (lo >>> 0 < ticks >>> 0 ? 1 : 0));
      return lo;
    },
};
