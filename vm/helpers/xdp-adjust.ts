/** Helpers that move an XDP packet's bounds. */
import type { PlainHelper } from './helper.js';

export const xdpAdjustHead: PlainHelper = {
  name: 'xdp_adjust_head',
  bind:
    ({ xdp }) =>
    (_ctx = 0, delta = 0) =>
      xdp.adjustHead(delta),
};

export const xdpAdjustTail: PlainHelper = {
  name: 'xdp_adjust_tail',
  bind:
    ({ xdp }) =>
    (_ctx = 0, delta = 0) =>
      xdp.adjustTail(delta),
};

export const xdpAdjustMeta: PlainHelper = {
  name: 'xdp_adjust_meta',
  bind:
    ({ xdp }) =>
    (_ctx = 0, delta = 0) =>
      xdp.adjustMeta(delta),
};
