/**
 * What maps of maps share: which maps may be inside, and what their entries are. An entry holds the inner map's descriptor,
 * the address that programs see as that map. Knows no map ids: the machine does.
 */
import type { Ptr } from '../addr.js';
import type { MapSpec } from '../object/object-spec.js';
import { MAP_FLAGS } from '../spec/map-types.js';
import type { MapTypeName } from '../spec/map-types.js';
import { refuseMap } from './check-spec.js';
import type { MapOps } from './map-kind.js';

export interface MapOfMapsOps extends MapOps {
  /**
   * Puts a map in. Returns 0 or a negative errno.
   * @param map its descriptor, or the negative errno that says why there is none
   */
  setMap(key: Ptr, map: Ptr, flags: number): number;
}

/** Types that Linux lets no map hold: nothing says when two of them are alike. */
const NEVER_INNER: ReadonlySet<MapTypeName> = new Set([
  'prog_array',
  'cgroup_storage',
  'percpu_cgroup_storage',
  'array_of_maps',
  'hash_of_maps',
  'struct_ops',
  'arena',
]);

/** Checks the template of inner maps, which programs are judged by. */
export function checkInner(spec: MapSpec): void {
  const { inner } = spec;
  if (inner === undefined) {
    refuseMap(spec, 'there is no template of the maps inside', 'define it by __array(values, ...)');
  }
  if (NEVER_INNER.has(inner.type)) refuseMap(spec, `a map of type ${inner.type} cannot be inside another`);
}

/** Why a map may not go where this template is expected, in words; undefined where it may. */
export function misfit(template: MapSpec, candidate: MapSpec): string | undefined {
  if (candidate.type !== template.type) return `its type is ${candidate.type}, must be ${template.type}`;
  const fields = [
    ['key size', candidate.keyBytes, template.keyBytes],
    ['value size', candidate.valueBytes, template.valueBytes],
    ['map_flags', candidate.flags, template.flags],
  ] as const;
  const differing = fields.find(([, ours, wanted]) => ours !== wanted);
  if (differing !== undefined) return `its ${differing[0]} is ${String(differing[1])}, must be ${String(differing[2])}`;
  const isFixed = template.type === 'array' && (template.flags & MAP_FLAGS.BPF_F_INNER_MAP) === 0;
  if (!isFixed || candidate.maxEntries === template.maxEntries) return undefined;
  return `its max_entries is ${String(candidate.maxEntries)}, must be ${String(template.maxEntries)} without BPF_F_INNER_MAP`;
}
