/** `find` of an entry table as compiled code, for keys of one size: the same hash, the same walk, the same bounds. */
import type { EntryTablePlan } from './entry-table.js';
import { HASH_SEED, LIVE } from './entry-table.js';
import type { LookupSite } from './map-kind.js';

/** Longest key that is compared and hashed word by word without a loop. */
export const MAX_UNROLLED_KEY_BYTES = 128;

/**
 * Pushes the address of the entry's value, or 0.
 * @param onFound emits what is done with an entry that was found: its number is in the local
 */
export function emitFind(site: LookupSite, plan: EntryTablePlan, onFound: (entry: number) => void): void {
  const { code, base, key, scratch } = site;
  const [entry, hash] = scratch;
  const steps = code.local('i32');
  const at = code.local('i32');
  const value = code.local('i32');
  emitHash(site, plan.keyBytes, hash);
  // Chains hold marks: hashes with the top bit set.
  code
    .localGet(hash)
    .i32(plan.buckets - 1)
    .op('i32.and')
    .i32(2)
    .op('i32.shl');
  code.memory('i32.load', base + plan.heads, 2).localSet(entry);
  code.localGet(hash).i32(LIVE).op('i32.or').localSet(hash);
  code.i32(plan.capacity).localSet(steps);
  const done = code.block();
  const again = code.loop();
  // Less 1, the 0 that ends a chain is larger than any entry.
  code.localGet(entry).i32(1).op('i32.sub').i32(plan.capacity).op('i32.ge_u').brIf(done);
  code.localGet(steps).op('i32.eqz').brIf(done);
  code.localGet(steps).i32(1).op('i32.sub').localSet(steps);
  const next = code.block();
  code
    .localGet(entry)
    .i32(2)
    .op('i32.shl')
    .memory('i32.load', base + plan.hashes - 4, 2);
  code.localGet(hash).op('i32.ne').brIf(next);
  code
    .localGet(entry)
    .i32(plan.entryBytes)
    .op('i32.mul')
    .i32(base + plan.entries - plan.entryBytes);
  code.op('i32.add').localSet(at);
  forEachPart(plan.keyBytes, (off, bytes) => {
    const [load, differ] = PARTS[bytes];
    code.localGet(at).memory(load, off).localGet(key).memory(load, off).op(differ).brIf(next);
  });
  onFound(entry);
  code.localGet(at).i32(plan.valueOff).op('i32.add').localSet(value).br(done);
  code.end();
  code
    .localGet(entry)
    .i32(2)
    .op('i32.shl')
    .memory('i32.load', base + plan.chains - 4, 2)
    .localSet(entry)
    .br(again);
  code.end().end().localGet(value);
}

const PARTS = {
  8: ['i64.load', 'i64.ne'],
  4: ['i32.load', 'i32.ne'],
  2: ['i32.load16_u', 'i32.ne'],
  1: ['i32.load8_u', 'i32.ne'],
} as const;

function forEachPart(keyBytes: number, emit: (off: number, bytes: 8 | 4 | 2 | 1) => void): void {
  let off = 0;
  for (const bytes of [8, 4, 2, 1] as const) {
    for (; off + bytes <= keyBytes; off += bytes) emit(off, bytes);
  }
}

/** Leaves `hashBytes` of the key in a local. */
function emitHash({ code, key }: LookupSite, keyBytes: number, hash: number): void {
  const word = code.local('i32');
  code.i32(HASH_SEED ^ keyBytes).localSet(hash);
  const mix = (): void => {
    code.i32(0xcc9e2d51).op('i32.mul').i32(15).op('i32.rotl').i32(0x1b873593).op('i32.mul');
    code.localGet(hash).op('i32.xor').i32(13).op('i32.rotl').i32(5).op('i32.mul').i32(0xe6546b64).op('i32.add');
    code.localSet(hash);
  };
  let off = 0;
  for (; off + 4 <= keyBytes; off += 4) {
    code.localGet(key).memory('i32.load', off);
    mix();
  }
  if (off < keyBytes) {
    code.i32(0);
    for (let shift = 0; off < keyBytes; off++, shift += 8) {
      code.localGet(key).memory('i32.load8_u', off).i32(shift).op('i32.shl').op('i32.or');
    }
    mix();
  }
  for (const [shift, factor] of [
    [16, 0x85ebca6b],
    [13, 0xc2b2ae35],
    [16, 0],
  ] as const) {
    code.localGet(hash).localTee(word).localGet(word).i32(shift).op('i32.shr_u').op('i32.xor');
    if (factor !== 0) code.i32(factor).op('i32.mul');
    code.localSet(hash);
  }
}
