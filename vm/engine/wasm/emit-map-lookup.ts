/** map_lookup_elem on a map that is known while compiling, by the code of its kind. */
import { must } from '../../errors.js';
import { MAX_UNROLLED_KEY_BYTES } from '../../maps/emit-find.js';
import { mapKindOf } from '../../maps/kinds.js';
import type { LookupSite } from '../../maps/map-kind.js';
import { READ } from '../../memory/shadow.js';
import { CodeBuilder } from '../../wasm/code-builder.js';
import { checkRange } from './access.js';
import type { FunctionContext, ModuleContext } from './function-context.js';

/** False, and nothing emitted, where JavaScript must look up. */
export function emitMapLookup(f: FunctionContext): boolean {
  const { code, module } = f;
  const map = f.knownAs(1, 'map');
  if (map === undefined || module.checks.stackInit) return false;
  const spec = must(module.object.maps[map], 'a map');
  const lookup = mapKindOf(spec.type)?.emitLookup;
  if (lookup === undefined || spec.keyBytes > MAX_UNROLLED_KEY_BYTES) return false;
  if (module.checks.memory) checkRange(f, 2, spec.keyBytes, READ);
  else f.markPlace();
  f.getWord(2).localSet(f.word);
  if (lookup.inline) lookup.emit(siteOf(module, map, code, f.word, [f.callee, f.next]));
  else code.localGet(f.word).call(lookupFunction(module, map));
  f.setWord(0);
  return true;
}

function siteOf(
  { object, layout, checks }: ModuleContext,
  map: number,
  code: CodeBuilder,
  key: number,
  scratch: LookupSite['scratch'],
): LookupSite {
  return {
    code,
    spec: must(object.maps[map], 'a map'),
    base: must(layout.maps[map], 'a placed map').base,
    cpus: layout.cpus,
    shadowDelta: checks.memory ? layout.shadowDelta : 0,
    key,
    scratch,
  };
}

/** Index of the function that looks up in the map: address of a key to address of a value. */
function lookupFunction(module: ModuleContext, map: number): number {
  const known = module.lookups.get(map);
  if (known !== undefined) return known;
  const { builder, object } = module;
  const func = builder.addFunction(builder.type(['i32'], ['i32']));
  module.lookups.set(map, func);
  const code = new CodeBuilder(1);
  const scratch = [code.local('i32'), code.local('i32')] as const;
  const kind = must(mapKindOf(must(object.maps[map], 'a map').type), 'a kind');
  must(kind.emitLookup, 'a lookup').emit(siteOf(module, map, code, 0, scratch));
  builder.setBody(func, code);
  return func;
}
