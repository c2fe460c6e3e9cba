/** What a program may do with an address that is known while compiling: those of data sections never lose their rights. */
import { NO_ACCESS, READ, READ_WRITE } from '../../memory/shadow.js';
import type { Rights } from '../../memory/shadow.js';
import type { Layout } from '../../machine/layout.js';
import { must } from '../../errors.js';
import type { ObjectSpec } from '../../object/object-spec.js';
import { MAP_FLAGS } from '../../spec/map-types.js';

/** Rights to `bytes` bytes at `at` that hold whatever was run before; 0 where nothing is known. */
export function constantRights(
  { object, layout }: { readonly object: ObjectSpec; readonly layout: Layout },
  at: number,
  bytes: number,
): Rights {
  for (const [map, spec] of object.maps.entries()) {
    if (spec.section === undefined || spec.type !== 'array') continue;
    const { base } = must(layout.maps[map], 'a placed map');
    if (at < base || at + bytes > base + spec.valueBytes) continue;
    return spec.readOnly || (spec.flags & MAP_FLAGS.BPF_F_RDONLY_PROG) !== 0 ? READ : READ_WRITE;
  }
  return NO_ACCESS;
}
