/**
 * Events of TCP sockets. The data, where an event brings them, begin with the TCP header, and the program may read that
 * header with its options.
 */
import { cells } from '../memory/cells.js';
import { isFullSocket } from '../world/sockets.js';
import { putCtxValues } from './ctx-values.js';
import type { HookEnv, HookKind } from './hook.js';
import { mustHaveSocket, putSocket } from './socket-fields.js';

const off = { isFullsock: 72, cbFlags: 84, txHash: 164, skbLen: 208, skbTcpFlags: 212 } as const;
const TCP_HEADER_BYTES = 20;

const OWNED = ['family', 'remote_ip4', 'local_ip4', 'remote_ip6', 'local_ip6', 'remote_port', 'local_port', 'state'];

export const sockOpsHook: HookKind = {
  type: 'sock_ops',
  packet: 'bytes',
  begins: 'payload',
  ctx: 'bpf_sock_ops',
  data: { start: 192, end: 200, writable: false },
  trapVerdict: 0,
  fill(env, input) {
    const { memory, ctx, world } = env;
    const sock = mustHaveSocket(env, input);
    putSocket(env, 'bpf_sock_ops', sock);
    const socket = world.sockets.at(sock);
    const isFull = socket !== undefined && isFullSocket(socket);
    memory.setWord(ctx + off.isFullsock, isFull ? 1 : 0);
    memory.setWord(ctx + off.cbFlags, world.sockets.cbFlags(sock));
    memory.setWord(ctx + off.txHash, world.sockets.txHash(sock));
    putHeader(env);
    if (input.ctx !== undefined) putCtxValues(memory, ctx, 'bpf_sock_ops', input.ctx, OWNED);
  },
  settle({ memory, ctx, world }) {
    world.sockets.setTxHash(memory.word(cells.contextSock), memory.word(ctx + off.txHash));
  },
};

/** What lies behind the header counts, but cannot be read. */
function putHeader({ memory, ctx, bytes }: HookEnv): void {
  const { data, lengthBytes } = bytes;
  memory.setWord(ctx + off.skbLen, lengthBytes);
  if (lengthBytes < TCP_HEADER_BYTES) return;
  memory.setWord(ctx + off.skbTcpFlags, memory.view.getUint8(data + 13));
  bytes.show(0, Math.min(4 * (memory.view.getUint8(data + 12) >> 4), lengthBytes));
}
