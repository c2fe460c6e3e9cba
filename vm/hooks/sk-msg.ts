/** What a socket of a sockmap is about to send. */
import { putCtxValues } from './ctx-values.js';
import type { HookKind } from './hook.js';
import { mustHaveSocket, putSocket } from './socket-fields.js';

const SK_DROP = 0;
const SIZE_OFF = 68;
const OWNED = ['family', 'remote_ip4', 'local_ip4', 'remote_ip6', 'local_ip6', 'remote_port', 'local_port', 'size'];

export const skMsgHook: HookKind = {
  type: 'sk_msg',
  packet: 'bytes',
  begins: 'payload',
  ctx: 'sk_msg_md',
  data: { start: 0, end: 8, writable: true },
  trapVerdict: SK_DROP,
  fill(env, input) {
    const { memory, ctx, bytes } = env;
    putSocket(env, 'sk_msg_md', mustHaveSocket(env, input));
    memory.setWord(ctx + SIZE_OFF, bytes.lengthBytes);
    if (input.ctx !== undefined) putCtxValues(memory, ctx, 'sk_msg_md', input.ctx, OWNED);
  },
};
