/** `hash_of_maps`: inner maps by key. An entry's value is a descriptor. */
import type { Ptr } from '../addr.js';
import type { MapSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { bindEntries, planEntries } from './entry-table.js';
import { checkHashSpec, checkPresence, HASH_FLAGS } from './hash.js';
import type { MapEnv, MapKind } from './map-kind.js';
import { checkInner } from './map-of-maps.js';
import type { MapOfMapsOps } from './map-of-maps.js';
import { knowsUpdateFlags, wantsLock } from './update-flags.js';

const DESCRIPTOR_BYTES = 4;

function bind(env: MapEnv, spec: MapSpec, base: Ptr): MapOfMapsOps {
  const { memory } = env;
  const table = bindEntries(env, planEntries(spec.keyBytes, DESCRIPTOR_BYTES, spec.maxEntries), base);
  const lookup = (key: Ptr): Ptr => {
    const entry = table.find(key, table.hashOf(key));
    return entry === 0 ? 0 : memory.word(table.valueOf(entry));
  };
  return {
    lookup,
    lookupOn: lookup,
    update: () => -errno.EOPNOTSUPP,
    setMap(key, map, flags) {
      if (map < 0) return map;
      if (!knowsUpdateFlags(flags) || wantsLock(flags)) return -errno.EINVAL;
      const hash = table.hashOf(key);
      const present = table.find(key, hash);
      const failed = checkPresence(present !== 0, flags);
      if (failed !== 0) return failed;
      const entry = present === 0 ? table.take() : present;
      if (entry === 0) return -errno.E2BIG;
      memory.setWord(table.valueOf(entry), map);
      if (present === 0) table.link(entry, key, hash);
      return 0;
    },
    remove(key) {
      const entry = table.find(key, table.hashOf(key));
      if (entry === 0) return -errno.ENOENT;
      table.unlink(entry);
      table.give(entry);
      return 0;
    },
    scan: (from) => table.scan(from),
    keyAt: (position) => table.keyOf(table.at(position)),
    valueAt: (position) => memory.word(table.valueOf(table.at(position))),
  };
}

export const hashOfMapsKind: MapKind & { bind(...args: Parameters<MapKind['bind']>): MapOfMapsOps } = {
  type: 'hash_of_maps',
  perCpu: false,
  plan(spec) {
    checkHashSpec(spec, HASH_FLAGS);
    checkInner(spec);
    return { bytes: planEntries(spec.keyBytes, DESCRIPTOR_BYTES, spec.maxEntries).bytes };
  },
  bind,
};
