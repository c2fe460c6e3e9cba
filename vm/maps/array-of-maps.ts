/** `array_of_maps`: inner maps in a row. An entry is a descriptor, 0 where it is empty. */
import type { Ptr } from '../addr.js';
import type { MapSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { MAP_FLAGS } from '../spec/map-types.js';
import { checkMapSpec } from './check-spec.js';
import type { MapEnv, MapKind } from './map-kind.js';
import { checkInner } from './map-of-maps.js';
import type { MapOfMapsOps } from './map-of-maps.js';

const FLAGS = MAP_FLAGS.BPF_F_NUMA_NODE | MAP_FLAGS.BPF_F_RDONLY | MAP_FLAGS.BPF_F_WRONLY;

const ENTRY_BYTES = 4;

function bind({ memory }: MapEnv, spec: MapSpec, base: Ptr): MapOfMapsOps {
  const at = (index: number): Ptr => base + ENTRY_BYTES * index;
  const indexAt = (key: Ptr): number => memory.view.getUint32(key, true);
  const lookup = (key: Ptr): Ptr => {
    const index = indexAt(key);
    return index < spec.maxEntries ? memory.word(at(index)) : 0;
  };
  return {
    lookup,
    lookupOn: lookup,
    update: () => -errno.EOPNOTSUPP,
    setMap(key, map, flags) {
      const index = indexAt(key);
      if (flags !== 0) return -errno.EINVAL;
      if (index >= spec.maxEntries) return -errno.E2BIG;
      if (map < 0) return map;
      memory.setWord(at(index), map);
      return 0;
    },
    remove(key) {
      const index = indexAt(key);
      if (index >= spec.maxEntries) return -errno.E2BIG;
      if (memory.word(at(index)) === 0) return -errno.ENOENT;
      memory.setWord(at(index), 0);
      return 0;
    },
    scan: (from) => (from < spec.maxEntries ? from : -1),
    keyAt(position, scratch) {
      memory.setWord(scratch, position);
      return scratch;
    },
    valueAt: (position) => memory.word(at(position)),
  };
}

export const arrayOfMapsKind: MapKind & { bind(...args: Parameters<MapKind['bind']>): MapOfMapsOps } = {
  type: 'array_of_maps',
  perCpu: false,
  emitLookup: {
    inline: true,
    emit({ code, spec, base, key, scratch: [index, map] }) {
      code.i32(0).localSet(map).localGet(key).memory('i32.load', 0).localTee(index).i32(spec.maxEntries).op('i32.lt_u');
      code.if();
      code.localGet(index).i32(ENTRY_BYTES).op('i32.mul').memory('i32.load', base).localSet(map).end();
      code.localGet(map);
    },
  },
  plan(spec) {
    checkMapSpec(spec, FLAGS);
    checkInner(spec);
    return { bytes: ENTRY_BYTES * spec.maxEntries };
  },
  bind,
};
