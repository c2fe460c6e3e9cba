/** The flags of map_update_elem, in the two questions that every kind asks. Knows no map. */
import { UPDATE_FLAGS } from '../spec/map-types.js';

/** ANY, NOEXIST or EXIST, with or without LOCK; NOEXIST and EXIST exclude each other. `flags` is a u32. */
export function knowsUpdateFlags(flags: number): boolean {
  return (flags & ~UPDATE_FLAGS.BPF_F_LOCK) >>> 0 <= UPDATE_FLAGS.BPF_EXIST;
}

/** Whether the update shall hold the value's spin lock; -EINVAL where it has none. */
export function wantsLock(flags: number): boolean {
  return (flags & UPDATE_FLAGS.BPF_F_LOCK) !== 0;
}

export function withoutLock(flags: number): number {
  return flags & ~UPDATE_FLAGS.BPF_F_LOCK;
}
