/**
 * What each kernel function takes and gives, and who may call it, as Linux 6.18 enforces it. Data only; a function that is
 * not listed is one that the verifier does not know.
 */
import type { ProgTypeName } from '../spec/prog-types.js';
import type { Env } from './env.js';

/**
 * - `scalar`: a number; `const`: a known one; `ignored`: anything
 * - `ctx`: the context; `dynptr`, `dynptr:new`; `iter`, `iter:new`
 * - `buffer?`: memory or NULL, whose constant length follows as `size`
 * - `mem8`: so many bytes, read and written
 */
export type KfuncArg =
  'scalar' | 'const' | 'ignored' | 'ctx' | 'dynptr' | 'dynptr:new' | 'iter' | 'iter:new' | 'buffer?' | 'size' | 'mem8';

/** What it does to the locks that a program holds, or to the iterator or dynptr it is given. */
export type KfuncRole =
  | 'rcu-lock'
  | 'rcu-unlock'
  | 'preempt-disable'
  | 'preempt-enable'
  | 'iter-next'
  | 'iter-destroy'
  | 'slice'
  | 'slice-rdwr'
  | 'clone'
  | 'kernel-ctx';

export interface KfuncProto {
  readonly args: readonly KfuncArg[];
  readonly ret: 'int' | 'void' | 'int-pointer?' | 'slice?' | 'kernel-ctx';
  readonly role?: KfuncRole;
  /** Program types that may call it; all where absent. */
  readonly types?: ReadonlySet<ProgTypeName>;
  /** Program types of which that is not known. */
  readonly unsureTypes?: ReadonlySet<ProgTypeName>;
  /** What the arguments point to may not be NULL. */
  readonly trusted?: true;
  /** May be called while a spin lock is held. */
  readonly underLock?: true;
  /** Linux replaces it by code that clobbers no registers. */
  readonly fastcall?: true;
  /** Of the dynptr that it makes. */
  readonly dynptr?: 'skb' | 'xdp' | 'skb_meta';
  readonly iter?: IterShape;
}

export interface IterShape {
  /** Name behind `bpf_iter_`. */
  readonly name: string;
  readonly slots: number;
}

const SKB_TYPES: ReadonlySet<ProgTypeName> = new Set<ProgTypeName>([
  'sched_cls',
  'sched_act',
  'sk_skb',
  'socket_filter',
  'cgroup_skb',
  'lwt_in',
  'lwt_out',
  'lwt_xmit',
  'lwt_seg6local',
  'netfilter',
]);
/** They share the list of callable functions with types that may call them. */
const UNSURE_TYPES: ReadonlySet<ProgTypeName> = new Set<ProgTypeName>([
  'cgroup_sock',
  'cgroup_device',
  'cgroup_sock_addr',
  'cgroup_sockopt',
  'cgroup_sysctl',
  'sock_ops',
  'tracing',
  'tracepoint',
  'perf_event',
  'raw_tracepoint',
  'kprobe',
  'lsm',
]);
const TC_TYPES: ReadonlySet<ProgTypeName> = new Set<ProgTypeName>(['sched_cls', 'sched_act']);
const XDP_TYPES: ReadonlySet<ProgTypeName> = new Set<ProgTypeName>(['xdp']);

const NUM: IterShape = { name: 'num', slots: 1 };
const BITS: IterShape = { name: 'bits', slots: 2 };

function fromPacket(dynptr: 'skb' | 'xdp' | 'skb_meta', types: ReadonlySet<ProgTypeName>): KfuncProto {
  return {
    args: ['ctx', 'scalar', 'dynptr:new'],
    ret: 'int',
    dynptr,
    types,
    unsureTypes: UNSURE_TYPES,
    trusted: true,
  };
}

function iterProtos(iter: IterShape, more: readonly KfuncArg[], underLock: boolean): Record<string, KfuncProto> {
  const shared = { iter, ...(underLock ? { underLock: true as const } : {}) };
  return {
    [`bpf_iter_${iter.name}_new`]: { ...shared, args: ['iter:new', ...more], ret: 'int' },
    [`bpf_iter_${iter.name}_next`]: { ...shared, args: ['iter'], ret: 'int-pointer?', role: 'iter-next' },
    [`bpf_iter_${iter.name}_destroy`]: { ...shared, args: ['iter'], ret: 'void', role: 'iter-destroy' },
  };
}

const PROTOS: Readonly<Record<string, KfuncProto>> = {
  ...iterProtos(NUM, ['scalar', 'scalar'], true),
  ...iterProtos(BITS, ['ignored', 'scalar'], false),
  bpf_rcu_read_lock: { args: [], ret: 'void', role: 'rcu-lock' },
  bpf_rcu_read_unlock: { args: [], ret: 'void', role: 'rcu-unlock' },
  bpf_preempt_disable: { args: [], ret: 'void', role: 'preempt-disable' },
  bpf_preempt_enable: { args: [], ret: 'void', role: 'preempt-enable' },
  bpf_cast_to_kern_ctx: { args: ['ctx'], ret: 'kernel-ctx', role: 'kernel-ctx', fastcall: true },
  bpf_dynptr_from_skb: fromPacket('skb', SKB_TYPES),
  bpf_dynptr_from_skb_meta: fromPacket('skb_meta', TC_TYPES),
  bpf_dynptr_from_xdp: fromPacket('xdp', XDP_TYPES),
  bpf_dynptr_slice: { args: ['dynptr', 'scalar', 'buffer?', 'size'], ret: 'slice?', role: 'slice' },
  bpf_dynptr_slice_rdwr: { args: ['dynptr', 'scalar', 'buffer?', 'size'], ret: 'slice?', role: 'slice-rdwr' },
  bpf_dynptr_adjust: { args: ['dynptr', 'scalar', 'scalar'], ret: 'int' },
  bpf_dynptr_is_null: { args: ['dynptr'], ret: 'int' },
  bpf_dynptr_is_rdonly: { args: ['dynptr'], ret: 'int' },
  bpf_dynptr_size: { args: ['dynptr'], ret: 'int' },
  bpf_dynptr_clone: { args: ['dynptr', 'dynptr:new'], ret: 'int', role: 'clone' },
  bpf_dynptr_copy: { args: ['dynptr', 'scalar', 'dynptr', 'scalar', 'scalar'], ret: 'int' },
  bpf_dynptr_memset: { args: ['dynptr', 'scalar', 'scalar', 'scalar'], ret: 'int' },
};

/** The prototype of the kernel function that a slot calls; undefined where it is not known. */
export function kfuncAt(env: Env, insn: number): KfuncProto | undefined {
  const ref = env.ref(insn);
  return ref?.kind === 'kfunc' ? PROTOS[ref.name] : undefined;
}
