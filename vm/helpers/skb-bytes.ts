/** Helpers that copy bytes from and to a socket buffer's packet. */
import { cells } from '../memory/cells.js';
import type { Machine } from '../machine/machine.js';
import { putIntoSum, takeFromSum } from '../packet/skb-csum.js';
import { errno } from '../spec/errno.js';
import type { PlainHelper } from './helper.js';

const RECOMPUTE_CSUM = 1;
const INVALIDATE_HASH = 2;

const HEADER_MAC = 0;
const HEADER_NETWORK = 1;
/** Farthest that a relative load reaches. */
const MAX_RELATIVE_OFF = 0xffff;

/** Copies packet bytes, or zeros and -EFAULT where they are not all there. */
function copyOut({ memory }: Machine, from: number, to: number, bytes: number, there: boolean): number {
  if (there) memory.u8.copyWithin(to, from, from + bytes);
  else memory.u8.fill(0, to, to + bytes);
  return there ? 0 : -errno.EFAULT;
}

export const skbLoadBytes: PlainHelper = {
  name: 'skb_load_bytes',
  bind:
    (machine) =>
    (_ctx = 0, off = 0, to = 0, size = 0) => {
      const { data, lengthBytes } = machine.skb;
      return copyOut(machine, data + off, to, size, off >= 0 && off + (size >>> 0) <= lengthBytes);
    },
};

export const skbLoadBytesRelative: PlainHelper = {
  name: 'skb_load_bytes_relative',
  bind:
    (machine) =>
    (_ctx = 0, off = 0, to = 0, size = 0, header = 0) => {
      const { memory, skb } = machine;
      const from = memory.word(header === HEADER_MAC ? cells.skbMac : cells.skbNetwork) + off;
      const known = header === HEADER_MAC || header === HEADER_NETWORK;
      const there = known && off >>> 0 <= MAX_RELATIVE_OFF && from + (size >>> 0) <= skb.end;
      return copyOut(machine, from, to, size, there);
    },
};

export const skbStoreBytes: PlainHelper = {
  name: 'skb_store_bytes',
  bind:
    ({ memory, skb }) =>
    (_ctx = 0, off = 0, from = 0, size = 0, flags = 0, flagsHi = 0) => {
      if ((flags & ~(RECOMPUTE_CSUM | INVALIDATE_HASH)) !== 0 || flagsHi !== 0) return -errno.EINVAL;
      if (off < 0 || off + (size >>> 0) > skb.lengthBytes) return -errno.EFAULT;
      const at = skb.data + off;
      const sums = (flags & RECOMPUTE_CSUM) !== 0;
      if (sums) takeFromSum(memory, at, size, off);
      memory.u8.copyWithin(at, from, from + size);
      if (sums) putIntoSum(memory, at, size, off);
      if ((flags & INVALIDATE_HASH) !== 0) skb.clearHash();
      skb.settle();
      return 0;
    },
};

/** All bytes are linear already; only a length that the packet does not have fails. */
export const skbPullData: PlainHelper = {
  name: 'skb_pull_data',
  bind:
    ({ skb }) =>
    (_ctx = 0, size = 0) => {
      const there = size >>> 0 <= skb.lengthBytes;
      skb.settle();
      return there ? 0 : -errno.ENOMEM;
    },
};
