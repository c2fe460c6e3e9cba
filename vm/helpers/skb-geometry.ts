/** Helpers that make a socket buffer's packet longer or shorter. */
import { adjustRoom, changeHead, changeProto, changeTail } from '../packet/skb-room.js';
import { popVlan, pushVlan } from '../packet/skb-vlan.js';
import type { PlainHelper } from './helper.js';

export const skbAdjustRoom: PlainHelper = {
  name: 'skb_adjust_room',
  bind:
    ({ skb }) =>
    (_ctx = 0, diff = 0, mode = 0, flags = 0, flagsHi = 0) =>
      adjustRoom(skb, diff, mode, flags, flagsHi),
};

export const skbChangeProto: PlainHelper = {
  name: 'skb_change_proto',
  bind:
    ({ skb }) =>
    (_ctx = 0, protocol = 0, flags = 0, flagsHi = 0) =>
      changeProto(skb, protocol, flags | flagsHi),
};

export const skbChangeHead: PlainHelper = {
  name: 'skb_change_head',
  bind:
    ({ skb }) =>
    (_ctx = 0, bytes = 0, flags = 0, flagsHi = 0) =>
      changeHead(skb, bytes, flags | flagsHi),
};

export const skbChangeTail: PlainHelper = {
  name: 'skb_change_tail',
  bind:
    ({ skb }) =>
    (_ctx = 0, bytes = 0, flags = 0, flagsHi = 0) =>
      changeTail(skb, bytes, flags | flagsHi),
};

export const skbVlanPush: PlainHelper = {
  name: 'skb_vlan_push',
  bind:
    ({ skb }) =>
    (_ctx = 0, protocol = 0, tci = 0) =>
      pushVlan(skb, protocol & 0xffff, tci & 0xffff),
};

export const skbVlanPop: PlainHelper = {
  name: 'skb_vlan_pop',
  bind:
    ({ skb }) =>
    () =>
      popVlan(skb),
};
