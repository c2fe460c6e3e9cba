/**
 * System calls of a cgroup's sockets that name an address: bind, connect, sendmsg, recvmsg, getpeername, getsockname. What
 * the program leaves in `user_ip4`, `user_ip6` and `user_port` is the address that the kernel goes on with.
 */
import { CTX_LAYOUTS } from '../spec/ctx.js';
import { sockOff } from '../world/socket-table.js';
import { putCtxValues } from './ctx-values.js';
import type { HookKind } from './hook.js';
import { mustHaveSocket, putSocket } from './socket-fields.js';

const REJECT = 0;
const OWNED = ['family', 'type', 'protocol'];

export const cgroupSockAddrHook: HookKind = {
  type: 'cgroup_sock_addr',
  packet: 'bytes',
  begins: 'payload',
  ctx: 'bpf_sock_addr',
  trapVerdict: REJECT,
  fill(env, input) {
    const { memory, ctx, world } = env;
    const sock = mustHaveSocket(env, input);
    putSocket(env, 'bpf_sock_addr', sock);
    const [userFamily] = CTX_LAYOUTS.bpf_sock_addr.fields;
    memory.setWord(ctx + userFamily.off, world.sockets.field(sock, sockOff.family));
    if (input.ctx !== undefined) putCtxValues(memory, ctx, 'bpf_sock_addr', input.ctx, OWNED);
  },
};
