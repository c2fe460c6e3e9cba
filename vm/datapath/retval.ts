/** What a system call answers that a cgroup's program was asked about (__cgroup_bpf_run_filter_... in kernel/bpf/cgroup.c). */
import type { Hook } from '../hooks/hook.js';
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import { errno } from '../spec/errno.js';
import type { ProgTypeName } from '../spec/prog-types.js';

const ASKED: ReadonlySet<ProgTypeName> = new Set([
  'cgroup_skb',
  'cgroup_sock',
  'cgroup_sock_addr',
  'cgroup_sockopt',
  'cgroup_sysctl',
  'cgroup_device',
]);

const GETSOCKOPT_RETVAL_OFF = 36;
/** Errnos are down to this one. */
const MAX_ERRNO = 4095;

/** Undefined where no system call waits for the program. A program that says 0 makes it -EPERM, if it set no other error. */
export function retvalOf({ memory, layout }: Machine, { type, attach }: Hook, code: number): number | undefined {
  if (!ASKED.has(type)) return undefined;
  const asks = type === 'cgroup_sockopt' && attach === 'cgroup_getsockopt';
  const said = memory.word(asks ? layout.ctx + GETSOCKOPT_RETVAL_OFF : cells.retval) | 0;
  const isError = said < 0 && said >= -MAX_ERRNO;
  return (code & 1) === 0 && !isError ? -errno.EPERM : said;
}
