/**
 * Every map type of Linux 6.18: number, name, and what its key, value and capacity must be. Data only; what a map does
 * is written in `maps/`.
 */

/** How many bytes a key or value may have: exactly that many, none at all, at least one, or what the word says. */
export type SizeRule =
  | number
  /** The field must be 0. */
  | 'none'
  /** 1 byte or more. */
  | 'any'
  /** 4 or 8 bytes: a descriptor, or a descriptor and what comes with it. */
  | '4|8'
  /** 8 or 16 bytes: a cgroup's number, alone or with an attach type. */
  | '8|16'
  /** A prefix length in 4 bytes and 1 to 256 bytes of address. */
  | 'prefix'
  /** A multiple of 8 bytes, at least one. */
  | 'stack';

/** What `max_entries` must be. */
export type EntriesRule =
  | 'any'
  /** 0: the map grows with the objects it hangs on. */
  | 'none'
  /** A power of two and a multiple of the page size. */
  | 'ring'
  /** 0 is read as the number of possible CPUs. */
  | 'cpus'
  /** At least one; counts pages. */
  | 'pages';

export interface MapTypeRow<N extends string = string> {
  /** `enum bpf_map_type`. */
  readonly id: number;
  readonly name: N;
  readonly key: SizeRule;
  readonly value: SizeRule;
  readonly entries: EntriesRule;
  /** One value per CPU: user space sees `cpus * alignUp(value, 8)` bytes. */
  readonly perCpu?: true;
  /** What a value stands for, where it is not the user's own bytes. */
  readonly holds?: 'prog' | 'map' | 'perf-event' | 'cgroup' | 'device' | 'cpu' | 'xsk' | 'sock';
  /** Set until skep has a `maps/` file for it. */
  readonly unsupported?: true;
}

function type<const N extends string>(
  id: number,
  name: N,
  key: SizeRule,
  value: SizeRule,
  entries: EntriesRule,
  more: Partial<Omit<MapTypeRow, 'name'>> = {},
): MapTypeRow<N> {
  return { id, name, key, value, entries, ...more };
}

const unsupported = true;

export const MAP_TYPES = [
  type(1, 'hash', 'any', 'any', 'any'),
  type(2, 'array', 4, 'any', 'any'),
  type(3, 'prog_array', 4, 4, 'any', { holds: 'prog' }),
  type(4, 'perf_event_array', 4, 4, 'cpus', { holds: 'perf-event' }),
  type(5, 'percpu_hash', 'any', 'any', 'any', { perCpu: true }),
  type(6, 'percpu_array', 4, 'any', 'any', { perCpu: true }),
  type(7, 'stack_trace', 4, 'stack', 'any', { unsupported }),
  type(8, 'cgroup_array', 4, 4, 'any', { holds: 'cgroup' }),
  type(9, 'lru_hash', 'any', 'any', 'any'),
  type(10, 'lru_percpu_hash', 'any', 'any', 'any', { perCpu: true }),
  type(11, 'lpm_trie', 'prefix', 'any', 'any'),
  type(12, 'array_of_maps', 4, 4, 'any', { holds: 'map' }),
  type(13, 'hash_of_maps', 'any', 4, 'any', { holds: 'map' }),
  type(14, 'devmap', 4, '4|8', 'any', { holds: 'device' }),
  type(15, 'sockmap', 4, '4|8', 'any', { holds: 'sock' }),
  type(16, 'cpumap', 4, '4|8', 'any', { holds: 'cpu' }),
  type(17, 'xskmap', 4, 4, 'any', { holds: 'xsk' }),
  type(18, 'sockhash', 'any', '4|8', 'any', { holds: 'sock' }),
  type(19, 'cgroup_storage', '8|16', 'any', 'none'),
  type(20, 'reuseport_sockarray', 4, '4|8', 'any', { holds: 'sock' }),
  type(21, 'percpu_cgroup_storage', '8|16', 'any', 'none', { perCpu: true }),
  type(22, 'queue', 'none', 'any', 'any'),
  type(23, 'stack', 'none', 'any', 'any'),
  type(24, 'sk_storage', 4, 'any', 'none'),
  type(25, 'devmap_hash', 4, '4|8', 'any', { holds: 'device' }),
  type(26, 'struct_ops', 4, 'any', 'any', { unsupported }),
  type(27, 'ringbuf', 'none', 'none', 'ring'),
  type(28, 'inode_storage', 4, 'any', 'none', { unsupported }),
  type(29, 'task_storage', 4, 'any', 'none', { unsupported }),
  type(30, 'bloom_filter', 'none', 'any', 'any'),
  type(31, 'user_ringbuf', 'none', 'none', 'ring', { unsupported }),
  type(32, 'cgrp_storage', 4, 'any', 'none', { unsupported }),
  type(33, 'arena', 'none', 'none', 'pages', { unsupported }),
] as const satisfies readonly MapTypeRow[];

export type MapTypeName = (typeof MAP_TYPES)[number]['name'];

/** Name -> row. */
export const MAP_TYPE_ROWS: Readonly<Record<MapTypeName, MapTypeRow<MapTypeName>>> = Object.fromEntries(
  MAP_TYPES.map((each) => [each.name, each]),
) as Record<MapTypeName, MapTypeRow<MapTypeName>>;

const BY_ID: ReadonlyMap<number, MapTypeRow<MapTypeName>> = new Map(MAP_TYPES.map((each) => [each.id, each]));

/** The row of a type number; undefined if Linux 6.18 has no such type. */
export function mapTypeById(id: number): MapTypeRow<MapTypeName> | undefined {
  return BY_ID.get(id);
}

/** Bits of `map_flags` at creation. */
export const MAP_FLAGS = {
  BPF_F_NO_PREALLOC: 0x1,
  BPF_F_NO_COMMON_LRU: 0x2,
  BPF_F_NUMA_NODE: 0x4,
  BPF_F_RDONLY: 0x8,
  BPF_F_WRONLY: 0x10,
  BPF_F_STACK_BUILD_ID: 0x20,
  BPF_F_ZERO_SEED: 0x40,
  BPF_F_RDONLY_PROG: 0x80,
  BPF_F_WRONLY_PROG: 0x100,
  BPF_F_CLONE: 0x200,
  BPF_F_MMAPABLE: 0x400,
  BPF_F_PRESERVE_ELEMS: 0x800,
  BPF_F_INNER_MAP: 0x1000,
  BPF_F_LINK: 0x2000,
  BPF_F_PATH_FD: 0x4000,
  BPF_F_VTYPE_BTF_OBJ_FD: 0x8000,
  BPF_F_TOKEN_FD: 0x10000,
  BPF_F_SEGV_ON_FAULT: 0x20000,
  BPF_F_NO_USER_CONV: 0x40000,
} as const;

/** Flags of map_update_elem. */
export const UPDATE_FLAGS = { BPF_ANY: 0, BPF_NOEXIST: 1, BPF_EXIST: 2, BPF_F_LOCK: 4 } as const;

/** Flags of ringbuf_output, ringbuf_submit and ringbuf_discard. */
export const RINGBUF_FLAGS = { BPF_RB_NO_WAKEUP: 1, BPF_RB_FORCE_WAKEUP: 2 } as const;

/** What ringbuf_query is asked for. */
export const RINGBUF_QUERIES = {
  BPF_RB_AVAIL_DATA: 0,
  BPF_RB_RING_SIZE: 1,
  BPF_RB_CONS_POS: 2,
  BPF_RB_PROD_POS: 3,
} as const;

/** Bits in a ring buffer record's length word, and the size of its header. */
export const RINGBUF_RECORD = {
  BPF_RINGBUF_BUSY_BIT: 0x80000000,
  BPF_RINGBUF_DISCARD_BIT: 0x40000000,
  BPF_RINGBUF_HDR_SZ: 8,
} as const;
