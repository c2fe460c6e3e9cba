/** The values of one entry of a per-CPU hash kind: one for each CPU, side by side. Knows no keys. */
import { alignUp } from '../addr.js';
import type { Ptr } from '../addr.js';
import { cells } from '../memory/cells.js';
import type { MapSpec } from '../object/object-spec.js';
import { valueRights } from './hash.js';
import type { LookupSite, MapEnv } from './map-kind.js';

export interface PercpuValues {
  /** The current CPU's value of the entry whose values start at `at`. */
  own(at: Ptr): Ptr;
  of(at: Ptr, cpu: number): Ptr;
  /** Writes the current CPU's value. */
  set(at: Ptr, value: Ptr): void;
  /** First values of a new entry: the current CPU's as given, the others' zero. */
  init(at: Ptr, value: Ptr): void;
}

/** Bytes that one entry's values take. */
export function percpuBytes(spec: MapSpec, cpus: number): number {
  return alignUp(spec.valueBytes, 8) * cpus;
}

/** Makes of the address of an entry's values, or 0, the current CPU's. */
export function emitOwn({ code, spec, cpus, scratch: [values] }: LookupSite): void {
  if (cpus === 1) return;
  code.localTee(values).if();
  code.localGet(values).i32(0).memory('i32.load', cells.cpu).i32(alignUp(spec.valueBytes, 8));
  code.op('i32.mul').op('i32.add').localSet(values).end().localGet(values);
}

export function percpuValues({ memory, shadow, cpus }: MapEnv, spec: MapSpec): PercpuValues {
  const { valueBytes } = spec;
  const { u8 } = memory;
  const stride = alignUp(valueBytes, 8);
  const rights = valueRights(spec);
  const own = (at: Ptr): Ptr => at + stride * memory.word(cells.cpu);
  const set = (at: Ptr, value: Ptr): void => {
    u8.copyWithin(own(at), value, value + valueBytes);
  };
  return {
    own,
    of: (at, cpu) => at + stride * cpu,
    set,
    init(at, value) {
      u8.fill(0, at, at + stride * cpus);
      for (let cpu = 0; cpu < cpus; cpu++) shadow.mark(at + stride * cpu, valueBytes, rights);
      set(at, value);
    },
  };
}
