/** Helpers over dynptrs; the kfuncs over them are in `vm/kfuncs`. */
import { DYNPTR, Dynptrs } from '../machine/dynptr.js';
import { errno } from '../spec/errno.js';
import type { PlainHelper } from './helper.js';

export const dynptrFromMem: PlainHelper = {
  name: 'dynptr_from_mem',
  bind: (machine) => {
    const dynptrs = new Dynptrs(machine);
    return (data = 0, bytes = 0, flags = 0, flagsHi = 0, at = 0) => {
      const failed = dynptrs.checkSize(bytes >>> 0) || ((flags | flagsHi) === 0 ? 0 : -errno.EINVAL);
      if (failed === 0) return dynptrs.init(at, DYNPTR.local, data, bytes);
      dynptrs.setNull(at);
      return failed;
    };
  },
};

export const ringbufReserveDynptr: PlainHelper = {
  name: 'ringbuf_reserve_dynptr',
  bind: (machine) => {
    const dynptrs = new Dynptrs(machine);
    return (map = 0, bytes = 0, flags = 0, flagsHi = 0, at = 0) => {
      dynptrs.setNull(at);
      if ((flags | flagsHi) !== 0) return -errno.EINVAL;
      const failed = dynptrs.checkSize(bytes >>> 0);
      if (failed !== 0) return failed;
      const record = machine.maps.ringbuf(map).reserve(bytes >>> 0);
      return record === 0 ? -errno.EINVAL : dynptrs.init(at, DYNPTR.ringbuf, record, bytes);
    };
  },
};

function commit(name: PlainHelper['name'], discard: boolean): PlainHelper {
  return {
    name,
    bind: (machine) => {
      const dynptrs = new Dynptrs(machine);
      return (at = 0) => {
        if (dynptrs.isNull(at)) return 0;
        const record = dynptrs.dataOf(at);
        machine.maps.ringbufOfRecord(record).commit(record, discard);
        dynptrs.setNull(at);
        return 0;
      };
    },
  };
}

export const ringbufSubmitDynptr = commit('ringbuf_submit_dynptr', false);
export const ringbufDiscardDynptr = commit('ringbuf_discard_dynptr', true);

export const dynptrRead: PlainHelper = {
  name: 'dynptr_read',
  bind: (machine) => {
    const dynptrs = new Dynptrs(machine);
    return (to = 0, bytes = 0, at = 0, offset = 0, flags = 0, flagsHi = 0) =>
      dynptrs.read(to, bytes >>> 0, at, offset >>> 0, flags | flagsHi);
  },
};

export const dynptrWrite: PlainHelper = {
  name: 'dynptr_write',
  bind: (machine) => {
    const dynptrs = new Dynptrs(machine);
    return (at = 0, offset = 0, from = 0, bytes = 0, flags = 0, flagsHi = 0) =>
      dynptrs.write(at, offset >>> 0, from, bytes >>> 0, flags, flagsHi);
  },
};

export const dynptrData: PlainHelper = {
  name: 'dynptr_data',
  bind: (machine) => {
    const dynptrs = new Dynptrs(machine);
    return (at = 0, offset = 0, bytes = 0) => dynptrs.data(at, offset >>> 0, bytes >>> 0);
  },
};
