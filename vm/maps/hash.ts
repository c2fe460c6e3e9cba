/**
 * `hash`: chained buckets in linear memory. An instance is a header, bucket heads, then for each entry a chain word, a
 * hash word and the key and value. Entries are numbered from 1; 0 ends a chain. What was never written stays unbacked.
 */
import { alignUp } from '../addr.js';
import type { Ptr } from '../addr.js';
import { READ, READ_WRITE } from '../memory/shadow.js';
import type { MapSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { MAP_FLAGS, UPDATE_FLAGS } from '../spec/map-types.js';
import { checkMapSpec, checkSize } from './check-spec.js';
import type { MapEnv, MapKind, MapOps } from './map-kind.js';
import { knowsUpdateFlags, wantsLock } from './update-flags.js';

const FLAGS =
  MAP_FLAGS.BPF_F_NO_PREALLOC |
  MAP_FLAGS.BPF_F_NUMA_NODE |
  MAP_FLAGS.BPF_F_RDONLY |
  MAP_FLAGS.BPF_F_WRONLY |
  MAP_FLAGS.BPF_F_RDONLY_PROG |
  MAP_FLAGS.BPF_F_WRONLY_PROG |
  MAP_FLAGS.BPF_F_ZERO_SEED;

/** One allocation (KMALLOC_MAX_SIZE) less the kernel's own part of an element; less one, since equal is too much. */
const MAX_ENTRY_BYTES = 4_194_304 - 48 - 1;

/** Header words: live entries, entries ever used, head of the free list. */
const HEADER_BYTES = 16;
const LIVE = 0x8000_0000;

interface Plan {
  readonly buckets: number;
  readonly heads: number;
  readonly chains: number;
  readonly hashes: number;
  readonly entries: number;
  readonly entryBytes: number;
  readonly valueOff: number;
  readonly bytes: number;
}

function planOf(spec: MapSpec): Plan {
  const buckets = 2 ** Math.ceil(Math.log2(spec.maxEntries));
  const heads = HEADER_BYTES;
  const chains = heads + 4 * buckets;
  const hashes = chains + 4 * spec.maxEntries;
  const entries = alignUp(hashes + 4 * spec.maxEntries, 8);
  const valueOff = alignUp(spec.keyBytes, 8);
  const entryBytes = valueOff + alignUp(spec.valueBytes, 8);
  return {
    buckets,
    heads,
    chains,
    hashes,
    entries,
    entryBytes,
    valueOff,
    bytes: entries + entryBytes * spec.maxEntries,
  };
}

/** Murmur3-like mixing, a word at a time; deterministic, since replays must be. */
function hashKey(view: DataView, key: Ptr, bytes: number): number {
  let h = 0x9747b28c ^ bytes;
  let at = key;
  for (const end = key + (bytes & ~3); at < end; at += 4) h = mix(h, view.getInt32(at, true));
  let tail = 0;
  for (let shift = 0; at < key + bytes; at++, shift += 8) tail |= view.getUint8(at) << shift;
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

function bind({ memory, shadow }: MapEnv, spec: MapSpec, base: Ptr): MapOps {
  const { buckets, heads, chains, hashes, entries, entryBytes, valueOff } = planOf(spec);
  const { view, u8 } = memory;
  const { keyBytes, valueBytes, maxEntries } = spec;
  const rights = (spec.flags & MAP_FLAGS.BPF_F_RDONLY_PROG) !== 0 ? READ : READ_WRITE;
  const countAt = base;
  const usedAt = base + 4;
  const freeAt = base + 8;
  const headAt = (hash: number): Ptr => base + heads + 4 * (hash & (buckets - 1));
  const chainAt = (entry: number): Ptr => base + chains + 4 * (entry - 1);
  const hashAt = (entry: number): Ptr => base + hashes + 4 * (entry - 1);
  const entryAt = (entry: number): Ptr => base + entries + entryBytes * (entry - 1);

  const sameKey = (a: Ptr, b: Ptr): boolean => {
    let i = 0;
    for (; i + 4 <= keyBytes; i += 4) if (view.getInt32(a + i, true) !== view.getInt32(b + i, true)) return false;
    for (; i < keyBytes; i++) if (view.getUint8(a + i) !== view.getUint8(b + i)) return false;
    return true;
  };
  /** The entry with this key, or 0. Bounded by the capacity, whatever a wild program has done to the chains. */
  const find = (key: Ptr, hash: number): number => {
    const mark = (hash | LIVE) >>> 0;
    let entry = memory.word(headAt(hash));
    for (let steps = 0; entry !== 0 && entry <= maxEntries && steps < maxEntries; steps++) {
      if (memory.word(hashAt(entry)) === mark && sameKey(entryAt(entry), key)) return entry;
      entry = memory.word(chainAt(entry));
    }
    return 0;
  };
  const take = (): number => {
    const free = memory.word(freeAt);
    if (free !== 0 && free <= maxEntries) {
      memory.setWord(freeAt, memory.word(chainAt(free)));
      return free;
    }
    const used = memory.word(usedAt);
    if (used >= maxEntries) return 0;
    memory.setWord(usedAt, used + 1);
    return used + 1;
  };
  const lookup = (key: Ptr): Ptr => {
    const entry = find(key, hashKey(view, key, keyBytes));
    return entry === 0 ? 0 : entryAt(entry) + valueOff;
  };
  return {
    lookup,
    lookupOn: lookup,
    update(key, value, flags) {
      if (!knowsUpdateFlags(flags) || wantsLock(flags)) return -errno.EINVAL;
      const hash = hashKey(view, key, keyBytes);
      const present = find(key, hash);
      if (present !== 0) {
        if (flags === UPDATE_FLAGS.BPF_NOEXIST) return -errno.EEXIST;
        const target = entryAt(present) + valueOff;
        u8.copyWithin(target, value, value + valueBytes);
        return 0;
      }
      if (flags === UPDATE_FLAGS.BPF_EXIST) return -errno.ENOENT;
      const entry = take();
      if (entry === 0) return -errno.E2BIG;
      const at = entryAt(entry);
      u8.copyWithin(at, key, key + keyBytes);
      u8.copyWithin(at + valueOff, value, value + valueBytes);
      shadow.mark(at, keyBytes, READ);
      shadow.mark(at + valueOff, valueBytes, rights);
      memory.setWord(hashAt(entry), (hash | LIVE) >>> 0);
      memory.setWord(chainAt(entry), memory.word(headAt(hash)));
      memory.setWord(headAt(hash), entry);
      memory.setWord(countAt, memory.word(countAt) + 1);
      return 0;
    },
    remove(key) {
      const hash = hashKey(view, key, keyBytes);
      const entry = find(key, hash);
      if (entry === 0) return -errno.ENOENT;
      let link = headAt(hash);
      for (let steps = 0; memory.word(link) !== entry && steps < maxEntries; steps++) link = chainAt(memory.word(link));
      memory.setWord(link, memory.word(chainAt(entry)));
      memory.setWord(hashAt(entry), 0);
      memory.setWord(chainAt(entry), memory.word(freeAt));
      memory.setWord(freeAt, entry);
      memory.setWord(countAt, memory.word(countAt) - 1);
      return 0;
    },
    scan(from) {
      const used = Math.min(memory.word(usedAt), maxEntries);
      for (let position = from; position < used; position++) {
        if (memory.word(hashAt(position + 1)) >= LIVE) return position;
      }
      return -1;
    },
    keyAt: (position) => entryAt(position + 1),
    valueAt: (position) => entryAt(position + 1) + valueOff,
  };
}

export const hashKind: MapKind = {
  type: 'hash',
  perCpu: false,
  plan(spec) {
    checkMapSpec(spec, FLAGS);
    checkSize(spec, 'key and value', spec.keyBytes + spec.valueBytes, MAX_ENTRY_BYTES);
    return { bytes: planOf(spec).bytes };
  },
  bind,
};
