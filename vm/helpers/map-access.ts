/** Lookup, update and delete for any map. */
import type { PlainHelper } from './helper.js';

export const mapLookupElem: PlainHelper = {
  name: 'map_lookup_elem',
  bind:
    ({ maps }) =>
    (map = 0, key = 0) =>
      maps.ops(map).lookup(key),
};

export const mapUpdateElem: PlainHelper = {
  name: 'map_update_elem',
  bind:
    ({ maps }) =>
    (map = 0, key = 0, value = 0, flagsLo = 0, flagsHi = 0) =>
      // Flags above 32 bits are as unknown as any: one value stands for them.
      maps.ops(map).update(key, value, flagsHi === 0 ? flagsLo >>> 0 : 0xffff_ffff),
};

export const mapDeleteElem: PlainHelper = {
  name: 'map_delete_elem',
  bind:
    ({ maps }) =>
    (map = 0, key = 0) =>
      maps.ops(map).remove(key),
};
