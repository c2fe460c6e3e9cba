/** Sets a 32-bit global variable of an object before it is loaded. */
import { viewOf } from '../../vm/bytes.js';
import type { ObjectSpec } from '../../vm/object/object-spec.js';

export function withVariable(object: ObjectSpec, name: string, value: number): ObjectSpec {
  let found = false;
  const maps = object.maps.map((map) => {
    const variable = map.variables?.find((each) => each.name === name);
    if (variable === undefined || map.contents === undefined) return map;
    found = true;
    const contents = map.contents.slice();
    viewOf(contents).setUint32(variable.off, value, true);
    return { ...map, contents };
  });
  if (!found) throw new Error(`no variable ${name}`);
  return { ...object, maps };
}
