/** Device files that a cgroup opens or makes. */
import { putCtxValues } from './ctx-values.js';
import type { HookKind } from './hook.js';

const REJECT = 0;

export const cgroupDeviceHook: HookKind = {
  type: 'cgroup_device',
  packet: 'bytes',
  begins: 'payload',
  ctx: 'bpf_cgroup_dev_ctx',
  trapVerdict: REJECT,
  fill({ memory, ctx }, input) {
    if (input.ctx !== undefined) putCtxValues(memory, ctx, 'bpf_cgroup_dev_ctx', input.ctx);
  },
};
