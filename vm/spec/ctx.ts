/**
 * The structures a program sees as context or through a socket pointer: fields, offsets, and what a field does beside
 * holding bits. Who may read or write which offset at which width is recorded in `facts/`. Data only.
 */

/** What a load of the field gives. Everything but a scalar must be read at the field's full width. */
export type CtxValue =
  | 'scalar'
  /** Start and end of the readable packet, start of the metadata before it. */
  | 'packet'
  | 'packet-end'
  | 'packet-meta'
  /** A pointer to another layout; `sock?` and `sock-common?` may be NULL. */
  | 'sock'
  | 'sock?'
  | 'sock-common?'
  | 'flow-keys'
  /** Bytes of a socket option. */
  | 'optval'
  | 'optval-end'
  /** A kernel structure, typed by BTF. */
  | 'btf';

/** What a store does that a plain store would not. */
export type OnStore =
  /** Values from 0xffff on are ignored: the field keeps what it had. */
  | 'ignore-from-ffff'
  /** At ingress the kind of timestamp becomes "real time". */
  | 'clear-tstamp-type';

export interface CtxField<N extends string = string> {
  readonly name: N;
  /** From the start of the structure. */
  readonly off: number;
  /** Of one element. */
  readonly bytes: 1 | 2 | 4 | 8;
  /** Elements of an array field. */
  readonly count?: number;
  /** `scalar` where absent. */
  readonly value?: CtxValue;
  /** A store keeps only so many low bits; the rest reads back as 0. */
  readonly storeBits?: 16;
  readonly onStore?: OnStore;
  /** What people write for it: an address, or a port in network order (in its first bytes, or as a whole word). */
  readonly text?: 'ip' | 'port' | 'port-word';
}

export interface CtxLayout {
  readonly bytes: number;
  readonly fields: readonly CtxField[];
}

function field<const N extends string>(
  name: N,
  off: number,
  bytes: CtxField['bytes'],
  more: Partial<Omit<CtxField, 'name'>> = {},
): CtxField<N> {
  return { name, off, bytes, ...more };
}

/** A run of consecutive u32 fields. */
function words(off: number, ...names: readonly string[]): CtxField[] {
  return names.map((name, i) => field(name, off + 4 * i, 4));
}

/** An IPv4 and an IPv6 address are fields of 4 and of 4 x 4 bytes. */
function ip4<const N extends string>(name: N, off: number): CtxField<N> {
  return field(name, off, 4, { text: 'ip' });
}

function ip6<const N extends string>(name: N, off: number): CtxField<N> {
  return field(name, off, 4, { count: 4, text: 'ip' });
}

export const CTX_LAYOUTS = {
  xdp_md: {
    bytes: 24,
    fields: [
      field('data', 0, 4, { value: 'packet' }),
      field('data_end', 4, 4, { value: 'packet-end' }),
      field('data_meta', 8, 4, { value: 'packet-meta' }),
      ...words(12, 'ingress_ifindex', 'rx_queue_index', 'egress_ifindex'),
    ],
  },
  __sk_buff: {
    bytes: 192,
    fields: [
      ...words(0, 'len', 'pkt_type', 'mark'),
      field('queue_mapping', 12, 4, { storeBits: 16, onStore: 'ignore-from-ffff' }),
      ...words(16, 'protocol', 'vlan_present', 'vlan_tci', 'vlan_proto', 'priority', 'ingress_ifindex', 'ifindex'),
      field('tc_index', 44, 4, { storeBits: 16 }),
      field('cb', 48, 4, { count: 5 }),
      field('hash', 68, 4),
      field('tc_classid', 72, 4, { storeBits: 16 }),
      field('data', 76, 4, { value: 'packet' }),
      field('data_end', 80, 4, { value: 'packet-end' }),
      ...words(84, 'napi_id', 'family'),
      ip4('remote_ip4', 92),
      ip4('local_ip4', 96),
      ip6('remote_ip6', 100),
      ip6('local_ip6', 116),
      field('remote_port', 132, 4, { text: 'port-word' }),
      field('local_port', 136, 4),
      field('data_meta', 140, 4, { value: 'packet-meta' }),
      field('flow_keys', 144, 8, { value: 'flow-keys' }),
      field('tstamp', 152, 8, { onStore: 'clear-tstamp-type' }),
      ...words(160, 'wire_len', 'gso_segs'),
      field('sk', 168, 8, { value: 'sock-common?' }),
      field('gso_size', 176, 4),
      field('tstamp_type', 180, 1),
      field('hwtstamp', 184, 8),
    ],
  },
  bpf_sock: {
    bytes: 80,
    fields: [
      ...words(0, 'bound_dev_if', 'family', 'type', 'protocol', 'mark', 'priority'),
      ip4('src_ip4', 24),
      ip6('src_ip6', 28),
      field('src_port', 44, 4),
      field('dst_port', 48, 2, { text: 'port' }),
      ip4('dst_ip4', 52),
      ip6('dst_ip6', 56),
      ...words(72, 'state', 'rx_queue_mapping'),
    ],
  },
  bpf_sock_addr: {
    bytes: 72,
    fields: [
      field('user_family', 0, 4),
      ip4('user_ip4', 4),
      ip6('user_ip6', 8),
      field('user_port', 24, 4, { storeBits: 16, text: 'port' }),
      ...words(28, 'family', 'type', 'protocol'),
      ip4('msg_src_ip4', 40),
      ip6('msg_src_ip6', 44),
      field('sk', 64, 8, { value: 'sock' }),
    ],
  },
  bpf_sock_ops: {
    bytes: 224,
    fields: [
      field('op', 0, 4),
      field('args', 4, 4, { count: 4 }),
      field('reply', 4, 4),
      field('replylong', 4, 4, { count: 4 }),
      field('family', 20, 4),
      ip4('remote_ip4', 24),
      ip4('local_ip4', 28),
      ip6('remote_ip6', 32),
      ip6('local_ip6', 48),
      field('remote_port', 64, 4, { text: 'port-word' }),
      ...words(68, 'local_port', 'is_fullsock', 'snd_cwnd', 'srtt_us', 'bpf_sock_ops_cb_flags', 'state'),
      ...words(92, 'rtt_min', 'snd_ssthresh', 'rcv_nxt', 'snd_nxt', 'snd_una', 'mss_cache', 'ecn_flags'),
      ...words(120, 'rate_delivered', 'rate_interval_us', 'packets_out', 'retrans_out', 'total_retrans', 'segs_in'),
      ...words(144, 'data_segs_in', 'segs_out', 'data_segs_out', 'lost_out', 'sacked_out', 'sk_txhash'),
      field('bytes_received', 168, 8),
      field('bytes_acked', 176, 8),
      field('sk', 184, 8, { value: 'sock?' }),
      field('skb_data', 192, 8, { value: 'packet' }),
      field('skb_data_end', 200, 8, { value: 'packet-end' }),
      ...words(208, 'skb_len', 'skb_tcp_flags'),
      field('skb_hwtstamp', 216, 8),
    ],
  },
  sk_msg_md: {
    bytes: 80,
    fields: [
      field('data', 0, 8, { value: 'packet' }),
      field('data_end', 8, 8, { value: 'packet-end' }),
      field('family', 16, 4),
      ip4('remote_ip4', 20),
      ip4('local_ip4', 24),
      ip6('remote_ip6', 28),
      ip6('local_ip6', 44),
      field('remote_port', 60, 4, { text: 'port-word' }),
      ...words(64, 'local_port', 'size'),
      field('sk', 72, 8, { value: 'sock' }),
    ],
  },
  bpf_sk_lookup: {
    bytes: 72,
    fields: [
      field('sk', 0, 8, { value: 'sock?' }),
      field('cookie', 0, 8),
      ...words(8, 'family', 'protocol'),
      ip4('remote_ip4', 16),
      ip6('remote_ip6', 20),
      field('remote_port', 36, 2, { text: 'port' }),
      ip4('local_ip4', 40),
      ip6('local_ip6', 44),
      ...words(60, 'local_port', 'ingress_ifindex'),
    ],
  },
  sk_reuseport_md: {
    bytes: 56,
    fields: [
      field('data', 0, 8, { value: 'packet' }),
      field('data_end', 8, 8, { value: 'packet-end' }),
      ...words(16, 'len', 'eth_protocol', 'ip_protocol', 'bind_inany', 'hash'),
      field('sk', 40, 8, { value: 'sock' }),
      field('migrating_sk', 48, 8, { value: 'sock-common?' }),
    ],
  },
  bpf_cgroup_dev_ctx: { bytes: 12, fields: words(0, 'access_type', 'major', 'minor') },
  bpf_sysctl: { bytes: 8, fields: words(0, 'write', 'file_pos') },
  bpf_sockopt: {
    bytes: 40,
    fields: [
      field('sk', 0, 8, { value: 'sock' }),
      field('optval', 8, 8, { value: 'optval' }),
      field('optval_end', 16, 8, { value: 'optval-end' }),
      ...words(24, 'level', 'optname', 'optlen', 'retval'),
    ],
  },
  bpf_nf_ctx: {
    bytes: 16,
    fields: [field('state', 0, 8, { value: 'btf' }), field('skb', 8, 8, { value: 'btf' })],
  },
  /** The first 168 bytes are the registers of the architecture. */
  bpf_perf_event_data: { bytes: 184, fields: [field('sample_period', 168, 8), field('addr', 176, 8)] },
  bpf_flow_keys: {
    bytes: 56,
    fields: [
      field('nhoff', 0, 2),
      field('thoff', 2, 2),
      field('addr_proto', 4, 2),
      field('is_frag', 6, 1),
      field('is_first_frag', 7, 1),
      field('is_encap', 8, 1),
      field('ip_proto', 9, 1),
      field('n_proto', 10, 2),
      field('sport', 12, 2, { text: 'port' }),
      field('dport', 14, 2, { text: 'port' }),
      ip4('ipv4_src', 16),
      ip4('ipv4_dst', 20),
      ip6('ipv6_src', 16),
      ip6('ipv6_dst', 32),
      ...words(48, 'flags', 'flow_label'),
    ],
  },
  bpf_tcp_sock: {
    bytes: 112,
    fields: [
      ...words(0, 'snd_cwnd', 'srtt_us', 'rtt_min', 'snd_ssthresh', 'rcv_nxt', 'snd_nxt', 'snd_una', 'mss_cache'),
      ...words(32, 'ecn_flags', 'rate_delivered', 'rate_interval_us', 'packets_out', 'retrans_out', 'total_retrans'),
      ...words(56, 'segs_in', 'data_segs_in', 'segs_out', 'data_segs_out', 'lost_out', 'sacked_out'),
      field('bytes_received', 80, 8),
      field('bytes_acked', 88, 8),
      ...words(96, 'dsack_dups', 'delivered', 'delivered_ce', 'icsk_retransmits'),
    ],
  },
} as const satisfies Readonly<Record<string, CtxLayout>>;

/** C name of the structure. */
export type CtxName = keyof typeof CTX_LAYOUTS;

/** The field that covers byte `off`, the first listed where a union holds several; undefined in padding. */
export function ctxFieldAt(ctx: CtxName, off: number): CtxField | undefined {
  const { fields }: CtxLayout = CTX_LAYOUTS[ctx];
  return fields.find((each) => off >= each.off && off < each.off + each.bytes * (each.count ?? 1));
}
