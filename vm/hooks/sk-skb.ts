/** Parser and verdict on sockets of a sockmap: the data are what the peer sent, without headers. */
import type { HookKind } from './hook.js';
import { fillSkb } from './skb-hook.js';
import { mustHaveSocket } from './socket-fields.js';

const SK_DROP = 0;

export const skSkbHook: HookKind = {
  type: 'sk_skb',
  packet: 'skb',
  begins: 'payload',
  ctx: '__sk_buff',
  trapVerdict: SK_DROP,
  fill(env, input) {
    mustHaveSocket(env, input);
    fillSkb(env, input);
  },
};
