/**
 * Netfilter. Both fields of the ctx point to structures of the kernel; what is in them can be read through BTF only, which is
 * unsupported by skep.
 */
import type { HookKind } from './hook.js';

const NF_DROP = 0;

/** From here on in the ctx's room there is nothing: what points there points to structures of the kernel. */
export const KERNEL_STRUCTS_OFF = 768;
const STATE_OFF = 0;
const SKB_OFF = 8;

export const netfilterHook: HookKind = {
  type: 'netfilter',
  packet: 'bytes',
  begins: 'payload',
  ctx: 'bpf_nf_ctx',
  trapVerdict: NF_DROP,
  fill({ memory, ctx }) {
    memory.setWord(ctx + STATE_OFF, ctx + KERNEL_STRUCTS_OFF);
    memory.setWord(ctx + SKB_OFF, ctx + KERNEL_STRUCTS_OFF + 64);
  },
};
