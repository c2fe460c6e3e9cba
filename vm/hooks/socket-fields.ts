/** What a ctx says of the socket that an event is about, and the pointer to it. Same names, same meaning in every struct. */
import type { Ptr } from '../addr.js';
import { ConfigError } from '../errors.js';
import { cells } from '../memory/cells.js';
import { CTX_LAYOUTS } from '../spec/ctx.js';
import type { CtxField, CtxName } from '../spec/ctx.js';
import { suggestion } from '../suggest.js';
import { sockOff } from '../world/socket-table.js';
import type { HookEnv, HookInput } from './hook.js';

/** Fields that are filled from the socket, and from where in struct bpf_sock. */
const FROM_SOCK: Readonly<Record<string, number>> = {
  family: sockOff.family,
  type: sockOff.type,
  protocol: sockOff.protocol,
  remote_ip4: sockOff.dstIp4,
  local_ip4: sockOff.srcIp4,
  remote_ip6: sockOff.dstIp6,
  local_ip6: sockOff.srcIp6,
  local_port: sockOff.srcPort,
  state: sockOff.state,
};

const SK_STRUCTS: readonly CtxName[] = ['bpf_sock_ops', 'bpf_sock_addr', 'sk_msg_md', '__sk_buff'];

/**
 * Address of the socket that the input names, 0 where it names none.
 * @throws ConfigError `config-value` where the world has no such socket
 */
export function socketOf({ world }: HookEnv, name: string | undefined): Ptr {
  if (name === undefined) return 0;
  const socket = world.sockets.named(name);
  if (socket !== undefined) return world.sockets.ptrOf(socket);
  const names = world.sockets.all.map((each) => each.name);
  const hint = suggestion(name, names) ?? 'sockets are given in `world.sockets`';
  throw new ConfigError('config-value', `the world has no socket \`${name}\``, { data: { socket: name }, hint });
}

/**
 * The same, for events that are always about one.
 * @throws ConfigError `config-value` where none is named
 */
export function mustHaveSocket(env: HookEnv, { sk }: HookInput): Ptr {
  if (sk !== undefined) return socketOf(env, sk);
  throw new ConfigError('config-value', `a program of type ${env.hook.type} runs for a socket: none is named`, {
    hint: 'name one of `world.sockets` as `sk`',
  });
}

/** Makes the event one about the socket at `sock`, and fills what the ctx says of it. */
export function putSocket({ memory, ctx, world }: HookEnv, layout: CtxName, sock: Ptr): void {
  memory.setWord(cells.contextSock, sock);
  const fields: readonly CtxField[] = CTX_LAYOUTS[layout].fields;
  const sk = fields.find(({ name }) => name === 'sk');
  if (sk !== undefined) memory.setWord(ctx + sk.off, sock);
  if (sock === 0 || !SK_STRUCTS.includes(layout)) return;
  for (const { name, off, bytes, count = 1 } of fields) {
    const from = name === 'protocol' && layout === '__sk_buff' ? undefined : FROM_SOCK[name];
    if (from !== undefined) memory.u8.copyWithin(ctx + off, sock + from, sock + from + bytes * count);
  }
  const remotePort = fields.find(({ name }) => name === 'remote_port');
  if (remotePort !== undefined) {
    // The port in network order, in the upper half.
    memory.setWord(ctx + remotePort.off, memory.word(sock + sockOff.dstPort) << 16);
  }
  if (layout !== 'bpf_sock_ops') return;
  const tcp = world.sockets.tcpOf(sock);
  for (const from of CTX_LAYOUTS.bpf_tcp_sock.fields) {
    const to = fields.find(({ name }) => name === from.name);
    if (to !== undefined) memory.u8.copyWithin(ctx + to.off, tcp + from.off, tcp + from.off + to.bytes);
  }
}
