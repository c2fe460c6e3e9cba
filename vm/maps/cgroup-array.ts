/** `cgroup_array`: cgroups to compare with, by index. The host puts them in by id; programs ask whether they are under one. */
import type { Ptr } from '../addr.js';
import { must } from '../errors.js';
import { errno } from '../spec/errno.js';
import { MAP_FLAGS, UPDATE_FLAGS } from '../spec/map-types.js';
import { checkMapSpec } from './check-spec.js';
import { opaqueOps } from './map-kind.js';
import type { MapKind, MapOps } from './map-kind.js';

const FLAGS = MAP_FLAGS.BPF_F_NUMA_NODE | MAP_FLAGS.BPF_F_RDONLY | MAP_FLAGS.BPF_F_WRONLY;

export interface CgroupArrayOps extends MapOps {
  /** Index in the world of the cgroup at this place, -1 where there is none, or -E2BIG. */
  cgroupAt(place: number): number;
}

export const cgroupArrayKind: MapKind & { bind(...args: Parameters<MapKind['bind']>): CgroupArrayOps } = {
  type: 'cgroup_array',
  perCpu: false,
  plan(spec) {
    checkMapSpec(spec, FLAGS);
    return { bytes: 4 * spec.maxEntries };
  },
  bind(env, spec, base) {
    const { memory } = env;
    const cgroups = must(env.cgroups, `cgroups for map ${spec.name}`);
    const at = (place: number): Ptr => base + 4 * place;
    const placeOf = (key: Ptr): number => memory.view.getUint32(key, true);
    return {
      ...opaqueOps(-errno.EOPNOTSUPP),
      cgroupAt: (place) => (place >>> 0 < spec.maxEntries ? memory.word(at(place)) - 1 : -errno.E2BIG),
      update(key, value, flags) {
        if (flags !== UPDATE_FLAGS.BPF_ANY) return -errno.EINVAL;
        if (placeOf(key) >= spec.maxEntries) return -errno.E2BIG;
        const cgroup = cgroups.withId(memory.view.getUint32(value, true));
        if (cgroup === undefined) return -errno.EBADF;
        memory.setWord(at(placeOf(key)), cgroup.index + 1);
        return 0;
      },
      remove(key) {
        if (placeOf(key) >= spec.maxEntries) return -errno.E2BIG;
        if (memory.word(at(placeOf(key))) === 0) return -errno.ENOENT;
        memory.setWord(at(placeOf(key)), 0);
        return 0;
      },
    };
  },
};
