/** EtherTypes in network order, as a 16-bit load on a little-endian machine sees them. Knows no packet. */
import type { Ptr } from '../addr.js';
import type { Memory } from '../memory/memory.js';
import { bswap16 } from '../u64.js';

export const ETH_HEADER_BYTES = 14;

export const ETH_IPV4 = 0x0008;
export const ETH_IPV6 = 0xdd86;
export const ETH_8021Q = 0x0081;
export const ETH_8021AD = 0xa888;
/** What Linux calls frames that have a length there: Novell's, and those with an LLC header. */
const ETH_802_3 = 0x0100;
const ETH_802_2 = 0x0400;
/** From this value on, in host order, the field is an EtherType, not a length. */
const ETH_802_3_MIN = 0x600;

export function isVlan(protocol: number): boolean {
  return protocol === ETH_8021Q || protocol === ETH_8021AD;
}

/** The protocol that an EtherType or length at `at` stands for (eth_type_trans). */
export function etherProtocol({ view }: Memory, at: Ptr, end: Ptr): number {
  const type = view.getUint16(at, true);
  if (bswap16(type) >= ETH_802_3_MIN) return type;
  return at + 4 <= end && view.getUint16(at + 2, true) === 0xffff ? ETH_802_3 : ETH_802_2;
}
