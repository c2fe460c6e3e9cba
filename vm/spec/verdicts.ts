/** What a program's r0 means, by program type. The range that Linux demands is in `rights.ts`. Data only. */
import type { AttachTypeName, ProgTypeName } from './prog-types.js';

/** A family of verdicts. */
export interface VerdictRow {
  /** r0, as int32 -> name. */
  readonly names: Readonly<Record<number, string>>;
  /** What a value that has no name counts as. */
  readonly unnamed?: string;
}

const XDP: VerdictRow = {
  names: { 0: 'XDP_ABORTED', 1: 'XDP_DROP', 2: 'XDP_PASS', 3: 'XDP_TX', 4: 'XDP_REDIRECT' },
  unnamed: 'XDP_ABORTED',
};

const TC: VerdictRow = {
  names: {
    [-1]: 'TC_ACT_UNSPEC',
    0: 'TC_ACT_OK',
    1: 'TC_ACT_RECLASSIFY',
    2: 'TC_ACT_SHOT',
    3: 'TC_ACT_PIPE',
    4: 'TC_ACT_STOLEN',
    5: 'TC_ACT_QUEUED',
    6: 'TC_ACT_REPEAT',
    7: 'TC_ACT_REDIRECT',
    8: 'TC_ACT_TRAP',
  },
  unnamed: 'TC_ACT_UNSPEC',
};

const TCX: VerdictRow = {
  names: { [-1]: 'TCX_NEXT', 0: 'TCX_PASS', 2: 'TCX_DROP', 7: 'TCX_REDIRECT' },
  unnamed: 'TCX_NEXT',
};

const NETKIT: VerdictRow = {
  names: { [-1]: 'NETKIT_NEXT', 0: 'NETKIT_PASS', 2: 'NETKIT_DROP', 7: 'NETKIT_REDIRECT' },
  unnamed: 'NETKIT_NEXT',
};

const SK: VerdictRow = { names: { 0: 'SK_DROP', 1: 'SK_PASS' } };

const LWT: VerdictRow = { names: { 0: 'BPF_OK', 2: 'BPF_DROP', 7: 'BPF_REDIRECT', 128: 'BPF_LWT_REROUTE' } };

/** 0 refuses, 1 allows. */
const GATE: VerdictRow = { names: { 0: 'reject', 1: 'allow' } };

/** r0 is a number, not a choice: bytes to keep, a length, a reply. */
const NUMBER: VerdictRow = { names: {} };

export const VERDICTS: Readonly<Partial<Record<ProgTypeName, VerdictRow>>> = {
  xdp: XDP,
  sched_cls: TC,
  sched_act: TC,
  socket_filter: NUMBER,
  cgroup_skb: { names: { 0: 'reject', 1: 'allow', 2: 'reject, congested', 3: 'allow, congested' } },
  cgroup_sock: GATE,
  cgroup_sock_addr: {
    names: { ...GATE.names, 2: 'reject, bind without capability', 3: 'allow, bind without capability' },
  },
  cgroup_sockopt: GATE,
  cgroup_sysctl: GATE,
  cgroup_device: GATE,
  sock_ops: NUMBER,
  sk_skb: SK,
  sk_msg: SK,
  sk_lookup: SK,
  sk_reuseport: SK,
  lwt_in: LWT,
  lwt_out: LWT,
  lwt_xmit: LWT,
  lwt_seg6local: LWT,
  flow_dissector: { names: { 0: 'BPF_OK', 2: 'BPF_DROP', 129: 'BPF_FLOW_DISSECTOR_CONTINUE' } },
  syscall: NUMBER,
  netfilter: { names: { 0: 'NF_DROP', 1: 'NF_ACCEPT' } },
};

/** The verdicts of a program type at an attach point; undefined where r0 is not a verdict (tracing and the like). */
export function verdictsOf(type: ProgTypeName, attach?: AttachTypeName): VerdictRow | undefined {
  if (type === 'sched_cls' && attach !== undefined) {
    if (attach.startsWith('tcx_')) return TCX;
    if (attach.startsWith('netkit_')) return NETKIT;
  }
  if (type === 'sk_skb' && attach === 'sk_skb_stream_parser') return NUMBER;
  return VERDICTS[type];
}

/** A verdict's name; `name(value)` for what Linux treats as `name`, plain decimal where r0 is a number. */
export function verdictName(row: VerdictRow, r0: number): string {
  const value = r0 | 0;
  const name = row.names[value];
  if (name !== undefined) return name;
  return row.unnamed === undefined ? String(value >>> 0) : `${row.unnamed}(${String(value >>> 0)})`;
}
