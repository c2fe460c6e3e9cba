/** The maps of an object while it is being loaded: by id, by name and by where their definitions lie. */
import { LoadError } from '../errors.js';
import type { MapId, MapSpec, MapValueRef } from '../object/object-spec.js';

/** A map spec whose initial values arrive later, once functions have ids. */
export type PendingMap = Omit<MapSpec, 'values'> & { values: MapValueRef[] };

export class ObjectMaps {
  readonly specs: PendingMap[] = [];
  readonly #places = new Map<string, MapId>();

  /** Adds a map whose definition starts at `off` of a section. Throws `LoadError` 'load-map' if the place is taken. */
  add(sectionIndex: number, off: number, spec: PendingMap): MapId {
    const key = placeKey(sectionIndex, off);
    if (this.#places.has(key)) {
      throw new LoadError('load-map', `map ${spec.name} is defined where another map lies`, {
        data: { map: spec.name },
      });
    }
    const id = this.specs.length;
    this.specs.push(spec);
    this.#places.set(key, id);
    return id;
  }

  /** The map whose definition starts there. */
  at(sectionIndex: number, off: number): MapId | undefined {
    return this.#places.get(placeKey(sectionIndex, off));
  }
}

function placeKey(sectionIndex: number, off: number): string {
  return `${String(sectionIndex)}:${String(off)}`;
}
