/**
 * Values that hang on something of the world (a socket, a cgroup): one an owner, there or not. Values lie one behind the other,
 * each with a word in front that says whether it is there. Knows no owner but by number.
 */
import { alignUp } from '../addr.js';
import type { Ptr } from '../addr.js';
import { NO_ACCESS, READ_WRITE } from '../memory/shadow.js';
import type { MapSpec } from '../object/object-spec.js';
import type { MapEnv } from './map-kind.js';
import { specialValues } from './special-values.js';

const PRESENT_BYTES = 8;

export interface OwnerStorage {
  /** Address of the owner's value, or 0. */
  find(owner: number): Ptr;
  /** Makes one, with a copy of what is at `from`, or zeros where that is 0. */
  make(owner: number, from: Ptr): Ptr;
  /** False where there was none. */
  drop(owner: number): boolean;
  /** First owner from `from` on that has a value, or -1. */
  scan(from: number): number;
}

export function ownerStorageBytes(spec: MapSpec, owners: number): number {
  return (PRESENT_BYTES + alignUp(spec.valueBytes, 8)) * owners;
}

export function bindOwnerStorage(env: MapEnv, spec: MapSpec, base: Ptr, owners: number): OwnerStorage {
  const { memory, shadow } = env;
  const special = specialValues(env, spec);
  const { valueBytes } = spec;
  const stride = PRESENT_BYTES + alignUp(valueBytes, 8);
  const at = (owner: number): Ptr => base + stride * owner;
  const find = (owner: number): Ptr =>
    owner >= 0 && owner < owners && memory.word(at(owner)) !== 0 ? at(owner) + PRESENT_BYTES : 0;
  return {
    find,
    make(owner, from) {
      const value = at(owner) + PRESENT_BYTES;
      memory.setWord(at(owner), 1);
      if (from === 0) memory.u8.fill(0, value, value + valueBytes);
      else special.copy(value, from);
      shadow.mark(value, valueBytes, READ_WRITE);
      return value;
    },
    drop(owner) {
      const value = find(owner);
      if (value === 0) return false;
      memory.setWord(at(owner), 0);
      shadow.mark(value, valueBytes, NO_ACCESS);
      return true;
    },
    scan(from) {
      for (let owner = from; owner < owners; owner++) if (find(owner) !== 0) return owner;
      return -1;
    },
  };
}
