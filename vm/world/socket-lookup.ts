/**
 * Which socket a packet belongs to: connections first, then what listens or is bound, the better match before the worse one
 * (net/ipv4/inet_hashtables.c, net/ipv4/udp.c and their IPv6 twins, 6.18). Knows no program.
 */
import type { SocketTable } from './socket-table.js';
import { sockOff } from './socket-table.js';
import { IPPROTO_TCP, TCP_STATES } from './sockets.js';
import type { Socket } from './sockets.js';

/** A packet's way: from the remote end to the local one, in by a device. */
export interface FlowKey {
  readonly protocol: number;
  /** 4 or 16 bytes. */
  readonly remoteIp: Uint8Array;
  readonly remotePort: number;
  readonly localIp: Uint8Array;
  readonly localPort: number;
  /** Device that it came by, and its master's where it is in a VRF; 0: none. */
  readonly ifindex: number;
  readonly masterIfindex: number;
  /** Cookie of the namespace. */
  readonly netns: number;
}

const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Undefined where no socket takes it. */
export function findSocket(table: SocketTable, key: FlowKey): Socket | undefined {
  const isTcp = key.protocol === IPPROTO_TCP;
  let best: Socket | undefined;
  let bestScore = 0;
  for (const socket of table.all) {
    const score = isTcp ? scoreTcp(table, socket, key) : scoreUdp(table, socket, key);
    if (score <= bestScore) continue;
    best = socket;
    bestScore = score;
  }
  return best;
}

/** Above what any listener can have. */
const CONNECTED = 1000;
/** A listener bound to the very address comes before one that takes any. */
const EXACT = 100;

function scoreTcp(table: SocketTable, socket: Socket, key: FlowKey): number {
  if (!isCandidate(socket, key)) return 0;
  const device = table.field(table.ptrOf(socket), sockOff.boundDevice);
  if (!devicesMatch(device, key)) return 0;
  const local = addressOf(socket.local.ip, key.localIp.length);
  if (socket.state !== TCP_STATES.listen) {
    const isThis =
      isConnected(socket) &&
      equals(local, key.localIp) &&
      equals(addressOf(socket.remote.ip, key.remoteIp.length), key.remoteIp) &&
      socket.remote.port === key.remotePort;
    return isThis ? CONNECTED : 0;
  }
  const reach = reachOf(socket, local, key);
  return reach === 0 ? 0 : reach + (device === 0 ? 1 : 2) + familyBonus(socket, key);
}

function scoreUdp(table: SocketTable, socket: Socket, key: FlowKey): number {
  if (!isCandidate(socket, key)) return 0;
  const device = table.field(table.ptrOf(socket), sockOff.boundDevice);
  if (!devicesMatch(device, key)) return 0;
  const reach = reachOf(socket, addressOf(socket.local.ip, key.localIp.length), key);
  if (reach === 0) return 0;
  let score = reach + 1 + familyBonus(socket, key);
  if (isConnected(socket)) {
    const isFrom =
      equals(addressOf(socket.remote.ip, key.remoteIp.length), key.remoteIp) && socket.remote.port === key.remotePort;
    if (!isFrom) return 0;
    score += 8;
  }
  return device === 0 ? score : score + 4;
}

function isCandidate(socket: Socket, key: FlowKey): boolean {
  return socket.protocol === key.protocol && socket.netns === key.netns && socket.local.port === key.localPort;
}

/** How well the socket's own address matches; 0 where it does not. */
function reachOf(socket: Socket, local: Uint8Array | undefined, key: FlowKey): number {
  if (isAny(socket.local.ip)) {
    if (socket.local.ip.length === key.localIp.length) return 1;
    return socket.local.ip.length === 16 && !socket.v6only ? 1 : 0;
  }
  return equals(local, key.localIp) ? EXACT : 0;
}

/** Among equals, IPv4's lookup likes sockets of its own family better. */
function familyBonus(socket: Socket, { localIp }: FlowKey): number {
  return socket.local.ip.length === 4 && localIp.length === 4 ? 1 : 0;
}

/** A socket that is bound to a device takes what comes in there; one that is not, what comes in outside of VRFs. */
function devicesMatch(bound: number, { ifindex, masterIfindex }: FlowKey): boolean {
  if (bound === 0) return masterIfindex === 0;
  return bound === ifindex || bound === masterIfindex;
}

function isConnected({ remote }: Socket): boolean {
  return remote.port !== 0 || !isAny(remote.ip);
}

function isAny(ip: Uint8Array): boolean {
  return ip.every((byte) => byte === 0);
}

/** An address in the family that is asked for: mapped IPv4 addresses count as IPv4. */
function addressOf(ip: Uint8Array, bytes: number): Uint8Array | undefined {
  if (ip.length === bytes) return ip;
  const isMapped = ip.length === 16 && bytes === 4 && MAPPED_PREFIX.every((byte, index) => ip[index] === byte);
  return isMapped ? ip.subarray(12) : undefined;
}

function equals(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a?.length === b.length && a.every((byte, index) => byte === b[index]);
}
