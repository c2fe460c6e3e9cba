/**
 * The network around a program as plain data: devices, routes, neighbours. It does not change while packets run. Data
 * only; `network.ts` reads it.
 */

export interface WorldSpec {
  readonly devices?: readonly DeviceSpec[];
  readonly routes?: readonly RouteSpec[];
  readonly neighbours?: readonly NeighbourSpec[];
}

export interface DeviceSpec {
  /** At least 1. */
  readonly ifindex: number;
  readonly name: string;
  /** Default all zeros. */
  readonly mac?: string;
  /** Default 1500; 65536 for `loopback`. */
  readonly mtu?: number;
  /**
   * `10.0.0.1/24`, `fd00::1/64`; without a length the address alone. As in Linux each brings its routes: to itself (table
   * local), to its broadcast address, to its network (table main).
   */
  readonly addresses?: readonly string[];
  /** Name of the device at the other end, in another namespace. */
  readonly peer?: string;
  readonly kind?: DeviceKind;
  /** Default true. */
  readonly up?: boolean;
  /** Whether packets that come in here may leave elsewhere (the `forwarding` sysctls). Default true, unlike in Linux. */
  readonly forwarding?: boolean;
}

/** `veth` and `netkit` have peers. */
export type DeviceKind = 'ethernet' | 'loopback' | 'veth' | 'netkit';

export type RouteType = 'unicast' | 'local' | 'broadcast' | 'blackhole' | 'unreachable' | 'prohibit' | 'throw';

export interface RouteSpec {
  /** `10.0.0.0/8`, `::/0`; `default` is 0.0.0.0/0, or ::/0 where `via` is IPv6. */
  readonly prefix: string;
  /** The next hop; without it the destination itself is a neighbour. */
  readonly via?: string;
  /** Name of the device that packets leave by; only types that drop packets go without. */
  readonly dev?: string;
  /** Number of the routing table; default 254, main. */
  readonly table?: number;
  readonly type?: RouteType;
  /** Smaller is better. Default 0, for IPv6 1024. */
  readonly metric?: number;
  /** Preferred source address. */
  readonly src?: string;
}

/** Those of `failed` and `incomplete` neighbours are not used. */
export type NeighbourState =
  'permanent' | 'noarp' | 'reachable' | 'stale' | 'delay' | 'probe' | 'failed' | 'incomplete';

export interface NeighbourSpec {
  readonly ip: string;
  /** May be left out where the state is one in which it is not known. */
  readonly mac?: string;
  /** Name of the device. */
  readonly dev: string;
  /** Default `permanent`. */
  readonly state?: NeighbourState;
}

/** What a machine without a world has: the loopback device of a fresh Linux, which forwards nothing. */
export const BARE_WORLD: WorldSpec = {
  devices: [{ ifindex: 1, name: 'lo', kind: 'loopback', addresses: ['127.0.0.1/8', '::1/128'], forwarding: false }],
};
