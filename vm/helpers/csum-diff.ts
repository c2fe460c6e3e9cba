/** bpf_csum_diff: the one's-complement difference of two buffers, folded to 16 bits as Linux 6.13 and later return it. */
import type { Memory } from '../memory/memory.js';
import { cells } from '../memory/cells.js';
import type { PlainHelper } from './helper.js';

/** 32-bit one's-complement addition of unsigned words. */
function add(a: number, b: number): number {
  const sum = (a >>> 0) + (b >>> 0);
  return sum > 0xffff_ffff ? sum - 0xffff_ffff : sum;
}

/** Any number of bytes; what is missing in the last word counts as 0. */
function sumOf(memory: Memory, at: number, bytes: number, seed: number): number {
  let sum = seed >>> 0;
  const words = at + (bytes & ~3);
  for (let i = at; i < words; i += 4) sum = add(sum, memory.view.getUint32(i, true));
  let tail = 0;
  for (let i = bytes & 3; i > 0; i--) tail = (tail << 8) | memory.view.getUint8(words + i - 1);
  return add(sum, tail);
}

function fold(sum: number): number {
  const once = (sum >>> 16) + (sum & 0xffff);
  return (once >>> 16) + (once & 0xffff);
}

export const csumDiff: PlainHelper = {
  name: 'csum_diff',
  bind:
    ({ memory }) =>
    (from = 0, fromBytes = 0, to = 0, toBytes = 0, seed = 0) => {
      memory.setWord(cells.retHi, 0);
      if (fromBytes === 0 && toBytes === 0) return fold(seed >>> 0);
      if (fromBytes === 0) return fold(sumOf(memory, to, toBytes, seed));
      if (toBytes === 0) return fold(~sumOf(memory, from, fromBytes, ~seed) >>> 0);
      return fold(add(sumOf(memory, to, toBytes, seed), ~sumOf(memory, from, fromBytes, 0) >>> 0));
    },
};
