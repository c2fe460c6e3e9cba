/**
 * bpf_sk_assign: the socket that a packet goes to. On tc it becomes the packet's own; a lookup program hands it to whoever
 * asked. Checks and errnos are those of net/core/filter.c in Linux 6.18.
 */
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import { errno } from '../spec/errno.js';
import { FIRST_NETNS_COOKIE } from '../world/namespaces.js';
import { IPPROTO_TCP, IPPROTO_UDP, isFullSocket, TCP_STATES } from '../world/sockets.js';
import type { Socket } from '../world/sockets.js';
import type { PlainHelper } from './helper.js';
import { mustBeSocket } from './sockets.js';

const REPLACE = 1;
const NO_REUSEPORT = 2;

const SKB_SK_OFF = 168;
const lookupOff = { sk: 0, family: 8, protocol: 12 } as const;
const AF_INET = 2;
const AF_INET6 = 10;

export const skAssign: PlainHelper = {
  name: 'sk_assign',
  bind:
    (machine) =>
    (_ctx = 0, sk = 0, flagsLo = 0, flagsHi = 0) => {
      const isLookup = machine.hookEnv?.hook.type === 'sk_lookup';
      return isLookup
        ? assignInLookup(machine, sk, flagsHi === 0 ? flagsLo >>> 0 : -1)
        : assignToPacket(machine, sk, (flagsLo | flagsHi) === 0);
    },
};

function assignToPacket(machine: Machine, sk: number, flagsAreZero: boolean): number {
  const { memory, layout } = machine;
  const socket = mustBeSocket(machine, sk);
  if (!flagsAreZero) return -errno.EINVAL;
  // Only where packets come in; TEST_RUN's do not.
  if (memory.word(cells.skbAtIngress) === 0) return -errno.EOPNOTSUPP;
  if (socket.netns !== FIRST_NETNS_COOKIE) return -errno.ENETUNREACH;
  if (isUnhashed(socket)) return -errno.EOPNOTSUPP;
  memory.setWord(cells.contextSock, sk);
  memory.setWord(cells.chosenSock, sk);
  memory.setWord(layout.ctx + SKB_SK_OFF, sk);
  return 0;
}

/** A UDP socket that is bound to nothing cannot be found either. */
function isUnhashed({ protocol, local }: Socket): boolean {
  return protocol === IPPROTO_UDP && local.port === 0;
}

function assignInLookup(machine: Machine, sk: number, flags: number): number {
  const { memory, layout, world } = machine;
  if ((flags & ~(REPLACE | NO_REUSEPORT)) !== 0 || flags < 0) return -errno.EINVAL;
  const socket = sk === 0 ? undefined : mustBeSocket(machine, sk);
  if (socket !== undefined && !isFullSocket(socket)) return -errno.ESOCKTNOSUPPORT;
  if (socket?.protocol === IPPROTO_TCP && socket.state !== TCP_STATES.listen) return -errno.ESOCKTNOSUPPORT;
  if (socket?.protocol === IPPROTO_UDP && socket.state !== TCP_STATES.close) return -errno.ESOCKTNOSUPPORT;
  if (socket !== undefined) {
    if (socket.protocol !== memory.word(layout.ctx + lookupOff.protocol)) return -errno.EPROTOTYPE;
    if (!takesFamily(socket, memory.word(layout.ctx + lookupOff.family))) return -errno.EAFNOSUPPORT;
  }
  if (memory.word(cells.chosenSock) !== 0 && (flags & REPLACE) === 0) return -errno.EEXIST;
  const at = socket === undefined ? 0 : world.sockets.ptrOf(socket);
  memory.setWord(cells.chosenSock, at);
  memory.setWord(cells.chosenFlags, flags);
  memory.setWord(layout.ctx + lookupOff.sk, at);
  return 0;
}

/** An IPv6 socket takes IPv4 too, unless it said otherwise. */
function takesFamily({ family, v6only }: Socket, asked: number): boolean {
  return family === asked || (family === AF_INET6 && asked === AF_INET && !v6only);
}
