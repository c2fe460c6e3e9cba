/**
 * Asks a kernel what program types may do, by loading programs of a few instructions and reading the answers: which
 * helpers may be called, which context bytes read and written at which width, what r0 may be at exit.
 * Knows the tables of `vm/spec` and a `Loader`; writes nothing.
 */
import { type Btf } from '../../vm/btf/btf.js';
import { fromHex } from '../../vm/bytes.js';
import { CTX_LAYOUTS } from '../../vm/spec/ctx.js';
import {
  ATTACH_TYPES,
  type AttachTypeName,
  PROG_TYPES,
  PROG_TYPE_ROWS,
  type ProgTypeName,
} from '../../vm/spec/prog-types.js';
import { HELPER_ROWS, type HelperName } from '../../vm/spec/helpers.js';
import { type LoadAnswer, type Loader } from './bpf-syscall.js';

/** Where a program type runs: attach points that change what it may do, the default first. */
const ATTACH_POINTS: Readonly<Partial<Record<ProgTypeName, readonly AttachTypeName[]>>> = {
  xdp: ['xdp', 'xdp_devmap', 'xdp_cpumap'],
  cgroup_skb: ['cgroup_inet_ingress', 'cgroup_inet_egress'],
  cgroup_sock: [
    'cgroup_inet_sock_create',
    'cgroup_inet_sock_release',
    'cgroup_inet4_post_bind',
    'cgroup_inet6_post_bind',
  ],
  cgroup_sock_addr: [
    'cgroup_inet4_connect',
    'cgroup_inet6_connect',
    'cgroup_unix_connect',
    'cgroup_inet4_bind',
    'cgroup_inet6_bind',
    'cgroup_udp4_sendmsg',
    'cgroup_udp6_sendmsg',
    'cgroup_unix_sendmsg',
    'cgroup_udp4_recvmsg',
    'cgroup_udp6_recvmsg',
    'cgroup_unix_recvmsg',
    'cgroup_inet4_getpeername',
    'cgroup_inet6_getpeername',
    'cgroup_unix_getpeername',
    'cgroup_inet4_getsockname',
    'cgroup_inet6_getsockname',
    'cgroup_unix_getsockname',
  ],
  sock_ops: ['cgroup_sock_ops'],
  cgroup_device: ['cgroup_device'],
  cgroup_sysctl: ['cgroup_sysctl'],
  cgroup_sockopt: ['cgroup_getsockopt', 'cgroup_setsockopt'],
  sk_msg: ['sk_msg_verdict'],
  sk_lookup: ['sk_lookup'],
  sk_reuseport: ['sk_reuseport_select', 'sk_reuseport_select_or_migrate'],
  flow_dissector: ['flow_dissector'],
  netfilter: ['netfilter'],
  lirc_mode2: ['lirc_mode2'],
  tracing: ['trace_fentry', 'trace_fexit', 'modify_return', 'trace_raw_tp', 'trace_iter'],
  lsm: ['lsm_mac', 'lsm_cgroup'],
};

/** What a program is loaded for, where its context depends on that: a kernel function or tracepoint with one argument. */
const TARGETS: Readonly<Partial<Record<AttachTypeName, string>>> = {
  trace_fentry: 'bpf_fentry_test1',
  trace_fexit: 'bpf_fentry_test1',
  modify_return: 'bpf_modify_return_test',
  trace_raw_tp: 'btf_trace_kfree_skb',
  trace_iter: 'bpf_iter_task',
  lsm_mac: 'bpf_lsm_file_open',
  lsm_cgroup: 'bpf_lsm_socket_bind',
};

const BPF_F_SLEEPABLE = 16;

/** One program type at one attach point. */
export interface Site {
  readonly type: ProgTypeName;
  readonly attach?: AttachTypeName;
}

export type Width = 1 | 2 | 4 | 8;
export const WIDTHS: readonly Width[] = [1, 2, 4, 8];

/** Offsets that are multiples of the width, ascending. */
export type Offsets = Readonly<Record<Width, readonly number[]>>;

export interface SiteFacts {
  readonly site: Site;
  /** Helpers that may be called, ascending. */
  readonly helpers: readonly number[];
  /** Those of them that need a GPL-compatible license. */
  readonly gplOnly: readonly number[];
  /** Absent where the context has no fixed layout. */
  readonly ctx?: { readonly read: Offsets; readonly write: Offsets; readonly values: ReadonlyMap<number, string> };
  /** What r0 must be at exit; absent where anything goes. */
  readonly returns?: readonly [min: number, max: number];
}

export interface KernelFacts {
  /** Helper ids that exist. */
  readonly helpers: readonly number[];
  /** Helper -> whether packet pointers are lost when it is called; only those that the probe knows how to call. */
  readonly movesPacket: ReadonlyMap<HelperName, boolean>;
  readonly sites: readonly SiteFacts[];
  /** Where the kernel loads no program, with the errno: not built in, not permitted, or more is needed than we give. */
  readonly unavailable: readonly { readonly site: Site; readonly errno: number }[];
}

const EXIT = '9500000000000000';

function slot(op: number, registers: number, off: number, imm: number): string {
  const bytes = Buffer.alloc(8);
  bytes[0] = op;
  bytes[1] = registers;
  bytes.writeInt16LE(off, 2);
  bytes.writeInt32LE(imm, 4);
  return bytes.toString('hex');
}

function setRegister(register: number, value: number): string {
  return slot(0xb7, register, 0, value);
}

const LOAD_OP: Readonly<Record<Width, number>> = { 1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79 };
const STORE_OP: Readonly<Record<Width, number>> = { 1: 0x73, 2: 0x6b, 4: 0x63, 8: 0x7b };

/** Loads programs of one site. */
function loaderOf(load: Loader, btf: Btf, site: Site) {
  const { id } = PROG_TYPE_ROWS[site.type];
  const attach = site.attach === undefined ? 0 : ATTACH_TYPES[site.attach];
  const target = site.attach === undefined ? undefined : TARGETS[site.attach];
  const isTarget = (id: number) => btf.type(id).kind === (site.attach === 'trace_raw_tp' ? 'typedef' : 'func');
  const attachBtfId = target === undefined ? 0 : (btf.idsNamed(target).find(isTarget) ?? 0);
  const flags = site.type === 'syscall' ? BPF_F_SLEEPABLE : 0;
  return (code: readonly string[], more: { license?: string; logLevel?: 2 } = {}): LoadAnswer =>
    load({ insns: fromHex(code.join('')) ?? new Uint8Array(0), type: id, attach, attachBtfId, flags, ...more });
}

type SiteLoader = ReturnType<typeof loaderOf>;

function surprise(site: Site, question: string, { errno, log }: LoadAnswer): Error {
  return new Error(`${site.type}/${site.attach ?? ''}: ${question}: unexpected answer (errno ${errno})\n${log}`);
}

type CallAnswer = 'yes' | 'no' | 'unknown';

function mayCall(load: SiteLoader, id: number): CallAnswer {
  const { accepted, log } = load([slot(0x85, 0, 0, id), EXIT]);
  if (accepted) return 'yes';
  if (log.includes('invalid func ')) return 'unknown';
  if (/program of this type cannot use helper|helper call is not allowed in probe/.test(log)) return 'no';
  return 'yes';
}

function needsGpl(load: SiteLoader, id: number): boolean {
  const { log } = load([slot(0x85, 0, 0, id), EXIT], { license: 'Proprietary' });
  return log.includes('cannot call GPL-restricted function');
}

const GET_PRANDOM_U32 = 7;

function returnRange(load: SiteLoader, site: Site): readonly [number, number] | undefined {
  const answer = load([slot(0x85, 0, 0, GET_PRANDOM_U32), EXIT]);
  if (answer.accepted) return undefined;
  const range = /should have been in \[(-?\d+), (-?\d+)\]/.exec(answer.log);
  if (range === null) throw surprise(site, 'r0 at exit', answer);
  return [Number(range[1]), Number(range[2])];
}

const NO_OFFSETS: () => Record<Width, number[]> = () => ({ 1: [], 2: [], 4: [], 8: [] });

function ctxAccess(load: SiteLoader, site: Site, sizeBytes: number, r0: number): NonNullable<SiteFacts['ctx']> {
  const end = [setRegister(0, r0), EXIT];
  const read = NO_OFFSETS();
  const write = NO_OFFSETS();
  const values = new Map<number, string>();
  for (const width of WIDTHS) {
    for (let off = 0; off < sizeBytes + 8; off += width) {
      const reading = load([slot(LOAD_OP[width], 0x12, off, 0), ...end], { logLevel: 2 });
      const writing = load([setRegister(2, 0), slot(STORE_OP[width], 0x21, off, 0), ...end]);
      if (reading.accepted) {
        read[width].push(off);
        const value = / R2(?:_w)?=([a-z_]+)/.exec(reading.log)?.[1] ?? 'scalar';
        if (value !== 'scalar') values.set(off, value);
      }
      if (writing.accepted) write[width].push(off);
      for (const answer of [reading, writing]) {
        const refused = /invalid bpf_context access|misaligned context access/.test(answer.log);
        if (!answer.accepted && !refused) throw surprise(site, `ctx+${off}, ${width} bytes`, answer);
      }
    }
  }
  return { read, write, values };
}

/** Where packet pointers are read from, per site in which a helper that may move the packet can be called. */
const PACKET_SITES: readonly { readonly site: Site; readonly width: 4 | 8; readonly off: number }[] = [
  { site: { type: 'xdp', attach: 'xdp' }, width: 4, off: 0 },
  { site: { type: 'sched_cls' }, width: 4, off: 76 },
  { site: { type: 'sk_skb' }, width: 4, off: 76 },
  { site: { type: 'lwt_in' }, width: 4, off: 76 },
  { site: { type: 'lwt_seg6local' }, width: 4, off: 76 },
  { site: { type: 'sk_msg', attach: 'sk_msg_verdict' }, width: 8, off: 0 },
  { site: { type: 'sock_ops', attach: 'cgroup_sock_ops' }, width: 8, off: 192 },
];

/** How to call helpers that take the context: `c` is the context, `p` 64 bytes of stack, digits a scalar. */
const CALLS: Readonly<Partial<Record<HelperName, string>>> = {
  ktime_get_ns: '',
  redirect: '00',
  skb_load_bytes: 'c0p8',
  skb_store_bytes: 'c0p80',
  l3_csum_replace: 'c0002',
  l4_csum_replace: 'c0002',
  clone_redirect: 'c00',
  skb_vlan_push: 'c00',
  skb_vlan_pop: 'c',
  skb_change_proto: 'c00',
  skb_change_type: 'c0',
  skb_change_tail: 'c00',
  skb_change_head: 'c00',
  skb_pull_data: 'c0',
  skb_adjust_room: 'c000',
  skb_ecn_set_ce: 'c',
  csum_update: 'c0',
  csum_level: 'c0',
  get_hash_recalc: 'c',
  set_hash_invalid: 'c',
  set_hash: 'c0',
  xdp_adjust_head: 'c0',
  xdp_adjust_meta: 'c0',
  xdp_adjust_tail: 'c0',
  xdp_load_bytes: 'c0p8',
  xdp_store_bytes: 'c0p8',
  xdp_get_buff_len: 'c',
  msg_apply_bytes: 'c0',
  msg_cork_bytes: 'c0',
  msg_pull_data: 'c000',
  msg_push_data: 'c000',
  msg_pop_data: 'c000',
  lwt_push_encap: 'c0p8',
  lwt_seg6_store_bytes: 'c0p8',
  lwt_seg6_adjust_srh: 'c00',
  lwt_seg6_action: 'c0p8',
  load_hdr_opt: 'cp80',
  store_hdr_opt: 'cp80',
  reserve_hdr_opt: 'c00',
};

/** Reads a packet byte before and after the call; undefined where the call itself is refused. */
function losesPacket(load: SiteLoader, width: 4 | 8, off: number, id: number, call: string): boolean | undefined {
  const stack = Array.from({ length: 8 }, (_, i) => slot(0x7a, 10, -8 * (i + 1), 0));
  const args = Array.from(call).flatMap((letter, i) => {
    const register = i + 1;
    if (letter === 'c') return [slot(0xbf, 0x60 | register, 0, 0)];
    if (letter === 'p') return [slot(0xbf, 0xa0 | register, 0, 0), slot(0x07, register, 0, -64)];
    return [setRegister(register, Number(letter))];
  });
  const tail = (after: readonly string[]) => [
    ...stack,
    slot(0xbf, 0x16, 0, 0),
    slot(LOAD_OP[width], 0x17, off, 0),
    slot(LOAD_OP[width], 0x18, off + width, 0),
    slot(0xbf, 0x72, 0, 0),
    slot(0x07, 2, 0, 1),
    slot(0x2d, 0x82, args.length + 1 + after.length, 0),
    ...args,
    slot(0x85, 0, 0, id),
    ...after,
    setRegister(0, 0),
    EXIT,
  ];
  if (!load(tail([])).accepted) return undefined;
  return !load(tail([slot(0x71, 0x70, 0, 0)])).accepted;
}

function probeMoves(load: Loader, btf: Btf): ReadonlyMap<HelperName, boolean> {
  const moves = new Map<HelperName, boolean>();
  for (const [name, call] of Object.entries(CALLS) as [HelperName, string][]) {
    for (const { site, width, off } of PACKET_SITES) {
      const answer = losesPacket(loaderOf(load, btf, site), width, off, HELPER_ROWS[name].id, call);
      if (answer !== undefined) moves.set(name, answer);
    }
  }
  return moves;
}

/** Highest helper number that is asked for; Linux 6.18 ends at 211. */
const LAST_ID = 240;

/** Asks about everything; some 60,000 loads. */
export function probeKernel(load: Loader, btf: Btf): KernelFacts {
  const sites: SiteFacts[] = [];
  const unavailable: { site: Site; errno: number }[] = [];
  const existing = new Set<number>();
  for (const { name: type } of PROG_TYPES) {
    const attachPoints: readonly (AttachTypeName | undefined)[] = ATTACH_POINTS[type] ?? [undefined];
    for (const attach of attachPoints) {
      const site: Site = attach === undefined ? { type } : { type, attach };
      const ask = loaderOf(load, btf, site);
      const r0 = [0, 1].find((value) => ask([setRegister(0, value), EXIT]).accepted);
      if (r0 === undefined) {
        unavailable.push({ site, errno: ask([setRegister(0, 0), EXIT]).errno });
        continue;
      }
      const helpers: number[] = [];
      for (let id = 1; id <= LAST_ID; id++) {
        const answer = mayCall(ask, id);
        if (answer !== 'unknown') existing.add(id);
        if (answer === 'yes') helpers.push(id);
      }
      const layout = PROG_TYPE_ROWS[type].ctx;
      const returns = returnRange(ask, site);
      sites.push({
        site,
        helpers,
        gplOnly: helpers.filter((id) => needsGpl(ask, id)),
        ...(layout === undefined ? {} : { ctx: ctxAccess(ask, site, CTX_LAYOUTS[layout].bytes, r0) }),
        ...(returns === undefined ? {} : { returns }),
      });
    }
  }
  return { helpers: [...existing].sort((a, b) => a - b), movesPacket: probeMoves(load, btf), sites, unavailable };
}
