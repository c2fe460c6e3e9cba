/**
 * Routing tables as fib_lookup sees them: the longest prefix wins, then the smallest metric. Multipath and tunnels are
 * missing. Knows no rules.
 */
import { isTable } from './devices.js';
import type { Device, Devices } from './devices.js';
import { networkKey, parseIp, parsePrefix, withHostBits } from './ip-prefix.js';
import type { IpPrefix } from './ip-prefix.js';
import { refuseWorld } from './spec-fault.js';
import type { RouteSpec, RouteType } from './world-spec.js';

export const TABLE_DEFAULT = 253;
export const TABLE_MAIN = 254;
export const TABLE_LOCAL = 255;

/** Metrics that Linux gives where none is asked for: to routes of users, and to those of addresses. */
const IPV6_USER_METRIC = 1024;
const IPV6_KERNEL_METRIC = 256;

export interface Route {
  readonly prefix: IpPrefix;
  readonly type: RouteType;
  /** Undefined for types that drop. */
  readonly device: Device | undefined;
  readonly via: Uint8Array | undefined;
  readonly metric: number;
  readonly src: Uint8Array | undefined;
}

/** A lookup's device: packets must leave by it, or are better off to. */
export interface OutputDevice {
  readonly ifindex: number;
  readonly isRequired: boolean;
}

/** One table of one family: routes by prefix length, then by network. */
class RouteTable {
  readonly #byLength = new Map<number, Map<string, Route[]>>();
  #lengths: readonly number[] = [];

  add(route: Route): void {
    const { address, length } = route.prefix;
    let networks = this.#byLength.get(length);
    if (networks === undefined) {
      networks = new Map();
      this.#byLength.set(length, networks);
      this.#lengths = [...this.#byLength.keys()].sort((a, b) => b - a);
    }
    const key = networkKey(address, length);
    const routes = networks.get(key) ?? [];
    routes.push(route);
    routes.sort((a, b) => a.metric - b.metric);
    networks.set(key, routes);
  }

  find(destination: Uint8Array, output: OutputDevice | undefined): Route | undefined {
    for (const length of this.#lengths) {
      const routes = this.#byLength.get(length)?.get(networkKey(destination, length));
      const route = routes === undefined ? undefined : choose(routes, output);
      if (route !== undefined) return route;
    }
    return undefined;
  }
}

function choose(routes: readonly Route[], output: OutputDevice | undefined): Route | undefined {
  const isOut = ({ device }: Route): boolean => device === undefined || device.ifindex === output?.ifindex;
  if (output === undefined) return routes[0];
  if (output.isRequired) return routes.find(isOut);
  return routes.find((route) => route.metric === routes[0]?.metric && isOut(route)) ?? routes[0];
}

export class Routes {
  /** By family (bytes of an address) and number. */
  readonly #tables = new Map<string, RouteTable>();

  /** @throws ConfigError `config-value` */
  constructor(specs: readonly RouteSpec[], devices: Devices) {
    for (const device of devices.all()) {
      // What a device of a VRF brings goes into that one's table, local or not.
      const table = devices.vrfOf(device)?.table;
      for (const address of device.addresses)
        this.#addAddress(device, address, table ?? TABLE_LOCAL, table ?? TABLE_MAIN);
    }
    for (const [index, spec] of specs.entries()) {
      const { route, table } = readRoute(spec, devices, `routes[${String(index)}]`);
      this.#add(table, route);
    }
  }

  /** Undefined where the table has no route, or does not exist. `throw` routes come back as they are. */
  findIn(table: number, destination: Uint8Array, output?: OutputDevice): Route | undefined {
    return this.#tables.get(tableKey(table, destination))?.find(destination, output);
  }

  /** Linux takes a device's routes away when it goes down. */
  #add(table: number, route: Route): void {
    if (route.device?.up === false) return;
    const key = tableKey(table, route.prefix.address);
    let routes = this.#tables.get(key);
    if (routes === undefined) this.#tables.set(key, (routes = new RouteTable()));
    routes.add(route);
  }

  /** The routes that Linux makes for an address. */
  #addAddress(device: Device, { address, length }: IpPrefix, local: number, main: number): void {
    const bits = 8 * address.length;
    const isIpv4 = address.length === 4;
    const rest = { device, via: undefined, src: isIpv4 ? address : undefined };
    const host = { address, length: bits };
    this.#add(local, { ...rest, prefix: host, type: 'local', metric: 0 });
    const isLoopback = device.kind === 'loopback';
    if (isIpv4 && length < 31) {
      const broadcast = { address: withHostBits(address, length, 255), length: bits };
      this.#add(local, { ...rest, prefix: broadcast, type: 'broadcast', metric: 0 });
    }
    if (length === bits) return;
    const prefix = { address: withHostBits(address, length, 0), length };
    if (isLoopback && isIpv4) this.#add(local, { ...rest, prefix, type: 'local', metric: 0 });
    else this.#add(main, { ...rest, prefix, type: 'unicast', metric: isIpv4 ? 0 : IPV6_KERNEL_METRIC });
  }
}

function tableKey(table: number, { length }: Uint8Array): string {
  return `${String(length)} ${String(table)}`;
}

const DROPS: readonly RouteType[] = ['blackhole', 'unreachable', 'prohibit', 'throw'];

function readRoute(spec: RouteSpec, devices: Devices, path: string): { route: Route; table: number } {
  const { type = 'unicast', table = TABLE_MAIN } = spec;
  const readIp = (field: 'via' | 'src'): Uint8Array | undefined => {
    const text = spec[field];
    return text === undefined
      ? undefined
      : (parseIp(text) ?? refuseWorld(`${path}.${field}`, `\`${text}\` is no address`));
  };
  const via = readIp('via');
  const src = readIp('src');
  const text = spec.prefix === 'default' ? (via?.length === 16 ? '::/0' : '0.0.0.0/0') : spec.prefix;
  const prefix = parsePrefix(text) ?? refuseWorld(`${path}.prefix`, `\`${text}\` is no prefix`);
  if (!isTable(table)) {
    refuseWorld(`${path}.table`, `${String(table)} is no routing table`);
  }
  if (via?.length === 4 && prefix.address.length === 16) {
    refuseWorld(`${path}.via`, 'an IPv6 route needs an IPv6 next hop');
  }
  if (src !== undefined && src.length !== prefix.address.length) {
    refuseWorld(`${path}.src`, 'the address is of the other family');
  }
  const metric = spec.metric ?? (prefix.address.length === 4 ? 0 : IPV6_USER_METRIC);
  const drops = DROPS.includes(type);
  if (spec.dev === undefined && !drops) refuseWorld(`${path}.dev`, `a ${type} route needs a device`);
  const device = spec.dev === undefined || drops ? undefined : devices.mustHave(spec.dev, `${path}.dev`);
  return { route: { prefix, type, device, via, metric, src }, table };
}
