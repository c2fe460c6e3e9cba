/**
 * Tail calls by annotation: a function with the BTF decl tag `tail:MAP/N` is entry N of the program array MAP, as if an
 * initialiser in `.values` said so. What such a tag means, Cilium's loader defined.
 */
import { MAP_TYPE_ROWS } from '../spec/map-types.js';
import type { Code } from './functions.js';
import type { LoadContext } from './load-context.js';
import type { ObjectMaps } from './object-maps.js';

const TAG = /^tail:(.+)\/(\d{1,9})$/;

/** Adds the entries that tags ask for; a tag that cannot be followed is a note. */
export function addTailTags(ctx: LoadContext, maps: ObjectMaps, code: Code): void {
  const arrays = new Map(maps.specs.map((spec) => [spec.name, spec]));
  for (const func of code.funcs) {
    for (const tag of func.declTags) {
      const [, map = '', digits] = TAG.exec(tag) ?? [];
      if (digits === undefined) continue;
      const spec = arrays.get(map);
      const index = Number(digits);
      if (spec === undefined || MAP_TYPE_ROWS[spec.type].holds !== 'prog' || index >= spec.maxEntries) {
        ctx.notes.add('tail-tag', `tag ${tag} of ${func.name} names no entry of a program array, it is ignored`);
      } else spec.values.push({ index, kind: 'func', func: func.id });
    }
  }
}
