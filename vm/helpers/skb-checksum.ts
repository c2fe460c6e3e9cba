/** Helpers that keep checksums in a socket buffer's packet, and the buffer's own checksum state, true. */
import { cells } from '../memory/cells.js';
import type { Memory } from '../memory/memory.js';
import { CHECKSUM_COMPLETE, CHECKSUM_NONE, CHECKSUM_UNNECESSARY } from '../packet/sk-buff.js';
import type { SkBuff } from '../packet/sk-buff.js';
import { addSum, isComplete, replaceByDiff, replaceHalf, replaceWord, subSum } from '../packet/skb-csum.js';
import { errno } from '../spec/errno.js';
import type { PlainHelper } from './helper.js';

const FIELD_BYTES = 0xf;
const PSEUDO_HDR = 0x10;
const MARK_MANGLED_0 = 0x20;
const MARK_ENFORCE = 0x40;
const IPV6 = 0x80;
const L4_FLAGS = FIELD_BYTES | PSEUDO_HDR | MARK_MANGLED_0 | MARK_ENFORCE | IPV6;
/** What UDP sends for a checksum that comes out as 0. */
const MANGLED_0 = 0xffff;

/** Checks what both helpers check first; 0 or an errno. */
function refuse(skb: SkBuff, off: number, flags: number, flagsHi: number, allowed: number): number {
  if ((flags & ~allowed) !== 0 || flagsHi !== 0) return -errno.EINVAL;
  if (off >>> 0 > 0xffff || (off & 1) !== 0 || off + 2 > skb.lengthBytes) return -errno.EFAULT;
  return 0;
}

export const l3CsumReplace: PlainHelper = {
  name: 'l3_csum_replace',
  bind:
    ({ memory, skb }) =>
    (_ctx = 0, off = 0, from = 0, fromHi = 0, to = 0, _toHi = 0, flags = 0, flagsHi = 0) => {
      const refused = refuse(skb, off, flags, flagsHi, FIELD_BYTES);
      if (refused !== 0) return refused;
      skb.settle();
      const at = skb.data + off;
      switch (flags & FIELD_BYTES) {
        case 0:
          if ((from | fromHi) !== 0) return -errno.EINVAL;
          replaceByDiff(memory, at, to);
          return 0;
        case 2:
          replaceHalf(memory, at, from, to);
          return 0;
        case 4:
          replaceWord(memory, at, from, to);
          return 0;
        default:
          return -errno.EINVAL;
      }
    },
};

export const l4CsumReplace: PlainHelper = {
  name: 'l4_csum_replace',
  bind:
    ({ memory, skb }) =>
    (_ctx = 0, off = 0, from = 0, fromHi = 0, to = 0, _toHi = 0, flags = 0, flagsHi = 0) => {
      const refused = refuse(skb, off, flags, flagsHi, L4_FLAGS);
      if (refused !== 0) return refused;
      skb.settle();
      const at = skb.data + off;
      const marks = (flags & MARK_MANGLED_0) !== 0;
      if (marks && (flags & MARK_ENFORCE) === 0 && memory.view.getUint16(at, true) === 0) return 0;
      const pseudo = (flags & PSEUDO_HDR) !== 0;
      switch (flags & FIELD_BYTES) {
        case 0:
          if ((from | fromHi) !== 0) return -errno.EINVAL;
          replaceByDiff(memory, at, to);
          // What IPv6 changes in its addresses, the changed checksum takes out of the sum again.
          if (pseudo && isComplete(memory) && (flags & IPV6) === 0) {
            memory.setWord(cells.skbCsum, ~subSum(to, memory.word(cells.skbCsum)));
          }
          break;
        case 2:
          replaceL4(memory, at, from & 0xffff, to & 0xffff, pseudo);
          break;
        case 4:
          replaceL4(memory, at, from, to, pseudo);
          break;
        default:
          return -errno.EINVAL;
      }
      if (marks && memory.view.getUint16(at, true) === 0) memory.view.setUint16(at, MANGLED_0, true);
      return 0;
    },
};

function replaceL4(memory: Memory, at: number, from: number, to: number, pseudo: boolean): void {
  replaceWord(memory, at, from, to);
  if (!pseudo || !isComplete(memory)) return;
  const without = subSum(~memory.word(cells.skbCsum) >>> 0, from);
  memory.setWord(cells.skbCsum, ~addSum(without, to));
}

export const csumUpdate: PlainHelper = {
  name: 'csum_update',
  bind:
    ({ memory }) =>
    (_ctx = 0, by = 0) => {
      if (memory.word(cells.skbSummed) !== CHECKSUM_COMPLETE) {
        memory.setWord(cells.retHi, -1);
        return -errno.ENOTSUPP;
      }
      const sum = addSum(memory.word(cells.skbCsum), by);
      memory.setWord(cells.skbCsum, sum);
      memory.setWord(cells.retHi, 0);
      return sum | 0;
    },
};

const LEVEL_QUERY = 0;
const LEVEL_INC = 1;
const LEVEL_DEC = 2;
const LEVEL_RESET = 3;
const MAX_LEVEL = 3;

export const csumLevel: PlainHelper = {
  name: 'csum_level',
  bind:
    ({ memory }) =>
    (_ctx = 0, operation = 0, operationHi = 0) => {
      const set = (summed: number, level: number): number => {
        memory.setWord(cells.skbSummed, summed);
        memory.setWord(cells.skbCsumLevel, level);
        return 0;
      };
      const summed = memory.word(cells.skbSummed);
      const level = memory.word(cells.skbCsumLevel);
      const isUnnecessary = summed === CHECKSUM_UNNECESSARY;
      switch (operationHi === 0 ? operation : -1) {
        case LEVEL_QUERY:
          return isUnnecessary ? level : -errno.EACCES;
        case LEVEL_INC:
          if (isUnnecessary) return set(summed, Math.min(level + 1, MAX_LEVEL));
          return summed === CHECKSUM_NONE ? set(CHECKSUM_UNNECESSARY, 0) : 0;
        case LEVEL_DEC:
          if (!isUnnecessary) return 0;
          return level === 0 ? set(CHECKSUM_NONE, 0) : set(summed, level - 1);
        case LEVEL_RESET:
          return isUnnecessary ? set(CHECKSUM_NONE, 0) : 0;
        default:
          return -errno.EINVAL;
      }
    },
};
