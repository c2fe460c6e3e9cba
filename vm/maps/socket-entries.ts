/**
 * Maps whose values are sockets: which sockets they take, and what a program gets when it looks one up (its address, with a
 * reference). An entry holds the address of the socket's record, 0 where there is none.
 */
import type { Ptr } from '../addr.js';
import { must } from '../errors.js';
import type { MapSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { MAP_FLAGS, UPDATE_FLAGS } from '../spec/map-types.js';
import type { SocketTable } from '../world/socket-table.js';
import { AF_UNIX, IPPROTO_TCP, IPPROTO_UDP, isFullSocket, TCP_STATES } from '../world/sockets.js';
import type { Socket } from '../world/sockets.js';
import type { MapEnv, MapKind, MapOps } from './map-kind.js';

/** For helpers and the host, which name sockets by address. */
export interface SocketMapOps extends MapOps {
  /** Address of the socket at this key, without a reference; 0 where there is none. */
  socketAt(key: Ptr): Ptr;
  /** Puts one there. Returns 0 or a negative errno. */
  setSocket(key: Ptr, sock: Ptr, flags: number): number;
}

export type SocketMapKind = MapKind & { bind(...args: Parameters<MapKind['bind']>): SocketMapOps };

export const SOCKET_MAP_FLAGS = MAP_FLAGS.BPF_F_NUMA_NODE | MAP_FLAGS.BPF_F_RDONLY | MAP_FLAGS.BPF_F_WRONLY;

export function socketsOf({ sockets }: MapEnv, spec: MapSpec): SocketTable {
  return must(sockets, `sockets for map ${spec.name}`);
}

/** Whether sockmap and sockhash take it: TCP that is connected or listens, any UDP, connected unix streams. */
function isSuitable({ family, protocol, state }: Socket): boolean {
  if (protocol === IPPROTO_TCP) return state === TCP_STATES.established || state === TCP_STATES.listen;
  return protocol === IPPROTO_UDP || (family === AF_UNIX && state === TCP_STATES.established);
}

/** 0, or the errno with which sockmap and sockhash refuse a socket. */
export function refuseSocket(sockets: SocketTable, sock: Ptr): number {
  const socket = sockets.at(sock);
  if (socket === undefined || !isFullSocket(socket)) return -errno.EINVAL;
  return isSuitable(socket) ? 0 : -errno.EOPNOTSUPP;
}

/** 0, or why an update with these flags cannot go to an entry that is taken or free. */
export function refuseFlags(taken: boolean, flags: number): number {
  if (taken && flags === UPDATE_FLAGS.BPF_NOEXIST) return -errno.EEXIST;
  return !taken && flags === UPDATE_FLAGS.BPF_EXIST ? -errno.ENOENT : 0;
}

/** An array of sockets by index. */
export function bindSocketArray(
  env: MapEnv,
  spec: MapSpec,
  base: Ptr,
  rules: { readonly refuse: (sock: Ptr) => number; readonly absent: number },
): SocketMapOps {
  const { memory } = env;
  const sockets = socketsOf(env, spec);
  const at = (index: number): Ptr => base + 4 * index;
  const indexOf = (key: Ptr): number => memory.view.getUint32(key, true);
  const socketAt = (key: Ptr): Ptr => (indexOf(key) < spec.maxEntries ? memory.word(at(indexOf(key))) : 0);
  const setSocket = (key: Ptr, sock: Ptr, flags: number): number => {
    if (flags > UPDATE_FLAGS.BPF_EXIST) return -errno.EINVAL;
    if (indexOf(key) >= spec.maxEntries) return -errno.E2BIG;
    const failed = rules.refuse(sock) || refuseFlags(socketAt(key) !== 0, flags);
    if (failed === 0) memory.setWord(at(indexOf(key)), sock);
    return failed;
  };
  return {
    socketAt,
    setSocket,
    lookup: (key) => sockets.acquire(socketAt(key)),
    lookupOn: socketAt,
    update: setSocket,
    remove(key) {
      if (indexOf(key) >= spec.maxEntries) return -errno.EINVAL;
      if (socketAt(key) === 0) return rules.absent;
      memory.setWord(at(indexOf(key)), 0);
      return 0;
    },
    scan(from) {
      for (let index = from; index < spec.maxEntries; index++) if (memory.word(at(index)) !== 0) return index;
      return -1;
    },
    keyAt(position, scratch) {
      memory.setWord(scratch, position);
      return scratch;
    },
    valueAt: (position) => memory.word(at(position)),
  };
}
