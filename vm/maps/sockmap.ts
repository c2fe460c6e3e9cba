/** `sockmap`: sockets by index, for verdict programs and lookups. */
import { errno } from '../spec/errno.js';
import { checkMapSpec } from './check-spec.js';
import { bindSocketArray, refuseSocket, SOCKET_MAP_FLAGS, socketsOf } from './socket-entries.js';
import type { SocketMapKind } from './socket-entries.js';

export const sockmapKind: SocketMapKind = {
  type: 'sockmap',
  perCpu: false,
  plan(spec) {
    checkMapSpec(spec, SOCKET_MAP_FLAGS);
    return { bytes: 4 * spec.maxEntries };
  },
  bind(env, spec, base) {
    const sockets = socketsOf(env, spec);
    return bindSocketArray(env, spec, base, {
      refuse: (sock) => refuseSocket(sockets, sock),
      absent: -errno.EINVAL,
    });
  },
};
