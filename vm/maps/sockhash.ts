/** `sockhash`: sockets by any key. */
import type { Ptr } from '../addr.js';
import type { MapSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { UPDATE_FLAGS } from '../spec/map-types.js';
import { checkMapSpec, checkSize } from './check-spec.js';
import { bindEntries, planEntries } from './entry-table.js';
import type { MapEnv } from './map-kind.js';
import { refuseFlags, refuseSocket, SOCKET_MAP_FLAGS, socketsOf } from './socket-entries.js';
import type { SocketMapKind, SocketMapOps } from './socket-entries.js';

const ADDRESS_BYTES = 4;
/** MAX_BPF_STACK. */
const MAX_KEY_BYTES = 512;

function bind(env: MapEnv, spec: MapSpec, base: Ptr): SocketMapOps {
  const { memory } = env;
  const sockets = socketsOf(env, spec);
  const table = bindEntries(env, planEntries(spec.keyBytes, ADDRESS_BYTES, spec.maxEntries), base);
  const socketAt = (key: Ptr): Ptr => {
    const entry = table.find(key, table.hashOf(key));
    return entry === 0 ? 0 : memory.word(table.valueOf(entry));
  };
  const setSocket = (key: Ptr, sock: Ptr, flags: number): number => {
    if (flags > UPDATE_FLAGS.BPF_EXIST) return -errno.EINVAL;
    const hash = table.hashOf(key);
    const present = table.find(key, hash);
    const failed = refuseSocket(sockets, sock) || refuseFlags(present !== 0, flags);
    if (failed !== 0) return failed;
    const entry = present === 0 ? table.take() : present;
    if (entry === 0) return -errno.E2BIG;
    memory.setWord(table.valueOf(entry), sock);
    if (present === 0) table.link(entry, key, hash);
    return 0;
  };
  return {
    socketAt,
    setSocket,
    lookup: (key) => sockets.acquire(socketAt(key)),
    lookupOn: socketAt,
    update: setSocket,
    remove(key) {
      const entry = table.find(key, table.hashOf(key));
      if (entry === 0) return -errno.ENOENT;
      table.unlink(entry);
      table.give(entry);
      return 0;
    },
    scan: (from) => table.scan(from),
    keyAt: (position) => table.keyOf(table.at(position)),
    valueAt: (position) => memory.word(table.valueOf(table.at(position))),
  };
}

export const sockhashKind: SocketMapKind = {
  type: 'sockhash',
  perCpu: false,
  plan(spec) {
    checkMapSpec(spec, SOCKET_MAP_FLAGS);
    checkSize(spec, 'key', spec.keyBytes, MAX_KEY_BYTES);
    return { bytes: planEntries(spec.keyBytes, ADDRESS_BYTES, spec.maxEntries).bytes };
  },
  bind,
};
