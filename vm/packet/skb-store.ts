/** bpf_skb_store_bytes: bytes into a socket buffer, with its sum and its hash kept or given up. */
import type { Ptr } from '../addr.js';
import { errno } from '../spec/errno.js';
import type { SkBuff } from './sk-buff.js';
import { putIntoSum, takeFromSum } from './skb-csum.js';

const RECOMPUTE_CSUM = 1;
const INVALIDATE_HASH = 2;

/** @param off from the packet's start; below 2^31 where it can be right */
export function storeSkbBytes(
  skb: SkBuff,
  off: number,
  from: Ptr,
  bytes: number,
  flags: number,
  flagsHi: number,
): number {
  const { memory } = skb;
  if ((flags & ~(RECOMPUTE_CSUM | INVALIDATE_HASH)) !== 0 || flagsHi !== 0) return -errno.EINVAL;
  if (off < 0 || off + bytes > skb.lengthBytes) return -errno.EFAULT;
  const at = skb.data + off;
  const sums = (flags & RECOMPUTE_CSUM) !== 0;
  if (sums) takeFromSum(memory, at, bytes, off);
  memory.u8.copyWithin(at, from, from + bytes);
  if (sums) putIntoSum(memory, at, bytes, off);
  if ((flags & INVALIDATE_HASH) !== 0) skb.clearHash();
  skb.settle();
  return 0;
}
