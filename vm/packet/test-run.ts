/**
 * BPF_PROG_TEST_RUN for programs over socket buffers: which packets and contexts it takes, how it sets the buffer up, what
 * it hands back. A model of bpf_prog_test_run_skb in net/bpf/test_run.c of Linux 6.18.
 */
import { concatBytes, viewOf } from '../bytes.js';
import { cells } from '../memory/cells.js';
import { CTX_LAYOUTS } from '../spec/ctx.js';
import { errno } from '../spec/errno.js';
import { ETH_HEADER_BYTES, ETH_IPV4, ETH_IPV6 } from './ether-type.js';
import { CHECKSUM_COMPLETE, ctxOff } from './sk-buff.js';
import type { SkBuff } from './sk-buff.js';
import { foldSum, sumOf } from './skb-csum.js';

/** BPF_F_TEST_SKB_CHECKSUM_COMPLETE: the buffer carries its sum, and it must still be right afterwards. */
export const TEST_SKB_CHECKSUM_COMPLETE = 4;

/** A page without the room in front (NET_SKB_PAD) and behind (skb_shared_info). */
const MAX_BYTES = 4096 - 64 - 320;
/** GSO_LEGACY_MAX_SIZE and GSO_MAX_SEGS. */
const MAX_WIRE_BYTES = 65536;
const MAX_SEGS = 65535;
/** The loopback device, and the only one that every machine has. */
const LOOPBACK = 1;

/** Fields that the context may set, as [offset, bytes]; all other bytes must be 0. */
const SETTABLE = [
  [ctxOff.mark, 4],
  [ctxOff.priority, 4],
  [ctxOff.ingressIfindex, 4],
  [ctxOff.ifindex, 4],
  [ctxOff.cb, 20],
  [ctxOff.tstamp, 8],
  [ctxOff.wireLen, 4],
  [ctxOff.gsoSegs, 4],
  [ctxOff.gsoSize, 4],
  [ctxOff.hwtstamp, 8],
] as const;

/** Fields that come back. */
const RETURNED = [
  [ctxOff.mark, 4],
  [ctxOff.priority, 4],
  [ctxOff.ingressIfindex, 4],
  [ctxOff.ifindex, 4],
  [ctxOff.cb, 20],
  [ctxOff.tstamp, 8],
  [ctxOff.wireLen, 4],
  [ctxOff.gsoSegs, 4],
  [ctxOff.hwtstamp, 8],
] as const;

/**
 * Sets the buffer up as the kernel would.
 * @param context struct __sk_buff, or its first bytes; undefined: none
 * @returns 0, or the errno with which the command fails
 */
export function beginTestRun(skb: SkBuff, packet: Uint8Array, context?: Uint8Array, flags = 0): number {
  if ((flags & ~TEST_SKB_CHECKSUM_COMPLETE) !== 0) return errno.EINVAL;
  if (packet.length < ETH_HEADER_BYTES || packet.length > MAX_BYTES) return errno.EINVAL;
  skb.receive(packet, LOOPBACK);
  skb.memory.setWord(cells.skbTransport, 0);
  if (packet.length < ETH_HEADER_BYTES + ipHeaderBytes(skb.protocol)) return errno.EINVAL;
  skb.setField(ctxOff.ingressIfindex, 0);
  // Only a context makes the command fill it in.
  skb.setField(ctxOff.wireLen, 0);
  if (context !== undefined) {
    const failure = takeContext(skb, context);
    if (failure !== 0) return failure;
  }
  if ((flags & TEST_SKB_CHECKSUM_COMPLETE) !== 0) {
    skb.memory.setWord(cells.skbSummed, CHECKSUM_COMPLETE);
    skb.memory.setWord(cells.skbCsum, sumFromNetwork(skb));
  }
  return 0;
}

/**
 * What the command answers after the program: an errno, or 0 and struct __sk_buff.
 * @param given the context as it came in: it goes out through the same bytes, and must have room for all of them
 */
export function endTestRun(
  skb: SkBuff,
  given: Uint8Array = new Uint8Array(0),
  flags = 0,
): { readonly errno: number; readonly context: Uint8Array } {
  const { memory } = skb;
  const { bytes: ctxBytes } = CTX_LAYOUTS.__sk_buff;
  const context = new Uint8Array(ctxBytes);
  context.set(given.subarray(0, ctxBytes));
  for (const [off, bytes] of RETURNED) context.set(memory.read(skb.ctx + off, bytes), off);
  const isWrong =
    (flags & TEST_SKB_CHECKSUM_COMPLETE) !== 0 && foldSum(memory.word(cells.skbCsum)) !== foldSum(sumFromNetwork(skb));
  const isShort = given.length > 0 && given.length < ctxBytes;
  return { errno: isWrong ? errno.EBADMSG : isShort ? errno.ENOSPC : 0, context };
}

function ipHeaderBytes(protocol: number): number {
  return protocol === ETH_IPV4 ? 20 : protocol === ETH_IPV6 ? 40 : 0;
}

function sumFromNetwork(skb: SkBuff): number {
  return sumOf(skb.memory, skb.networkStart, skb.end - skb.networkStart);
}

function takeContext(skb: SkBuff, given: Uint8Array): number {
  const { bytes: ctxBytes } = CTX_LAYOUTS.__sk_buff;
  if (given.subarray(ctxBytes).some((byte) => byte !== 0)) return errno.E2BIG;
  const context = concatBytes([given.subarray(0, ctxBytes), new Uint8Array(Math.max(0, ctxBytes - given.length))]);
  const isSettable = (at: number): boolean => SETTABLE.some(([off, bytes]) => at >= off && at < off + bytes);
  if (context.some((byte, at) => byte !== 0 && !isSettable(at))) return errno.EINVAL;
  const view = viewOf(context);
  const word = (off: number): number => view.getUint32(off, true);
  const ifindex = word(ctxOff.ifindex);
  if (ifindex > LOOPBACK) return errno.ENODEV;
  const wireBytes = word(ctxOff.wireLen);
  if (wireBytes !== 0 && (wireBytes < skb.lengthBytes || wireBytes > MAX_WIRE_BYTES)) return errno.EINVAL;
  if (word(ctxOff.gsoSegs) > MAX_SEGS) return errno.EINVAL;
  for (const [off, bytes] of SETTABLE) skb.memory.write(skb.ctx + off, context.subarray(off, off + bytes));
  skb.setField(ctxOff.gsoSize, word(ctxOff.gsoSize) & 0xffff);
  if (ifindex === 0) skb.setField(ctxOff.ifindex, LOOPBACK);
  if (wireBytes === 0) skb.setField(ctxOff.wireLen, skb.lengthBytes);
  return 0;
}
