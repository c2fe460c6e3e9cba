/**
 * One's-complement sums over packet bytes as Linux keeps them for a socket buffer: 32 bits, little-endian words. With
 * CHECKSUM_COMPLETE the buffer carries the sum of everything behind the MAC header, and whoever changes bytes keeps it true.
 */
import type { Ptr } from '../addr.js';
import { cells } from '../memory/cells.js';
import type { Memory } from '../memory/memory.js';
import { CHECKSUM_COMPLETE } from './sk-buff.js';

/** 32-bit one's-complement addition of unsigned words. */
export function addSum(a: number, b: number): number {
  const sum = (a >>> 0) + (b >>> 0);
  return sum > 0xffff_ffff ? (sum + 1) >>> 0 : sum;
}

export function subSum(a: number, b: number): number {
  return addSum(a, ~b >>> 0);
}

/** The 16-bit checksum of a sum. */
export function foldSum(sum: number): number {
  const once = ((sum >>> 16) + (sum & 0xffff)) | 0;
  return ~((once >>> 16) + (once & 0xffff)) & 0xffff;
}

export function sumOf(memory: Memory, at: Ptr, bytes: number): number {
  const { view } = memory;
  const words = at + (bytes & ~3);
  let sum = 0;
  for (let i = at; i < words; i += 4) sum = addSum(sum, view.getUint32(i, true));
  let tail = 0;
  for (let i = bytes & 3; i > 0; i--) tail = (tail << 8) | view.getUint8(words + i - 1);
  return addSum(sum, tail);
}

export function isComplete(memory: Memory): boolean {
  return memory.word(cells.skbSummed) === CHECKSUM_COMPLETE;
}

/** @param off where the bytes are within the sum: at an odd place they count byte-swapped */
export function takeFromSum(memory: Memory, at: Ptr, bytes: number, off = 0): void {
  if (isComplete(memory)) changeSum(memory, ~sumOf(memory, at, bytes) >>> 0, off);
}

export function putIntoSum(memory: Memory, at: Ptr, bytes: number, off = 0): void {
  if (isComplete(memory)) changeSum(memory, sumOf(memory, at, bytes), off);
}

function changeSum(memory: Memory, by: number, off: number): void {
  const shifted = (off & 1) === 0 ? by : ((by >>> 8) | (by << 24)) >>> 0;
  memory.setWord(cells.skbCsum, addSum(memory.word(cells.skbCsum), shifted));
}

/** The checksum at `at` after a word of what it covers went from one value to another. */
export function replaceWord(memory: Memory, at: Ptr, from: number, to: number): void {
  const { view } = memory;
  const sum = subSum(~view.getUint16(at, true) >>> 0, from);
  view.setUint16(at, foldSum(addSum(sum, to)), true);
}

/** The same for 16 bits, in the 16-bit arithmetic that leaves another zero. */
export function replaceHalf(memory: Memory, at: Ptr, from: number, to: number): void {
  const { view } = memory;
  const without = addHalf(~view.getUint16(at, true) & 0xffff, ~from & 0xffff);
  view.setUint16(at, ~addHalf(without, to & 0xffff) & 0xffff, true);
}

/** The checksum at `at` after the sum of what it covers changed by `diff`. */
export function replaceByDiff(memory: Memory, at: Ptr, diff: number): void {
  const { view } = memory;
  view.setUint16(at, foldSum(addSum(diff, ~view.getUint16(at, true) >>> 0)), true);
}

export function addHalf(a: number, b: number): number {
  const sum = a + b;
  return sum > 0xffff ? (sum + 1) & 0xffff : sum;
}
