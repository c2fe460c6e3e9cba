/** Which maps a helper may be given, and which helpers a map. */
import type { Env } from './env.js';
import type { VerifierMap } from './program.js';
import { helperName, mapTypeNumber } from './structure.js';
import type { MapTypeName } from '../spec/map-types.js';

const LOOKUP = 1;
const UPDATE = 2;
const DELETE = 3;
const KPTR_XCHG = 194;

/** Map types that only these helpers may touch. */
const HELPERS_OF: Readonly<Partial<Record<MapTypeName, readonly number[]>>> = {
  prog_array: [12],
  perf_event_array: [22, 25, 55, 111, 121],
  ringbuf: [130, 131, 134, 198, 199, 200],
  user_ringbuf: [209],
  stack_trace: [27],
  cgroup_array: [33, 37],
  cgroup_storage: [81],
  percpu_cgroup_storage: [81],
  devmap: [51, LOOKUP],
  devmap_hash: [51, LOOKUP],
  cpumap: [51],
  xskmap: [51, LOOKUP],
  array_of_maps: [LOOKUP],
  hash_of_maps: [LOOKUP],
  sockmap: [52, 53, 60, 82, LOOKUP],
  sockhash: [72, 70, 71, 82, LOOKUP],
  reuseport_sockarray: [82],
  queue: [87, 88, 89],
  stack: [87, 88, 89],
  sk_storage: [107, 108, KPTR_XCHG],
  inode_storage: [145, 146, KPTR_XCHG],
  task_storage: [156, 157, KPTR_XCHG],
  cgrp_storage: [210, 211, KPTR_XCHG],
  bloom_filter: [89, 87],
};

/** Helpers that work on these map types only. */
const MAPS_OF: Readonly<Record<number, readonly MapTypeName[]>> = {
  12: ['prog_array'],
  22: ['perf_event_array'],
  25: ['perf_event_array'],
  55: ['perf_event_array'],
  111: ['perf_event_array'],
  121: ['perf_event_array'],
  130: ['ringbuf'],
  131: ['ringbuf'],
  134: ['ringbuf'],
  198: ['ringbuf'],
  209: ['user_ringbuf'],
  27: ['stack_trace'],
  33: ['cgroup_array'],
  37: ['cgroup_array'],
  51: ['devmap', 'devmap_hash', 'cpumap', 'xskmap'],
  52: ['sockmap'],
  53: ['sockmap'],
  60: ['sockmap'],
  70: ['sockhash'],
  71: ['sockhash'],
  72: ['sockhash'],
  81: ['cgroup_storage', 'percpu_cgroup_storage'],
  82: ['reuseport_sockarray', 'sockmap', 'sockhash'],
  87: ['queue', 'stack', 'bloom_filter'],
  88: ['queue', 'stack'],
  89: ['queue', 'stack', 'bloom_filter'],
  107: ['sk_storage'],
  108: ['sk_storage'],
  195: ['percpu_array', 'percpu_hash', 'lru_percpu_hash'],
};

/** Program types in which no socket is locked, so that a map of sockets may be changed. */
const SOCKMAP_UPDATERS: ReadonlySet<string> = new Set([
  'socket_filter',
  'sched_cls',
  'sched_act',
  'xdp',
  'sk_reuseport',
  'flow_dissector',
  'sk_lookup',
]);

function mayChangeSockmap(env: Env, helper: number): boolean {
  if (helper !== UPDATE && helper !== DELETE) return false;
  const { type } = env.program;
  if (type === 'sock_ops' && helper === DELETE) return true;
  if (SOCKMAP_UPDATERS.has(type)) return true;
  env.log.add('cannot update sockmap in this context\n');
  return false;
}

/** Rejects a helper that does not work on such a map. */
export function checkHelperFitsMap(env: Env, map: VerifierMap, helper: number): void {
  const helpers = HELPERS_OF[map.type];
  const holdsSocks = map.type === 'sockmap' || map.type === 'sockhash';
  const mapAllows = helpers === undefined || helpers.includes(helper) || (holdsSocks && mayChangeSockmap(env, helper));
  const maps = MAPS_OF[helper];
  if (mapAllows && (maps === undefined || maps.includes(map.type))) return;
  env.invalid(`cannot pass map_type ${mapTypeNumber(map)} into func ${helperName(helper)}#${helper}`);
}

/** Looked up by a known index, an entry of these always exists. */
export function alwaysHasEntries(map: VerifierMap): boolean {
  return map.type === 'array' || map.type === 'percpu_array';
}
