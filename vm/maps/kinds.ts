/** The map kinds that skep runs. Adding one is a file beside this one and a line here. */
import type { MapTypeName } from '../spec/map-types.js';
import { arrayKind } from './array.js';
import { arrayOfMapsKind } from './array-of-maps.js';
import { hashKind } from './hash.js';
import { hashOfMapsKind } from './hash-of-maps.js';
import { lpmTrieKind } from './lpm-trie.js';
import { lruHashKind } from './lru-hash.js';
import { lruPercpuHashKind } from './lru-percpu-hash.js';
import { bloomFilterKind } from './bloom-filter.js';
import { cpumapKind } from './cpumap.js';
import { devmapKind } from './devmap.js';
import { devmapHashKind } from './devmap-hash.js';
import { queueKind, stackKind } from './queue-stack.js';
import type { MapKind } from './map-kind.js';
import { percpuArrayKind } from './percpu-array.js';
import { percpuHashKind } from './percpu-hash.js';
import { perfEventArrayKind } from './perf-event-array.js';
import { progArrayKind } from './prog-array.js';
import { cgroupArrayKind } from './cgroup-array.js';
import { cgroupStorageKind, percpuCgroupStorageKind } from './cgroup-storage.js';
import { reuseportSockarrayKind } from './reuseport-sockarray.js';
import { ringbufKind } from './ringbuf.js';
import { skStorageKind } from './sk-storage.js';
import { sockhashKind } from './sockhash.js';
import { sockmapKind } from './sockmap.js';
import { xskmapKind } from './xskmap.js';

const KINDS: readonly MapKind[] = [
  arrayKind,
  hashKind,
  percpuArrayKind,
  progArrayKind,
  ringbufKind,
  perfEventArrayKind,
  percpuHashKind,
  lruHashKind,
  lruPercpuHashKind,
  lpmTrieKind,
  arrayOfMapsKind,
  hashOfMapsKind,
  devmapKind,
  devmapHashKind,
  cpumapKind,
  queueKind,
  stackKind,
  bloomFilterKind,
  sockmapKind,
  sockhashKind,
  reuseportSockarrayKind,
  skStorageKind,
  cgroupArrayKind,
  cgroupStorageKind,
  percpuCgroupStorageKind,
  xskmapKind,
];

const BY_TYPE: ReadonlyMap<MapTypeName, MapKind> = new Map(KINDS.map((kind) => [kind.type, kind]));

/** The implementation of a map type; undefined where skep has none ("unsupported by skep"). */
export function mapKindOf(type: MapTypeName): MapKind | undefined {
  return BY_TYPE.get(type);
}
