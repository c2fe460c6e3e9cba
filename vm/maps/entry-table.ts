/**
 * Entries found by key: chained buckets in linear memory, shared by the hash kinds. An instance is a header, bucket heads,
 * then for each entry a chain word, a hash word and its place in the walk, then keys and values. Entries are numbered from
 * 1; 0 ends a chain. What was never written stays unbacked. Knows no flags and no errnos.
 */
import { alignUp } from '../addr.js';
import type { Ptr } from '../addr.js';
import { cells } from '../memory/cells.js';
import { READ } from '../memory/shadow.js';
import type { MapEnv } from './map-kind.js';

export interface EntryTablePlan {
  readonly keyBytes: number;
  /** Most keys at a time. */
  readonly most: number;
  /** Entries there is memory for: more than `most` where an update replaces the entry. */
  readonly capacity: number;
  readonly buckets: number;
  readonly heads: number;
  readonly chains: number;
  readonly hashes: number;
  /** For each entry: its position in the walk, and the entry at the position of its number; 0 where they are the same. */
  readonly places: number;
  /** The spare entry of each CPU, where each has one. */
  readonly cpuSpares: number | undefined;
  readonly entries: number;
  readonly entryBytes: number;
  readonly valueOff: number;
  /** Multiple of 8. */
  readonly bytes: number;
}

export interface EntryTable {
  hashOf(key: Ptr): number;
  /** The entry with this key, or 0. Bounded by the capacity, whatever a wild program has done to the chains. */
  find(key: Ptr, hash: number): number;
  /** An entry for a new key, or 0 where there are as many as may be. For kinds that do not keep account themselves. */
  take(): number;
  /** Gives an unlinked entry back to `take`. */
  give(entry: number): void;
  /** Makes an entry findable; its value is the caller's. */
  link(entry: number, key: Ptr, hash: number): void;
  /** Undoes `link`; false where the entry was not findable. */
  unlink(entry: number): boolean;
  /**
   * Links another entry for the key of a present one, whose value stays as it is for pointers into it. As in Linux it is
   * the next to be used: with `byCpu` by the next replacement on this CPU, without by whatever needs an entry.
   * @returns the new entry, or 0 after a wild program has been at work
   */
  replace(present: number, key: Ptr, hash: number): number;
  /** Lets a linked entry be walked where an unlinked one was. */
  succeed(entry: number, former: number): void;
  keyOf(entry: number): Ptr;
  valueOf(entry: number): Ptr;
  /** First position at or after this one that has a linked entry; -1 where there is none. */
  scan(position: number): number;
  /** The entry at a position. */
  at(position: number): number;
}

/** Spare entries of a table whose updates replace: one for each CPU, or one that goes round. */
export interface Spares {
  readonly byCpu: boolean;
  readonly count: number;
}

/** Header words: highest entry ever linked or taken, head of the list of given entries, entries taken. */
const HEADER_BYTES = 16;
export const LIVE = 0x8000_0000;
export const HASH_SEED = 0x9747b28c;
const NO_SPARES: Spares = { byCpu: false, count: 0 };

/** @param valueBytes room for one entry's value or values */
export function planEntries(
  keyBytes: number,
  valueBytes: number,
  most: number,
  { byCpu, count }: Spares = NO_SPARES,
): EntryTablePlan {
  const capacity = most + count;
  const buckets = 2 ** Math.ceil(Math.log2(most));
  const heads = HEADER_BYTES;
  const chains = heads + 4 * buckets;
  const hashes = chains + 4 * capacity;
  const places = hashes + 4 * capacity;
  const cpuSpares = places + 8 * capacity;
  const entries = alignUp(cpuSpares + (byCpu ? 4 * count : 0), 8);
  const valueOff = alignUp(keyBytes, 8);
  const entryBytes = valueOff + alignUp(valueBytes, 8);
  const bytes = entries + entryBytes * capacity;
  return {
    keyBytes,
    most,
    capacity,
    buckets,
    heads,
    chains,
    hashes,
    places,
    cpuSpares: byCpu ? cpuSpares : undefined,
    entries,
    entryBytes,
    valueOff,
    bytes,
  };
}

/** Murmur3-like mixing, a word at a time; deterministic, since replays must be. */
export function hashBytes(view: DataView, at: Ptr, bytes: number, seed = HASH_SEED): number {
  let h = seed ^ bytes;
  let next = at;
  for (const end = at + (bytes & ~3); next < end; next += 4) h = mix(h, view.getInt32(next, true));
  let tail = 0;
  for (let shift = 0; next < at + bytes; next++, shift += 8) tail |= view.getUint8(next) << shift;
  if ((bytes & 3) !== 0) h = mix(h, tail);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function mix(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const rotated = h ^ k;
  return (Math.imul((rotated << 13) | (rotated >>> 19), 5) + 0xe6546b64) | 0;
}

function sameBytes(view: DataView, a: Ptr, b: Ptr, bytes: number): boolean {
  let i = 0;
  for (; i + 4 <= bytes; i += 4) if (view.getInt32(a + i, true) !== view.getInt32(b + i, true)) return false;
  for (; i < bytes; i++) if (view.getUint8(a + i) !== view.getUint8(b + i)) return false;
  return true;
}

/** Binds a table at `base`: memory there is zero or holds an earlier state of the same table. */
export function bindEntries({ memory, shadow }: MapEnv, plan: EntryTablePlan, base: Ptr): EntryTable {
  const { keyBytes, most, capacity, cpuSpares, valueOff, entryBytes } = plan;
  const { view, u8 } = memory;
  const mask = plan.buckets - 1;
  const usedAt = base;
  const givenAt = base + 4;
  const takenAt = base + 8;
  const heads = base + plan.heads;
  const chains = base + plan.chains - 4;
  const hashes = base + plan.hashes - 4;
  const positions = base + plan.places - 4;
  const occupants = positions + 4 * capacity;
  const entries = base + plan.entries - entryBytes;
  const headAt = (hash: number): Ptr => heads + 4 * (hash & mask);
  const chainAt = (entry: number): Ptr => chains + 4 * entry;
  const hashAt = (entry: number): Ptr => hashes + 4 * entry;
  const keyOf = (entry: number): Ptr => entries + entryBytes * entry;

  /** What an entry's word in `positions` or `occupants` says: 0 stands for the entry's own number. */
  const placed = (words: Ptr, entry: number): number => {
    const other = memory.word(words + 4 * entry);
    return other === 0 || other > capacity ? entry : other;
  };
  const putAt = (position: number, entry: number): void => {
    memory.setWord(occupants + 4 * position, entry);
    memory.setWord(positions + 4 * entry, position);
  };
  const unused = (): number => {
    const entry = memory.word(usedAt) + 1;
    if (entry > capacity) return 0;
    memory.setWord(usedAt, entry);
    return entry;
  };
  const pop = (): number => {
    const given = memory.word(givenAt);
    if (given === 0 || given > capacity) return unused();
    memory.setWord(givenAt, memory.word(chainAt(given)));
    return given;
  };
  const push = (entry: number): void => {
    memory.setWord(chainAt(entry), memory.word(givenAt));
    memory.setWord(givenAt, entry);
  };

  const link = (entry: number, key: Ptr, hash: number): void => {
    const at = keyOf(entry);
    u8.copyWithin(at, key, key + keyBytes);
    shadow.mark(at, keyBytes, READ);
    memory.setWord(hashAt(entry), (hash | LIVE) >>> 0);
    memory.setWord(chainAt(entry), memory.word(headAt(hash)));
    memory.setWord(headAt(hash), entry);
    if (entry > memory.word(usedAt)) memory.setWord(usedAt, entry);
  };
  const unlink = (entry: number): boolean => {
    if (memory.word(hashAt(entry)) < LIVE) return false;
    let at = headAt(memory.word(hashAt(entry)));
    for (let steps = 0; memory.word(at) !== entry; steps++) {
      const next = memory.word(at);
      if (next === 0 || next > capacity || steps >= capacity) return false;
      at = chainAt(next);
    }
    memory.setWord(at, memory.word(chainAt(entry)));
    memory.setWord(hashAt(entry), 0);
    return true;
  };
  const succeed = (entry: number, former: number): void => {
    const place = placed(positions, entry);
    putAt(placed(positions, former), entry);
    putAt(place, former);
  };

  return {
    keyOf,
    valueOf: (entry) => keyOf(entry) + valueOff,
    hashOf: (key) => hashBytes(view, key, keyBytes),
    find(key, hash) {
      const mark = (hash | LIVE) >>> 0;
      let entry = memory.word(headAt(hash));
      for (let steps = 0; entry !== 0 && entry <= capacity && steps < capacity; steps++) {
        if (memory.word(hashAt(entry)) === mark && sameBytes(view, keyOf(entry), key, keyBytes)) return entry;
        entry = memory.word(chainAt(entry));
      }
      return 0;
    },
    take() {
      const taken = memory.word(takenAt);
      const entry = taken < most ? pop() : 0;
      if (entry !== 0) memory.setWord(takenAt, taken + 1);
      return entry;
    },
    give(entry) {
      memory.setWord(takenAt, memory.word(takenAt) - 1);
      push(entry);
    },
    link,
    unlink,
    replace(present, key, hash) {
      const spareAt = cpuSpares === undefined ? 0 : base + cpuSpares + 4 * memory.word(cells.cpu);
      const spare = spareAt === 0 ? 0 : memory.word(spareAt);
      const entry = spareAt === 0 ? pop() : spare === 0 || spare > capacity ? unused() : spare;
      if (entry === 0) return 0;
      unlink(present);
      link(entry, key, hash);
      succeed(entry, present);
      if (spareAt === 0) push(present);
      else memory.setWord(spareAt, present);
      return entry;
    },
    succeed,
    scan(position) {
      const used = Math.min(memory.word(usedAt), capacity);
      for (let each = position; each < used; each++) {
        if (memory.word(hashAt(placed(occupants, each + 1))) >= LIVE) return each;
      }
      return -1;
    },
    at: (position) => placed(occupants, position + 1),
  };
}
