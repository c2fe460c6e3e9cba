/** Helpers that say to whom a socket or a packet belongs: cookie, user, namespace, cgroup. */
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import { ancestorAt } from '../world/cgroups.js';
import type { Cgroup } from '../world/cgroups.js';
import { FIRST_NETNS_COOKIE } from '../world/namespaces.js';
import { isFullSocket } from '../world/sockets.js';
import type { Socket } from '../world/sockets.js';
import type { PlainHelper } from './helper.js';
import { mustBeSocket } from './sockets.js';

/** Who has no name in the namespace (overflowuid). */
const NOBODY = 65_534;

/** A u64 result that fits in a double. */
function wide({ memory }: Machine, value: number): number {
  memory.setWord(cells.retHi, Math.floor(value / 2 ** 32));
  return (value % 2 ** 32) | 0;
}

/** The socket of the packet or call that the program runs for. */
function contextSocket({ memory, world }: Machine): Socket | undefined {
  return world.sockets.at(memory.word(cells.contextSock));
}

export const getSocketCookie: PlainHelper = {
  name: 'get_socket_cookie',
  bind: (machine) => () => wide(machine, contextSocket(machine)?.cookie ?? 0),
};

export const getNetnsCookie: PlainHelper = {
  name: 'get_netns_cookie',
  bind:
    (machine) =>
    (ctx = 0) =>
      wide(machine, ctx === 0 ? FIRST_NETNS_COOKIE : (contextSocket(machine)?.netns ?? FIRST_NETNS_COOKIE)),
};

export const getSocketUid: PlainHelper = {
  name: 'get_socket_uid',
  bind: (machine) => () => {
    const socket = contextSocket(machine);
    return socket === undefined || !isFullSocket(socket) ? NOBODY : socket.uid;
  },
};

function idOf(machine: Machine, cgroup: Cgroup | undefined): number {
  return wide(machine, cgroup?.id ?? 0);
}

function ancestorId(machine: Machine, cgroup: Cgroup | undefined, level: number): number {
  return idOf(machine, cgroup === undefined || level < 0 ? undefined : ancestorAt(cgroup, level));
}

/** Of a full socket only. */
function cgroupOf(socket: Socket | undefined): Cgroup | undefined {
  return socket === undefined || !isFullSocket(socket) ? undefined : socket.cgroup;
}

export const skCgroupId: PlainHelper = {
  name: 'sk_cgroup_id',
  bind:
    (machine) =>
    (sk = 0) =>
      idOf(machine, cgroupOf(mustBeSocket(machine, sk))),
};

export const skAncestorCgroupId: PlainHelper = {
  name: 'sk_ancestor_cgroup_id',
  bind:
    (machine) =>
    (sk = 0, level = 0) =>
      ancestorId(machine, cgroupOf(mustBeSocket(machine, sk)), level),
};

export const skbCgroupId: PlainHelper = {
  name: 'skb_cgroup_id',
  bind: (machine) => () => idOf(machine, cgroupOf(contextSocket(machine))),
};

export const skbAncestorCgroupId: PlainHelper = {
  name: 'skb_ancestor_cgroup_id',
  bind:
    (machine) =>
    (_ctx = 0, level = 0) =>
      ancestorId(machine, cgroupOf(contextSocket(machine)), level),
};

export const skbCgroupClassid: PlainHelper = {
  name: 'skb_cgroup_classid',
  bind: (machine) => () => wide(machine, cgroupOf(contextSocket(machine))?.classid ?? 0),
};
