/**
 * Helpers that say where a packet is to go. They only note the target, in cells; it counts where the program then returns
 * the verdict for redirects. Models of net/core/filter.c of Linux 6.18.
 */
import { cells } from '../memory/cells.js';
import type { Memory } from '../memory/memory.js';
import { errno } from '../spec/errno.js';
import { MAP_TYPE_ROWS } from '../spec/map-types.js';
import { REDIRECT_FLAGS, REDIRECT_KIND, REDIR_NEIGH_BYTES } from '../spec/redirect.js';
import type { PlainHelper } from './helper.js';

const XDP_ABORTED = 0;
const XDP_REDIRECT = 4;
const TC_ACT_SHOT = 2;
const TC_ACT_REDIRECT = 7;
/** Verdicts that the caller of bpf_redirect_map may choose for a miss: XDP_ABORTED to XDP_TX. */
const MISS_VERDICTS = 3;
const NET_RX_DROP = 1;

function noteDevice(memory: Memory, ifindex: number, flags: number): void {
  memory.setWord(cells.redirectKind, REDIRECT_KIND.ifindex);
  memory.setWord(cells.redirectTarget, ifindex);
  memory.setWord(cells.redirectFlags, flags);
}

export const redirect: PlainHelper = {
  name: 'redirect',
  bind: (machine) => {
    const { memory } = machine;
    return (ifindex = 0, flags = 0, flagsHi = 0) => {
      const isXdp = machine.packet === machine.xdp;
      if (flagsHi !== 0 || (flags & ~(isXdp ? 0 : REDIRECT_FLAGS.ingress)) !== 0) {
        return isXdp ? XDP_ABORTED : TC_ACT_SHOT;
      }
      noteDevice(memory, ifindex, flags);
      return isXdp ? XDP_REDIRECT : TC_ACT_REDIRECT;
    };
  },
};

export const redirectPeer: PlainHelper = {
  name: 'redirect_peer',
  bind:
    ({ memory }) =>
    (ifindex = 0, flags = 0, flagsHi = 0) => {
      if ((flags | flagsHi) !== 0) return TC_ACT_SHOT;
      noteDevice(memory, ifindex, REDIRECT_FLAGS.peer);
      return TC_ACT_REDIRECT;
    },
};

export const redirectNeigh: PlainHelper = {
  name: 'redirect_neigh',
  bind:
    ({ memory }) =>
    (ifindex = 0, params = 0, bytes = 0, flags = 0, flagsHi = 0) => {
      if ((bytes !== 0 && bytes >>> 0 < REDIR_NEIGH_BYTES) || (flags | flagsHi) !== 0) return TC_ACT_SHOT;
      noteDevice(memory, ifindex, REDIRECT_FLAGS.neigh | (bytes === 0 ? 0 : REDIRECT_FLAGS.nexthop));
      if (bytes !== 0) memory.u8.copyWithin(cells.redirectNexthop, params, params + REDIR_NEIGH_BYTES);
      return TC_ACT_REDIRECT;
    },
};

export const redirectMap: PlainHelper = {
  name: 'redirect_map',
  bind:
    ({ memory, maps }) =>
    (map = 0, key = 0, flags = 0, flagsHi = 0) => {
      const targets = maps.targets(map);
      const known =
        MAP_TYPE_ROWS[maps.spec(map).type].holds === 'device'
          ? REDIRECT_FLAGS.broadcast | REDIRECT_FLAGS.excludeIngress
          : 0;
      if (flagsHi !== 0 || (flags & ~(MISS_VERDICTS | known)) !== 0) return XDP_ABORTED;
      const value = targets.targetOf(key);
      const toAll = (flags & REDIRECT_FLAGS.broadcast) !== 0;
      if (value === 0 && !toAll) {
        memory.setWord(cells.redirectKind, REDIRECT_KIND.none);
        return flags & MISS_VERDICTS;
      }
      memory.setWord(cells.redirectKind, REDIRECT_KIND.map);
      memory.setWord(cells.redirectTarget, key);
      memory.setWord(cells.redirectMap, map);
      memory.setWord(cells.redirectValue, value === 0 ? 0 : memory.word(value));
      memory.setWord(cells.redirectFlags, toAll ? flags : 0);
      return XDP_REDIRECT;
    },
};

export const cloneRedirect: PlainHelper = {
  name: 'clone_redirect',
  bind:
    ({ memory, skb, world }) =>
    (_ctx = 0, ifindex = 0, flags = 0, flagsHi = 0) => {
      if (flagsHi !== 0 || (flags & ~REDIRECT_FLAGS.ingress) !== 0) return -errno.EINVAL;
      const { devices, isGiven } = world.network;
      const device = devices.at(ifindex >>> 0);
      if (device === undefined && (isGiven || ifindex <= 0)) return -errno.EINVAL;
      if (memory.word(cells.skbMac) >= memory.word(cells.skbNetwork) || skb.lengthBytes === 0) return -errno.ERANGE;
      const ingress = (flags & REDIRECT_FLAGS.ingress) !== 0;
      if (device?.up === false) return ingress ? NET_RX_DROP : -errno.ENETDOWN;
      world.effects.clone({ ifindex: ifindex >>> 0, ingress, packet: skb.bytes() });
      skb.settle();
      return 0;
    },
};
