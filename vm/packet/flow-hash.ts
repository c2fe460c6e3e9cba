/**
 * A flow's hash: the same for both directions and for every fragment, never 0. Linux keys its own with a random secret, so
 * only these properties can be relied on; here it is the same in every run.
 */
import type { Ptr } from '../addr.js';
import type { Memory } from '../memory/memory.js';
import { ETH_IPV4, ETH_IPV6, isVlan } from './ether-type.js';

const VLAN_BYTES = 4;
const TCP = 6;
const UDP = 17;

function mix(hash: number, word: number): number {
  let h = Math.imul(hash ^ word, 0x85eb_ca6b);
  h ^= h >>> 13;
  return Math.imul(h, 0xc2b2_ae35) ^ (h >>> 16);
}

/** Order-independent in its two ends. */
function mixEnds(hash: number, one: number, other: number): number {
  return one >>> 0 < other >>> 0 ? mix(mix(hash, one), other) : mix(mix(hash, other), one);
}

/**
 * @param outer protocol in network order
 * @param network where its header begins
 * @param end of the packet
 */
export function flowHash(memory: Memory, outer: number, network: Ptr, end: Ptr): number {
  const { view } = memory;
  let protocol = outer;
  let at = network;
  while (isVlan(protocol) && at + VLAN_BYTES <= end) {
    protocol = view.getUint16(at + 2, true);
    at += VLAN_BYTES;
  }
  let hash = mix(0x9e37_79b9, protocol);
  let transport = -1;
  let next = 0;
  if (protocol === ETH_IPV4 && at + 20 <= end) {
    next = view.getUint8(at + 9);
    const isFragment = (view.getUint16(at + 6) & 0x3fff) !== 0;
    if (!isFragment) transport = at + 4 * (view.getUint8(at) & 15);
    hash = mixEnds(hash, view.getUint32(at + 12), view.getUint32(at + 16));
  } else if (protocol === ETH_IPV6 && at + 40 <= end) {
    next = view.getUint8(at + 6);
    transport = at + 40;
    let source = 0;
    let destination = 0;
    for (let off = 0; off < 16; off += 4) {
      source = mix(source, view.getUint32(at + 8 + off));
      destination = mix(destination, view.getUint32(at + 24 + off));
    }
    hash = mixEnds(hash, source, destination);
  }
  hash = mix(hash, next);
  if (transport >= 0 && (next === TCP || next === UDP) && transport + 4 <= end) {
    hash = mixEnds(hash, view.getUint16(transport), view.getUint16(transport + 2));
  }
  return hash === 0 ? 1 : hash >>> 0;
}
