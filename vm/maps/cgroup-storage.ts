/**
 * `cgroup_storage` and `percpu_cgroup_storage`: a value for each cgroup that a program is attached to, and where the key says so
 * for each attach type. Programs reach it by bpf_get_local_storage alone, and it is always there.
 */
import { alignUp } from '../addr.js';
import type { Ptr } from '../addr.js';
import { must } from '../errors.js';
import { cells } from '../memory/cells.js';
import { READ_WRITE } from '../memory/shadow.js';
import { errno } from '../spec/errno.js';
import { MAP_FLAGS, UPDATE_FLAGS } from '../spec/map-types.js';
import { ATTACH_TYPES } from '../spec/prog-types.js';
import type { Cgroups } from '../world/cgroups.js';
import { BARE_WORLD_SIZE } from '../world/world-size.js';
import { checkMapSpec, checkSize, refuseMap } from './check-spec.js';
import { MAX_PERCPU_VALUE_BYTES } from './hash.js';
import type { MapKind, MapOps } from './map-kind.js';

const FLAGS = MAP_FLAGS.BPF_F_NUMA_NODE | MAP_FLAGS.BPF_F_RDONLY | MAP_FLAGS.BPF_F_WRONLY;
const MAX_VALUE_BYTES = 4096;
/** A key that tells attach types apart. */
const FULL_KEY_BYTES = 16;
const ATTACH_COUNT = Math.max(...Object.values(ATTACH_TYPES)) + 1;

export interface CgroupStorageOps extends MapOps {
  /** Address of the value of a cgroup (by its index) at an attach type, on the current CPU. */
  local(cgroup: number, attach: number): Ptr;
  /** Makes that value zeros, on all CPUs. */
  clear(cgroup: number, attach: number): void;
}

type CgroupStorageKind = MapKind & { bind(...args: Parameters<MapKind['bind']>): CgroupStorageOps };

function kind(type: 'cgroup_storage' | 'percpu_cgroup_storage', perCpu: boolean): CgroupStorageKind {
  return {
    type,
    perCpu,
    plan(spec, cpus, { cgroups } = BARE_WORLD_SIZE) {
      checkMapSpec(spec, FLAGS);
      if (spec.maxEntries !== 0) refuseMap(spec, `max_entries is ${String(spec.maxEntries)}, must be 0`);
      checkSize(spec, 'value', spec.valueBytes, perCpu ? MAX_PERCPU_VALUE_BYTES : MAX_VALUE_BYTES);
      return { bytes: alignUp(spec.valueBytes, 8) * (perCpu ? cpus : 1) * ATTACH_COUNT * cgroups };
    },
    bind(env, spec, base) {
      const { memory, shadow } = env;
      const { valueBytes } = spec;
      const cgroups: Cgroups = must(env.cgroups, `cgroups for map ${spec.name}`);
      const cpus = perCpu ? env.cpus : 1;
      const stride = alignUp(valueBytes, 8);
      const isShared = spec.keyBytes < FULL_KEY_BYTES;
      const at = (cgroup: number, attach: number, cpu: number): Ptr =>
        base + stride * ((cgroup * ATTACH_COUNT + (isShared ? 0 : attach)) * cpus + cpu);
      const lookupOn = (key: Ptr, cpu: number): Ptr => {
        const cgroup = cgroups.withId(Number(memory.view.getBigUint64(key, true)));
        const attach = isShared ? 0 : memory.view.getUint32(key + 8, true);
        return cgroup === undefined || attach >= ATTACH_COUNT ? 0 : at(cgroup.index, attach, perCpu ? cpu : 0);
      };
      return {
        local(cgroup, attach) {
          const value = at(cgroup, attach, perCpu ? memory.word(cells.cpu) : 0);
          shadow.mark(value, valueBytes, READ_WRITE);
          return value;
        },
        clear(cgroup, attach) {
          const value = at(cgroup, attach, 0);
          memory.u8.fill(0, value, value + stride * cpus);
        },
        lookup: () => 0,
        lookupOn,
        update(key, value, flags) {
          if (flags !== UPDATE_FLAGS.BPF_ANY && flags !== UPDATE_FLAGS.BPF_EXIST) return -errno.EINVAL;
          const to = lookupOn(key, 0);
          if (to === 0) return -errno.ENOENT;
          memory.u8.copyWithin(to, value, value + valueBytes);
          return 0;
        },
        remove: () => -errno.EINVAL,
        scan: (from) => (from < cgroups.count ? from : -1),
        keyAt(position, scratch) {
          memory.u8.fill(0, scratch, scratch + spec.keyBytes);
          memory.view.setBigUint64(scratch, BigInt(cgroups.at(position)?.id ?? 0), true);
          return scratch;
        },
        valueAt: (position) => at(position, 0, 0),
      };
    },
  };
}

export const cgroupStorageKind = kind('cgroup_storage', false);
export const percpuCgroupStorageKind = kind('percpu_cgroup_storage', true);
