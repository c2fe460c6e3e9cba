/**
 * bpf_fib_lookup: where the world would forward a packet to. A model of net/core/filter.c of Linux 6.18, but for
 * multipath and tunnels on routes.
 */
import { viewOf } from '../bytes.js';
import type { Machine } from '../machine/machine.js';
import { errno } from '../spec/errno.js';
import { AF_INET, AF_INET6 } from '../spec/redirect.js';
import type { Device } from '../world/devices.js';
import type { Network } from '../world/network.js';
import { contains } from '../world/ip-prefix.js';
import { TABLE_MAIN } from '../world/routes.js';
import type { OutputDevice, Route } from '../world/routes.js';
import type { PlainHelper } from './helper.js';

/** struct bpf_fib_lookup. */
const PARAMS_BYTES = 64;
const off = {
  family: 0,
  totLen: 6,
  ifindex: 8,
  metric: 12,
  src: 16,
  dst: 32,
  vlanProto: 48,
  table: 48,
  vlanTci: 50,
  mark: 52,
  smac: 52,
  dmac: 58,
} as const;

/** BPF_FIB_LOOKUP_... */
const DIRECT = 1;
const OUTPUT = 2;
const SKIP_NEIGH = 4;
const TBID = 8;
const SRC = 16;
const MARK = 32;
const ALL_FLAGS = DIRECT | OUTPUT | SKIP_NEIGH | TBID | SRC | MARK;

/** BPF_FIB_LKUP_RET_... */
const RET = {
  SUCCESS: 0,
  BLACKHOLE: 1,
  UNREACHABLE: 2,
  PROHIBIT: 3,
  NOT_FWDED: 4,
  FWD_DISABLED: 5,
  NO_NEIGH: 7,
  FRAG_NEEDED: 8,
  NO_SRC_ADDR: 9,
} as const;

const LOOPBACK_IFINDEX = 1;

/** Most that an IP packet can say of its length. */
const MAX_IP_MTU = 65_535;
/** Headers that a device takes beside its MTU: Ethernet and one VLAN tag. */
const LINK_HEADER_BYTES = 18;

export const fibLookup: PlainHelper = {
  name: 'fib_lookup',
  bind:
    (machine) =>
    (_ctx = 0, params = 0, bytes = 0, flags = 0) => {
      if (bytes >>> 0 < PARAMS_BYTES || (flags & ~ALL_FLAGS) !== 0) return -errno.EINVAL;
      const { memory } = machine;
      const view = viewOf(memory.u8.subarray(params, params + PARAMS_BYTES));
      const family = view.getUint8(off.family);
      if (family !== AF_INET && family !== AF_INET6) return -errno.EAFNOSUPPORT;
      return new Lookup(machine, view, flags, family === AF_INET ? 4 : 16).run();
    },
};

/** One call: the parameters in place, as a view of the program's struct. */
class Lookup {
  readonly #machine: Machine;
  readonly #network: Network;
  readonly #view: DataView;
  readonly #flags: number;
  readonly #ipBytes: 4 | 16;

  constructor(machine: Machine, view: DataView, flags: number, ipBytes: 4 | 16) {
    this.#machine = machine;
    this.#network = machine.world.network;
    this.#view = view;
    this.#flags = flags;
    this.#ipBytes = ipBytes;
  }

  run(): number {
    const view = this.#view;
    const destination = this.#read(off.dst, this.#ipBytes);
    if (this.#ipBytes === 16 && (isNeverForwarded(destination) || isNeverForwarded(this.#read(off.src, 16)))) {
      return RET.NOT_FWDED;
    }
    const from = this.#network.devices.at(view.getUint32(off.ifindex, true));
    if (from === undefined) return -errno.ENODEV;
    if (!from.forwarding) return RET.FWD_DISABLED;
    const route = this.#route(destination, from);
    if (route?.type !== 'unicast' || route.device === undefined) return refusalOf(route);
    return this.#forward(route, route.device, destination);
  }

  #has(flag: number): boolean {
    return (this.#flags & flag) !== 0;
  }

  #route(destination: Uint8Array, device: Device): Route | undefined {
    const { ifindex } = device;
    const { routes, rules, devices } = this.#network;
    // IPv6 routes by other devices are only worse, and the device that a packet came from is as good as one to leave by.
    const isIpv4 = this.#ipBytes === 4;
    const output: OutputDevice | undefined = isIpv4 && !this.#has(OUTPUT) ? undefined : { ifindex, isRequired: isIpv4 };
    if (!this.#has(DIRECT)) {
      const isOut = this.#has(OUTPUT);
      return rules.find({
        source: this.#read(off.src, this.#ipBytes),
        destination,
        mark: this.#has(MARK) ? this.#view.getUint32(off.mark, true) : 0,
        iif: isOut ? devices.at(LOOPBACK_IFINDEX) : device,
        oif: isOut ? device : undefined,
        output,
      });
    }
    const own = devices.vrfOf(device)?.table ?? TABLE_MAIN;
    const table = this.#has(TBID) ? this.#view.getUint32(off.table, true) : own;
    if (this.#has(TBID)) this.#view.setUint32(off.table, 0, true);
    return routes.findIn(table, destination, output);
  }

  #forward(route: Route, device: Device, destination: Uint8Array): number {
    const view = this.#view;
    const isSkb = this.#machine.packet === this.#machine.skb;
    const totLen = view.getUint16(off.totLen, true);
    // A program on a socket buffer that says no length asks for that of its packet.
    const ofPacket = isSkb && totLen === 0;
    const mtu = Math.min(device.mtu, MAX_IP_MTU);
    if (!ofPacket && totLen > mtu) {
      view.setUint16(off.totLen, mtu, true);
      return RET.FRAG_NEEDED;
    }
    view.setUint32(off.metric, route.metric, true);
    view.setUint32(off.ifindex, device.ifindex, true);
    const nextHop = route.via ?? destination;
    if (this.#ipBytes === 16) this.#write(off.dst, nextHop);
    if (this.#has(SRC)) {
      const source = route.src ?? sourceOn(this.#network, device, nextHop, this.#ipBytes);
      if (source === undefined && this.#ipBytes === 16) return RET.NO_SRC_ADDR;
      this.#write(off.src, source ?? new Uint8Array(4));
    }
    if (this.#ipBytes === 4) {
      if (nextHop.length === 16) view.setUint8(off.family, AF_INET6);
      this.#write(off.dst, nextHop);
    }
    if (!this.#has(SKIP_NEIGH)) {
      const mac = this.#network.neighbours.macOf(device, nextHop);
      if (mac === undefined) return RET.NO_NEIGH;
      this.#write(off.dmac, mac);
      this.#write(off.smac, device.mac);
    }
    view.setUint16(off.vlanProto, 0, true);
    view.setUint16(off.vlanTci, 0, true);
    if (!ofPacket) {
      view.setUint16(off.totLen, mtu, true);
      return RET.SUCCESS;
    }
    view.setUint16(off.totLen, device.mtu & 0xffff, true);
    return this.#isForwardable(device) ? RET.SUCCESS : RET.FRAG_NEEDED;
  }

  #isForwardable({ up, mtu }: Device): boolean {
    const { skb } = this.#machine;
    return up && (skb.isGso || skb.lengthBytes <= mtu + LINK_HEADER_BYTES);
  }

  #read(at: number, bytes: number): Uint8Array {
    const { buffer, byteOffset } = this.#view;
    return new Uint8Array(buffer, byteOffset + at, bytes).slice();
  }

  #write(at: number, bytes: Uint8Array): void {
    const { buffer, byteOffset } = this.#view;
    new Uint8Array(buffer, byteOffset + at, bytes.length).set(bytes);
  }
}

function refusalOf(route: Route | undefined): number {
  switch (route?.type) {
    case 'blackhole':
      return RET.BLACKHOLE;
    case 'unreachable':
      return RET.UNREACHABLE;
    case 'prohibit':
      return RET.PROHIBIT;
    default:
      return RET.NOT_FWDED;
  }
}

/** Multicast, link-local and loopback IPv6 addresses stay on their link. */
function isNeverForwarded(address: Uint8Array): boolean {
  const [a = 0, b = 0] = address;
  if (a === 0xff || (a === 0xfe && (b & 0xc0) === 0x80)) return true;
  return address.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

/** The device's address that is nearest to the next hop, or any of its family, on whatever device there is one. */
function sourceOn(network: Network, device: Device, nextHop: Uint8Array, ipBytes: number): Uint8Array | undefined {
  const own = device.addresses.filter(({ address }) => address.length === ipBytes);
  const near = own.find((prefix) => contains(prefix, nextHop)) ?? own[0];
  if (near !== undefined) return near.address;
  for (const { addresses, kind } of network.devices.all()) {
    const other = addresses.find(({ address }) => address.length === ipBytes);
    if (other !== undefined && kind !== 'loopback') return other.address;
  }
  return undefined;
}
