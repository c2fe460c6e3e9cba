/**
 * `hash`: a table of entries, each with one value. An update replaces the entry, so a pointer from an earlier lookup shows
 * the old value, as in Linux. Also what all hash kinds check before they are made.
 */
import type { Ptr } from '../addr.js';
import { alignUp } from '../addr.js';
import { READ, READ_WRITE } from '../memory/shadow.js';
import type { Rights } from '../memory/shadow.js';
import type { MapSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { MAP_FLAGS, UPDATE_FLAGS } from '../spec/map-types.js';
import { checkMapSpec, checkSize, refuseMap } from './check-spec.js';
import { emitFind } from './emit-find.js';
import { bindEntries, planEntries } from './entry-table.js';
import type { EntryTablePlan } from './entry-table.js';
import type { MapEnv, MapKind, MapOps } from './map-kind.js';
import { specialValues } from './special-values.js';
import { knowsUpdateFlags, wantsLock, withoutLock } from './update-flags.js';

export const HASH_FLAGS =
  MAP_FLAGS.BPF_F_NO_PREALLOC |
  MAP_FLAGS.BPF_F_NUMA_NODE |
  MAP_FLAGS.BPF_F_RDONLY |
  MAP_FLAGS.BPF_F_WRONLY |
  MAP_FLAGS.BPF_F_RDONLY_PROG |
  MAP_FLAGS.BPF_F_WRONLY_PROG |
  MAP_FLAGS.BPF_F_ZERO_SEED;

/** One allocation (KMALLOC_MAX_SIZE) less the kernel's own part of an element; less one, since equal is too much. */
const MAX_ENTRY_BYTES = 4_194_304 - 48 - 1;

/** What one allocation of per-CPU memory holds (PCPU_MIN_UNIT_SIZE). */
export const MAX_PERCPU_VALUE_BYTES = 32_768;

/** Judges a definition of any hash kind. */
export function checkHashSpec(spec: MapSpec, flags: number, perCpu = false): void {
  checkMapSpec(spec, flags);
  checkSize(spec, 'key and value', spec.keyBytes + spec.valueBytes, MAX_ENTRY_BYTES);
  if (!perCpu) return;
  checkSize(spec, 'value', alignUp(spec.valueBytes, 8), MAX_PERCPU_VALUE_BYTES);
  if ((spec.flags & MAP_FLAGS.BPF_F_NUMA_NODE) !== 0) refuseMap(spec, 'a map with values per CPU has no NUMA node');
}

/** Rights of programs to a value. */
export function valueRights(spec: MapSpec): Rights {
  return (spec.flags & MAP_FLAGS.BPF_F_RDONLY_PROG) !== 0 ? READ : READ_WRITE;
}

/** Whether the flags allow an update of an entry that is present or absent: 0 or the errno. */
export function checkPresence(present: boolean, flags: number): number {
  if (present) return flags === UPDATE_FLAGS.BPF_NOEXIST ? -errno.EEXIST : 0;
  return flags === UPDATE_FLAGS.BPF_EXIST ? -errno.ENOENT : 0;
}

/** Linux keeps an entry for each CPU to replace with; one without preallocation is allocated before the old one is freed. */
function planOf(spec: MapSpec, cpus: number): EntryTablePlan {
  const byCpu = (spec.flags & MAP_FLAGS.BPF_F_NO_PREALLOC) === 0;
  return planEntries(spec.keyBytes, spec.valueBytes, spec.maxEntries, { byCpu, count: byCpu ? cpus : 1 });
}

function bind(env: MapEnv, spec: MapSpec, base: Ptr): MapOps {
  const { valueBytes } = spec;
  const { shadow } = env;
  const table = bindEntries(env, planOf(spec, env.cpus), base);
  const rights = valueRights(spec);
  const special = specialValues(env, spec);
  const lookup = (key: Ptr): Ptr => {
    const entry = table.find(key, table.hashOf(key));
    return entry === 0 ? 0 : table.valueOf(entry);
  };
  return {
    lookup,
    lookupOn: lookup,
    update(key, value, flags) {
      if (!knowsUpdateFlags(flags) || (wantsLock(flags) && !special.hasLock)) return -errno.EINVAL;
      const hash = table.hashOf(key);
      const present = table.find(key, hash);
      const failed = checkPresence(present !== 0, withoutLock(flags));
      if (failed !== 0) return failed;
      if (present !== 0 && wantsLock(flags)) {
        special.copy(table.valueOf(present), value);
        special.release(table.valueOf(present));
        return 0;
      }
      const entry = present === 0 ? table.take() : table.replace(present, key, hash);
      if (entry === 0) return present === 0 ? -errno.E2BIG : -errno.ENOMEM;
      const at = table.valueOf(entry);
      special.copy(at, value);
      shadow.mark(at, valueBytes, rights);
      if (present === 0) table.link(entry, key, hash);
      else special.release(table.valueOf(present));
      return 0;
    },
    remove(key) {
      const entry = table.find(key, table.hashOf(key));
      if (entry === 0) return -errno.ENOENT;
      table.unlink(entry);
      special.release(table.valueOf(entry));
      table.give(entry);
      return 0;
    },
    scan: (from) => table.scan(from),
    keyAt: (position) => table.keyOf(table.at(position)),
    valueAt: (position) => table.valueOf(table.at(position)),
  };
}

export const hashKind: MapKind = {
  type: 'hash',
  perCpu: false,
  emitLookup: {
    inline: false,
    emit: (site) => {
      emitFind(site, planOf(site.spec, site.cpus), () => undefined);
    },
  },
  plan(spec, cpus) {
    checkHashSpec(spec, HASH_FLAGS);
    return { bytes: planOf(spec, cpus).bytes };
  },
  bind,
};
