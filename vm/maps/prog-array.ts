/** `prog_array`: targets of tail calls. An entry holds 1 + the function's index, 0 where it is empty. */
import type { Ptr } from '../addr.js';
import { errno } from '../spec/errno.js';
import { MAP_FLAGS } from '../spec/map-types.js';
import { checkMapSpec } from './check-spec.js';
import { opaqueOps } from './map-kind.js';
import type { MapKind, MapOps } from './map-kind.js';

const FLAGS = MAP_FLAGS.BPF_F_NUMA_NODE | MAP_FLAGS.BPF_F_RDONLY | MAP_FLAGS.BPF_F_WRONLY;

/** Programs cannot look entries up; `target` and `setTarget` are for the engine and the host. */
export interface ProgArrayOps extends MapOps {
  /** Function index at `index`, or -1. */
  target(index: number): number;
  /** Puts a function there, or clears the entry with -1. Returns 0 or -E2BIG. */
  setTarget(index: number, func: number): number;
}

export const progArrayKind: MapKind & { bind(...args: Parameters<MapKind['bind']>): ProgArrayOps } = {
  type: 'prog_array',
  perCpu: false,
  plan(spec) {
    checkMapSpec(spec, FLAGS);
    return { bytes: 4 * spec.maxEntries };
  },
  bind({ memory }, spec, base: Ptr) {
    return {
      ...opaqueOps(-errno.EOPNOTSUPP),
      target: (index) => (index >>> 0 < spec.maxEntries ? memory.word(base + 4 * index) - 1 : -1),
      setTarget(index, func) {
        if (index >= spec.maxEntries) return -errno.E2BIG;
        memory.setWord(base + 4 * index, func + 1);
        return 0;
      },
    };
  },
};
