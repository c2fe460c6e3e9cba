/** A cgroup's sockets as they are made, bound and released. The ctx is struct bpf_sock itself. */
import { cells } from '../memory/cells.js';
import { CTX_LAYOUTS } from '../spec/ctx.js';
import { sockOff } from '../world/socket-table.js';
import type { HookKind } from './hook.js';
import { mustHaveSocket } from './socket-fields.js';

const REJECT = 0;

export const cgroupSockHook: HookKind = {
  type: 'cgroup_sock',
  packet: 'bytes',
  begins: 'payload',
  ctx: 'bpf_sock',
  trapVerdict: REJECT,
  fill(env, input) {
    const { memory, ctx } = env;
    const sock = mustHaveSocket(env, input);
    memory.setWord(cells.contextSock, sock);
    memory.u8.copyWithin(ctx, sock, sock + CTX_LAYOUTS.bpf_sock.bytes);
  },
  settle({ memory, ctx, world }) {
    const sock = memory.word(cells.contextSock);
    for (const off of [sockOff.boundDevice, sockOff.mark, sockOff.priority]) {
      world.sockets.setField(sock, off, memory.word(ctx + off));
    }
  },
};
