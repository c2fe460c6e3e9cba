/** Helpers that move an XDP packet's bounds. */
import type { PlainHelper } from './helper.js';

export const xdpAdjustHead: PlainHelper = {
  name: 'xdp_adjust_head',
  bind:
    ({ packet }) =>
    (_ctx = 0, delta = 0) =>
      packet.adjustHead(delta),
};

export const xdpAdjustTail: PlainHelper = {
  name: 'xdp_adjust_tail',
  bind:
    ({ packet }) =>
    (_ctx = 0, delta = 0) =>
      packet.adjustTail(delta),
};

export const xdpAdjustMeta: PlainHelper = {
  name: 'xdp_adjust_meta',
  bind:
    ({ packet }) =>
    (_ctx = 0, delta = 0) =>
      packet.adjustMeta(delta),
};
