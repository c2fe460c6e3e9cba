/** bpf_sk_storage_get and bpf_sk_storage_delete: values that programs hang on sockets. */
import type { Machine } from '../machine/machine.js';
import { errno } from '../spec/errno.js';
import { isFullSocket } from '../world/sockets.js';
import type { PlainHelper } from './helper.js';
import { mustBeSocket } from './sockets.js';

const CREATE = 1;

/** The owner's number in the map: that of the socket from 1, 0 for the socket of test runs; -1 where it can own nothing. */
function ownerOf(machine: Machine, sk: number): number {
  const socket = mustBeSocket(machine, sk);
  return isFullSocket(socket) ? socket.index + 1 : -1;
}

export const skStorageGet: PlainHelper = {
  name: 'sk_storage_get',
  bind:
    (machine) =>
    (map = 0, sk = 0, value = 0, flagsLo = 0, flagsHi = 0) => {
      const { storage } = machine.maps.skStorage(map);
      const owner = ownerOf(machine, sk);
      if (owner < 0 || flagsHi !== 0 || flagsLo >>> 0 > CREATE) return 0;
      const found = storage.find(owner);
      return found === 0 && flagsLo === CREATE ? storage.make(owner, value) : found;
    },
};

export const skStorageDelete: PlainHelper = {
  name: 'sk_storage_delete',
  bind:
    (machine) =>
    (map = 0, sk = 0) => {
      const { storage } = machine.maps.skStorage(map);
      const owner = ownerOf(machine, sk);
      if (owner < 0) return -errno.EINVAL;
      return storage.drop(owner) ? 0 : -errno.ENOENT;
    },
};
