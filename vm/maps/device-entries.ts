/**
 * Values of devmap, devmap_hash and cpumap: a u32 (an ifindex, a queue size), and perhaps a program's descriptor behind it.
 * 0 in the first word means that there is nothing. Programs may read what is there, never write it.
 */
import { alignUp } from '../addr.js';
import type { Ptr } from '../addr.js';
import { READ } from '../memory/shadow.js';
import type { MapSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { MAP_FLAGS, UPDATE_FLAGS } from '../spec/map-types.js';
import { checkMapSpec } from './check-spec.js';
import type { MapEnv, MapKind, MapOps } from './map-kind.js';

/** For redirection, which asks by number. */
export interface TargetMapOps extends MapOps {
  /** Address of the value at this key (ifindex or queue size, then the program), or 0. */
  targetOf(key: number): Ptr;
}

/** Flags of devmap and devmap_hash. */
export const DEVMAP_FLAGS = MAP_FLAGS.BPF_F_NUMA_NODE | MAP_FLAGS.BPF_F_RDONLY | MAP_FLAGS.BPF_F_WRONLY;

export function stride(spec: MapSpec): number {
  return alignUp(spec.valueBytes, 8);
}

/** A program's descriptor above 0 asks for a program to run there: that is what a value of 8 bytes may say. */
export function asksForProgram({ memory }: MapEnv, spec: MapSpec, value: Ptr): boolean {
  return spec.valueBytes === 8 && (memory.word(value + 4) | 0) > 0;
}

/** Puts a value where programs will look. The program's descriptor is not kept: what is read there is a program's id. */
export function putTarget(env: MapEnv, spec: MapSpec, at: Ptr, value: Ptr): void {
  env.memory.setWord(at, env.memory.view.getUint32(value, true));
  if (spec.valueBytes === 8) env.memory.setWord(at + 4, 0);
  env.shadow.mark(at, spec.valueBytes, READ);
}

/**
 * An array of targets.
 * @param refuse the errno for a value that cannot be at this index, 0 where it can
 */
export function bindTargets(
  env: MapEnv,
  spec: MapSpec,
  base: Ptr,
  refuse: (index: number, value: Ptr) => number,
): TargetMapOps {
  const { memory } = env;
  const at = (index: number): Ptr => base + stride(spec) * index;
  const targetOf = (index: number): Ptr =>
    index >>> 0 < spec.maxEntries && memory.word(at(index >>> 0)) !== 0 ? at(index >>> 0) : 0;
  const lookup = (key: Ptr): Ptr => targetOf(memory.view.getUint32(key, true));
  return {
    lookup,
    lookupOn: lookup,
    targetOf,
    update(key, value, flags) {
      const index = memory.view.getUint32(key, true);
      if (flags > UPDATE_FLAGS.BPF_EXIST) return -errno.EINVAL;
      if (index >= spec.maxEntries) return -errno.E2BIG;
      if (flags === UPDATE_FLAGS.BPF_NOEXIST) return -errno.EEXIST;
      const failed = refuse(index, value);
      if (failed !== 0) return failed;
      putTarget(env, spec, at(index), value);
      return 0;
    },
    remove(key) {
      const index = memory.view.getUint32(key, true);
      if (index >= spec.maxEntries) return -errno.EINVAL;
      memory.setWord(at(index), 0);
      return 0;
    },
    scan: (from) => (from < spec.maxEntries ? from : -1),
    keyAt(position, scratch) {
      memory.setWord(scratch, position);
      return scratch;
    },
    valueAt: at,
  };
}

/** A kind whose operations also answer for redirection. */
export type TargetMapKind = MapKind & { bind(...args: Parameters<MapKind['bind']>): TargetMapOps };

export function planTargets(spec: MapSpec, flags: number): { bytes: number } {
  checkMapSpec(spec, flags);
  return { bytes: stride(spec) * spec.maxEntries };
}
