/** An object with other map sizes than it was compiled with, as a loader may give them. Pure. */
import { ConfigError } from '../errors.js';
import { suggestion } from '../suggest.js';
import type { ObjectSpec } from './object-spec.js';

/** By map name. */
export type MapOverrides = Readonly<Record<string, MapOverride>>;

export interface MapOverride {
  readonly maxEntries?: number;
}

/** @throws ConfigError `config-value` where the object has no such map */
export function overrideMaps(object: ObjectSpec, overrides: MapOverrides): ObjectSpec {
  const names = object.maps.map(({ name }) => name);
  for (const map of Object.keys(overrides)) {
    if (names.includes(map)) continue;
    const hint = suggestion(map, names);
    throw new ConfigError('config-value', `${object.name} has no map \`${map}\``, {
      data: { map },
      ...(hint === undefined ? {} : { hint }),
    });
  }
  const maps = object.maps.map((spec) => {
    const { maxEntries } = Object.hasOwn(overrides, spec.name) ? (overrides[spec.name] ?? {}) : {};
    return maxEntries === undefined ? spec : { ...spec, maxEntries };
  });
  return { ...object, maps };
}
