/** First contents of maps of maps and of programs: `.values` initialisers, which are relocations in `.maps`. */
import { viewOf } from '../bytes.js';
import type { ElfRelocation } from '../elf/elf.js';
import type { MapValueRef } from '../object/object-spec.js';
import type { ValuesPlace } from './btf-maps.js';
import type { Code } from './functions.js';
import { lastAtMost } from './last-at-most.js';
import type { LoadContext } from './load-context.js';
import { relocationError, symbolText } from './load-context.js';
import type { ObjectMaps } from './object-maps.js';

const POINTER_BYTES = 8;

/** Fills in `values`. Throws `LoadError` 'load-relocation'. */
export function addMapValues(ctx: LoadContext, maps: ObjectMaps, code: Code, places: readonly ValuesPlace[]): void {
  const sections = new Set(places.map((place) => place.section));
  for (const section of sections) {
    const here = places.filter((place) => place.section === section).sort((a, b) => a.startOff - b.startOff);
    const view = viewOf(ctx.elf.contents(section));
    for (const relocation of ctx.elf.relocations(section.index)) {
      const place = here[lastAtMost(here, relocation.off, (each) => each.startOff)];
      const index = place === undefined ? -1 : (relocation.off - place.startOff) / POINTER_BYTES;
      if (place === undefined || relocation.off + POINTER_BYTES > place.endOff || !Number.isInteger(index)) {
        throw relocationError(
          section,
          relocation,
          `${symbolText(ctx, relocation.symbol)} does not initialise an entry of a map`,
        );
      }
      const addend = view.getUint32(relocation.off, true);
      const value = valueOf(maps, code, relocation, index, addend);
      if (value === undefined) {
        throw relocationError(
          section,
          relocation,
          `${symbolText(ctx, relocation.symbol)} is neither a map nor a function`,
        );
      }
      maps.specs[place.map]?.values.push(value);
    }
  }
}

function valueOf(
  maps: ObjectMaps,
  code: Code,
  relocation: ElfRelocation,
  index: number,
  addend: number,
): MapValueRef | undefined {
  const { symbol } = relocation;
  const off = symbol.value + addend;
  const map = maps.at(symbol.section, off);
  if (map !== undefined) return { index, kind: 'map', map };
  const func = code.startingAt(symbol.section, off);
  return func === undefined ? undefined : { index, kind: 'func', func: func.id };
}
