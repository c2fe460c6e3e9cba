/** getsockopt and setsockopt of a cgroup's sockets. The data are the option's bytes. */
import { putCtxValues } from './ctx-values.js';
import type { HookKind } from './hook.js';
import { mustHaveSocket, putSocket } from './socket-fields.js';

const REJECT = 0;
const OPTLEN_OFF = 32;

export const cgroupSockoptHook: HookKind = {
  type: 'cgroup_sockopt',
  packet: 'bytes',
  begins: 'payload',
  ctx: 'bpf_sockopt',
  data: { start: 8, end: 16, writable: true },
  trapVerdict: REJECT,
  fill(env, input) {
    const { memory, ctx, bytes } = env;
    putSocket(env, 'bpf_sockopt', mustHaveSocket(env, input));
    memory.setWord(ctx + OPTLEN_OFF, bytes.lengthBytes);
    if (input.ctx !== undefined) putCtxValues(memory, ctx, 'bpf_sockopt', input.ctx);
  },
};
