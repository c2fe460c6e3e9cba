/** Helpers that copy bytes from and to a socket buffer's packet. */
import { cells } from '../memory/cells.js';
import type { Machine } from '../machine/machine.js';
import { storeSkbBytes } from '../packet/skb-store.js';
import { errno } from '../spec/errno.js';
import type { PlainHelper } from './helper.js';

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
    ({ skb }) =>
    (_ctx = 0, off = 0, from = 0, size = 0, flags = 0, flagsHi = 0) =>
      storeSkbBytes(skb, off, from, size >>> 0, flags, flagsHi),
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
