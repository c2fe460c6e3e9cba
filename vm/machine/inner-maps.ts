/**
 * Maps that are made while the machine runs, from the templates of maps of maps. Their descriptors follow those of the
 * object's maps, their contents lie in the layout's heap, and what is known of them is in memory too, so that a checkpoint
 * brings them back. Knows no entries.
 */
import { alignUp } from '../addr.js';
import type { Ptr } from '../addr.js';
import { ConfigError, LoadError, must } from '../errors.js';
import { mapKindOf } from '../maps/kinds.js';
import { misfit } from '../maps/map-of-maps.js';
import type { Memory } from '../memory/memory.js';
import type { MapId, MapSpec, ObjectSpec } from '../object/object-spec.js';
import { descriptorOf } from './layout.js';
import type { Layout } from './layout.js';

/** A map made from a template. */
export interface InnerMap {
  readonly outer: MapId;
  readonly base: Ptr;
  readonly maxEntries: number;
}

/** Words of a descriptor. */
const OUTER = 0;
const BASE = 4;
const ENTRIES = 8;

/** Words at the start of the heap: maps made, bytes of the heap in use. */
const MADE = 0;
const IN_USE = 4;
const HEADER_BYTES = 4096;

export class InnerMaps {
  readonly #object: ObjectSpec;
  readonly #layout: Layout;
  readonly #memory: Memory;

  constructor(object: ObjectSpec, layout: Layout, memory: Memory) {
    this.#object = object;
    this.#layout = layout;
    this.#memory = memory;
  }

  /** How many there are. Their ids follow those of the object's maps. */
  get count(): number {
    return this.#layout.innerMaps === 0 ? 0 : this.#memory.word(this.#layout.heap + MADE);
  }

  at(index: number): InnerMap {
    const memory = this.#memory;
    const descriptor = this.#descriptor(index);
    return {
      outer: memory.word(descriptor + OUTER),
      base: memory.word(descriptor + BASE),
      maxEntries: memory.word(descriptor + ENTRIES),
    };
  }

  specOf(index: number): MapSpec {
    const { outer, maxEntries } = this.at(index);
    const { inner } = must(this.#object.maps[outer], 'a map of maps');
    const template = must(inner, 'a template');
    return { ...template, name: `${template.name}#${String(index)}`, maxEntries, values: [] };
  }

  /**
   * @returns its index
   * @throws ConfigError `config-value` where the map has no template or the template wants another size
   * @throws LoadError `load-map`, `load-memory` where such a map cannot be had or there is no room
   */
  create(outer: MapId, maxEntries?: number): number {
    const memory = this.#memory;
    const { heap, heapBytes, innerMaps, cpus, worldSize } = this.#layout;
    const { name, inner } = must(this.#object.maps[outer], 'a map');
    if (inner === undefined) {
      throw new ConfigError('config-value', `map \`${name}\` holds no maps`, { data: { map: name } });
    }
    const spec = { ...inner, maxEntries: maxEntries ?? inner.maxEntries };
    const wrong = misfit(inner, spec);
    if (wrong !== undefined) {
      throw new ConfigError('config-value', `a map in \`${name}\` cannot be so: ${wrong}`, { data: { map: name } });
    }
    const bytes = mapKindOf(spec.type)?.plan(spec, cpus, worldSize).bytes ?? 0;
    const index = this.count;
    const base = index === 0 ? HEADER_BYTES : memory.word(heap + IN_USE);
    const end = alignUp(base + bytes, 8);
    if (index >= innerMaps || end > heapBytes) {
      throw new LoadError('load-memory', `no room for another map in \`${name}\`: ${String(index)} were made`, {
        data: { map: name, bytes, made: index, heapBytes },
        hint: 'raise --memory, or lower max_entries of the maps inside',
      });
    }
    const descriptor = this.#descriptor(index);
    memory.setWord(descriptor + OUTER, outer);
    memory.setWord(descriptor + BASE, heap + base);
    memory.setWord(descriptor + ENTRIES, spec.maxEntries);
    memory.setWord(heap + IN_USE, end);
    memory.setWord(heap + MADE, index + 1);
    return index;
  }

  #descriptor(index: number): Ptr {
    return descriptorOf(this.#layout, this.#object.maps.length + index);
  }
}
