/**
 * Kfuncs that give pointers to the kernel's own structures. Reads through those are unsupported by skep: such a pointer
 * leads to memory without rights.
 */
import { cells } from '../memory/cells.js';
import type { Kfunc } from './kfunc.js';

export const castToKernCtx: Kfunc = {
  name: 'bpf_cast_to_kern_ctx',
  bind:
    ({ layout }) =>
    () =>
      layout.kernelCtx,
};

/** The same address with another type. */
export const rdonlyCast: Kfunc = {
  name: 'bpf_rdonly_cast',
  bind:
    ({ memory }) =>
    (lo = 0, hi = 0) => {
      memory.setWord(cells.retHi, hi);
      return lo;
    },
};
