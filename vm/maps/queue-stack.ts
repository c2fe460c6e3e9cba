/** `queue` and `stack`: values without keys in a ring, taken from its old or its new end. */
import { alignUp } from '../addr.js';
import type { Ptr } from '../addr.js';
import type { MapSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { MAP_FLAGS, UPDATE_FLAGS } from '../spec/map-types.js';
import { checkMapSpec, checkSize } from './check-spec.js';
import { opaqueOps } from './map-kind.js';
import type { KeylessMapOps, MapEnv, MapKind } from './map-kind.js';

const FLAGS =
  MAP_FLAGS.BPF_F_NUMA_NODE |
  MAP_FLAGS.BPF_F_RDONLY |
  MAP_FLAGS.BPF_F_WRONLY |
  MAP_FLAGS.BPF_F_RDONLY_PROG |
  MAP_FLAGS.BPF_F_WRONLY_PROG;

/** One allocation (KMALLOC_MAX_SIZE). */
const MAX_VALUE_BYTES = 4_194_304;

/** Header words: index of the oldest value, values held. */
const HEADER_BYTES = 8;

function stride(spec: MapSpec): number {
  return alignUp(spec.valueBytes, 8);
}

function bindRing({ memory }: MapEnv, spec: MapSpec, base: Ptr, fromNewest: boolean): KeylessMapOps {
  const { valueBytes, maxEntries } = spec;
  const { u8 } = memory;
  const oldest = (): number => memory.word(base) % maxEntries;
  const held = (): number => Math.min(memory.word(base + 4), maxEntries);
  const at = (index: number): Ptr => base + HEADER_BYTES + stride(spec) * (index % maxEntries);
  const setHeld = (count: number): void => {
    memory.setWord(base + 4, count);
  };
  const dropOldest = (): void => {
    memory.setWord(base, (oldest() + 1) % maxEntries);
    setHeld(held() - 1);
  };
  const peek = (out: Ptr): number => {
    const count = held();
    if (count === 0) {
      u8.fill(0, out, out + valueBytes);
      return -errno.ENOENT;
    }
    const from = at(fromNewest ? oldest() + count - 1 : oldest());
    u8.copyWithin(out, from, from + valueBytes);
    return 0;
  };
  const push = (value: Ptr, flags: number): number => {
    if (flags !== UPDATE_FLAGS.BPF_ANY && flags !== UPDATE_FLAGS.BPF_EXIST) return -errno.EINVAL;
    if (held() === maxEntries) {
      if (flags !== UPDATE_FLAGS.BPF_EXIST) return -errno.E2BIG;
      dropOldest();
    }
    const count = held();
    u8.copyWithin(at(oldest() + count), value, value + valueBytes);
    setHeld(count + 1);
    return 0;
  };
  return {
    ...opaqueOps(-errno.EINVAL),
    update: (_, value, flags) => push(value, flags),
    push,
    peek,
    pop(out) {
      const failed = peek(out);
      if (failed !== 0) return failed;
      if (fromNewest) setHeld(held() - 1);
      else dropOldest();
      return 0;
    },
  };
}

function plan(spec: MapSpec): { bytes: number } {
  checkMapSpec(spec, FLAGS);
  checkSize(spec, 'value', spec.valueBytes, MAX_VALUE_BYTES);
  return { bytes: HEADER_BYTES + stride(spec) * spec.maxEntries };
}

export const queueKind: MapKind & { bind(...args: Parameters<MapKind['bind']>): KeylessMapOps } = {
  type: 'queue',
  perCpu: false,
  plan,
  bind: (env, spec, base) => bindRing(env, spec, base, false),
};

export const stackKind: MapKind & { bind(...args: Parameters<MapKind['bind']>): KeylessMapOps } = {
  type: 'stack',
  perCpu: false,
  plan,
  bind: (env, spec, base) => bindRing(env, spec, base, true),
};
