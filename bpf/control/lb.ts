/**
 * The control plane of `lb.bpf.c`: from services as people write them to the contents of its maps. Pure: what is done
 * with the entries is the caller's business. Knows the layout of the structures in `lb.bpf.c`, for a little-endian
 * machine, and nothing of how maps are reached.
 */
import { formatIpv6, parseIpv4, parseIpv6 } from '../../vm/address-text.js';
import { ConfigError } from '../../vm/index.js';
import { fillRing, MAX_WEIGHT, NOBODY } from './maglev.js';

export interface LbBackend {
  readonly address: string;
  /** Default: the service's port; a tunnel cannot change it. */
  readonly port?: number;
  /**
   * Share of new flows, an integer relative to the other backends'; default 1. With 0, a backend keeps the flows it
   * has and gets no new ones.
   */
  readonly weight?: number;
}

export interface LbService {
  /** For messages; must be unique. */
  readonly name: string;
  readonly vip: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  /** `nat` (default) writes the backend's address over the VIP's; `ipip` puts a second IP header in front. */
  readonly mode?: 'nat' | 'ipip';
  /** Whether all flows of one source address go to one backend; default false. */
  readonly affinity?: boolean;
  readonly backends: readonly LbBackend[];
}

export interface LbConfig {
  readonly services: readonly LbService[];
  /** A prime up to 65,537, which is the default. The program's variable `ring_slots` must say the same. */
  readonly ringSlots?: number;
}

/** Contents of maps by name: pairs of key and value. */
export type MapContents = Readonly<Record<string, readonly MapEntry[]>>;
export type MapEntry = readonly [key: Uint8Array, value: Uint8Array];

/**
 * Which number stands for which service and backend. Connections remember backends by number: who changes a
 * configuration while flows are alive numbers the new one with the old one's numbers at hand.
 */
export interface LbNumbers {
  /** By VIP, port and protocol, in a text of this module's making. */
  readonly services: ReadonlyMap<string, number>;
  /** By service and endpoint. */
  readonly backends: ReadonlyMap<string, number>;
  /** The highest number that a backend ever had. */
  readonly highestBackend: number;
}

export const RING_SLOTS_MAX = 65_537;
const SERVICES_MAX = 64;
const BACKENDS_MAX = 4096;

const SERVICE_TUNNEL = 1;
const SERVICE_AFFINITY = 2;
const PROTOCOLS = { tcp: 6, udp: 17 } as const;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;

/**
 * Gives each service and backend a number: the one it had, else the lowest that is free.
 * @throws ConfigError as `servicesToMaps` does
 */
export function numberServices(config: LbConfig, previous?: LbNumbers): LbNumbers {
  return numberAll(config.services.map(readService), previous);
}

/**
 * The contents of the maps `services`, `rings` and `backends`. They are complete: a key of `services` that is not
 * among them has to go; entries of the other two may stay.
 * @throws ConfigError `config-value`: an address, port or weight that is none, mixed versions of IP, something twice,
 *   or more of it than the maps hold
 */
export function servicesToMaps(config: LbConfig, numbers: LbNumbers = numberServices(config)): MapContents {
  const ringSlots = config.ringSlots ?? RING_SLOTS_MAX;
  if (ringSlots > RING_SLOTS_MAX) {
    throw new ConfigError('config-value', `a ring of ${ringSlots} slots; it has room for ${RING_SLOTS_MAX}`, {
      data: { slots: ringSlots },
    });
  }
  const parsed = config.services.map(readService);
  const services: MapEntry[] = [];
  const rings: MapEntry[] = [];
  const backends = new Map<number, MapEntry>();
  for (let number = 1; number <= numbers.highestBackend; number++) {
    backends.set(number, [u32Bytes(number), new Uint8Array(BACKEND_BYTES)]);
  }

  for (const service of parsed) {
    const number = numberOf(numbers.services, service.id);
    services.push([serviceKey(service.vip, service.port, service.protocol), serviceValue(number, service.flags)]);
    const ofBackend = service.backends.map((backend) => {
      const index = numberOf(numbers.backends, backend.id);
      backends.set(index, [u32Bytes(index), backendValue(backend.address, backend.port)]);
      return index;
    });
    rings.push([u32Bytes(number), ringValue(service, ofBackend, ringSlots)]);
  }
  for (const { id, address, protocol } of vipsOf(parsed)) {
    services.push([serviceKey(address, 0, protocol), serviceValue(numberOf(numbers.services, id), 0)]);
  }
  return { services, rings, backends: [...backends.values()] };
}

interface ParsedBackend {
  readonly id: string;
  /** As in every ring, whatever the service is called. */
  readonly endpoint: string;
  readonly address: Uint8Array;
  readonly port: number;
  readonly weight: number;
}

interface ParsedService {
  readonly id: string;
  readonly name: string;
  /** 16 bytes, IPv4 mapped. */
  readonly vip: Uint8Array;
  readonly isIpv4: boolean;
  readonly port: number;
  readonly protocol: number;
  readonly flags: number;
  readonly backends: readonly ParsedBackend[];
}

function readService(service: LbService): ParsedService {
  const { name, port, protocol, mode = 'nat' } = service;
  const refuse = (what: string, data: Readonly<Record<string, unknown>>): never => {
    throw new ConfigError('config-value', `service ${name}: ${what}`, { data: { service: name, ...data } });
  };
  const addressOf = (text: string): Address =>
    readAddress(text) ?? refuse(`\`${text}\` is no IP address`, { address: text });
  const checkPort = (value: number): number =>
    Number.isInteger(value) && value >= 1 && value <= 0xffff
      ? value
      : refuse(`port ${value} is not between 1 and 65535`, { port: value });

  const vip = addressOf(service.vip);
  checkPort(port);
  const id = `${vip.key} ${port} ${protocol}`;
  const backends = service.backends.map((backend): ParsedBackend => {
    const address = addressOf(backend.address);
    if (address.isIpv4 !== vip.isIpv4) {
      refuse(`backend ${backend.address} and VIP ${service.vip} are of different versions of IP`, {
        address: backend.address,
      });
    }
    const backendPort = checkPort(backend.port ?? port);
    if (mode === 'ipip' && backendPort !== port) {
      refuse(`a tunnel cannot change port ${port} to ${backendPort}`, { port: backendPort });
    }
    const { weight = 1 } = backend;
    if (!Number.isInteger(weight) || weight < 0 || weight > MAX_WEIGHT) {
      refuse(`weight ${weight} of backend ${backend.address} is no integer from 0 to ${MAX_WEIGHT}`, { weight });
    }
    const endpoint = `${address.key} ${backendPort}`;
    return { id: `${id} ${endpoint}`, endpoint, address: address.bytes, port: backendPort, weight };
  });
  const twice = backends.find(({ id: each }, index) => backends.findIndex((other) => other.id === each) < index);
  if (twice !== undefined) refuse(`backend ${twice.endpoint.replace(' ', ' port ')} comes twice`, {});
  return {
    id,
    name,
    vip: vip.bytes,
    isIpv4: vip.isIpv4,
    port,
    protocol: PROTOCOLS[protocol],
    flags: (mode === 'ipip' ? SERVICE_TUNNEL : 0) | (service.affinity === true ? SERVICE_AFFINITY : 0),
    backends,
  };
}

interface Address {
  readonly bytes: Uint8Array;
  readonly isIpv4: boolean;
  /** Equal for every way of writing one address. */
  readonly key: string;
}

function readAddress(text: string): Address | undefined {
  const v4 = parseIpv4(text);
  const bytes = v4 === undefined ? parseIpv6(text) : Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...v4);
  if (bytes === undefined) return undefined;
  // A mapped address is IPv4 to the program, however it was written.
  const isIpv4 = bytes.every((byte, i) => i >= 12 || byte === (i < 10 ? 0 : 0xff));
  return { bytes, isIpv4, key: formatIpv6(bytes) };
}

/** Each VIP once, for ICMP. */
function vipsOf(services: readonly ParsedService[]): { id: string; address: Uint8Array; protocol: number }[] {
  const vips = new Map(
    services.map(({ vip, isIpv4 }) => {
      const id = `${vip.join('.')} icmp`;
      return [id, { id, address: vip, protocol: isIpv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6 }];
    }),
  );
  return [...vips.values()];
}

function numberAll(services: readonly ParsedService[], previous: LbNumbers | undefined): LbNumbers {
  for (const [what, all] of [
    ['service name', services.map(({ name }) => name)],
    ['VIP, port and protocol of service', services.map(({ id }) => id)],
  ] as const) {
    const twice = services[all.findIndex((each, index) => all.indexOf(each) !== index)];
    if (twice !== undefined) {
      throw new ConfigError('config-value', `${what} ${twice.name}: there is another with the same`, {
        data: { service: twice.name },
      });
    }
  }
  const serviceIds = [...services, ...vipsOf(services)].map(({ id }) => id);
  const backendIds = services.flatMap(({ backends }) => backends.map(({ id }) => id));
  const ofServices = allot(serviceIds, previous?.services, 0, SERVICES_MAX, 'services and VIPs');
  const ofBackends = allot(backendIds, previous?.backends, 1, BACKENDS_MAX, 'backends');
  return {
    services: ofServices,
    backends: ofBackends,
    highestBackend: Math.max(previous?.highestBackend ?? 0, ...ofBackends.values()),
  };
}

function allot(
  ids: readonly string[],
  previous: ReadonlyMap<string, number> = new Map(),
  first: number,
  end: number,
  what: string,
): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const id of ids) {
    const known = previous.get(id);
    if (known !== undefined) numbers.set(id, known);
  }
  const taken = new Set(numbers.values());
  let next = first;
  for (const id of ids) {
    if (numbers.has(id)) continue;
    while (taken.has(next)) next++;
    if (next >= end) {
      throw new ConfigError('config-value', `too many ${what}: there is room for ${end - first}`, {
        data: { what, room: end - first },
      });
    }
    numbers.set(id, next++);
  }
  return numbers;
}

function numberOf(numbers: ReadonlyMap<string, number>, id: string): number {
  const number = numbers.get(id);
  if (number === undefined) {
    throw new ConfigError('config-value', 'the numbers were made for another configuration', { data: { id } });
  }
  return number;
}

// Layouts of the structures in lb.bpf.c.

const SERVICE_KEY_BYTES = 20;
const SERVICE_BYTES = 8;
const BACKEND_BYTES = 24;

function u32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** struct service_key */
function serviceKey(vip: Uint8Array, port: number, protocol: number): Uint8Array {
  const bytes = new Uint8Array(SERVICE_KEY_BYTES);
  bytes.set(vip);
  new DataView(bytes.buffer).setUint16(16, port);
  bytes[18] = protocol;
  return bytes;
}

/** struct service */
function serviceValue(number: number, flags: number): Uint8Array {
  const bytes = new Uint8Array(SERVICE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, number, true);
  view.setUint32(4, flags, true);
  return bytes;
}

/** struct backend */
function backendValue(address: Uint8Array, port: number): Uint8Array {
  const bytes = new Uint8Array(BACKEND_BYTES);
  bytes.set(address);
  const view = new DataView(bytes.buffer);
  view.setUint16(16, port);
  view.setUint32(20, 1, true);
  return bytes;
}

/** struct ring: numbers of backends; 0, in slots of nobody and behind the last slot, is no backend. */
function ringValue(service: ParsedService, numbers: readonly number[], ringSlots: number): Uint8Array {
  const names = service.backends.map(({ endpoint, weight }) => ({ name: endpoint, weight }));
  const bytes = new Uint8Array(4 * RING_SLOTS_MAX);
  const view = new DataView(bytes.buffer);
  fillRing(names, ringSlots).forEach((index, slot) => {
    view.setUint32(4 * slot, index === NOBODY ? 0 : (numbers[index] ?? 0), true);
  });
  return bytes;
}
