/**
 * Every program type and attach type of Linux 6.18 with its number, its context and whether skep has a hook for it.
 * Data only; what a section's name says is in `sections.ts`, what r0 means in `verdicts.ts`.
 */
import type { CtxName } from './ctx.js';

export interface ProgTypeRow<N extends string = string> {
  /** `enum bpf_prog_type`. */
  readonly id: number;
  readonly name: N;
  /** Layout that r1 points to at entry; absent where it depends on the attach point or is a kernel structure. */
  readonly ctx?: CtxName;
  /** Set until skep has a `hooks/` file for it. */
  readonly unsupported?: true;
}

function type<const N extends string>(id: number, name: N, ctx?: CtxName): ProgTypeRow<N> {
  return { id, name, ...(ctx === undefined ? {} : { ctx }) };
}

function none<const N extends string>(id: number, name: N, ctx?: CtxName): ProgTypeRow<N> {
  return { ...type(id, name, ctx), unsupported: true };
}

export const PROG_TYPES = [
  type(1, 'socket_filter', '__sk_buff'),
  none(2, 'kprobe'),
  type(3, 'sched_cls', '__sk_buff'),
  type(4, 'sched_act', '__sk_buff'),
  none(5, 'tracepoint'),
  type(6, 'xdp', 'xdp_md'),
  none(7, 'perf_event', 'bpf_perf_event_data'),
  type(8, 'cgroup_skb', '__sk_buff'),
  type(9, 'cgroup_sock', 'bpf_sock'),
  type(10, 'lwt_in', '__sk_buff'),
  type(11, 'lwt_out', '__sk_buff'),
  type(12, 'lwt_xmit', '__sk_buff'),
  type(13, 'sock_ops', 'bpf_sock_ops'),
  type(14, 'sk_skb', '__sk_buff'),
  type(15, 'cgroup_device', 'bpf_cgroup_dev_ctx'),
  type(16, 'sk_msg', 'sk_msg_md'),
  none(17, 'raw_tracepoint'),
  type(18, 'cgroup_sock_addr', 'bpf_sock_addr'),
  type(19, 'lwt_seg6local', '__sk_buff'),
  none(20, 'lirc_mode2'),
  type(21, 'sk_reuseport', 'sk_reuseport_md'),
  type(22, 'flow_dissector', '__sk_buff'),
  type(23, 'cgroup_sysctl', 'bpf_sysctl'),
  none(24, 'raw_tracepoint_writable'),
  type(25, 'cgroup_sockopt', 'bpf_sockopt'),
  none(26, 'tracing'),
  none(27, 'struct_ops'),
  none(28, 'ext'),
  none(29, 'lsm'),
  type(30, 'sk_lookup', 'bpf_sk_lookup'),
  type(31, 'syscall'),
  type(32, 'netfilter', 'bpf_nf_ctx'),
] as const satisfies readonly ProgTypeRow[];

export type ProgTypeName = (typeof PROG_TYPES)[number]['name'];

/** Name -> row. */
export const PROG_TYPE_ROWS: Readonly<Record<ProgTypeName, ProgTypeRow<ProgTypeName>>> = Object.fromEntries(
  PROG_TYPES.map((each) => [each.name, each]),
) as Record<ProgTypeName, ProgTypeRow<ProgTypeName>>;

/** `enum bpf_attach_type`: name -> number. */
export const ATTACH_TYPES = {
  cgroup_inet_ingress: 0,
  cgroup_inet_egress: 1,
  cgroup_inet_sock_create: 2,
  cgroup_sock_ops: 3,
  sk_skb_stream_parser: 4,
  sk_skb_stream_verdict: 5,
  cgroup_device: 6,
  sk_msg_verdict: 7,
  cgroup_inet4_bind: 8,
  cgroup_inet6_bind: 9,
  cgroup_inet4_connect: 10,
  cgroup_inet6_connect: 11,
  cgroup_inet4_post_bind: 12,
  cgroup_inet6_post_bind: 13,
  cgroup_udp4_sendmsg: 14,
  cgroup_udp6_sendmsg: 15,
  lirc_mode2: 16,
  flow_dissector: 17,
  cgroup_sysctl: 18,
  cgroup_udp4_recvmsg: 19,
  cgroup_udp6_recvmsg: 20,
  cgroup_getsockopt: 21,
  cgroup_setsockopt: 22,
  trace_raw_tp: 23,
  trace_fentry: 24,
  trace_fexit: 25,
  modify_return: 26,
  lsm_mac: 27,
  trace_iter: 28,
  cgroup_inet4_getpeername: 29,
  cgroup_inet6_getpeername: 30,
  cgroup_inet4_getsockname: 31,
  cgroup_inet6_getsockname: 32,
  xdp_devmap: 33,
  cgroup_inet_sock_release: 34,
  xdp_cpumap: 35,
  sk_lookup: 36,
  xdp: 37,
  sk_skb_verdict: 38,
  sk_reuseport_select: 39,
  sk_reuseport_select_or_migrate: 40,
  perf_event: 41,
  trace_kprobe_multi: 42,
  lsm_cgroup: 43,
  struct_ops: 44,
  netfilter: 45,
  tcx_ingress: 46,
  tcx_egress: 47,
  trace_uprobe_multi: 48,
  cgroup_unix_connect: 49,
  cgroup_unix_sendmsg: 50,
  cgroup_unix_recvmsg: 51,
  cgroup_unix_getpeername: 52,
  cgroup_unix_getsockname: 53,
  netkit_primary: 54,
  netkit_peer: 55,
  trace_kprobe_session: 56,
  trace_uprobe_session: 57,
} as const;

export type AttachTypeName = keyof typeof ATTACH_TYPES;

/** Values of a `license` section that count as GPL-compatible, so that GPL-only helpers may be called. */
export const GPL_COMPATIBLE_LICENSES: readonly string[] = [
  'GPL',
  'GPL v2',
  'GPL and additional rights',
  'Dual BSD/GPL',
  'Dual MIT/GPL',
  'Dual MPL/GPL',
];

/** Whether a license section's text (without its NUL) lets a program call GPL-only helpers. */
export function isGplCompatible(license: string): boolean {
  return GPL_COMPATIBLE_LICENSES.includes(license);
}

/** Flags of BPF_PROG_LOAD that a section's name stands for. */
export const PROG_FLAGS = {
  /** BPF_F_SLEEPABLE */
  sleepable: 1 << 4,
  /** BPF_F_XDP_HAS_FRAGS */
  xdpHasFrags: 1 << 5,
} as const;
