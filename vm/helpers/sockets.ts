/** Helpers that take, look at and give back sockets. What a socket is stands in the world; here is how programs reach it. */
import type { Machine } from '../machine/machine.js';
import { raiseTrap } from '../memory/raise.js';
import { IPPROTO_TCP, isFullSocket, TCP_STATES } from '../world/sockets.js';
import type { Socket } from '../world/sockets.js';
import type { PlainHelper } from './helper.js';

/** The socket at a guest's pointer; traps where there is none. */
export function mustBeSocket({ memory, world }: Machine, ptr: number): Socket {
  return world.sockets.at(ptr) ?? raiseTrap(memory, 'bad-socket', ptr);
}

export const skRelease: PlainHelper = {
  name: 'sk_release',
  bind:
    (machine) =>
    (sk = 0) => {
      const { sockets } = machine.world;
      return sockets.release(sockets.ptrOf(mustBeSocket(machine, sk)))
        ? 0
        : raiseTrap(machine.memory, 'bad-socket', sk);
    },
};

export const skFullsock: PlainHelper = {
  name: 'sk_fullsock',
  bind:
    (machine) =>
    (sk = 0) => {
      const socket = mustBeSocket(machine, sk);
      return isFullSocket(socket) ? machine.world.sockets.ptrOf(socket) : 0;
    },
};

export const tcpSock: PlainHelper = {
  name: 'tcp_sock',
  bind:
    (machine) =>
    (sk = 0) => {
      const socket = mustBeSocket(machine, sk);
      return isFullSocket(socket) && socket.protocol === IPPROTO_TCP
        ? machine.world.sockets.tcpOf(machine.world.sockets.ptrOf(socket))
        : 0;
    },
};

export const getListenerSock: PlainHelper = {
  name: 'get_listener_sock',
  bind:
    (machine) =>
    (sk = 0) => {
      const { sockets } = machine.world;
      const socket = mustBeSocket(machine, sk);
      const behind = socket.listener === undefined ? socket : sockets.named(socket.listener);
      return behind?.state === TCP_STATES.listen ? sockets.ptrOf(behind) : 0;
    },
};
