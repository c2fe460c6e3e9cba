/** Where a packet's listening socket is looked for: the program may choose it. */
import { putCtxValues } from './ctx-values.js';
import type { HookKind } from './hook.js';

const SK_DROP = 0;

export const skLookupHook: HookKind = {
  type: 'sk_lookup',
  packet: 'bytes',
  begins: 'payload',
  ctx: 'bpf_sk_lookup',
  trapVerdict: SK_DROP,
  fill({ memory, ctx }, input) {
    if (input.ctx !== undefined) putCtxValues(memory, ctx, 'bpf_sk_lookup', input.ctx, ['cookie']);
  },
};
