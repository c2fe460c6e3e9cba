/**
 * Where a packet goes whose program said "redirect": the target that its helpers noted, looked up in the world. Says what
 * Linux would do next; moves no packet.
 */
import type { Hook } from '../hooks/hook.js';
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import { AF_INET, REDIRECT_FLAGS, REDIRECT_KIND } from '../spec/redirect.js';
import { formatMac } from '../address-text.js';
import type { Device } from '../world/devices.js';
import { formatIp } from '../world/ip-prefix.js';

/** EtherTypes as `__sk_buff.protocol` shows them. */
const PROTOCOL_IPV4 = 0x0008;
const PROTOCOL_IPV6 = 0xdd86;
const XDP_REDIRECT = 4;
const TC_ACT_REDIRECT = 7;
/** Program types that have such a verdict; BPF_REDIRECT of routes is the number of TC_ACT_REDIRECT. */
const REDIRECTS = /^(xdp|sched_|lwt_)/;

/** The `problem` of a target that the world does not have. */
export const NO_DEVICE = 'no such device';

/** A target, resolved to a device where there is one. */
export interface Redirect {
  readonly kind: 'ifindex' | 'map';
  /** The device; missing where the target is a CPU or all devices of a map. */
  readonly ifindex?: number;
  /** Its name, where the world knows it. */
  readonly name?: string;
  /** The map that was asked, and with which key. */
  readonly map?: string;
  readonly key?: number;
  /** The CPU that goes on with the packet (cpumap). */
  readonly cpu?: number;
  /** The devices that get a copy each (BPF_F_BROADCAST). */
  readonly broadcast?: readonly number[];
  /** BPF_F_... as the program gave them. */
  readonly flags: number;
  /** bpf_redirect_peer: `ifindex` and `name` are of the device on this side, `peer` is the one that gets the packet. */
  readonly peer?: string;
  /** bpf_redirect_neigh: the next hop, and the addresses that the Ethernet header gets where they are known. */
  readonly neigh?: { readonly ip: string; readonly smac?: string; readonly dmac?: string };
  /** Why Linux drops the packet instead, such as `no such device`. */
  readonly problem?: string;
}

/** Undefined where the verdict is none for redirects. */
export function redirectOf(machine: Machine, hook: Hook, code: number): Redirect | undefined {
  if (code !== (hook.packet === 'xdp' ? XDP_REDIRECT : TC_ACT_REDIRECT) || !REDIRECTS.test(hook.type)) return undefined;
  const { memory } = machine;
  switch (memory.word(cells.redirectKind)) {
    case REDIRECT_KIND.ifindex:
      return toDevice(machine);
    case REDIRECT_KIND.map:
      return toMapEntry(machine);
    default:
      return { kind: 'ifindex', ifindex: 0, flags: 0, problem: 'no target' };
  }
}

/** `eth1`, `CPU 2`, ... */
export function redirectText(redirect: Redirect): string {
  const { ifindex, name, cpu, broadcast, peer, neigh, problem, flags } = redirect;
  const device = name ?? `ifindex ${String(ifindex)}`;
  const target =
    cpu !== undefined
      ? `CPU ${String(cpu)}`
      : broadcast !== undefined
        ? `ifindexes ${broadcast.join(', ') || '-'}`
        : peer !== undefined
          ? `${peer} (peer of ${device})`
          : neigh !== undefined
            ? `${device} (next hop ${neigh.ip})`
            : redirect.kind === 'map' && ifindex === undefined
              ? `socket of ${redirect.map ?? '?'}[${String(redirect.key)}]`
              : (flags & REDIRECT_FLAGS.ingress) !== 0
                ? `${device} (ingress)`
                : device;
  return problem === undefined ? target : `${target}: ${problem}`;
}

/** The device as far as the world tells. */
function resolve({ world }: Machine, ifindex: number): { device: Device | undefined; problem: string | undefined } {
  const { devices, isGiven } = world.network;
  const device = devices.at(ifindex);
  if (device !== undefined) return { device, problem: device.up ? undefined : 'the device is down' };
  return { device, problem: isGiven || ifindex === 0 ? NO_DEVICE : undefined };
}

function named(machine: Machine, ifindex: number): Pick<Redirect, 'ifindex' | 'name' | 'problem'> {
  const { device, problem } = resolve(machine, ifindex);
  return {
    ifindex,
    ...(device === undefined ? {} : { name: device.name }),
    ...(problem === undefined ? {} : { problem }),
  };
}

function toDevice(machine: Machine): Redirect {
  const { memory } = machine;
  const all = memory.word(cells.redirectFlags);
  const target = named(machine, memory.word(cells.redirectTarget));
  const base = { kind: 'ifindex', flags: all & REDIRECT_FLAGS.ingress, ...target } as const;
  if (target.problem !== undefined) return base;
  const device = machine.world.network.devices.at(memory.word(cells.redirectTarget));
  if ((all & REDIRECT_FLAGS.peer) !== 0) {
    if (device === undefined) return base;
    return device.peer === undefined ? { ...base, problem: 'the device has no peer' } : { ...base, peer: device.peer };
  }
  return (all & REDIRECT_FLAGS.neigh) === 0 ? base : { ...base, ...toNeighbour(machine, device, all) };
}

function toMapEntry(machine: Machine): Redirect {
  const { memory, maps } = machine;
  const spec = maps.spec(memory.word(cells.redirectMap));
  const key = memory.word(cells.redirectTarget);
  const flags = memory.word(cells.redirectFlags);
  const base = { kind: 'map', map: spec.name, key, flags } as const;
  if (spec.type === 'cpumap') return { ...base, cpu: key };
  if (spec.type === 'xskmap') return base;
  if ((flags & REDIRECT_FLAGS.broadcast) === 0) return { ...base, ...named(machine, memory.word(cells.redirectValue)) };
  const from =
    (flags & REDIRECT_FLAGS.excludeIngress) === 0 ? 0 : memory.word(machine.layout.ctx + CTX_INGRESS_IFINDEX);
  return { ...base, broadcast: devicesOf(machine).filter((ifindex) => ifindex !== from) };
}

/** Of struct xdp_md. */
const CTX_INGRESS_IFINDEX = 12;

/** Every device of the map that was asked. */
function devicesOf({ memory, maps }: Machine): number[] {
  const ops = maps.ops(memory.word(cells.redirectMap));
  const found: number[] = [];
  for (let at = ops.scan(0); at >= 0; at = ops.scan(at + 1)) {
    const ifindex = memory.word(ops.valueAt(at));
    if (ifindex !== 0) found.push(ifindex);
  }
  return found;
}

/** The next hop that the program named, or that routes by this device give for the packet's destination. */
function toNeighbour(machine: Machine, device: Device | undefined, flags: number): Pick<Redirect, 'neigh' | 'problem'> {
  const { network } = machine.world;
  const hop = (flags & REDIRECT_FLAGS.nexthop) === 0 ? routedHop(machine, device) : namedHop(machine);
  if (typeof hop === 'string') return { problem: hop };
  const dmac = device === undefined ? undefined : network.neighbours.macOf(device, hop);
  const ip = formatIp(hop);
  if (device === undefined || dmac === undefined) return { neigh: { ip } };
  return { neigh: { ip, smac: formatMac(device.mac), dmac: formatMac(dmac) } };
}

function namedHop({ memory }: Machine): Uint8Array {
  const isIpv4 = memory.word(cells.redirectNexthop) === AF_INET;
  return memory.read(cells.redirectNexthop + 4, isIpv4 ? 4 : 16);
}

/** Of struct __sk_buff. */
const CTX_MARK = 8;

function routedHop({ skb, memory, world, layout }: Machine, device: Device | undefined): Uint8Array | string {
  const [off, bytes] = skb.protocol === PROTOCOL_IPV4 ? [16, 4] : skb.protocol === PROTOCOL_IPV6 ? [24, 16] : [0, 0];
  if (bytes === 0) return 'neither IPv4 nor IPv6';
  const at = skb.networkStart + off;
  if (at + bytes > skb.end) return 'the IP header is cut';
  const destination = memory.read(at, bytes);
  if (device === undefined) return destination;
  const route = world.network.rules.find({
    source: memory.read(skb.networkStart + off - bytes, bytes),
    destination,
    mark: memory.word(layout.ctx + CTX_MARK),
    iif: undefined,
    oif: device,
    output: { ifindex: device.ifindex, isRequired: bytes === 4 },
  });
  if (route?.type === 'unicast' || route?.type === 'local') return route.via ?? destination;
  // Where IPv4 has no route by a device that was asked for, the destination counts as a neighbour on it.
  return route === undefined && bytes === 4 ? destination : `no route to ${formatIp(destination)}`;
}
