/** VLAN tags of a socket buffer: the outermost beside the packet, as hardware would hold it, the others in the packet. */
import { cells } from '../memory/cells.js';
import { errno } from '../spec/errno.js';
import { bswap16 } from '../u64.js';
import { ETH_8021Q, ETH_HEADER_BYTES, etherProtocol, isVlan } from './ether-type.js';
import type { SkBuff } from './sk-buff.js';
import { putIntoSum, takeFromSum } from './skb-csum.js';

const TAG_BYTES = 4;
/** Destination and source address. */
const ADDRESS_BYTES = 12;

/** bpf_skb_vlan_push; the protocol is in network order, and 802.1Q where it is no VLAN's. */
export function pushVlan(skb: SkBuff, protocol: number, tci: number): number {
  const { memory } = skb;
  const result = hasTag(skb) ? insertTag(skb) : 0;
  if (result === 0) {
    memory.setWord(cells.skbVlanProto, isVlan(protocol) ? protocol : ETH_8021Q);
    memory.setWord(cells.skbVlanTci, tci);
  }
  skb.settle();
  return result;
}

/** bpf_skb_vlan_pop: drops the outermost tag; the next one takes its place beside the packet. */
export function popVlan(skb: SkBuff): number {
  const result = dropTag(skb);
  skb.settle();
  return result;
}

function dropTag(skb: SkBuff): number {
  const { memory } = skb;
  if (hasTag(skb)) {
    memory.setWord(cells.skbVlanProto, 0);
    memory.setWord(cells.skbVlanTci, 0);
  } else {
    if (!isVlan(skb.protocol)) return 0;
    const tci = removeTag(skb);
    if (tci < 0) return tci;
  }
  const { protocol } = skb;
  if (!isVlan(protocol)) return 0;
  const tci = removeTag(skb);
  if (tci < 0) return tci;
  memory.setWord(cells.skbVlanProto, protocol);
  memory.setWord(cells.skbVlanTci, tci);
  return 0;
}

function hasTag({ memory }: SkBuff): boolean {
  return (memory.word(cells.skbVlanProto) | memory.word(cells.skbVlanTci)) !== 0;
}

/** Writes the tag beside the packet into it. */
function insertTag(skb: SkBuff): number {
  const { memory } = skb;
  if (!skb.push(TAG_BYTES)) return -errno.ENOMEM;
  const { data } = skb;
  memory.u8.copyWithin(data, data + TAG_BYTES, data + TAG_BYTES + ADDRESS_BYTES);
  const protocol = memory.word(cells.skbVlanProto);
  memory.view.setUint16(data + ADDRESS_BYTES, protocol, true);
  memory.view.setUint16(data + ADDRESS_BYTES + 2, memory.word(cells.skbVlanTci));
  memory.setWord(cells.skbMac, memory.word(cells.skbMac) - TAG_BYTES);
  memory.setWord(cells.skbNetwork, memory.word(cells.skbNetwork) - TAG_BYTES);
  skb.protocol = protocol;
  putIntoSum(memory, data + ADDRESS_BYTES, TAG_BYTES);
  return 0;
}

/** Takes a tag out of the packet; its tci, or an errno. */
function removeTag(skb: SkBuff): number {
  const { memory, data } = skb;
  if (skb.lengthBytes < ETH_HEADER_BYTES + TAG_BYTES) return -errno.ENOMEM;
  takeFromSum(memory, data + ADDRESS_BYTES, TAG_BYTES);
  const tci = bswap16(memory.view.getUint16(data + ETH_HEADER_BYTES, true));
  skb.protocol = etherProtocol(memory, data + ETH_HEADER_BYTES + 2, skb.end);
  memory.u8.copyWithin(data + TAG_BYTES, data, data + ADDRESS_BYTES);
  skb.pull(TAG_BYTES);
  memory.setWord(cells.skbMac, memory.word(cells.skbMac) + TAG_BYTES);
  if (skb.networkOff < ETH_HEADER_BYTES) memory.setWord(cells.skbNetwork, skb.data + ETH_HEADER_BYTES);
  return tci;
}
