/**
 * What a map type must provide. One file a kind implements it; `kinds.ts` lists them. Everything a map holds lies in
 * linear memory, so that a checkpoint holds it too. Knows nothing of programs or helpers.
 */
import type { Ptr } from '../addr.js';
import type { Memory } from '../memory/memory.js';
import type { CodeBuilder } from '../wasm/code-builder.js';
import type { Shadow } from '../memory/shadow.js';
import type { MapSpec } from '../object/object-spec.js';
import type { MapTypeName } from '../spec/map-types.js';
import type { Cgroups } from '../world/cgroups.js';
import type { MapEvent } from '../world/effects.js';
import type { SocketTable } from '../world/socket-table.js';
import type { WorldSize } from '../world/world-size.js';

/** What a bound map may use. */
export interface MapEnv {
  readonly memory: Memory;
  readonly shadow: Shadow;
  readonly cpus: number;
  /** Called with the record when a program submits to a ring buffer or perf buffer. The bytes are a copy. */
  readonly emit: (event: MapEvent) => void;
  /** Called with the address of a timer whose value goes away. */
  readonly freeTimer?: (at: Ptr) => void;
  /** For maps that hold sockets or cgroups, or something on each of them. */
  readonly sockets?: SocketTable;
  readonly cgroups?: Cgroups;
}

/** Results are 0 or a positive count, or a negative errno. Keys and values are addresses of as many bytes as the spec says. */
export interface MapOps {
  /** Address of the value on the current CPU, or 0. */
  lookup(key: Ptr): Ptr;
  update(key: Ptr, value: Ptr, flags: number): number;
  remove(key: Ptr): number;
  /** Address of the value on `cpu`, or 0; the same on every CPU where the map is not per-CPU. */
  lookupOn(key: Ptr, cpu: number): Ptr;
  /** Iteration by position: the first live position at or after `from`, or -1. Bounded by the capacity. */
  scan(from: number): number;
  /** Address of the key at a live position; the array kinds write it to `scratch` and return that. */
  keyAt(position: number, scratch: Ptr): Ptr;
  valueAt(position: number): Ptr;
}

/** A map of values without keys. */
export interface KeylessMapOps extends MapOps {
  push(value: Ptr, flags: number): number;
  /** Writes the value that is next to `out`. A bloom filter says whether it knows what lies there. */
  peek(out: Ptr): number;
  pop(out: Ptr): number;
}

/** What compiled code of a lookup may use. */
export interface LookupSite {
  readonly code: CodeBuilder;
  readonly spec: MapSpec;
  readonly base: Ptr;
  readonly cpus: number;
  /** Distance to the shadow; 0 where rights are not checked. */
  readonly shadowDelta: number;
  /** Local, i32: address of the key, which may be read. */
  readonly key: number;
  /** Locals of type i32 to work with. */
  readonly scratch: readonly [number, number];
}

export interface MapKind {
  readonly type: MapTypeName;
  /** True where a value is one per CPU. */
  readonly perCpu: boolean;
  /**
   * Bytes of memory the map needs, exact up to 2^53.
   * @throws LoadError `load-map` where the kernel would refuse these sizes or flags.
   */
  plan(spec: MapSpec, cpus: number, world?: WorldSize): { bytes: number };
  /**
   * Emits `lookup`: pushes the address of the value on the current CPU, or 0. It does what `bind`'s does, and leaves memory and
   * shadow the same. `inline`: it is short. Left out where compiled code calls `bind`'s.
   */
  readonly emitLookup?: { readonly inline: boolean; emit(site: LookupSite): void };
  /** Binds an instance at `base`: memory there is zero or holds an earlier state of the same map. */
  bind(env: MapEnv, spec: MapSpec, base: Ptr): MapOps;
}

/** A map whose entries a program cannot look up or iterate: each operation answers with its errno. */
export function opaqueOps(errno: number): MapOps {
  return {
    lookup: () => 0,
    update: () => errno,
    remove: () => errno,
    lookupOn: () => 0,
    scan: () => -1,
    keyAt: () => 0,
    valueAt: () => 0,
  };
}
