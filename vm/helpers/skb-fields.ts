/** Helpers that read or set what a socket buffer says about its packet: type, hash, timestamp, congestion mark. */
import { cells } from '../memory/cells.js';
import type { Memory } from '../memory/memory.js';
import { ETH_IPV4, ETH_IPV6 } from '../packet/ether-type.js';
import { ctxOff, PACKET_OTHERHOST } from '../packet/sk-buff.js';
import { addHalf, addSum, isComplete, subSum } from '../packet/skb-csum.js';
import { errno } from '../spec/errno.js';
import type { PlainHelper } from './helper.js';

export const skbChangeType: PlainHelper = {
  name: 'skb_change_type',
  bind:
    ({ memory, skb }) =>
    (_ctx = 0, type = 0) => {
      if (memory.word(cells.skbType) > PACKET_OTHERHOST || type >>> 0 > PACKET_OTHERHOST) return -errno.EINVAL;
      memory.setWord(cells.skbType, type);
      skb.sync();
      return 0;
    },
};

export const getHashRecalc: PlainHelper = {
  name: 'get_hash_recalc',
  bind:
    ({ skb }) =>
    () =>
      skb.hash(),
};

export const setHash: PlainHelper = {
  name: 'set_hash',
  bind:
    ({ skb }) =>
    (_ctx = 0, hash = 0) => {
      skb.setHash(hash);
      return 0;
    },
};

export const setHashInvalid: PlainHelper = {
  name: 'set_hash_invalid',
  bind:
    ({ skb }) =>
    () => {
      skb.clearHash();
      return 0;
    },
};

/** No packet comes with a route. */
export const getRouteRealm: PlainHelper = { name: 'get_route_realm', bind: () => () => 0 };

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const CLOCK_TAI = 2;

export const skbSetTstamp: PlainHelper = {
  name: 'skb_set_tstamp',
  bind:
    ({ memory, layout, skb }) =>
    (_ctx = 0, lo = 0, hi = 0, type = 0) => {
      if (skb.protocol !== ETH_IPV4 && skb.protocol !== ETH_IPV6) return -errno.EOPNOTSUPP;
      if (type !== CLOCK_REALTIME && type !== CLOCK_MONOTONIC && type !== CLOCK_TAI) return -errno.EINVAL;
      if (type !== CLOCK_REALTIME && (lo | hi) === 0) return -errno.EINVAL;
      memory.setWord(layout.ctx + ctxOff.tstamp, lo);
      memory.setWord(layout.ctx + ctxOff.tstamp + 4, hi);
      memory.u8[layout.ctx + ctxOff.tstampType] = type;
      return 0;
    },
};

const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const ECN_CE = 3;

/** 1 where the packet now says "congestion experienced", 0 where its sender does not know that mark. */
export const skbEcnSetCe: PlainHelper = {
  name: 'skb_ecn_set_ce',
  bind:
    ({ memory, skb }) =>
    () => {
      const at = skb.networkStart;
      const bytes = skb.protocol === ETH_IPV4 ? IPV4_BYTES : skb.protocol === ETH_IPV6 ? IPV6_BYTES : undefined;
      if (bytes === undefined || at + bytes > skb.end) return 0;
      return bytes === IPV4_BYTES ? markIpv4(memory, at) : markIpv6(memory, at);
    },
};

function markIpv4({ view }: Memory, at: number): number {
  const tos = view.getUint8(at + 1);
  const ecn = (tos + 1) & ECN_CE;
  if ((ecn & 2) === 0) return ecn === 0 ? 1 : 0;
  view.setUint16(at + 10, addHalf(view.getUint16(at + 10), addHalf(0xfffb, ecn)));
  view.setUint8(at + 1, tos | ECN_CE);
  return 1;
}

function markIpv6(memory: Memory, at: number): number {
  const { view } = memory;
  const word = view.getUint32(at);
  if (((word >>> 20) & ECN_CE) === 0) return 0;
  const before = view.getUint32(at, true);
  view.setUint32(at, word | (ECN_CE << 20));
  if (isComplete(memory)) {
    memory.setWord(cells.skbCsum, addSum(subSum(memory.word(cells.skbCsum), before), view.getUint32(at, true)));
  }
  return 1;
}
