/** Helpers that say what task runs, and the answer to the system call that it waits in. All of it comes from the world. */
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import { errno } from '../spec/errno.js';
import { ancestorAt } from '../world/cgroups.js';
import type { PlainHelper } from './helper.js';

/** Two u32 in one u64. */
function pair({ memory }: Machine, lo: number, hi: number): number {
  memory.setWord(cells.retHi, hi);
  return lo | 0;
}

export const getCurrentPidTgid: PlainHelper = {
  name: 'get_current_pid_tgid',
  bind: (machine) => () => pair(machine, machine.world.network.task.pid, machine.world.network.task.tgid),
};

export const getCurrentUidGid: PlainHelper = {
  name: 'get_current_uid_gid',
  bind: (machine) => () => pair(machine, machine.world.network.task.uid, machine.world.network.task.gid),
};

/** Cut to what there is room for, always with a NUL. */
export const getCurrentComm: PlainHelper = {
  name: 'get_current_comm',
  bind:
    ({ memory, world }) =>
    (to = 0, size = 0) => {
      const { comm } = world.network.task;
      memory.u8.fill(0, to, to + size);
      for (let i = 0; i < Math.min(comm.length, size - 1); i++) memory.u8[to + i] = comm.charCodeAt(i);
      return 0;
    },
};

export const getCurrentCgroupId: PlainHelper = {
  name: 'get_current_cgroup_id',
  bind: (machine) => () => idOf(machine, machine.world.network.task.cgroup.id),
};

export const getCurrentAncestorCgroupId: PlainHelper = {
  name: 'get_current_ancestor_cgroup_id',
  bind:
    (machine) =>
    (level = 0) =>
      idOf(machine, level < 0 ? 0 : (ancestorAt(machine.world.network.task.cgroup, level)?.id ?? 0)),
};

/** The packet's sender counts where it is known. */
export const getCgroupClassid: PlainHelper = {
  name: 'get_cgroup_classid',
  bind:
    ({ memory, world }) =>
    () =>
      (world.sockets.at(memory.word(cells.contextSock)) ?? world.network.task).cgroup.classid,
};

function idOf(machine: Machine, id: number): number {
  return pair(machine, id % 2 ** 32, Math.floor(id / 2 ** 32));
}

/** Errnos are down to this one. */
const MAX_ERRNO = 4095;

export const getRetval: PlainHelper = {
  name: 'get_retval',
  bind:
    ({ memory }) =>
    () =>
      memory.word(cells.retval),
};

export const setRetval: PlainHelper = {
  name: 'set_retval',
  bind:
    ({ memory }) =>
    (retval = 0) => {
      if (retval > 0 || retval < -MAX_ERRNO) return -errno.EINVAL;
      memory.setWord(cells.retval, retval);
      return 0;
    },
};
