/** `perf_event_array`: a channel to user space, one buffer a CPU. skep hands each sample over as it is written. */
import { errno } from '../spec/errno.js';
import { MAP_FLAGS } from '../spec/map-types.js';
import { cells } from '../memory/cells.js';
import { checkMapSpec } from './check-spec.js';
import { opaqueOps } from './map-kind.js';
import type { MapKind, MapOps } from './map-kind.js';

const FLAGS =
  MAP_FLAGS.BPF_F_NUMA_NODE | MAP_FLAGS.BPF_F_RDONLY | MAP_FLAGS.BPF_F_WRONLY | MAP_FLAGS.BPF_F_PRESERVE_ELEMS;

export interface PerfEventArrayOps extends MapOps {
  /** Writes a sample to the buffer at `index`, which must be the current CPU's. Returns 0, -E2BIG or -EOPNOTSUPP. */
  output(index: number, data: Uint8Array): number;
}

export const perfEventArrayKind: MapKind & { bind(...args: Parameters<MapKind['bind']>): PerfEventArrayOps } = {
  type: 'perf_event_array',
  perCpu: false,
  plan(spec) {
    checkMapSpec(spec, FLAGS);
    return { bytes: 0 };
  },
  bind({ memory, cpus, emit }, spec) {
    const entries = spec.maxEntries === 0 ? cpus : spec.maxEntries;
    return {
      ...opaqueOps(-errno.EOPNOTSUPP),
      output(index, data) {
        if (index >= entries) return -errno.E2BIG;
        const cpu = memory.word(cells.cpu);
        if (index !== cpu) return -errno.EOPNOTSUPP;
        emit({ map: spec.name, cpu, data });
        return 0;
      },
    };
  },
};
