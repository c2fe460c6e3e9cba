/**
 * bpf_spin_lock and bpf_spin_unlock. Nothing runs beside a program here, so a lock is never waited for; that programs take and
 * give locks in order is the verifier's business.
 */
import type { PlainHelper } from './helper.js';

export const spinLock: PlainHelper = {
  name: 'spin_lock',
  bind:
    ({ memory }) =>
    (lock = 0) => {
      memory.setWord(lock, 1);
      return 0;
    },
};

export const spinUnlock: PlainHelper = {
  name: 'spin_unlock',
  bind:
    ({ memory }) =>
    (lock = 0) => {
      memory.setWord(lock, 0);
      return 0;
    },
};
