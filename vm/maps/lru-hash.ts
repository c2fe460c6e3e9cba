/** `lru_hash`: a hash that evicts what was not used lately instead of refusing a new key. */
import { alignUp } from '../addr.js';
import type { Ptr } from '../addr.js';
import { cells } from '../memory/cells.js';
import type { MapSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { MAP_FLAGS, UPDATE_FLAGS } from '../spec/map-types.js';
import { refuseMap } from './check-spec.js';
import { emitFind } from './emit-find.js';
import { bindEntries, planEntries } from './entry-table.js';
import type { EntryTable, EntryTablePlan } from './entry-table.js';
import { checkHashSpec, checkPresence, HASH_FLAGS, valueRights } from './hash.js';
import { bindLru, lruBytes, lruCapacity, usedBits } from './lru.js';
import type { Lru, LruShape } from './lru.js';
import type { LookupSite, MapEnv, MapKind, MapOps } from './map-kind.js';
import { specialValues } from './special-values.js';

interface Plan {
  readonly shape: LruShape;
  readonly table: EntryTablePlan;
  readonly lruAt: number;
  readonly bytes: number;
}

/** @param valueBytes room for one entry's value or values */
export function planLruHash(spec: MapSpec, valueBytes: number, cpus: number): Plan {
  const common = (spec.flags & MAP_FLAGS.BPF_F_NO_COMMON_LRU) === 0;
  const capacity = lruCapacity(spec.maxEntries, cpus, common);
  const shape = { capacity, cpus, common };
  const table = planEntries(spec.keyBytes, valueBytes, capacity);
  return { shape, table, lruAt: table.bytes, bytes: alignUp(table.bytes + lruBytes(shape), 8) };
}

export function checkLruSpec(spec: MapSpec, perCpu: boolean): void {
  if ((spec.flags & MAP_FLAGS.BPF_F_NO_PREALLOC) !== 0) refuseMap(spec, 'an LRU map is always preallocated');
  checkHashSpec(spec, HASH_FLAGS | MAP_FLAGS.BPF_F_NO_COMMON_LRU, perCpu);
}

export interface LruTable {
  readonly table: EntryTable;
  readonly lru: Lru;
  readonly remove: (key: Ptr) => number;
}

/**
 * A table whose entries come from the LRU lists behind it.
 * @param released told of the value of an entry that goes
 */
export function bindLruTable(
  env: MapEnv,
  plan: Plan,
  base: Ptr,
  released: (value: Ptr) => void = () => undefined,
): LruTable {
  const table = bindEntries(env, plan.table, base);
  const lru = bindLru(env.memory, base + plan.lruAt, plan.shape, (entry) => {
    const linked = table.unlink(entry);
    if (linked) released(table.valueOf(entry));
    return linked;
  });
  return {
    table,
    lru,
    remove: (key) => {
      const entry = table.find(key, table.hashOf(key));
      if (entry === 0) return -errno.ENOENT;
      table.unlink(entry);
      released(table.valueOf(entry));
      lru.push(entry);
      return 0;
    },
  };
}

/** Emits a lookup that notes the use of what it finds. */
export function emitLruLookup(site: LookupSite, { table, shape, lruAt }: Plan): void {
  const { at, stride, bit } = usedBits(site.base + lruAt, shape);
  emitFind(site, table, (entry) => {
    const { code } = site;
    const word = (): void => void code.localGet(entry).i32(stride).op('i32.mul').i32(at).op('i32.add');
    word();
    word();
    code.memory('i32.load', 0).i32(bit).op('i32.or').memory('i32.store', 0);
  });
}

function bind(env: MapEnv, spec: MapSpec, base: Ptr): MapOps {
  const { memory, shadow } = env;
  const { valueBytes } = spec;
  const special = specialValues(env, spec);
  const { table, lru, remove } = bindLruTable(env, planLruHash(spec, valueBytes, env.cpus), base, (value) => {
    special.release(value);
  });
  const rights = valueRights(spec);
  const find = (key: Ptr): number => table.find(key, table.hashOf(key));
  return {
    lookup(key) {
      const entry = find(key);
      if (entry === 0) return 0;
      lru.touch(entry);
      return table.valueOf(entry);
    },
    lookupOn(key) {
      const entry = find(key);
      return entry === 0 ? 0 : table.valueOf(entry);
    },
    // As in Linux the new entry is had before anything is looked up: updating a key of a full map may evict another.
    update(key, value, flags) {
      if (flags > UPDATE_FLAGS.BPF_EXIST) return -errno.EINVAL;
      const entry = lru.pop(memory.word(cells.cpu));
      if (entry === 0) return -errno.ENOMEM;
      const hash = table.hashOf(key);
      const present = table.find(key, hash);
      const failed = checkPresence(present !== 0, flags);
      if (failed !== 0) {
        lru.push(entry);
        return failed;
      }
      if (present !== 0) {
        lru.touch(entry);
        table.unlink(present);
        special.release(table.valueOf(present));
        lru.push(present);
      }
      const at = table.valueOf(entry);
      special.copy(at, value);
      shadow.mark(at, valueBytes, rights);
      table.link(entry, key, hash);
      if (present !== 0) table.succeed(entry, present);
      return 0;
    },
    remove,
    scan: (from) => table.scan(from),
    keyAt: (position) => table.keyOf(table.at(position)),
    valueAt: (position) => table.valueOf(table.at(position)),
  };
}

export const lruHashKind: MapKind = {
  type: 'lru_hash',
  perCpu: false,
  emitLookup: {
    inline: false,
    emit: (site) => {
      emitLruLookup(site, planLruHash(site.spec, site.spec.valueBytes, site.cpus));
    },
  },
  plan(spec, cpus) {
    checkLruSpec(spec, false);
    return { bytes: planLruHash(spec, spec.valueBytes, cpus).bytes };
  },
  bind,
};
