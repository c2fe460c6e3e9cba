/** `reuseport_sockarray`: sockets that share an address, for the program that chooses among them. Only the host fills it. */
import type { Ptr } from '../addr.js';
import { errno } from '../spec/errno.js';
import { checkMapSpec } from './check-spec.js';
import { bindSocketArray, SOCKET_MAP_FLAGS, socketsOf } from './socket-entries.js';
import type { SocketMapKind } from './socket-entries.js';
import type { SocketTable } from '../world/socket-table.js';
import { IPPROTO_TCP, IPPROTO_UDP, TCP_STATES } from '../world/sockets.js';

/** TCP that listens and UDP that is bound, of a group that shares its address. */
function refuse(sockets: SocketTable, sock: Ptr): number {
  const socket = sockets.at(sock);
  if (socket === undefined) return -errno.EBADF;
  const { protocol, state, local, reuseport } = socket;
  if (protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP) return -errno.ENOTSUPP;
  const waits = protocol === IPPROTO_TCP ? state === TCP_STATES.listen : local.port !== 0;
  return reuseport && waits ? 0 : -errno.EINVAL;
}

export const reuseportSockarrayKind: SocketMapKind = {
  type: 'reuseport_sockarray',
  perCpu: false,
  plan(spec) {
    checkMapSpec(spec, SOCKET_MAP_FLAGS);
    return { bytes: 4 * spec.maxEntries };
  },
  bind(env, spec, base) {
    const sockets = socketsOf(env, spec);
    const ops = bindSocketArray(env, spec, base, {
      refuse: (sock) => refuse(sockets, sock),
      absent: -errno.ENOENT,
    });
    return { ...ops, lookup: () => 0, update: () => -errno.EOPNOTSUPP };
  },
};
