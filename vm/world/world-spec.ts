/**
 * The surroundings of a program as plain data: devices, routes, neighbours, sockets, cgroups, the task that runs. Data
 * only; `network.ts`, `sockets.ts` and `cgroups.ts` read it.
 */

export interface WorldSpec {
  readonly devices?: readonly DeviceSpec[];
  readonly routes?: readonly RouteSpec[];
  /** Routing rules beside those that Linux begins with (local, main, default). */
  readonly rules?: readonly RuleSpec[];
  readonly neighbours?: readonly NeighbourSpec[];
  readonly sockets?: readonly SocketSpec[];
  readonly cgroups?: readonly CgroupSpec[];
  /** Network namespaces beside the one that programs run in. */
  readonly netns?: readonly NetnsSpec[];
  /** What runs where a program is called for a task. */
  readonly task?: TaskSpec;
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
  /** Name of the bridge, bond or VRF that it belongs to. */
  readonly master?: string;
  readonly kind?: DeviceKind;
  /** Number of the routing table of a VRF; what comes in on devices that belong to it is looked up there. */
  readonly table?: number;
  /** Default true. */
  readonly up?: boolean;
  /** Whether packets that come in here may leave elsewhere (the `forwarding` sysctls). Default true, unlike in Linux. */
  readonly forwarding?: boolean;
}

/** `veth` and `netkit` have peers, a `vrf` has a table. */
export type DeviceKind = 'ethernet' | 'loopback' | 'veth' | 'netkit' | 'vrf';

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

/** A rule applies where all that it names fits; the table of the first one that leads to a route decides. */
export interface RuleSpec {
  /** Smaller is asked first: 0 is table local, 1000 a VRF's, 32766 main, 32767 default. */
  readonly priority: number;
  readonly family?: 'ipv4' | 'ipv6';
  /** Number of the table that is asked; left out where `type` drops. */
  readonly table?: number;
  readonly type?: 'blackhole' | 'unreachable' | 'prohibit';
  readonly from?: string;
  readonly to?: string;
  /** Name of the device that the packet came in on, or is to leave by. */
  readonly iif?: string;
  readonly oif?: string;
  /** What the packet's mark is under `mask`; default mask all bits. */
  readonly mark?: number;
  readonly mask?: number;
}

export interface NeighbourSpec {
  readonly ip: string;
  /** May be left out where the state is one in which it is not known. */
  readonly mac?: string;
  /** Name of the device. */
  readonly dev: string;
  /** Default `permanent`. */
  readonly state?: NeighbourState;
}

/** A number is the IP protocol of a raw socket. */
export type SocketProtocol = 'tcp' | 'udp' | 'unix' | number;

/** `enum` of the kernel's tcp_states.h in lower case. */
export type SocketState =
  | 'established'
  | 'syn_sent'
  | 'syn_recv'
  | 'fin_wait1'
  | 'fin_wait2'
  | 'time_wait'
  | 'close'
  | 'close_wait'
  | 'last_ack'
  | 'listen'
  | 'closing'
  | 'new_syn_recv';

export interface SocketSpec {
  /** For whoever speaks of it: hooks, maps, results. */
  readonly name: string;
  readonly protocol: SocketProtocol;
  /** `10.0.0.1:80`, `[fd00::1]:443`. Without it the socket is bound to nothing. */
  readonly local?: string;
  /** The other end, where it is connected. */
  readonly remote?: string;
  /** Where neither address says it; default `ipv4`. */
  readonly family?: 'ipv4' | 'ipv6';
  /**
   * Default: `established` where it is connected, `listen` where it is TCP and bound, else `close`. Sockets in `time_wait`
   * and `new_syn_recv` are not full ones.
   */
  readonly state?: SocketState;
  /** Name of the device that it is bound to. */
  readonly dev?: string;
  readonly mark?: number;
  readonly priority?: number;
  readonly uid?: number;
  /** What bpf_get_socket_cookie says; default: its place in the list, from 1. */
  readonly cookie?: number;
  /** Path of its cgroup; default `/`. */
  readonly cgroup?: string;
  /** Name of its network namespace; default the one that programs run in. */
  readonly netns?: string;
  /** An IPv6 socket that takes no IPv4. */
  readonly v6only?: boolean;
  /** SO_REUSEPORT: sockets of the same address share what comes in. */
  readonly reuseport?: boolean;
  /** IP_TRANSPARENT. */
  readonly transparent?: boolean;
  /** A listener whose queue has overflowed lately, so that it sends SYN cookies. */
  readonly overflowed?: boolean;
  /** Queue that its packets come in on. */
  readonly queue?: number;
  /** The listening socket behind one in `new_syn_recv`. */
  readonly listener?: string;
  /** Fields of struct bpf_tcp_sock by name; what is left out is 0. */
  readonly tcp?: Readonly<Record<string, number>>;
}

export interface CgroupSpec {
  /** Absolute, such as `/kubepods/pod1`. Its parents need no entry of their own. */
  readonly path: string;
  /** What bpf_get_current_cgroup_id and its like say; default: 1 for `/`, then in order. */
  readonly id?: number;
  /** net_cls.classid of the tasks in it; default that of its parent, 0 for `/`. */
  readonly classid?: number;
}

export interface NetnsSpec {
  readonly name: string;
  /** What bpf_get_netns_cookie says; the namespace of programs has 1. */
  readonly cookie: number;
  /** By which programs ask for it (bpf_sk_lookup_tcp). */
  readonly id?: number;
}

export interface TaskSpec {
  readonly pid?: number;
  /** Default `pid`. */
  readonly tgid?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** At most 15 bytes. */
  readonly comm?: string;
  /** Path of its cgroup; default `/`. */
  readonly cgroup?: string;
}

/** What a machine without a world has: the loopback device of a fresh Linux, which forwards nothing. */
export const BARE_WORLD: WorldSpec = {
  devices: [{ ifindex: 1, name: 'lo', kind: 'loopback', addresses: ['127.0.0.1/8', '::1/128'], forwarding: false }],
};
