/** Ring buffer helpers. Records reach user space when the run is over. */
import { cells } from '../memory/cells.js';
import { errno } from '../spec/errno.js';
import { RINGBUF_FLAGS } from '../spec/map-types.js';
import type { PlainHelper } from './helper.js';

const WAKEUP_FLAGS = RINGBUF_FLAGS.BPF_RB_NO_WAKEUP | RINGBUF_FLAGS.BPF_RB_FORCE_WAKEUP;

function knowsFlags(lo: number, hi: number): boolean {
  return hi === 0 && (lo & ~WAKEUP_FLAGS) === 0;
}

export const ringbufReserve: PlainHelper = {
  name: 'ringbuf_reserve',
  bind:
    ({ maps }) =>
    (map = 0, bytes = 0, flagsLo = 0, flagsHi = 0) => {
      const ring = maps.ringbuf(map);
      return (flagsLo | flagsHi) === 0 ? ring.reserve(bytes >>> 0) : 0;
    },
};

export const ringbufSubmit: PlainHelper = {
  name: 'ringbuf_submit',
  bind:
    ({ maps }) =>
    (record = 0) => {
      maps.ringbufOfRecord(record).commit(record, false);
      return 0;
    },
};

export const ringbufDiscard: PlainHelper = {
  name: 'ringbuf_discard',
  bind:
    ({ maps }) =>
    (record = 0) => {
      maps.ringbufOfRecord(record).commit(record, true);
      return 0;
    },
};

export const ringbufOutput: PlainHelper = {
  name: 'ringbuf_output',
  bind:
    ({ maps }) =>
    (map = 0, data = 0, bytes = 0, flagsLo = 0, flagsHi = 0) => {
      const ring = maps.ringbuf(map);
      return knowsFlags(flagsLo, flagsHi) ? ring.output(data, bytes >>> 0) : -errno.EINVAL;
    },
};

export const ringbufQuery: PlainHelper = {
  name: 'ringbuf_query',
  bind:
    ({ maps, memory }) =>
    (map = 0, whatLo = 0, whatHi = 0) => {
      memory.setWord(cells.retHi, 0);
      return maps.ringbuf(map).query(whatHi === 0 ? whatLo >>> 0 : 0xffff_ffff);
    },
};
