/** Sockets that share an address: the program says which of them gets a packet. The data begin with the TCP or UDP header. */
import { putCtxValues } from './ctx-values.js';
import type { HookKind } from './hook.js';
import { mustHaveSocket, putSocket, socketOf } from './socket-fields.js';

const SK_DROP = 0;
const LEN_OFF = 16;
const MIGRATING_OFF = 48;

export const skReuseportHook: HookKind = {
  type: 'sk_reuseport',
  packet: 'bytes',
  begins: 'payload',
  ctx: 'sk_reuseport_md',
  data: { start: 0, end: 8, writable: false },
  trapVerdict: SK_DROP,
  fill(env, input) {
    const { memory, ctx, bytes } = env;
    putSocket(env, 'sk_reuseport_md', mustHaveSocket(env, input));
    memory.setWord(ctx + MIGRATING_OFF, socketOf(env, input.migrating));
    memory.setWord(ctx + LEN_OFF, bytes.lengthBytes);
    if (input.ctx !== undefined) putCtxValues(memory, ctx, 'sk_reuseport_md', input.ctx, ['len']);
  },
};
