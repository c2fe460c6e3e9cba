/** `percpu_hash`: a table of entries, each with a value for every CPU. */
import type { Ptr } from '../addr.js';
import type { MapSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { emitFind } from './emit-find.js';
import { bindEntries, planEntries } from './entry-table.js';
import type { EntryTablePlan } from './entry-table.js';
import { checkHashSpec, checkPresence, HASH_FLAGS } from './hash.js';
import type { MapEnv, MapKind, MapOps } from './map-kind.js';
import { emitOwn, percpuBytes, percpuValues } from './percpu-values.js';
import { knowsUpdateFlags, wantsLock } from './update-flags.js';

function planOf(spec: MapSpec, cpus: number): EntryTablePlan {
  return planEntries(spec.keyBytes, percpuBytes(spec, cpus), spec.maxEntries);
}

function bind(env: MapEnv, spec: MapSpec, base: Ptr): MapOps {
  const table = bindEntries(env, planOf(spec, env.cpus), base);
  const values = percpuValues(env, spec);
  const find = (key: Ptr): number => table.find(key, table.hashOf(key));
  return {
    lookup(key) {
      const entry = find(key);
      return entry === 0 ? 0 : values.own(table.valueOf(entry));
    },
    lookupOn(key, cpu) {
      const entry = find(key);
      return entry === 0 ? 0 : values.of(table.valueOf(entry), cpu);
    },
    update(key, value, flags) {
      if (!knowsUpdateFlags(flags) || wantsLock(flags)) return -errno.EINVAL;
      const hash = table.hashOf(key);
      const present = table.find(key, hash);
      const failed = checkPresence(present !== 0, flags);
      if (failed !== 0) return failed;
      if (present !== 0) {
        values.set(table.valueOf(present), value);
        return 0;
      }
      const entry = table.take();
      if (entry === 0) return -errno.E2BIG;
      table.link(entry, key, hash);
      values.init(table.valueOf(entry), value);
      return 0;
    },
    remove(key) {
      const entry = find(key);
      if (entry === 0) return -errno.ENOENT;
      table.unlink(entry);
      table.give(entry);
      return 0;
    },
    scan: (from) => table.scan(from),
    keyAt: (position) => table.keyOf(table.at(position)),
    valueAt: (position) => values.own(table.valueOf(table.at(position))),
  };
}

export const percpuHashKind: MapKind = {
  type: 'percpu_hash',
  perCpu: true,
  emitLookup: {
    inline: false,
    emit: (site) => {
      emitFind(site, planOf(site.spec, site.cpus), () => undefined);
      emitOwn(site);
    },
  },
  plan(spec, cpus) {
    checkHashSpec(spec, HASH_FLAGS, true);
    return { bytes: planOf(spec, cpus).bytes };
  },
  bind,
};
