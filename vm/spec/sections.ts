/**
 * What an ELF section's name says about the program in it, in libbpf's spelling. Knows no ELF.
 *
 * Where libbpf demands the exact name (`xdp`, `tc`), ebpf-go takes every name that starts so (`tc/tail`, `xdp_filter`);
 * skep does too, because Cilium's objects depend on it.
 */
import type { AttachTypeName, ProgTypeName } from './prog-types.js';

export interface SectionRow {
  readonly prefix: string;
  /** `start`: any name that starts with the prefix; `word`: the prefix alone or followed by `/`. */
  readonly match: 'start' | 'word';
  readonly type: ProgTypeName;
  /** `expected_attach_type` that libbpf and ebpf-go load it with. */
  readonly attach?: AttachTypeName;
  /** Takes packets in several buffers. */
  readonly frags?: true;
  readonly sleepable?: true;
}

type Traits = Pick<SectionRow, 'frags' | 'sleepable'>;

function start(prefix: string, type: ProgTypeName, attach?: AttachTypeName, traits: Traits = {}): SectionRow {
  return { prefix, match: 'start', type, ...(attach === undefined ? {} : { attach }), ...traits };
}

function word(prefix: string, type: ProgTypeName, attach?: AttachTypeName, traits: Traits = {}): SectionRow {
  return { prefix, match: 'word', type, ...(attach === undefined ? {} : { attach }), ...traits };
}

/** A section and its sleepable twin, spelt with `.s`. */
function both(prefix: string, type: ProgTypeName, attach?: AttachTypeName): SectionRow[] {
  return [word(prefix, type, attach), word(`${prefix}.s`, type, attach, { sleepable: true })];
}

const frags = true;

export const SECTIONS: readonly SectionRow[] = [
  start('xdp', 'xdp', 'xdp'),
  start('xdp/devmap', 'xdp', 'xdp_devmap'),
  start('xdp/cpumap', 'xdp', 'xdp_cpumap'),
  start('xdp.frags', 'xdp', 'xdp', { frags }),
  start('xdp.frags/devmap', 'xdp', 'xdp_devmap', { frags }),
  start('xdp.frags/cpumap', 'xdp', 'xdp_cpumap', { frags }),

  start('tc', 'sched_cls'),
  start('classifier', 'sched_cls'),
  start('tc/ingress', 'sched_cls', 'tcx_ingress'),
  start('tc/egress', 'sched_cls', 'tcx_egress'),
  start('tcx/ingress', 'sched_cls', 'tcx_ingress'),
  start('tcx/egress', 'sched_cls', 'tcx_egress'),
  start('netkit/primary', 'sched_cls', 'netkit_primary'),
  start('netkit/peer', 'sched_cls', 'netkit_peer'),
  start('action', 'sched_act'),

  start('socket', 'socket_filter'),
  start('sk_lookup', 'sk_lookup', 'sk_lookup'),
  start('sk_reuseport', 'sk_reuseport', 'sk_reuseport_select'),
  start('sk_reuseport/migrate', 'sk_reuseport', 'sk_reuseport_select_or_migrate'),
  start('sk_msg', 'sk_msg', 'sk_msg_verdict'),
  start('sk_skb', 'sk_skb'),
  start('sk_skb/stream_parser', 'sk_skb', 'sk_skb_stream_parser'),
  start('sk_skb/stream_verdict', 'sk_skb', 'sk_skb_stream_verdict'),
  start('sk_skb/verdict', 'sk_skb', 'sk_skb_verdict'),
  start('sockops', 'sock_ops', 'cgroup_sock_ops'),
  start('lwt_in', 'lwt_in'),
  start('lwt_out', 'lwt_out'),
  start('lwt_xmit', 'lwt_xmit'),
  start('lwt_seg6local', 'lwt_seg6local'),
  start('flow_dissector', 'flow_dissector', 'flow_dissector'),
  start('netfilter', 'netfilter', 'netfilter'),

  start('cgroup_skb/ingress', 'cgroup_skb', 'cgroup_inet_ingress'),
  start('cgroup_skb/egress', 'cgroup_skb', 'cgroup_inet_egress'),
  start('cgroup/skb', 'cgroup_skb'),
  start('cgroup/sock', 'cgroup_sock', 'cgroup_inet_sock_create'),
  start('cgroup/sock_create', 'cgroup_sock', 'cgroup_inet_sock_create'),
  start('cgroup/sock_release', 'cgroup_sock', 'cgroup_inet_sock_release'),
  start('cgroup/post_bind4', 'cgroup_sock', 'cgroup_inet4_post_bind'),
  start('cgroup/post_bind6', 'cgroup_sock', 'cgroup_inet6_post_bind'),
  start('cgroup/bind4', 'cgroup_sock_addr', 'cgroup_inet4_bind'),
  start('cgroup/bind6', 'cgroup_sock_addr', 'cgroup_inet6_bind'),
  start('cgroup/connect4', 'cgroup_sock_addr', 'cgroup_inet4_connect'),
  start('cgroup/connect6', 'cgroup_sock_addr', 'cgroup_inet6_connect'),
  start('cgroup/connect_unix', 'cgroup_sock_addr', 'cgroup_unix_connect'),
  start('cgroup/sendmsg4', 'cgroup_sock_addr', 'cgroup_udp4_sendmsg'),
  start('cgroup/sendmsg6', 'cgroup_sock_addr', 'cgroup_udp6_sendmsg'),
  start('cgroup/sendmsg_unix', 'cgroup_sock_addr', 'cgroup_unix_sendmsg'),
  start('cgroup/recvmsg4', 'cgroup_sock_addr', 'cgroup_udp4_recvmsg'),
  start('cgroup/recvmsg6', 'cgroup_sock_addr', 'cgroup_udp6_recvmsg'),
  start('cgroup/recvmsg_unix', 'cgroup_sock_addr', 'cgroup_unix_recvmsg'),
  start('cgroup/getpeername4', 'cgroup_sock_addr', 'cgroup_inet4_getpeername'),
  start('cgroup/getpeername6', 'cgroup_sock_addr', 'cgroup_inet6_getpeername'),
  start('cgroup/getpeername_unix', 'cgroup_sock_addr', 'cgroup_unix_getpeername'),
  start('cgroup/getsockname4', 'cgroup_sock_addr', 'cgroup_inet4_getsockname'),
  start('cgroup/getsockname6', 'cgroup_sock_addr', 'cgroup_inet6_getsockname'),
  start('cgroup/getsockname_unix', 'cgroup_sock_addr', 'cgroup_unix_getsockname'),
  start('cgroup/sysctl', 'cgroup_sysctl', 'cgroup_sysctl'),
  start('cgroup/getsockopt', 'cgroup_sockopt', 'cgroup_getsockopt'),
  start('cgroup/setsockopt', 'cgroup_sockopt', 'cgroup_setsockopt'),
  start('cgroup/dev', 'cgroup_device', 'cgroup_device'),

  word('kprobe', 'kprobe'),
  word('kretprobe', 'kprobe'),
  word('kprobe.multi', 'kprobe', 'trace_kprobe_multi'),
  word('kretprobe.multi', 'kprobe', 'trace_kprobe_multi'),
  word('kprobe.session', 'kprobe', 'trace_kprobe_session'),
  word('ksyscall', 'kprobe'),
  word('kretsyscall', 'kprobe'),
  ...both('uprobe', 'kprobe'),
  ...both('uretprobe', 'kprobe'),
  ...both('uprobe.multi', 'kprobe', 'trace_uprobe_multi'),
  ...both('uretprobe.multi', 'kprobe', 'trace_uprobe_multi'),
  ...both('uprobe.session', 'kprobe', 'trace_uprobe_session'),
  ...both('usdt', 'kprobe'),
  word('tracepoint', 'tracepoint'),
  word('tp', 'tracepoint'),
  word('raw_tracepoint', 'raw_tracepoint'),
  word('raw_tp', 'raw_tracepoint'),
  word('raw_tracepoint.w', 'raw_tracepoint_writable'),
  word('raw_tp.w', 'raw_tracepoint_writable'),
  word('tp_btf', 'tracing', 'trace_raw_tp'),
  ...both('fentry', 'tracing', 'trace_fentry'),
  ...both('fexit', 'tracing', 'trace_fexit'),
  ...both('fmod_ret', 'tracing', 'modify_return'),
  ...both('iter', 'tracing', 'trace_iter'),
  ...both('lsm', 'lsm', 'lsm_mac'),
  word('lsm_cgroup', 'lsm', 'lsm_cgroup'),
  ...both('struct_ops', 'struct_ops'),
  word('freplace', 'ext'),
  start('syscall', 'syscall', undefined, { sleepable: true }),
  start('perf_event', 'perf_event'),
  start('lirc_mode2', 'lirc_mode2', 'lirc_mode2'),
];

const LONGEST_FIRST: readonly SectionRow[] = [...SECTIONS].sort((a, b) => b.prefix.length - a.prefix.length);

/** What a section's name says. */
export interface SectionMeaning {
  readonly row: SectionRow;
  /** What follows the `/` of a `word` row: the function, tracepoint or the like to attach to. */
  readonly target: string;
  /** False for names that start with `?`: not loaded unless asked for. */
  readonly autoload: boolean;
}

/** The meaning of a section's name; undefined if it names no program type. The longest matching prefix decides. */
export function programTypeOf(section: string): SectionMeaning | undefined {
  const autoload = !section.startsWith('?');
  const name = autoload ? section : section.slice(1);
  for (const row of LONGEST_FIRST) {
    if (!name.startsWith(row.prefix)) continue;
    if (row.match === 'start') return { row, target: '', autoload };
    const rest = name.slice(row.prefix.length);
    if (rest === '' || rest.startsWith('/')) return { row, target: rest.slice(1), autoload };
  }
  return undefined;
}
