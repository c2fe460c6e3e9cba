/**
 * `xskmap`: AF_XDP sockets by index. Any number that is not 0 stands for one. A program that looks one up sees struct
 * bpf_xdp_sock, whose queue is the index.
 */
import type { Ptr } from '../addr.js';
import { READ } from '../memory/shadow.js';
import { errno } from '../spec/errno.js';
import { MAP_FLAGS, UPDATE_FLAGS } from '../spec/map-types.js';
import { checkMapSpec } from './check-spec.js';
import type { TargetMapKind } from './device-entries.js';
import { refuseFlags } from './socket-entries.js';

const FLAGS = MAP_FLAGS.BPF_F_NUMA_NODE | MAP_FLAGS.BPF_F_RDONLY | MAP_FLAGS.BPF_F_WRONLY;
/** The queue, then the number. */
const STRIDE = 8;
const NUMBER_OFF = 4;
const QUEUE_BYTES = 4;

export const xskmapKind: TargetMapKind = {
  type: 'xskmap',
  perCpu: false,
  plan(spec) {
    checkMapSpec(spec, FLAGS);
    return { bytes: STRIDE * spec.maxEntries };
  },
  bind({ memory, shadow }, spec, base) {
    const at = (index: number): Ptr => base + STRIDE * index;
    const targetOf = (index: number): Ptr =>
      index >>> 0 < spec.maxEntries && memory.word(at(index >>> 0) + NUMBER_OFF) !== 0 ? at(index >>> 0) : 0;
    const indexOf = (key: Ptr): number => memory.view.getUint32(key, true);
    const lookup = (key: Ptr): Ptr => targetOf(indexOf(key));
    return {
      lookup,
      lookupOn: lookup,
      targetOf,
      update(key, value, flags) {
        const index = indexOf(key);
        if (flags > UPDATE_FLAGS.BPF_EXIST) return -errno.EINVAL;
        if (index >= spec.maxEntries) return -errno.E2BIG;
        const number = memory.view.getUint32(value, true);
        if (number === 0) return -errno.EBADF;
        const failed = refuseFlags(lookup(key) !== 0, flags);
        if (failed !== 0) return failed;
        memory.setWord(at(index), index);
        memory.setWord(at(index) + NUMBER_OFF, number);
        shadow.mark(at(index), QUEUE_BYTES, READ);
        return 0;
      },
      remove(key) {
        const index = indexOf(key);
        if (index >= spec.maxEntries) return -errno.EINVAL;
        memory.setWord(at(index) + NUMBER_OFF, 0);
        return 0;
      },
      scan(from) {
        for (let index = from; index < spec.maxEntries; index++) if (targetOf(index) !== 0) return index;
        return -1;
      },
      keyAt(position, scratch) {
        memory.setWord(scratch, position);
        return scratch;
      },
      valueAt: at,
    };
  },
};
