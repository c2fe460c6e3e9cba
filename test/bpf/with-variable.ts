/** Sets a 32-bit global variable of an object before it is loaded. */
import { viewOf } from '../../vm/bytes.js';
import type { ObjectSpec } from '../../vm/object/object-spec.js';

export function withVariable(object: ObjectSpec, name: string, value: number): ObjectSpec {
  if (!object.maps.some((map) => map.variables?.some((each) => each.name === name))) throw new Error(`no ${name}`);
  const maps = object.maps.map((map) => {
    const variable = map.variables?.find((each) => each.name === name);
    if (variable === undefined || map.contents === undefined) return map;
    const contents = Uint8Array.from(map.contents);
    viewOf(contents).setUint32(variable.off, value, true);
    return { ...map, contents };
  });
  return { ...object, maps };
}
