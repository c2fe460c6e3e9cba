/** Helpers that say which tunnel a socket buffer is to go through, and with which options. */
import { getTunnelKey, getTunnelOptions, setTunnelKey, setTunnelOptions } from '../packet/skb-tunnel.js';
import type { PlainHelper } from './helper.js';

export const skbGetTunnelKey: PlainHelper = {
  name: 'skb_get_tunnel_key',
  bind:
    ({ memory }) =>
    (_ctx = 0, to = 0, bytes = 0, flags = 0, flagsHi = 0) =>
      getTunnelKey(memory, to, bytes, flags, flagsHi),
};

export const skbSetTunnelKey: PlainHelper = {
  name: 'skb_set_tunnel_key',
  bind:
    ({ memory }) =>
    (_ctx = 0, from = 0, bytes = 0, flags = 0, flagsHi = 0) =>
      setTunnelKey(memory, from, bytes, flags, flagsHi),
};

export const skbGetTunnelOpt: PlainHelper = {
  name: 'skb_get_tunnel_opt',
  bind:
    ({ memory }) =>
    (_ctx = 0, to = 0, bytes = 0) =>
      getTunnelOptions(memory, to, bytes >>> 0),
};

export const skbSetTunnelOpt: PlainHelper = {
  name: 'skb_set_tunnel_opt',
  bind:
    ({ memory }) =>
    (_ctx = 0, from = 0, bytes = 0) =>
      setTunnelOptions(memory, from, bytes >>> 0),
};
