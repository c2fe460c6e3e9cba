/** Files below /proc/sys that a cgroup reads or writes. */
import { putCtxValues } from './ctx-values.js';
import type { HookKind } from './hook.js';

const REJECT = 0;

export const cgroupSysctlHook: HookKind = {
  type: 'cgroup_sysctl',
  packet: 'bytes',
  begins: 'payload',
  ctx: 'bpf_sysctl',
  trapVerdict: REJECT,
  fill({ memory, ctx }, input) {
    if (input.ctx !== undefined) putCtxValues(memory, ctx, 'bpf_sysctl', input.ctx);
  },
};
