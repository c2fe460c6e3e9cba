/** Helpers that read and write an XDP packet by offset, across its fragments. */
import type { PlainHelper } from './helper.js';

export const xdpGetBuffLen: PlainHelper = {
  name: 'xdp_get_buff_len',
  bind:
    ({ xdp }) =>
    () =>
      xdp.totalBytes,
};

export const xdpLoadBytes: PlainHelper = {
  name: 'xdp_load_bytes',
  bind:
    ({ xdp }) =>
    (_ctx = 0, off = 0, to = 0, bytes = 0) =>
      xdp.loadBytes(off >>> 0, to, bytes >>> 0),
};

export const xdpStoreBytes: PlainHelper = {
  name: 'xdp_store_bytes',
  bind:
    ({ xdp }) =>
    (_ctx = 0, off = 0, from = 0, bytes = 0) =>
      xdp.storeBytes(off >>> 0, from, bytes >>> 0),
};
