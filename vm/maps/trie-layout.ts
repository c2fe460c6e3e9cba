/** Where an `lpm_trie` keeps what: shared by its operations and by compiled lookups. */

/** Header words: entries, nodes ever used, root; free nodes: the one that rests longest, the one freed last, how many. */
export const HEADER_BYTES = 24;

/** A node: two children, parent, what it is; then key (prefix length, address) and value. */
export const LEFT = 0;
export const PARENT = 8;
export const ROLE = 12;
export const KEY = 16;
/** Roles. */
export const FREE = 0;
export const ENTRY = 1;
export const FORK = 2;

export const LENGTH_BYTES = 4;

export interface TriePlan {
  readonly addressBytes: number;
  readonly valueOff: number;
  readonly nodeBytes: number;
  readonly resting: number;
  readonly nodes: number;
  readonly bytes: number;
}
