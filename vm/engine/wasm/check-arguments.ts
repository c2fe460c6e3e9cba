/** The memory arguments of a helper, checked by compiled code where their sizes are known while compiling. */
import { must } from '../../errors.js';
import { READ, READ_WRITE, WRITE } from '../../memory/shadow.js';
import { callRowOf } from '../callee.js';
import type { CalleeName } from '../callee.js';
import { memoryArgs } from '../call-helper.js';
import type { MemoryArg } from '../call-helper.js';
import { checkRange, MAX_CHECKED_BYTES } from './access.js';
import type { FunctionContext } from './function-context.js';

/** Bytes of the argument, if they are known. */
function bytesOf(f: FunctionContext, { size }: MemoryArg): number | undefined {
  if (typeof size === 'number') return size;
  if ('map' in size) {
    const map = f.knownAs(size.register >> 1, 'map');
    if (map === undefined) return undefined;
    const spec = must(f.module.object.maps[map], 'a map');
    return size.map === 'key' ? spec.keyBytes : spec.valueBytes;
  }
  const bytes = f.knownAs(size.register >> 1, 'number');
  return bytes !== undefined && bytes >= 0 ? bytes : undefined;
}

/** Emits the checks of a helper's arguments in their order; false, and nothing emitted, where not all can be. */
export function checkArguments(f: FunctionContext, name: CalleeName): boolean {
  // What a helper fills in would have to count as written.
  if (f.module.checks.stackInit) return false;
  const ranges: (() => void)[] = [];
  for (const arg of memoryArgs(callRowOf(name))) {
    const register = arg.register >> 1;
    const bytes = bytesOf(f, arg);
    if (bytes === undefined || bytes > MAX_CHECKED_BYTES || bytes === 0) {
      // Nothing to read, and NULL where a program that means nothing passes it.
      if (bytes === 0 && f.knownAs(register, 'number') === 0) continue;
      return false;
    }
    if (arg.nullable && (typeof arg.size === 'number' || 'map' in arg.size || 'mayLack' in arg.size)) {
      if (f.knownAs(register, 'number') === 0) continue;
      if (f.knownAs(register, 'frame') === undefined) return false;
    }
    const rights = arg.rights === WRITE ? WRITE : arg.rights === READ ? READ : READ_WRITE;
    ranges.push(() => {
      checkRange(f, register, bytes, rights);
    });
  }
  for (const check of ranges) check();
  return true;
}
