/**
 * Every kfunc of Linux 6.18 as recorded from its BTF, one row each. Rows that skep runs give arguments and result, as a
 * helper's do; the others are unsupported. Data only.
 */
import { KFUNC_NAMES } from './facts/kfunc-names.js';
import type { ArgKind, RetKind } from './helper-row.js';

export type KfuncName = (typeof KFUNC_NAMES)[number];

export interface KfuncRow {
  /** As in the kernel's BTF, prefix included. */
  readonly name: KfuncName;
  /** Empty for an unsupported row. */
  readonly args: readonly ArgKind[];
  readonly ret: RetKind;
  /** Set until both engines can run it. */
  readonly unsupported?: true;
}

type Signature = readonly [args: readonly ArgKind[], ret: RetKind];

const SLICE: Signature = [['dynptr', 'u32', 'buffer?', 'size0'], 'mem?'];
const CT_LOOKUP: Signature = [['ctx', 'mem:r', 'size', 'mem:rw', 'size'], 'mem?'];
const NOTHING: Signature = [[], 'void'];

const RUN: Partial<Record<KfuncName, Signature>> = {
  bpf_cast_to_kern_ctx: [['ctx'], 'mem?'],
  bpf_rdonly_cast: [['u64', 'u32'], 'u64'],
  bpf_dynptr_from_skb: [['ctx', 'u64', 'dynptr:new'], 'int'],
  bpf_dynptr_from_skb_meta: [['ctx', 'u64', 'dynptr:new'], 'int'],
  bpf_dynptr_from_xdp: [['ctx', 'u64', 'dynptr:new'], 'int'],
  bpf_dynptr_slice: SLICE,
  bpf_dynptr_slice_rdwr: SLICE,
  bpf_dynptr_adjust: [['dynptr', 'u32', 'u32'], 'int'],
  bpf_dynptr_is_null: [['dynptr'], 'u32'],
  bpf_dynptr_is_rdonly: [['dynptr'], 'u32'],
  bpf_dynptr_size: [['dynptr'], 'u32'],
  bpf_dynptr_clone: [['dynptr', 'dynptr:new'], 'int'],
  bpf_dynptr_copy: [['dynptr', 'u32', 'dynptr', 'u32', 'u32'], 'int'],
  bpf_dynptr_memset: [['dynptr', 'u32', 'u32', 'u32'], 'int'],
  bpf_iter_num_new: [['iter:new', 'u32', 'u32'], 'int'],
  bpf_iter_num_next: [['iter'], 'mem?'],
  bpf_iter_num_destroy: [['iter'], 'void'],
  bpf_xdp_metadata_rx_hash: [['ctx', 'mem:w4', 'mem:w4'], 'int'],
  bpf_xdp_metadata_rx_timestamp: [['ctx', 'mem:w8'], 'int'],
  bpf_xdp_metadata_rx_vlan_tag: [['ctx', 'mem:w2', 'mem:w2'], 'int'],
  bpf_skb_ct_lookup: CT_LOOKUP,
  bpf_xdp_ct_lookup: CT_LOOKUP,
  bpf_ct_release: [['ptr'], 'void'],
  bpf_rcu_read_lock: NOTHING,
  bpf_rcu_read_unlock: NOTHING,
  bpf_preempt_disable: NOTHING,
  bpf_preempt_enable: NOTHING,
  bpf_local_irq_save: [['mem:w8'], 'void'],
  bpf_local_irq_restore: [['mem:r8'], 'void'],
};

function rowOf(name: KfuncName): KfuncRow {
  const signature = RUN[name];
  if (signature === undefined) return { name, args: [], ret: 'int', unsupported: true };
  return { name, args: signature[0], ret: signature[1] };
}

export const KFUNCS: readonly KfuncRow[] = KFUNC_NAMES.map(rowOf);

const BY_NAME: ReadonlyMap<string, KfuncRow> = new Map(KFUNCS.map((row) => [row.name, row]));

/** The row of a kfunc; undefined if Linux 6.18, as it was built for the recording, has none of that name. */
export function kfuncByName(name: string): KfuncRow | undefined {
  return BY_NAME.get(name);
}
