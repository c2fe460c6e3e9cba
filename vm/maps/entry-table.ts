/**
 * Entries found by key: chained buckets in linear memory, shared by the hash kinds. An instance is a header, bucket heads,
 * then for each entry a chain word and a hash word, then keys and values. Entries are numbered from 1; 0 ends a chain. What
 * was never written stays unbacked. Knows no flags and no errnos.
 */
import { alignUp } from '../addr.js';
import type { Ptr } from '../addr.js';
import { READ } from '../memory/shadow.js';
import type { MapEnv } from './map-kind.js';

export interface EntryTablePlan {
  readonly keyBytes: number;
  readonly capacity: number;
  readonly buckets: number;
  readonly heads: number;
  readonly chains: number;
  readonly hashes: number;
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
  /** An entry that nobody uses, or 0 where all are in use. For kinds that do not keep account themselves. */
  take(): number;
  /** Gives an unlinked entry back to `take`. */
  give(entry: number): void;
  /** Makes an entry findable; its value is the caller's. */
  link(entry: number, key: Ptr, hash: number): void;
  /** Undoes `link`; false where the entry was not findable. */
  unlink(entry: number): boolean;
  keyOf(entry: number): Ptr;
  valueOf(entry: number): Ptr;
  /** First linked entry after `position`, minus 1; -1 where there is none. */
  scan(position: number): number;
}

/** Header words: highest entry ever linked or taken, head of the list of given entries. */
const HEADER_BYTES = 16;
const LIVE = 0x8000_0000;

/** @param valueBytes room for one entry's value or values */
export function planEntries(keyBytes: number, valueBytes: number, capacity: number): EntryTablePlan {
  const buckets = 2 ** Math.ceil(Math.log2(capacity));
  const heads = HEADER_BYTES;
  const chains = heads + 4 * buckets;
  const hashes = chains + 4 * capacity;
  const entries = alignUp(hashes + 4 * capacity, 8);
  const valueOff = alignUp(keyBytes, 8);
  const entryBytes = valueOff + alignUp(valueBytes, 8);
  const bytes = entries + entryBytes * capacity;
  return { keyBytes, capacity, buckets, heads, chains, hashes, entries, entryBytes, valueOff, bytes };
}

/** Murmur3-like mixing, a word at a time; deterministic, since replays must be. */
export function hashBytes(view: DataView, at: Ptr, bytes: number, seed = 0x9747b28c): number {
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
  const { keyBytes, capacity, valueOff, entryBytes } = plan;
  const { view, u8 } = memory;
  const mask = plan.buckets - 1;
  const usedAt = base;
  const givenAt = base + 4;
  const heads = base + plan.heads;
  const chains = base + plan.chains - 4;
  const hashes = base + plan.hashes - 4;
  const entries = base + plan.entries - entryBytes;
  const headAt = (hash: number): Ptr => heads + 4 * (hash & mask);
  const chainAt = (entry: number): Ptr => chains + 4 * entry;
  const hashAt = (entry: number): Ptr => hashes + 4 * entry;
  const keyOf = (entry: number): Ptr => entries + entryBytes * entry;

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
      const given = memory.word(givenAt);
      if (given !== 0 && given <= capacity) {
        memory.setWord(givenAt, memory.word(chainAt(given)));
        return given;
      }
      const entry = memory.word(usedAt) + 1;
      if (entry > capacity) return 0;
      memory.setWord(usedAt, entry);
      return entry;
    },
    give(entry) {
      memory.setWord(chainAt(entry), memory.word(givenAt));
      memory.setWord(givenAt, entry);
    },
    link(entry, key, hash) {
      const at = keyOf(entry);
      u8.copyWithin(at, key, key + keyBytes);
      shadow.mark(at, keyBytes, READ);
      memory.setWord(hashAt(entry), (hash | LIVE) >>> 0);
      memory.setWord(chainAt(entry), memory.word(headAt(hash)));
      memory.setWord(headAt(hash), entry);
      if (entry > memory.word(usedAt)) memory.setWord(usedAt, entry);
    },
    unlink(entry) {
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
    },
    scan(position) {
      const used = Math.min(memory.word(usedAt), capacity);
      for (let each = position; each < used; each++) if (memory.word(hashAt(each + 1)) >= LIVE) return each;
      return -1;
    },
  };
}
