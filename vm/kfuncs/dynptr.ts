/** Kfuncs over dynptrs. */
import { DYNPTR, Dynptrs } from '../machine/dynptr.js';
import { errno } from '../spec/errno.js';
import type { Kfunc } from './kfunc.js';

export const dynptrFromSkb: Kfunc = {
  name: 'bpf_dynptr_from_skb',
  bind: (machine) => {
    const dynptrs = new Dynptrs(machine);
    return (_ctx = 0, flags = 0, flagsHi = 0, at = 0) =>
      dynptrs.initPacket(at, DYNPTR.skb, machine.skb.lengthBytes, flags | flagsHi);
  },
};

export const dynptrFromSkbMeta: Kfunc = {
  name: 'bpf_dynptr_from_skb_meta',
  bind: (machine) => {
    const dynptrs = new Dynptrs(machine);
    return (_ctx = 0, flags = 0, flagsHi = 0, at = 0) =>
      dynptrs.initPacket(at, DYNPTR.skbMeta, machine.skb.data - machine.skb.meta, flags | flagsHi);
  },
};

export const dynptrFromXdp: Kfunc = {
  name: 'bpf_dynptr_from_xdp',
  bind: (machine) => {
    const dynptrs = new Dynptrs(machine);
    return (_ctx = 0, flags = 0, flagsHi = 0, at = 0) =>
      dynptrs.initPacket(at, DYNPTR.xdp, machine.xdp.totalBytes, flags | flagsHi);
  },
};

export const dynptrSlice: Kfunc = {
  name: 'bpf_dynptr_slice',
  bind: (machine) => {
    const dynptrs = new Dynptrs(machine);
    return (at = 0, offset = 0, buffer = 0, bytes = 0) => dynptrs.slice(at, offset >>> 0, buffer, bytes >>> 0);
  },
};

export const dynptrSliceRdwr: Kfunc = {
  name: 'bpf_dynptr_slice_rdwr',
  bind: (machine) => {
    const dynptrs = new Dynptrs(machine);
    return (at = 0, offset = 0, buffer = 0, bytes = 0) => dynptrs.sliceToWrite(at, offset >>> 0, buffer, bytes >>> 0);
  },
};

export const dynptrAdjust: Kfunc = {
  name: 'bpf_dynptr_adjust',
  bind: (machine) => {
    const dynptrs = new Dynptrs(machine);
    return (at = 0, start = 0, end = 0) => dynptrs.adjust(at, start >>> 0, end >>> 0);
  },
};

export const dynptrIsNull: Kfunc = {
  name: 'bpf_dynptr_is_null',
  bind: (machine) => {
    const dynptrs = new Dynptrs(machine);
    return (at = 0) => (dynptrs.isNull(at) ? 1 : 0);
  },
};

export const dynptrIsRdonly: Kfunc = {
  name: 'bpf_dynptr_is_rdonly',
  bind: (machine) => {
    const dynptrs = new Dynptrs(machine);
    return (at = 0) => (!dynptrs.isNull(at) && dynptrs.isReadOnly(at) ? 1 : 0);
  },
};

export const dynptrSize: Kfunc = {
  name: 'bpf_dynptr_size',
  bind: (machine) => {
    const dynptrs = new Dynptrs(machine);
    return (at = 0) => (dynptrs.isNull(at) ? -errno.EINVAL : dynptrs.sizeOf(at));
  },
};

export const dynptrClone: Kfunc = {
  name: 'bpf_dynptr_clone',
  bind: (machine) => {
    const dynptrs = new Dynptrs(machine);
    return (from = 0, to = 0) => dynptrs.clone(from, to);
  },
};

export const dynptrCopy: Kfunc = {
  name: 'bpf_dynptr_copy',
  bind: (machine) => {
    const dynptrs = new Dynptrs(machine);
    return (to = 0, toOffset = 0, from = 0, fromOffset = 0, bytes = 0) =>
      dynptrs.copy(to, toOffset >>> 0, from, fromOffset >>> 0, bytes >>> 0);
  },
};

export const dynptrMemset: Kfunc = {
  name: 'bpf_dynptr_memset',
  bind: (machine) => {
    const dynptrs = new Dynptrs(machine);
    return (at = 0, offset = 0, bytes = 0, value = 0) => dynptrs.fill(at, offset >>> 0, bytes >>> 0, value & 255);
  },
};
