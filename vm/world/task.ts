/** The task in whose name a program runs. Data only. */
import type { Cgroup, Cgroups } from './cgroups.js';
import { refuseWorld } from './spec-fault.js';
import type { TaskSpec } from './world-spec.js';

export interface Task {
  readonly pid: number;
  readonly tgid: number;
  readonly uid: number;
  readonly gid: number;
  readonly comm: string;
  readonly cgroup: Cgroup;
}

/** TASK_COMM_LEN without its NUL. */
const MAX_COMM_BYTES = 15;

/** @throws ConfigError `config-value` */
export function readTask(spec: TaskSpec, cgroups: Cgroups): Task {
  const { pid = 1, tgid = pid, uid = 0, gid = 0, comm = 'skep', cgroup = '/' } = spec;
  if (!/^[\x01-\x7f]*$/.test(comm) || comm.length > MAX_COMM_BYTES) {
    refuseWorld('task.comm', `\`${comm}\` is not at most ${String(MAX_COMM_BYTES)} ASCII characters`);
  }
  return { pid, tgid, uid, gid, comm, cgroup: cgroups.mustHave(cgroup, 'task.cgroup') };
}
