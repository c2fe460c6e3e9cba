/** What the types over socket buffers share: ctx is struct __sk_buff, fields can be given, a socket may own the packet. */
import { putCtxValues } from './ctx-values.js';
import type { HookEnv, HookInput, HookKind } from './hook.js';
import { putSocket, socketOf } from './socket-fields.js';

/** Fields that follow from the packet, its socket, or what helpers do. */
const OWNED = [
  ...['len', 'pkt_type', 'protocol', 'vlan_present', 'vlan_tci', 'vlan_proto', 'hash'],
  ...['family', 'remote_ip4', 'local_ip4', 'remote_ip6', 'local_ip6', 'remote_port', 'local_port'],
];

export function fillSkb(env: HookEnv, input: HookInput): void {
  putSocket(env, '__sk_buff', socketOf(env, input.sk));
  if (input.ctx !== undefined) putCtxValues(env.memory, env.ctx, '__sk_buff', input.ctx, OWNED);
}

/** A type over socket buffers. */
export function skbHook(kind: Pick<HookKind, 'type' | 'begins' | 'trapVerdict'>): HookKind {
  return { ...kind, packet: 'skb', ctx: '__sk_buff', fill: fillSkb };
}
