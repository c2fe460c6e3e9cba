/** The world's devices by index and by name. Knows no routes. */
import { parseMac } from '../address-text.js';
import type { IpPrefix } from './ip-prefix.js';
import { parsePrefix } from './ip-prefix.js';
import { refuseWorld } from './spec-fault.js';
import type { DeviceKind, DeviceSpec } from './world-spec.js';

const MAC_BYTES = 6;
const MAX_IFINDEX = 0x7fff_ffff;
/** IFNAMSIZ without its NUL. */
const MAX_NAME_CHARS = 15;
const MIN_MTU = 68;
const LOOPBACK_MTU = 65_536;
const ETHERNET_MTU = 1500;

export interface Device {
  readonly ifindex: number;
  readonly name: string;
  readonly kind: DeviceKind;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly addresses: readonly IpPrefix[];
  readonly peer: string | undefined;
  readonly master: string | undefined;
  /** Of a VRF. */
  readonly table: number | undefined;
  readonly up: boolean;
  readonly forwarding: boolean;
}

export class Devices {
  readonly #byIndex = new Map<number, Device>();
  readonly #byName = new Map<string, Device>();

  /** @throws ConfigError `config-value` */
  constructor(specs: readonly DeviceSpec[]) {
    for (const [index, spec] of specs.entries()) {
      const path = `devices[${String(index)}]`;
      const device = readDevice(spec, path);
      if (this.#byIndex.has(device.ifindex)) refuseWorld(`${path}.ifindex`, `${String(spec.ifindex)} is taken`);
      if (this.#byName.has(device.name)) refuseWorld(`${path}.name`, `\`${spec.name}\` is taken`);
      this.#byIndex.set(device.ifindex, device);
      this.#byName.set(device.name, device);
    }
    for (const [index, { master }] of specs.entries()) {
      if (master !== undefined) this.mustHave(master, `devices[${String(index)}].master`);
    }
  }

  at(ifindex: number): Device | undefined {
    return this.#byIndex.get(ifindex);
  }

  named(name: string): Device | undefined {
    return this.#byName.get(name);
  }

  /** In the order of the spec. */
  all(): Iterable<Device> {
    return this.#byIndex.values();
  }

  /** The VRF that a device is or belongs to. */
  vrfOf(device: Device): Device | undefined {
    if (device.kind === 'vrf') return device;
    const master = device.master === undefined ? undefined : this.named(device.master);
    return master?.kind === 'vrf' ? master : undefined;
  }

  /** @throws ConfigError `config-value` where there is none */
  mustHave(name: string, path: string): Device {
    return this.named(name) ?? refuseWorld(path, `there is no device \`${name}\``);
  }
}

/** Whether a number may be a routing table's. */
export function isTable(table: number): boolean {
  return Number.isInteger(table) && table >= 1 && table <= 0xffff_ffff;
}

function readDevice(spec: DeviceSpec, path: string): Device {
  const { ifindex, name, kind = 'ethernet' } = spec;
  if (!Number.isInteger(ifindex) || ifindex < 1 || ifindex > MAX_IFINDEX) {
    refuseWorld(`${path}.ifindex`, `${String(ifindex)} is no interface index`);
  }
  if (!/^[^\s/:]+$/.test(name) || name.length > MAX_NAME_CHARS || name === '.' || name === '..') {
    refuseWorld(`${path}.name`, `\`${name}\` is no name of a device`);
  }
  const mac = spec.mac === undefined ? new Uint8Array(MAC_BYTES) : parseMac(spec.mac);
  if (mac === undefined) refuseWorld(`${path}.mac`, `\`${spec.mac ?? ''}\` is no MAC address`);
  const mtu = spec.mtu ?? (kind === 'loopback' ? LOOPBACK_MTU : ETHERNET_MTU);
  if (!Number.isInteger(mtu) || mtu < MIN_MTU || mtu > LOOPBACK_MTU) {
    refuseWorld(`${path}.mtu`, `${String(mtu)} is not ${String(MIN_MTU)} to ${String(LOOPBACK_MTU)}`);
  }
  const addresses = (spec.addresses ?? []).map(
    (text, index) =>
      parsePrefix(text) ?? refuseWorld(`${path}.addresses[${String(index)}]`, `\`${text}\` is no address`),
  );
  if (spec.peer !== undefined && kind !== 'veth' && kind !== 'netkit') {
    refuseWorld(`${path}.peer`, `kind \`${kind}\` has no peer`);
  }
  const { peer, master, table, up = true, forwarding = true } = spec;
  if ((table !== undefined) !== (kind === 'vrf')) {
    refuseWorld(`${path}.table`, kind === 'vrf' ? 'a VRF has a table' : 'only a VRF has a table');
  }
  if (table !== undefined && !isTable(table)) refuseWorld(`${path}.table`, `${String(table)} is no routing table`);
  return { ifindex, name, kind, mac, mtu, addresses, peer, master, table, up, forwarding };
}
