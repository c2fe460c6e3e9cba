/** Section names to program types: libbpf's spellings, Cilium's looser ones, and names that mean nothing. */
import t from 'tap';
import { programTypeOf, SECTIONS } from '../../vm/spec/sections.js';

const CASES: readonly [section: string, meaning: string | undefined][] = [
  ['xdp', 'xdp xdp'],
  ['xdp/filter', 'xdp xdp'],
  ['xdp_firewall', 'xdp xdp'],
  ['xdp/tail', 'xdp xdp'],
  ['xdp/entry', 'xdp xdp'],
  ['xdp.frags', 'xdp xdp frags'],
  ['xdp.frags/devmap', 'xdp xdp_devmap frags'],
  ['xdp.frags/cpumap', 'xdp xdp_cpumap frags'],
  ['xdp/devmap', 'xdp xdp_devmap'],
  ['xdp/cpumap', 'xdp xdp_cpumap'],
  ['?xdp', 'xdp xdp manual'],
  ['tc', 'sched_cls'],
  ['tc/tail', 'sched_cls'],
  ['tc/entry', 'sched_cls'],
  ['tc/test/ipv4/check', 'sched_cls'],
  ['tc/ingress', 'sched_cls tcx_ingress'],
  ['tc/egress', 'sched_cls tcx_egress'],
  ['tcx/ingress', 'sched_cls tcx_ingress'],
  ['netkit/peer', 'sched_cls netkit_peer'],
  ['classifier', 'sched_cls'],
  ['action', 'sched_act'],
  ['socket', 'socket_filter'],
  ['socket1', 'socket_filter'],
  ['sockops', 'sock_ops cgroup_sock_ops'],
  ['sk_skb', 'sk_skb'],
  ['sk_skb/stream_parser', 'sk_skb sk_skb_stream_parser'],
  ['sk_skb/verdict', 'sk_skb sk_skb_verdict'],
  ['sk_msg', 'sk_msg sk_msg_verdict'],
  ['sk_lookup', 'sk_lookup sk_lookup'],
  ['sk_reuseport/migrate', 'sk_reuseport sk_reuseport_select_or_migrate'],
  ['cgroup/connect4', 'cgroup_sock_addr cgroup_inet4_connect'],
  ['cgroup/sock', 'cgroup_sock cgroup_inet_sock_create'],
  ['cgroup/sock_release', 'cgroup_sock cgroup_inet_sock_release'],
  ['cgroup/sendmsg6', 'cgroup_sock_addr cgroup_udp6_sendmsg'],
  ['cgroup_skb/egress', 'cgroup_skb cgroup_inet_egress'],
  ['cgroup/skb', 'cgroup_skb'],
  ['cgroup/dev', 'cgroup_device cgroup_device'],
  ['lwt_seg6local', 'lwt_seg6local'],
  ['kprobe/tcp_connect', 'kprobe -> tcp_connect'],
  ['kprobe', 'kprobe'],
  ['kprobe.multi/tcp_*', 'kprobe trace_kprobe_multi -> tcp_*'],
  ['uprobe.s//bin/sh:main', 'kprobe sleepable -> /bin/sh:main'],
  ['tracepoint/net/netif_rx', 'tracepoint -> net/netif_rx'],
  ['tp/net/netif_rx', 'tracepoint -> net/netif_rx'],
  ['tp_btf/kfree_skb', 'tracing trace_raw_tp -> kfree_skb'],
  ['fentry.s/f', 'tracing trace_fentry sleepable -> f'],
  ['lsm_cgroup/bind', 'lsm lsm_cgroup -> bind'],
  ['struct_ops.s', 'struct_ops sleepable'],
  ['syscall', 'syscall sleepable'],
  ['netfilter', 'netfilter netfilter'],
  ['kprobes', undefined],
  ['.text', undefined],
  ['maps', undefined],
  ['', undefined],
  ['?', undefined],
  ['XDP', undefined],
];

for (const [section, wanted] of CASES) {
  t.test(`'${section}'`, (t) => {
    const meaning = programTypeOf(section);
    const { row, target, autoload } = meaning ?? {};
    const words = [row?.type, row?.attach, row?.frags && 'frags', row?.sleepable && 'sleepable'];
    const said = [...words, autoload === false && 'manual', target && `-> ${target}`].filter(Boolean).join(' ');
    t.equal(meaning === undefined ? undefined : said, wanted);
    t.end();
  });
}

t.test('prefixes are unique, and each leads to its own row', (t) => {
  t.equal(new Set(SECTIONS.map(({ prefix }) => prefix)).size, SECTIONS.length);
  for (const row of SECTIONS) t.equal(programTypeOf(row.prefix)?.row, row, row.prefix);
  t.end();
});
