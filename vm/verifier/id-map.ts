/** Pairs of ids, old and new, that must stay pairs for two states to be alike. */

export class IdMap {
  readonly #old: number[] = [];
  readonly #new: number[] = [];
  #count = 0;
  #temporary = 0;

  reset(lastId: number): void {
    this.#count = 0;
    this.#temporary = lastId;
  }

  /** 0 pairs with 0 only. */
  match(oldId: number, newId: number): boolean {
    if (oldId === 0 || newId === 0) return oldId === newId;
    const count = this.#count;
    for (let i = 0; i < count; i++) {
      if (this.#old[i] === oldId) return this.#new[i] === newId;
      if (this.#new[i] === newId) return false;
    }
    this.#old[count] = oldId;
    this.#new[count] = newId;
    this.#count++;
    return true;
  }

  /** A number without an id is tied to nothing, and so pairs with any id that is new. */
  matchScalars(oldId: number, newId: number): boolean {
    return this.match(oldId === 0 ? ++this.#temporary : oldId, newId === 0 ? ++this.#temporary : newId);
  }
}

export function newIdMap(lastId: number): IdMap {
  const map = new IdMap();
  map.reset(lastId);
  return map;
}
