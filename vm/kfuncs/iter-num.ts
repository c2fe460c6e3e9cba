/** The open-coded iterator over numbers: two ints on the stack, the current one and the end. */
import { errno } from '../spec/errno.js';
import type { Kfunc } from './kfunc.js';

/** BPF_MAX_LOOPS */
const MAX_LOOPS = 8 * 1024 * 1024;

export const iterNumNew: Kfunc = {
  name: 'bpf_iter_num_new',
  bind:
    ({ memory: { view } }) =>
    (it = 0, start = 0, end = 0) => {
      const result = start > end ? -errno.EINVAL : end - start > MAX_LOOPS ? -errno.E2BIG : 0;
      view.setInt32(it, result === 0 ? start - 1 : 0, true);
      view.setInt32(it + 4, result === 0 ? end : 0, true);
      return result;
    },
};

/** The address of the next number, or NULL. */
export const iterNumNext: Kfunc = {
  name: 'bpf_iter_num_next',
  bind:
    ({ memory: { view } }) =>
    (it = 0) => {
      // One past the largest int wraps around, as the start of a range from the smallest int does.
      const next = (view.getInt32(it, true) + 1) | 0;
      if (next >= view.getInt32(it + 4, true)) {
        view.setInt32(it, 0, true);
        view.setInt32(it + 4, 0, true);
        return 0;
      }
      view.setInt32(it, next, true);
      return it;
    },
};

export const iterNumDestroy: Kfunc = {
  name: 'bpf_iter_num_destroy',
  bind:
    ({ memory: { view } }) =>
    (it = 0) => {
      view.setInt32(it, 0, true);
      view.setInt32(it + 4, 0, true);
      return 0;
    },
};
