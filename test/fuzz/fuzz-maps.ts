/** The maps that typed programs use, and what is in them before a run. Knows no program. */
import type { MapSpec } from '../../vm/object/object-spec.js';
import { mapSpec } from '../machine/harness.js';
import type { Random } from './random.js';

export const MAPS = [
  mapSpec({ name: 'one', type: 'array', valueBytes: 16, maxEntries: 1 }),
  mapSpec({ name: 'few', type: 'array', valueBytes: 12, maxEntries: 4 }),
  mapSpec({ name: 'flows', type: 'hash', keyBytes: 8, valueBytes: 24, maxEntries: 16 }),
  mapSpec({ name: 'counts', type: 'percpu_array', valueBytes: 16, maxEntries: 2 }),
  mapSpec({ name: 'recent', type: 'lru_hash', valueBytes: 7, maxEntries: 256 }),
  mapSpec({ name: 'routes', type: 'lpm_trie', keyBytes: 8, valueBytes: 8, maxEntries: 16, flags: 1 }),
  mapSpec({ name: 'parts', type: 'percpu_hash', keyBytes: 4, valueBytes: 40, maxEntries: 8 }),
  mapSpec({ name: 'fixed', type: 'array', valueBytes: 32, maxEntries: 1, flags: 0x80 }),
  mapSpec({ name: 'events', type: 'ringbuf', keyBytes: 0, valueBytes: 0, maxEntries: 4096 }),
  mapSpec({ name: 'tails', type: 'prog_array', valueBytes: 4, maxEntries: 4 }),
] as const satisfies readonly MapSpec[];

/** Maps that a program may look up in, by index. */
export const LOOKUP_MAPS: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7];
/** Arrays of one value, which has an address of its own. */
export const DIRECT_MAPS: readonly number[] = [0, 7];
export const READ_ONLY_MAP = 7;
export const RING = 8;
export const TAILS = 9;
/** Where in `TAILS` a program is; its others are empty. */
export const TAIL_INDEX = 1;

export interface Entry {
  readonly map: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

const EDGES = [0, 1, 2, 3, 7, 8, 9, 11, 12, 15, 16, 17, 23, 24, 25, 63, 64, 0x7f, 0x80, 0xff];

/** Bytes that indices and sizes near a bound are made of. */
export function edgyBytes(random: Random, length: number): Uint8Array {
  const bytes = random.percent(20) ? random.bytes(length) : new Uint8Array(length);
  for (let at = 0; at < length; at += 4) {
    if (random.percent(60)) bytes[at] = random.pick(EDGES);
    if (random.percent(10)) bytes.fill(random.pick([0, 0x7f, 0x80, 0xff]), at + 1, at + 4);
  }
  return bytes;
}

function wordKey(value: number, bytes: number): Uint8Array {
  const key = new Uint8Array(bytes);
  new DataView(key.buffer).setUint32(0, value, true);
  return key;
}

/** Every entry of the arrays and some of the others. */
export function anyEntries(random: Random): Entry[] {
  const entries: Entry[] = [];
  for (const map of LOOKUP_MAPS) {
    const { type, keyBytes, valueBytes, maxEntries } = MAPS[map] ?? MAPS[0];
    const isArray = type === 'array' || type === 'percpu_array';
    const count = isArray ? maxEntries : 3;
    for (let at = 0; at < count; at++) {
      // Few distinct keys, so that programs hit them; of the trie all are prefixes of no bits and more.
      const key = wordKey(at, keyBytes);
      entries.push({ map, key, value: edgyBytes(random, valueBytes) });
    }
  }
  return entries;
}

/** A frame: TCP or UDP over IPv4 in form, edgy in its bytes. */
export function anyPacket(random: Random): Uint8Array {
  const packet = edgyBytes(
    random,
    random.weighted([
      [6, 64],
      [2, 34],
      [2, random.between(14, 128)],
    ]),
  );
  packet.set([8, 0], 12);
  if (packet.length > 14) packet[14] = 0x45;
  return packet;
}
