/**
 * bpf_sk_lookup_tcp, bpf_sk_lookup_udp, bpf_skc_lookup_tcp: a socket by its tuple, with a reference. A model of
 * __bpf_skc_lookup in net/core/filter.c of Linux 6.18.
 */
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import type { HelperName } from '../spec/helpers.js';
import { FIRST_NETNS_COOKIE } from '../world/namespaces.js';
import { findSocket } from '../world/socket-lookup.js';
import { IPPROTO_TCP, IPPROTO_UDP, isFullSocket, TCP_STATES } from '../world/sockets.js';
import type { Socket } from '../world/sockets.js';
import type { PlainHelper } from './helper.js';

/** The two members of struct bpf_sock_tuple. */
const IPV4_TUPLE_BYTES = 12;
const IPV6_TUPLE_BYTES = 36;

function lookup(name: HelperName, protocol: number, wantsFull: boolean): PlainHelper {
  return {
    name,
    bind:
      (machine) =>
      (_ctx = 0, tuple = 0, size = 0, netnsLo = 0, netnsHi = 0, flagsLo = 0, flagsHi = 0) => {
        if ((flagsLo | flagsHi) !== 0) return 0;
        const netns = namespaceOf(machine, netnsLo, netnsHi);
        if (netns === undefined) return 0;
        const socket = find(machine, protocol, tuple, size >>> 0, netns);
        const given = socket === undefined || !wantsFull ? socket : fullOf(machine, socket);
        return given === undefined ? 0 : machine.world.sockets.acquire(machine.world.sockets.ptrOf(given));
      },
  };
}

export const skLookupTcp = lookup('sk_lookup_tcp', IPPROTO_TCP, true);
export const skLookupUdp = lookup('sk_lookup_udp', IPPROTO_UDP, true);
export const skcLookupTcp = lookup('skc_lookup_tcp', IPPROTO_TCP, false);

/** Negative as int32 means where the program runs; numbers of others have 31 bits. */
function namespaceOf({ memory, world }: Machine, lo: number, hi: number): number | undefined {
  if ((lo | 0) < 0) return world.sockets.at(memory.word(cells.contextSock))?.netns ?? FIRST_NETNS_COOKIE;
  return hi === 0 ? world.network.namespaces.withId(lo) : undefined;
}

function find(machine: Machine, protocol: number, tuple: number, size: number, netns: number): Socket | undefined {
  if (size !== IPV4_TUPLE_BYTES && size !== IPV6_TUPLE_BYTES) return undefined;
  const ipBytes = size === IPV4_TUPLE_BYTES ? 4 : 16;
  const { memory, world } = machine;
  const ifindex = deviceOf(machine);
  const master = world.network.devices.at(ifindex)?.master;
  return findSocket(world.sockets, {
    protocol,
    remoteIp: memory.read(tuple, ipBytes),
    localIp: memory.read(tuple + ipBytes, ipBytes),
    remotePort: memory.view.getUint16(tuple + 2 * ipBytes),
    localPort: memory.view.getUint16(tuple + 2 * ipBytes + 2),
    ifindex,
    masterIfindex: master === undefined ? 0 : (world.network.devices.named(master)?.ifindex ?? 0),
    netns,
  });
}

const XDP_INGRESS_IFINDEX = 12;
const SKB_IFINDEX = 40;

/** The device that the packet is on; calls that are about no packet have none. */
function deviceOf({ memory, layout, packet, xdp, skb }: Machine): number {
  if (packet === xdp) return memory.word(layout.ctx + XDP_INGRESS_IFINDEX);
  return packet === skb ? memory.word(layout.ctx + SKB_IFINDEX) : 0;
}

/** A request stands for its listener; what is left of a connection stands for nothing. */
function fullOf({ world }: Machine, socket: Socket): Socket | undefined {
  if (isFullSocket(socket)) return socket;
  const { state, listener } = socket;
  return state === TCP_STATES.new_syn_recv && listener !== undefined ? world.sockets.named(listener) : undefined;
}
