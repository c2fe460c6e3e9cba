/**
 * bpf_setsockopt, bpf_getsockopt and bpf_bind, for the options that a socket of the world has: its mark, priority and device,
 * events of sock_ops, and some whose number it only keeps. A program that asks for another one traps.
 */
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import { raiseTrap } from '../memory/raise.js';
import { errno } from '../spec/errno.js';
import { sockOff } from '../world/socket-table.js';
import { AF_INET, AF_INET6 } from '../world/sockets.js';
import type { PlainHelper } from './helper.js';
import { mustBeSocket } from './sockets.js';

const SOL_IP = 0;
const SOL_SOCKET = 1;
const SOL_TCP = 6;
const SOL_IPV6 = 41;

/** How an option's number is kept. */
type Kept =
  | { readonly field: number }
  | { readonly cbFlags: true }
  /** With 0 and everything else as 1, or between bounds. */
  | { readonly slot: number; readonly flag?: true; readonly least?: number; readonly most?: number };

const OPTIONS: ReadonlyMap<number, Kept> = new Map<number, Kept>([
  [key(SOL_SOCKET, 36), { field: sockOff.mark }],
  [key(SOL_SOCKET, 12), { field: sockOff.priority }],
  [key(SOL_SOCKET, 62), { field: sockOff.boundDevice }],
  [key(SOL_SOCKET, 2), { slot: 0, flag: true }],
  [key(SOL_SOCKET, 9), { slot: 1, flag: true }],
  [key(SOL_TCP, 1), { slot: 2, flag: true }],
  [key(SOL_TCP, 4), { slot: 3, least: 1, most: 32_767 }],
  [key(SOL_TCP, 5), { slot: 4, least: 1, most: 32_767 }],
  [key(SOL_TCP, 6), { slot: 5, least: 1, most: 127 }],
  [key(SOL_TCP, 7), { slot: 6, least: 1, most: 127 }],
  [key(SOL_TCP, 18), { slot: 7, least: 0 }],
  [key(SOL_TCP, 25), { slot: 8 }],
  [key(SOL_TCP, 1008), { cbFlags: true }],
  [key(SOL_IP, 1), { slot: 9, least: 0, most: 255 }],
  [key(SOL_IPV6, 67), { slot: 10, least: -1, most: 255 }],
]);

const ALL_CB_FLAGS = 0x7f;
const OPTION_BYTES = 4;

function key(level: number, name: number): number {
  return level * 0x1_0000 + name;
}

/** The context stands for the socket of the event. */
function socketOf(machine: Machine, ptr: number): number {
  const { layout, memory, world } = machine;
  const sock = ptr === layout.ctx ? memory.word(cells.contextSock) : ptr;
  return world.sockets.ptrOf(mustBeSocket(machine, sock));
}

function mustKeep({ memory }: Machine, level: number, name: number): Kept {
  const kept = name >>> 0 > 0xffff || level >>> 0 > 0xffff ? undefined : OPTIONS.get(key(level, name));
  return kept ?? raiseTrap(memory, 'unsupported-option', level, name);
}

export const setsockopt: PlainHelper = {
  name: 'setsockopt',
  bind:
    (machine) =>
    (ptr = 0, level = 0, name = 0, from = 0, size = 0) => {
      const sock = socketOf(machine, ptr);
      const kept = mustKeep(machine, level, name);
      const { memory, world } = machine;
      const { sockets } = world;
      if (size !== OPTION_BYTES) return -errno.EINVAL;
      const value = memory.view.getInt32(from, true);
      if ('field' in kept) {
        if (kept.field === sockOff.boundDevice && value !== 0 && world.network.devices.at(value) === undefined) {
          return -errno.ENODEV;
        }
        sockets.setField(sock, kept.field, value);
        if (machine.hookEnv?.hook.ctx === 'bpf_sock') memory.setWord(machine.layout.ctx + kept.field, value);
      } else if ('cbFlags' in kept) {
        if ((value & ~ALL_CB_FLAGS) !== 0) return -errno.EINVAL;
        sockets.setCbFlags(sock, value);
      } else {
        if (value < (kept.least ?? value) || value > (kept.most ?? value)) return -errno.EINVAL;
        sockets.setOption(sock, kept.slot, kept.flag === true && value !== 0 ? 1 : value);
      }
      return 0;
    },
};

export const getsockopt: PlainHelper = {
  name: 'getsockopt',
  bind:
    (machine) =>
    (ptr = 0, level = 0, name = 0, to = 0, size = 0) => {
      const sock = socketOf(machine, ptr);
      const kept = mustKeep(machine, level, name);
      const { memory, world } = machine;
      const { sockets } = world;
      if (size !== OPTION_BYTES) {
        memory.u8.fill(0, to, to + (size >>> 0));
        return -errno.EINVAL;
      }
      const value =
        'field' in kept
          ? sockets.field(sock, kept.field)
          : 'cbFlags' in kept
            ? sockets.cbFlags(sock)
            : sockets.option(sock, kept.slot);
      memory.view.setUint32(to, value, true);
      return 0;
    },
};

/** struct sockaddr_in and struct sockaddr_in6: family, port, address. */
const PORT_OFF = 2;
const IP4_OFF = 4;
const IP6_OFF = 8;
const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_LEAST_BYTES = 24;

/** Binds the connecting socket to an address of this machine; port 0 leaves the port for later. */
export const bind: PlainHelper = {
  name: 'bind',
  bind:
    ({ memory, world }) =>
    (_ctx = 0, address = 0, size = 0) => {
      if (size >>> 0 < PORT_OFF) return -errno.EINVAL;
      const family = memory.view.getUint16(address, true);
      const isIpv4 = family === AF_INET;
      if (!isIpv4 && family !== AF_INET6) return -errno.EAFNOSUPPORT;
      if (size >>> 0 < (isIpv4 ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_LEAST_BYTES)) return -errno.EINVAL;
      const sock = memory.word(cells.contextSock);
      if (world.sockets.field(sock, sockOff.family) !== family) return -errno.EAFNOSUPPORT;
      const ip = memory.read(address + (isIpv4 ? IP4_OFF : IP6_OFF), isIpv4 ? 4 : 16);
      if (!isLocal(world.network.devices.all(), ip)) return -errno.EADDRNOTAVAIL;
      memory.write(sock + (isIpv4 ? sockOff.srcIp4 : sockOff.srcIp6), ip);
      world.sockets.setField(sock, sockOff.srcPort, memory.view.getUint16(address + PORT_OFF));
      return 0;
    },
};

function isLocal(
  devices: Iterable<{ readonly addresses: readonly { readonly address: Uint8Array }[] }>,
  ip: Uint8Array,
): boolean {
  if (ip.every((byte) => byte === 0) || (ip.length === 4 && ip[0] === 127)) return true;
  for (const { addresses } of devices) {
    for (const { address } of addresses) {
      if (address.length === ip.length && address.every((byte, index) => byte === ip[index])) return true;
    }
  }
  return false;
}
