/** The world's sockets as the spec gives them: addresses, state, owner. What of them lies in memory is in `socket-table.ts`. */
import type { Cgroup, Cgroups } from './cgroups.js';
import type { Devices } from './devices.js';
import { parseIp } from './ip-prefix.js';
import type { Namespaces } from './namespaces.js';
import { refuseWorld } from './spec-fault.js';
import type { SocketProtocol, SocketSpec, SocketState } from './world-spec.js';

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;

export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;

export const TCP_STATES: Readonly<Record<SocketState, number>> = {
  established: 1,
  syn_sent: 2,
  syn_recv: 3,
  fin_wait1: 4,
  fin_wait2: 5,
  time_wait: 6,
  close: 7,
  close_wait: 8,
  last_ack: 9,
  listen: 10,
  closing: 11,
  new_syn_recv: 12,
};

export const SOCKET_STATES = Object.keys(TCP_STATES) as SocketState[];

/** One end of a connection. */
export interface Endpoint {
  /** 4 or 16 bytes; all zeros means any. */
  readonly ip: Uint8Array;
  readonly port: number;
}

export interface Socket {
  /** Its place in the spec. */
  readonly index: number;
  readonly name: string;
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
  readonly state: number;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly boundDevice: number;
  readonly mark: number;
  readonly priority: number;
  readonly uid: number;
  readonly cookie: number;
  readonly cgroup: Cgroup;
  /** Cookie of its namespace. */
  readonly netns: number;
  readonly v6only: boolean;
  readonly reuseport: boolean;
  readonly transparent: boolean;
  readonly overflowed: boolean;
  /** -1: none recorded. */
  readonly rxQueue: number;
  /** Name of the listener behind a request. */
  readonly listener: string | undefined;
  readonly tcp: Readonly<Record<string, number>>;
}

export interface SocketContext {
  readonly devices: Devices;
  readonly cgroups: Cgroups;
  readonly namespaces: Namespaces;
}

function typeOf(protocol: SocketProtocol): number {
  if (typeof protocol === 'number') return SOCK_RAW;
  return protocol === 'udp' ? SOCK_DGRAM : SOCK_STREAM;
}

const MAX_SOCKETS = 65_536;

/** `10.0.0.1:80`, `[::1]:80`; undefined where it is neither. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, v6, v4, digits = ''] = /^(?:\[([^\]]+)\]|([^:]+)):(0|[1-9]\d{0,4})$/.exec(text) ?? [];
  const ip = parseIp(v6 ?? v4 ?? '');
  const port = Number(digits);
  return ip === undefined || port > 0xffff || (ip.length === 16) !== (v6 !== undefined) ? undefined : { ip, port };
}

/** @throws ConfigError `config-value` */
export function readSockets(specs: readonly SocketSpec[], context: SocketContext): readonly Socket[] {
  if (specs.length > MAX_SOCKETS) refuseWorld('sockets', `more than ${String(MAX_SOCKETS)}`);
  const names = new Set<string>();
  const sockets = specs.map((spec, index) => {
    const path = `sockets[${String(index)}]`;
    if (names.has(spec.name)) refuseWorld(`${path}.name`, `\`${spec.name}\` is taken`);
    names.add(spec.name);
    return readSocket(spec, index, path, context);
  });
  for (const { index, listener } of sockets) {
    if (listener !== undefined && !names.has(listener)) {
      refuseWorld(`sockets[${String(index)}].listener`, `there is no socket \`${listener}\``);
    }
  }
  return sockets;
}

function readSocket(spec: SocketSpec, index: number, path: string, context: SocketContext): Socket {
  const read = (field: 'local' | 'remote'): Endpoint | undefined => {
    const text = spec[field];
    if (text === undefined) return undefined;
    return parseEndpoint(text) ?? refuseWorld(`${path}.${field}`, `\`${text}\` is no address and port`);
  };
  const local = read('local');
  const remote = read('remote');
  const isUnix = spec.protocol === 'unix';
  if (isUnix && (local ?? remote) !== undefined) refuseWorld(path, 'a unix socket has no IP addresses');
  const ipBytes = (local ?? remote)?.ip.length ?? (spec.family === 'ipv6' ? 16 : 4);
  if (remote !== undefined && remote.ip.length !== ipBytes) {
    refuseWorld(`${path}.remote`, 'the two ends are of different families');
  }
  const none: Endpoint = { ip: new Uint8Array(ipBytes), port: 0 };
  const { mark = 0, priority = 0, uid = 0, cookie = index + 1, cgroup = '/' } = spec;
  return {
    index,
    name: spec.name,
    family: isUnix ? AF_UNIX : ipBytes === 4 ? AF_INET : AF_INET6,
    type: typeOf(spec.protocol),
    protocol: protocolOf(spec.protocol),
    state: TCP_STATES[spec.state ?? stateOf(spec.protocol, local, remote)],
    local: local ?? none,
    remote: remote ?? none,
    boundDevice: spec.dev === undefined ? 0 : context.devices.mustHave(spec.dev, `${path}.dev`).ifindex,
    mark,
    priority,
    uid,
    cookie,
    cgroup: context.cgroups.mustHave(cgroup, `${path}.cgroup`),
    netns: context.namespaces.cookieOf(spec.netns, `${path}.netns`),
    v6only: spec.v6only ?? false,
    reuseport: spec.reuseport ?? false,
    transparent: spec.transparent ?? false,
    overflowed: spec.overflowed ?? false,
    rxQueue: spec.queue ?? -1,
    listener: spec.listener,
    tcp: spec.tcp ?? {},
  };
}

function protocolOf(protocol: SocketProtocol): number {
  switch (protocol) {
    case 'tcp':
      return IPPROTO_TCP;
    case 'udp':
      return IPPROTO_UDP;
    case 'unix':
      return 0;
    default:
      return protocol;
  }
}

function stateOf(protocol: SocketProtocol, local?: Endpoint, remote?: Endpoint): SocketState {
  if (remote !== undefined) return 'established';
  return protocol === 'tcp' && local !== undefined && local.port !== 0 ? 'listen' : 'close';
}

/** Not one of those that stand for a connection in the making or one that is over. */
export function isFullSocket({ state }: Socket): boolean {
  return state !== TCP_STATES.time_wait && state !== TCP_STATES.new_syn_recv;
}
