/**
 * Helpers that make a socket buffer longer or shorter: room behind its MAC or network header, a longer head or tail, another
 * IP version. Limits, order of checks and errnos are those of net/core/filter.c in Linux 6.18.
 */
import { cells } from '../memory/cells.js';
import { errno } from '../spec/errno.js';
import { ETH_HEADER_BYTES, ETH_IPV4, ETH_IPV6 } from './ether-type.js';
import { CHECKSUM_COMPLETE, CHECKSUM_NONE, CHECKSUM_UNNECESSARY, ctxOff, SKB_MAX_BYTES } from './sk-buff.js';
import type { SkBuff } from './sk-buff.js';
import { takeFromSum } from './skb-csum.js';

const IPV4_BYTES = 20;
const IPV6_BYTES = 40;

const MODE_NET = 0;
const MODE_MAC = 1;

const FIXED_GSO = 1 << 0;
const ENCAP_IPV4 = 1 << 1;
const ENCAP_IPV6 = 1 << 2;
const ENCAP_GRE = 1 << 3;
const ENCAP_UDP = 1 << 4;
const NO_CSUM_RESET = 1 << 5;
const ENCAP_ETH = 1 << 6;
const DECAP_IPV4 = 1 << 7;
const DECAP_IPV6 = 1 << 8;
const ENCAP_L3 = ENCAP_IPV4 | ENCAP_IPV6;
const DECAP_L3 = DECAP_IPV4 | DECAP_IPV6;
const ALL_LOW = FIXED_GSO | ENCAP_L3 | ENCAP_GRE | ENCAP_UDP | NO_CSUM_RESET | ENCAP_ETH | DECAP_L3;
/** Bytes of an inner L2 header, in the top byte of the flags. */
const ENCAP_L2_SHIFT = 24;
const MAX_DIFF = 0xfff;

/** bpf_skb_adjust_room; the flags are two words. */
export function adjustRoom(skb: SkBuff, diff: number, mode: number, flags: number, flagsHi: number): number {
  if ((flags & ~ALL_LOW) !== 0 || (flagsHi & 0x00ff_ffff) !== 0) return -errno.EINVAL;
  const bytes = Math.abs(diff);
  if (bytes > MAX_DIFF) return -errno.EFAULT;
  const { protocol } = skb;
  if (protocol !== ETH_IPV4 && protocol !== ETH_IPV6) return -errno.ENOTSUPP;
  const baseBytes = protocol === ETH_IPV4 ? IPV4_BYTES : IPV6_BYTES;
  if (mode >>> 0 > MODE_MAC) return -errno.ENOTSUPP;
  const off = skb.macHeaderBytes + (mode === MODE_NET ? baseBytes : 0);
  const shrinks = diff < 0;
  let leastBytes = baseBytes;
  if ((flags & DECAP_L3) !== 0) {
    if (!shrinks || (flags & DECAP_L3) === DECAP_L3) return -errno.EINVAL;
    leastBytes = (flags & DECAP_IPV4) !== 0 ? IPV4_BYTES : IPV6_BYTES;
  }
  const networkBytes = (skb.lengthBytes - skb.networkOff) >>> 0;
  if (shrinks ? networkBytes - bytes < leastBytes : tooLong(skb, skb.lengthBytes + bytes)) {
    return -errno.ENOTSUPP;
  }
  const result = shrinks ? shrink(skb, off, bytes, flags, flagsHi) : grow(skb, off, bytes, flags, flagsHi);
  if (result === 0 && (flags & NO_CSUM_RESET) === 0) resetUnnecessary(skb);
  skb.settle();
  return result;
}

function tooLong(skb: SkBuff, bytes: number): boolean {
  return bytes > SKB_MAX_BYTES && !skb.isGso;
}

function resetUnnecessary({ memory }: SkBuff): void {
  if (memory.word(cells.skbSummed) !== CHECKSUM_UNNECESSARY) return;
  memory.setWord(cells.skbSummed, CHECKSUM_NONE);
  memory.setWord(cells.skbCsumLevel, 0);
}

/** Segments of a type that the caller did not say cannot be resized; TEST_RUN and captures never say TCP. */
function grow(skb: SkBuff, off: number, bytes: number, flags: number, flagsHi: number): number {
  if (skb.isGso) return -errno.ENOTSUPP;
  const { memory } = skb;
  const encapsulates = (flags & ENCAP_L3) !== 0;
  const innerMacBytes = flagsHi >>> ENCAP_L2_SHIFT;
  const macBytes = skb.macHeaderBytes;
  if (encapsulates) {
    if ((flags & ENCAP_L3) === ENCAP_L3) return -errno.EINVAL;
    if ((flags & ENCAP_GRE) !== 0 && (flags & ENCAP_UDP) !== 0) return -errno.EINVAL;
    if ((flags & ENCAP_ETH) !== 0 && innerMacBytes < ETH_HEADER_BYTES) return -errno.EINVAL;
    if (memory.word(cells.skbEncapsulated) !== 0) return -errno.EALREADY;
    if (innerMacBytes > bytes) return -errno.EINVAL;
  }
  if (!pushAt(skb, off, bytes)) return -errno.ENOMEM;
  if (!encapsulates) return 0;
  memory.setWord(cells.skbEncapsulated, 1);
  memory.setWord(cells.skbNetwork, skb.data + macBytes);
  if ((flags & (ENCAP_GRE | ENCAP_UDP)) !== 0) {
    const outerBytes = (flags & ENCAP_IPV6) !== 0 ? IPV6_BYTES : IPV4_BYTES;
    memory.setWord(cells.skbTransport, skb.data + macBytes + outerBytes);
  }
  skb.protocol = (flags & ENCAP_IPV6) !== 0 ? ETH_IPV6 : ETH_IPV4;
  return 0;
}

function shrink(skb: SkBuff, off: number, bytes: number, flags: number, flagsHi: number): number {
  if ((flags & ~(FIXED_GSO | DECAP_L3 | NO_CSUM_RESET)) !== 0 || flagsHi !== 0) return -errno.EINVAL;
  if (skb.isGso) return -errno.ENOTSUPP;
  if (!pullAt(skb, off, bytes)) return -errno.ENOMEM;
  if ((flags & DECAP_IPV6) !== 0) skb.protocol = ETH_IPV6;
  else if ((flags & DECAP_IPV4) !== 0) skb.protocol = ETH_IPV4;
  return 0;
}

/** Opens `bytes` zero bytes at `off`; headers before it move to the front. */
function pushAt(skb: SkBuff, off: number, bytes: number): boolean {
  if (!skb.push(bytes)) return false;
  const { data, memory } = skb;
  memory.u8.copyWithin(data, data + bytes, data + bytes + off);
  memory.u8.fill(0, data + off, data + off + bytes);
  moveHeaders(skb, -bytes);
  return true;
}

/** Cuts `bytes` bytes out at `off`. */
function pullAt(skb: SkBuff, off: number, bytes: number): boolean {
  if (skb.lengthBytes < off + bytes) return false;
  const { data, memory } = skb;
  takeFromSum(memory, data + off, bytes);
  memory.u8.copyWithin(data + bytes, data, data + off);
  skb.pull(bytes);
  moveHeaders(skb, bytes);
  return true;
}

/** The transport header, once set, stays where it is. */
function moveHeaders({ memory }: SkBuff, by: number): void {
  for (const header of [cells.skbMac, cells.skbNetwork] as const) memory.setWord(header, memory.word(header) + by);
}

/** bpf_skb_change_proto: IPv4 to IPv6 and back, with 20 zero bytes more or 20 bytes less behind the MAC header. */
export function changeProto(skb: SkBuff, protocol: number, flags: number): number {
  if (flags !== 0) return -errno.EINVAL;
  const result = translate(skb, protocol & 0xffff);
  skb.settle();
  return result;
}

function translate(skb: SkBuff, protocol: number): number {
  const from = skb.protocol;
  const bytes = IPV6_BYTES - IPV4_BYTES;
  if (from === ETH_IPV4 && protocol === ETH_IPV6) {
    if (!pushAt(skb, skb.macHeaderBytes, bytes)) return -errno.ENOMEM;
  } else if (from === ETH_IPV6 && protocol === ETH_IPV4) {
    if (!pullAt(skb, skb.macHeaderBytes, bytes)) return -errno.ENOMEM;
  } else return -errno.ENOTSUPP;
  skb.protocol = protocol;
  skb.clearHash();
  return 0;
}

/** bpf_skb_change_head: `bytes` zero bytes in front, where the MAC header then is. */
export function changeHead(skb: SkBuff, bytes: number, flags: number): number {
  const long = skb.lengthBytes + (bytes >>> 0);
  const result = flags !== 0 || bytes < 0 || tooLong(skb, long) || long > 0xffff_ffff ? -errno.EINVAL : 0;
  if (result !== 0) {
    skb.settle();
    return result;
  }
  const pushed = skb.push(bytes);
  if (pushed) skb.memory.setWord(cells.skbMac, skb.data);
  skb.settle();
  return pushed ? 0 : -errno.ENOMEM;
}

/** bpf_skb_change_tail: cuts the packet to, or fills it with zeros up to, a length. */
export function changeTail(skb: SkBuff, bytes: number, flags: number): number {
  const result = resizeTail(skb, bytes >>> 0, flags);
  skb.settle();
  return result;
}

function resizeTail(skb: SkBuff, bytes: number, flags: number): number {
  const { memory } = skb;
  if (flags !== 0 || bytes > SKB_MAX_BYTES || bytes < leastBytes(skb)) return -errno.EINVAL;
  if (memory.word(cells.skbEncapsulated) !== 0) return -errno.ENOTSUPP;
  if (bytes !== skb.lengthBytes) {
    if (!skb.resize(bytes)) return -errno.ENOMEM;
    if (memory.word(cells.skbSummed) === CHECKSUM_COMPLETE) memory.setWord(cells.skbSummed, CHECKSUM_NONE);
  }
  if (skb.isGso) {
    skb.setField(ctxOff.gsoSize, 0);
    skb.setField(ctxOff.gsoSegs, 0);
  }
  return 0;
}

/** Headers that a tail may not be cut into. */
function leastBytes(skb: SkBuff): number {
  const network = Math.max(0, skb.networkOff);
  const transport = skb.memory.word(cells.skbTransport);
  return transport === 0 ? network : Math.max(transport - skb.data, 0) || network;
}
