/** `lru_percpu_hash`: an LRU hash with a value for every CPU. */
import type { Ptr } from '../addr.js';
import { cells } from '../memory/cells.js';
import type { MapSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { UPDATE_FLAGS } from '../spec/map-types.js';
import { checkPresence } from './hash.js';
import { bindLruTable, checkLruSpec, emitLruLookup, planLruHash } from './lru-hash.js';
import type { MapEnv, MapKind, MapOps } from './map-kind.js';
import { emitOwn, percpuBytes, percpuValues } from './percpu-values.js';

function bind(env: MapEnv, spec: MapSpec, base: Ptr): MapOps {
  const { memory, cpus } = env;
  const { table, lru, remove } = bindLruTable(env, planLruHash(spec, percpuBytes(spec, cpus), cpus), base);
  const values = percpuValues(env, spec);
  const find = (key: Ptr): number => table.find(key, table.hashOf(key));
  return {
    lookup(key) {
      const entry = find(key);
      if (entry === 0) return 0;
      lru.touch(entry);
      return values.own(table.valueOf(entry));
    },
    lookupOn(key, cpu) {
      const entry = find(key);
      return entry === 0 ? 0 : values.of(table.valueOf(entry), cpu);
    },
    // An entry is had before the key is looked up, unless none can be needed.
    update(key, value, flags) {
      if (flags > UPDATE_FLAGS.BPF_EXIST) return -errno.EINVAL;
      const entry = flags === UPDATE_FLAGS.BPF_EXIST ? 0 : lru.pop(memory.word(cells.cpu));
      if (entry === 0 && flags !== UPDATE_FLAGS.BPF_EXIST) return -errno.ENOMEM;
      const hash = table.hashOf(key);
      const present = table.find(key, hash);
      const failed = checkPresence(present !== 0, flags);
      if (failed === 0 && present !== 0) {
        lru.touch(present);
        values.set(table.valueOf(present), value);
      } else if (failed === 0) {
        table.link(entry, key, hash);
        values.init(table.valueOf(entry), value);
        return 0;
      }
      if (entry !== 0) lru.push(entry);
      return failed;
    },
    remove,
    scan: (from) => table.scan(from),
    keyAt: (position) => table.keyOf(table.at(position)),
    valueAt: (position) => values.own(table.valueOf(table.at(position))),
  };
}

export const lruPercpuHashKind: MapKind = {
  type: 'lru_percpu_hash',
  perCpu: true,
  emitLookup: {
    inline: false,
    emit: (site) => {
      emitLruLookup(site, planLruHash(site.spec, percpuBytes(site.spec, site.cpus), site.cpus));
      emitOwn(site);
    },
  },
  plan(spec, cpus) {
    checkLruSpec(spec, true);
    return { bytes: planLruHash(spec, percpuBytes(spec, cpus), cpus).bytes };
  },
  bind,
};
