/** Lookup of another CPU's value. */
import type { PlainHelper } from './helper.js';

export const mapLookupPercpuElem: PlainHelper = {
  name: 'map_lookup_percpu_elem',
  bind:
    ({ maps, layout }) =>
    (map = 0, key = 0, cpu = 0) => {
      const ops = maps.ops(map);
      // The plain lookup counts as use in an LRU map.
      return cpu >>> 0 >= layout.cpus || ops.lookup(key) === 0 ? 0 : ops.lookupOn(key, cpu >>> 0);
    },
};
