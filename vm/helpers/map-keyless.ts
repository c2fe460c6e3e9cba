/** Push, pop and peek for maps of values without keys. */
import type { PlainHelper } from './helper.js';

export const mapPushElem: PlainHelper = {
  name: 'map_push_elem',
  bind:
    ({ maps }) =>
    (map = 0, value = 0, flagsLo = 0, flagsHi = 0) =>
      maps.keyless(map).push(value, flagsHi === 0 ? flagsLo >>> 0 : 0xffff_ffff),
};

export const mapPopElem: PlainHelper = {
  name: 'map_pop_elem',
  bind:
    ({ maps }) =>
    (map = 0, out = 0) =>
      maps.keyless(map).pop(out),
};

export const mapPeekElem: PlainHelper = {
  name: 'map_peek_elem',
  bind:
    ({ maps }) =>
    (map = 0, out = 0) =>
      maps.keyless(map).peek(out),
};
