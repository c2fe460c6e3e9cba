/** Helpers over maps of cgroups: a program's own value for the cgroup that it is attached to, and whether something is under one. */
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import { errno } from '../spec/errno.js';
import { ATTACH_TYPES } from '../spec/prog-types.js';
import { isUnder } from '../world/cgroups.js';
import type { Cgroup } from '../world/cgroups.js';
import { isFullSocket } from '../world/sockets.js';
import type { PlainHelper } from './helper.js';

export const getLocalStorage: PlainHelper = {
  name: 'get_local_storage',
  bind:
    (machine) =>
    (map = 0) => {
      const attach = machine.hookEnv?.hook.attach;
      const { memory, maps } = machine;
      return maps
        .cgroupStorage(map)
        .local(memory.word(cells.attachedCgroup), attach === undefined ? 0 : ATTACH_TYPES[attach]);
    },
};

/** 1, 0, or why it cannot be said. */
function under({ maps, world }: Machine, map: number, place: number, cgroup: Cgroup | undefined): number {
  const index = maps.cgroupArray(map).cgroupAt(place);
  if (index === -errno.E2BIG) return index;
  const other = index < 0 ? undefined : world.network.cgroups.at(index);
  if (other === undefined) return -errno.EAGAIN;
  return cgroup !== undefined && isUnder(cgroup, other) ? 1 : 0;
}

export const skbUnderCgroup: PlainHelper = {
  name: 'skb_under_cgroup',
  bind:
    (machine) =>
    (_ctx = 0, map = 0, place = 0) => {
      const socket = machine.world.sockets.at(machine.memory.word(cells.contextSock));
      if (socket === undefined || !isFullSocket(socket)) return -errno.ENOENT;
      return under(machine, map, place, socket.cgroup);
    },
};

export const currentTaskUnderCgroup: PlainHelper = {
  name: 'current_task_under_cgroup',
  bind:
    (machine) =>
    (map = 0, place = 0) =>
      under(machine, map, place, machine.world.network.task.cgroup),
};
