/** `bloom_filter`: remembers values without keeping them; may say yes to one that was never put in, never no wrongly. */
import type { Ptr } from '../addr.js';
import type { MapSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { MAP_FLAGS } from '../spec/map-types.js';
import { checkMapSpec, checkSize, refuseMap } from './check-spec.js';
import { hashBytes } from './entry-table.js';
import { opaqueOps } from './map-kind.js';
import type { KeylessMapOps, MapEnv, MapKind } from './map-kind.js';

const FLAGS =
  MAP_FLAGS.BPF_F_NUMA_NODE |
  MAP_FLAGS.BPF_F_ZERO_SEED |
  MAP_FLAGS.BPF_F_RDONLY |
  MAP_FLAGS.BPF_F_WRONLY |
  MAP_FLAGS.BPF_F_RDONLY_PROG |
  MAP_FLAGS.BPF_F_WRONLY_PROG;

/** One allocation (KMALLOC_MAX_SIZE). */
const MAX_VALUE_BYTES = 4_194_304;
const DEFAULT_HASHES = 5;
/** The low bits of map_extra say how many hashes; no others may be set. */
const MAX_HASHES = 15;
const MAX_BITS = 2 ** 32;
const MIN_BITS = 64;

function hashesOf({ mapExtra }: MapSpec): number {
  return mapExtra === undefined || mapExtra === 0n ? DEFAULT_HASHES : Number(mapExtra);
}

/** Bits for the best rate at that many values and hashes (7/5 stands for 1 / ln 2), rounded up to a power of two. */
function bitsOf(spec: MapSpec): number {
  const wanted = Math.floor((spec.maxEntries * hashesOf(spec)) / 5) * 7;
  return Math.min(Math.max(2 ** Math.ceil(Math.log2(Math.max(wanted, 1))), MIN_BITS), MAX_BITS);
}

function bind({ memory }: MapEnv, spec: MapSpec, base: Ptr): KeylessMapOps {
  const { view, u8 } = memory;
  const { valueBytes } = spec;
  const hashes = hashesOf(spec);
  const mask = bitsOf(spec) - 1;
  const bitAt = (value: Ptr, seed: number): number => (hashBytes(view, value, valueBytes, seed) & mask) >>> 0;
  const push = (value: Ptr, flags: number): number => {
    if (flags !== 0) return -errno.EINVAL;
    for (let seed = 0; seed < hashes; seed++) {
      const bit = bitAt(value, seed);
      const at = base + (bit >>> 3);
      u8[at] = (u8[at] ?? 0) | (1 << (bit & 7));
    }
    return 0;
  };
  return {
    ...opaqueOps(-errno.EOPNOTSUPP),
    update: (_, value, flags) => push(value, flags),
    push,
    pop: () => -errno.EOPNOTSUPP,
    peek(value) {
      for (let seed = 0; seed < hashes; seed++) {
        const bit = bitAt(value, seed);
        if (((u8[base + (bit >>> 3)] ?? 0) & (1 << (bit & 7))) === 0) return -errno.ENOENT;
      }
      return 0;
    },
  };
}

export const bloomFilterKind: MapKind & { bind(...args: Parameters<MapKind['bind']>): KeylessMapOps } = {
  type: 'bloom_filter',
  perCpu: false,
  plan(spec) {
    checkMapSpec(spec, FLAGS);
    checkSize(spec, 'value', spec.valueBytes, MAX_VALUE_BYTES);
    const extra = spec.mapExtra ?? 0n;
    if (extra < 0n || extra > BigInt(MAX_HASHES)) {
      refuseMap(spec, `map_extra is ${String(extra)}, must be a number of hashes, 0 to ${String(MAX_HASHES)}`);
    }
    return { bytes: bitsOf(spec) / 8 };
  },
  bind,
};
