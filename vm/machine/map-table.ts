/**
 * A machine's maps by index, descriptor and name, and access from outside: `MapHandle` speaks bytes as bpf(2) does.
 * Knows nothing of BTF.
 */
import { alignUp } from '../addr.js';
import type { Ptr } from '../addr.js';
import { ConfigError, must } from '../errors.js';
import { refuseMap } from '../maps/check-spec.js';
import { mapKindOf } from '../maps/kinds.js';
import { opaqueOps } from '../maps/map-kind.js';
import type { CgroupArrayOps } from '../maps/cgroup-array.js';
import type { CgroupStorageOps } from '../maps/cgroup-storage.js';
import type { TargetMapOps } from '../maps/device-entries.js';
import type { KeylessMapOps, MapEnv, MapKind, MapOps } from '../maps/map-kind.js';
import { misfit } from '../maps/map-of-maps.js';
import type { MapOfMapsOps } from '../maps/map-of-maps.js';
import type { PerfEventArrayOps } from '../maps/perf-event-array.js';
import type { ProgArrayOps } from '../maps/prog-array.js';
import type { RingbufOps } from '../maps/ringbuf.js';
import type { SkStorageOps } from '../maps/sk-storage.js';
import type { SocketMapOps } from '../maps/socket-entries.js';
import { hasSpinLock, hideSpecial } from '../maps/special-values.js';
import { wantsLock } from '../maps/update-flags.js';
import type { Memory } from '../memory/memory.js';
import { raiseTrap } from '../memory/raise.js';
import type { FuncId, MapId, MapSpec, ObjectSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { MAP_TYPE_ROWS } from '../spec/map-types.js';
import type { MapTypeName } from '../spec/map-types.js';
import type { Socket } from '../world/sockets.js';
import { InnerMaps } from './inner-maps.js';
import type { InnerMap } from './inner-maps.js';
import { descriptorOf, mapAt } from './layout.js';
import type { Layout } from './layout.js';

interface Slot {
  readonly spec: MapSpec;
  readonly kind: MapKind | undefined;
  readonly ops: MapOps;
}

export class MapTable {
  readonly #env: MapEnv;
  readonly #memory: Memory;
  readonly #layout: Layout;
  readonly #slots: readonly Slot[];
  readonly #ringbufs: readonly RingbufOps[];
  readonly #inner: InnerMaps;
  readonly #hasInnerRingbufs: boolean;
  /** Maps made at run time, as far as they have been asked for. */
  readonly #made: (Slot & InnerMap)[] = [];

  /** @throws LoadError `load-map` where an initialiser puts a map where it does not fit */
  constructor(object: ObjectSpec, layout: Layout, env: MapEnv) {
    this.#env = env;
    this.#memory = env.memory;
    this.#layout = layout;
    this.#inner = new InnerMaps(object, layout, env.memory);
    this.#slots = object.maps.map((spec, index) => {
      const kind = mapKindOf(spec.type);
      const { base } = must(layout.maps[index], 'a placed map');
      if (spec.contents !== undefined) env.memory.write(base, spec.contents);
      return { spec, kind, ops: kind?.bind(env, spec, base) ?? opaqueOps(-errno.EOPNOTSUPP) };
    });
    this.#ringbufs = this.#slots.flatMap(({ spec, ops }) => (spec.type === 'ringbuf' ? [ops as RingbufOps] : []));
    this.#hasInnerRingbufs = object.maps.some(({ inner }) => inner?.type === 'ringbuf');
    for (const { spec, ops } of this.#slots) {
      for (const value of spec.values) {
        if (value.kind === 'func' && spec.type === 'prog_array')
          (ops as ProgArrayOps).setTarget(value.index, value.func);
        if (value.kind === 'map') this.#putFirst(spec, ops, value.index, value.map);
      }
    }
  }

  /** Those made at run time included. */
  get size(): number {
    return this.#slots.length + this.#inner.count;
  }

  /**
   * Makes a fresh map from the template of a map of maps.
   * @param maxEntries where the kernel allows another capacity than the template's
   * @throws ConfigError `config-value`, LoadError `load-memory`
   */
  createInner(outer: MapId, maxEntries?: number): MapId {
    return this.#slots.length + this.#inner.create(outer, maxEntries);
  }

  /** Puts a map into a map of maps; the key is at `key`. Returns 0 or a negative errno. */
  putMap(outer: MapSpec, ops: MapOps, key: Ptr, map: MapId, flags: number): number {
    return (ops as MapOfMapsOps).setMap(key, this.#descriptorFor(outer, map), flags);
  }

  #descriptorFor({ inner }: MapSpec, map: MapId): Ptr {
    const slot = this.#slotOf(map);
    if (slot === undefined) return -errno.EBADF;
    if (inner === undefined || misfit(inner, slot.spec) !== undefined) return -errno.EINVAL;
    return descriptorOf(this.#layout, map);
  }

  /** The map whose descriptor a map of maps holds, or undefined. */
  idAt(descriptor: Ptr): MapId | undefined {
    const id = mapAt(this.#layout, descriptor);
    return this.#slotOf(id) === undefined ? undefined : id;
  }

  /** Operations of the map behind a guest's pointer; traps where it is no map or its type is unsupported. */
  ops(descriptor: Ptr): MapOps {
    return this.#slotAt(descriptor).ops;
  }

  spec(descriptor: Ptr): MapSpec {
    return this.#slotAt(descriptor).spec;
  }

  progArray(descriptor: Ptr): ProgArrayOps {
    return this.#expect(descriptor, 'prog_array') as ProgArrayOps;
  }

  ringbuf(descriptor: Ptr): RingbufOps {
    return this.#expect(descriptor, 'ringbuf') as RingbufOps;
  }

  perfEventArray(descriptor: Ptr): PerfEventArrayOps {
    return this.#expect(descriptor, 'perf_event_array') as PerfEventArrayOps;
  }

  /** A map of sockets behind a guest's pointer; traps where it is none. */
  socketMap(descriptor: Ptr): SocketMapOps {
    const { spec, ops } = this.#slotAt(descriptor);
    return holdsSockets(spec) ? (ops as SocketMapOps) : raiseTrap(this.#memory, 'bad-map', descriptor);
  }

  skStorage(descriptor: Ptr): SkStorageOps {
    return this.#expect(descriptor, 'sk_storage') as SkStorageOps;
  }

  cgroupArray(descriptor: Ptr): CgroupArrayOps {
    return this.#expect(descriptor, 'cgroup_array') as CgroupArrayOps;
  }

  /** A map of values per cgroup behind a guest's pointer; traps where it is none. */
  cgroupStorage(descriptor: Ptr): CgroupStorageOps {
    const { spec, ops } = this.#slotAt(descriptor);
    return isCgroupStorage(spec) ? (ops as CgroupStorageOps) : raiseTrap(this.#memory, 'bad-map', descriptor);
  }

  /** Every map of values per cgroup. */
  *cgroupStorages(): Generator<CgroupStorageOps> {
    for (const { spec, ops } of this.#slots) if (isCgroupStorage(spec)) yield ops as CgroupStorageOps;
  }

  /** Address of the socket with a number as bpf(2) would have a descriptor: its place in the world, from 1. */
  socketNumbered(number: number): Ptr {
    const socket = this.#env.sockets?.all[number - 1];
    return socket === undefined ? 0 : (this.#env.sockets?.ptrOf(socket) ?? 0);
  }

  /** That number, 0 where the world has no such socket. */
  socketNumber(name: string): number {
    const socket = this.#env.sockets?.named(name);
    return socket === undefined ? 0 : socket.index + 1;
  }

  socketAt(ptr: Ptr): Socket | undefined {
    return this.#env.sockets?.at(ptr);
  }

  /** Where the values of a map begin, behind a guest's pointer, and how far they may reach; traps where it is none. */
  extent(descriptor: Ptr): {
    readonly spec: MapSpec;
    readonly ops: MapOps;
    readonly base: Ptr;
    readonly bytes: number;
  } {
    const { spec, ops, kind } = this.#slotAt(descriptor);
    const id = mapAt(this.#layout, descriptor);
    const placed = this.#layout.maps[id];
    if (placed !== undefined) return { spec, ops, base: placed.base, bytes: placed.bytes };
    const { base } = this.#inner.at(id - this.#slots.length);
    return { spec, ops, base, bytes: kind?.plan(spec, this.#layout.cpus, this.#layout.worldSize).bytes ?? 0 };
  }

  /** A map of values without keys behind a guest's pointer; traps where it is none. */
  keyless(descriptor: Ptr): KeylessMapOps {
    const { spec, ops } = this.#slotAt(descriptor);
    return isKeyless(spec) ? (ops as KeylessMapOps) : raiseTrap(this.#memory, 'bad-map', descriptor);
  }

  /** The targets of redirection behind a guest's pointer; traps where it is no such map. */
  targets(descriptor: Ptr): TargetMapOps {
    const { spec, ops } = this.#slotAt(descriptor);
    return isTargets(spec) ? (ops as TargetMapOps) : raiseTrap(this.#memory, 'bad-map', descriptor);
  }

  /** The ring buffer that holds a reserved record at `record`; traps where there is none. */
  ringbufOfRecord(record: Ptr): RingbufOps {
    for (let id = 0; id < this.size; id++) {
      const slot = this.#slotOf(id);
      if (slot?.spec.type === 'ringbuf' && (slot.ops as RingbufOps).isReserved(record)) return slot.ops as RingbufOps;
    }
    return raiseTrap(this.#memory, 'bad-record', record);
  }

  /** Hands committed ring buffer records over to the outside. */
  drain(): void {
    for (const ringbuf of this.#ringbufs) ringbuf.drain();
    if (!this.#hasInnerRingbufs) return;
    for (let index = 0; index < this.#inner.count; index++) {
      const slot = this.#slotOf(this.#slots.length + index);
      if (slot?.spec.type === 'ringbuf') (slot.ops as RingbufOps).drain();
    }
  }

  handle(map: MapId): MapHandle {
    const slot = must(this.#slotOf(map), 'a map');
    return new MapHandle(this.#memory, this.#layout, this, map, slot.spec, slot.kind, slot.ops);
  }

  /** Index of the map with this name, or undefined. */
  idOf(name: string): MapId | undefined {
    for (let id = 0; id < this.size; id++) if (this.#slotOf(id)?.spec.name === name) return id;
    return undefined;
  }

  #putFirst(outer: MapSpec, ops: MapOps, index: number, map: MapId): void {
    const { scratch } = this.#layout;
    const candidate = must(this.#slots[map], 'a map').spec;
    const wrong = outer.inner === undefined ? undefined : misfit(outer.inner, candidate);
    if (wrong !== undefined) refuseMap(outer, `map \`${candidate.name}\` cannot be inside: ${wrong}`);
    this.#memory.write(scratch, new Uint8Array(outer.keyBytes));
    this.#memory.setWord(scratch, index);
    const failed = this.putMap(outer, ops, scratch, map, 0);
    if (failed !== 0) refuseMap(outer, `initialiser ${String(index)} has no place`);
  }

  #slotOf(map: MapId): Slot | undefined {
    const index = map - this.#slots.length;
    if (index < 0) return this.#slots[map];
    if (index >= this.#inner.count) return undefined;
    const made = this.#made[index];
    const inner = this.#inner.at(index);
    // After going back to a checkpoint another map may be here.
    if (made?.outer === inner.outer && made.base === inner.base && made.maxEntries === inner.maxEntries) return made;
    const spec = this.#inner.specOf(index);
    const kind = mapKindOf(spec.type);
    const ops = kind?.bind(this.#env, spec, inner.base) ?? opaqueOps(-errno.EOPNOTSUPP);
    return (this.#made[index] = { ...inner, spec, kind, ops });
  }

  #slotAt(descriptor: Ptr): Slot {
    const index = mapAt(this.#layout, descriptor);
    const slot = this.#slots[index] ?? this.#slotOf(index);
    if (slot === undefined) return raiseTrap(this.#memory, 'bad-map', descriptor);
    if (slot.kind === undefined) return raiseTrap(this.#memory, 'unsupported-map', index);
    return slot;
  }

  #expect(descriptor: Ptr, type: MapSpec['type']): MapOps {
    const slot = this.#slotAt(descriptor);
    return slot.spec.type === type ? slot.ops : raiseTrap(this.#memory, 'bad-map', descriptor);
  }
}

/** Queues, stacks and filters. */
function isKeyless({ type }: MapSpec): boolean {
  return type === 'queue' || type === 'stack' || type === 'bloom_filter';
}

function isTargets({ type }: MapSpec): boolean {
  return type === 'devmap' || type === 'devmap_hash' || type === 'cpumap' || type === 'xskmap';
}

function holdsSockets({ type }: MapSpec): boolean {
  return MAP_TYPE_ROWS[type].holds === 'sock';
}

function isCgroupStorage({ type }: MapSpec): boolean {
  return type === 'cgroup_storage' || type === 'percpu_cgroup_storage';
}

/** The id of no map. */
const NO_MAP = 0xffff_ffff;

/** Maps whose entries bpf(2) takes out as it reads them. */
const TAKEABLE: ReadonlySet<MapTypeName> = new Set([
  'hash',
  'percpu_hash',
  'lru_hash',
  'lru_percpu_hash',
  'queue',
  'stack',
]);

/** A map seen from user space. Values of per-CPU maps are all CPUs' values, each padded to 8 bytes, as in bpf(2). */
export class MapHandle {
  readonly id: MapId;
  readonly spec: MapSpec;
  readonly #memory: Memory;
  readonly #layout: Layout;
  readonly #maps: MapTable;
  readonly #kind: MapKind | undefined;
  readonly #ops: MapOps;

  constructor(
    memory: Memory,
    layout: Layout,
    maps: MapTable,
    id: MapId,
    spec: MapSpec,
    kind: MapKind | undefined,
    ops: MapOps,
  ) {
    this.#memory = memory;
    this.#layout = layout;
    this.#maps = maps;
    this.id = id;
    this.spec = spec;
    this.#kind = kind;
    this.#ops = ops;
  }

  /** Whether skep implements this map's type. */
  get supported(): boolean {
    return this.#kind !== undefined;
  }

  /** Whether each CPU has a value of its own. */
  get perCpu(): boolean {
    return this.#kind?.perCpu === true;
  }

  /** Bytes of a value as `get` and `set` use it. */
  get valueBytes(): number {
    return this.perCpu ? alignUp(this.spec.valueBytes, 8) * this.#layout.cpus : this.spec.valueBytes;
  }

  /**
   * @param key of queues and stacks empty: `get` then peeks
   * @returns a copy of the value, or undefined where the key has none
   * @throws ConfigError `config-value` where the key has the wrong size
   */
  get(key: Uint8Array): Uint8Array | undefined {
    const at = this.#putKey(key);
    if (isKeyless(this.spec)) return this.#takeOut('peek');
    if (this.#ops.lookupOn(at, 0) === 0) return undefined;
    return this.#readValue(at);
  }

  /**
   * Reads a value and deletes it, as BPF_MAP_LOOKUP_AND_DELETE_ELEM; pops from queues and stacks, whose key is empty.
   * @returns a copy of the value, undefined where the key has none, or -ENOTSUPP where the kernel does not do this
   */
  take(key: Uint8Array): Uint8Array | number | undefined {
    if (!TAKEABLE.has(this.spec.type)) return -errno.ENOTSUPP;
    if (isKeyless(this.spec)) {
      this.#putKey(key);
      return this.#takeOut('pop');
    }
    const value = this.get(key);
    if (value !== undefined) this.delete(key);
    return value;
  }

  /** Whether a bloom filter knows the value. */
  has(value: Uint8Array): boolean {
    this.#check('value', value, this.spec.valueBytes);
    if (this.spec.type !== 'bloom_filter') return false;
    this.#memory.write(this.#layout.scratchValue, value);
    return (this.#ops as KeylessMapOps).peek(this.#layout.scratchValue) === 0;
  }

  /**
   * @param key of queues, stacks and filters empty: `set` then pushes
   * @param flags BPF_ANY 0, BPF_NOEXIST 1, BPF_EXIST 2
   * @returns 0 or a negative errno
   * @throws ConfigError `config-value` where key or value have the wrong size
   */
  set(key: Uint8Array, value: Uint8Array, flags = 0): number {
    const at = this.#putKey(key);
    this.#check('value', value, this.valueBytes);
    if (wantsLock(flags) && !hasSpinLock(this.spec)) return -errno.EINVAL;
    if (this.holdsMaps) return this.#putMap(at, new DataView(value.buffer, value.byteOffset).getUint32(0, true), flags);
    if (holdsSockets(this.spec)) {
      return this.#putSocket(at, new DataView(value.buffer, value.byteOffset).getUint32(0, true), flags);
    }
    const valueAt = this.#layout.scratchValue;
    this.#memory.write(valueAt, value.subarray(0, this.spec.valueBytes));
    const failed = this.#ops.update(at, valueAt, flags);
    if (failed !== 0 || !this.perCpu) return failed;
    const stride = alignUp(this.spec.valueBytes, 8);
    for (let cpu = 0; cpu < this.#layout.cpus; cpu++) {
      const target = this.#ops.lookupOn(at, cpu);
      this.#memory.write(target, value.subarray(cpu * stride, cpu * stride + this.spec.valueBytes));
    }
    return 0;
  }

  /** @returns 0 or a negative errno */
  delete(key: Uint8Array): number {
    return this.#ops.remove(this.#putKey(key));
  }

  /** Live entries in the map's own order, as copies. Changing the map on the way is allowed. */
  *entries(): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
    for (let at = this.#ops.scan(0); at >= 0; at = this.#ops.scan(at + 1)) {
      const key = this.#memory.read(this.#ops.keyAt(at, this.#layout.scratch), this.spec.keyBytes);
      const value = this.get(key);
      if (value !== undefined) yield [key, value];
    }
  }

  /** Whether its values are maps: `get` and `set` then speak of them by id, in 4 bytes. */
  get holdsMaps(): boolean {
    return MAP_TYPE_ROWS[this.spec.type].holds === 'map';
  }

  /**
   * Puts a map into a map of maps.
   * @returns 0 or a negative errno: -EINVAL where the map is not like the template
   */
  setMap(key: Uint8Array, map: string | MapId, flags = 0): number {
    if (!this.holdsMaps) return -errno.EINVAL;
    return this.#putMap(this.#putKey(key), typeof map === 'string' ? this.#maps.idOf(map) : map, flags);
  }

  /** Whether its values are sockets: `set` speaks of them by their place in the world, from 1, `get` by cookie or place. */
  get holdsSockets(): boolean {
    return holdsSockets(this.spec);
  }

  /**
   * Puts a socket of the world into a map of sockets.
   * @returns 0 or a negative errno: -EBADF where the world has no such socket
   */
  setSocket(key: Uint8Array, name: string, flags = 0): number {
    if (!this.holdsSockets) return -errno.EINVAL;
    return this.#putSocket(this.#putKey(key), this.#maps.socketNumber(name), flags);
  }

  /** Name of the socket at this key, or undefined. */
  getSocket(key: Uint8Array): string | undefined {
    return this.holdsSockets ? this.#maps.socketAt(this.#ops.lookupOn(this.#putKey(key), 0))?.name : undefined;
  }

  #putSocket(key: Ptr, number: number, flags: number): number {
    const sock = this.#maps.socketNumbered(number);
    return sock === 0 ? -errno.EBADF : (this.#ops as SocketMapOps).setSocket(key, sock, flags);
  }

  /** The map at this key of a map of maps, or undefined. */
  getMap(key: Uint8Array): MapHandle | undefined {
    const descriptor = this.holdsMaps ? this.#ops.lookupOn(this.#putKey(key), 0) : 0;
    const id = descriptor === 0 ? undefined : this.#maps.idAt(descriptor);
    return id === undefined ? undefined : this.#maps.handle(id);
  }

  /** What `op` writes out, or undefined. A filter has nothing to give. */
  #takeOut(op: 'peek' | 'pop'): Uint8Array | undefined {
    if (this.spec.type === 'bloom_filter') return undefined;
    const out = this.#layout.scratchValue;
    return (this.#ops as KeylessMapOps)[op](out) === 0 ? this.#memory.read(out, this.spec.valueBytes) : undefined;
  }

  #putMap(key: Ptr, map: MapId | undefined, flags: number): number {
    return this.#maps.putMap(this.spec, this.#ops, key, map ?? NO_MAP, flags);
  }

  /** Puts a program's function into a prog_array (-1 clears the entry). Returns 0 or a negative errno. */
  setProgram(index: number, func: FuncId): number {
    if (this.spec.type !== 'prog_array') return -errno.EINVAL;
    return (this.#ops as ProgArrayOps).setTarget(index, func);
  }

  #putKey(key: Uint8Array): Ptr {
    this.#check('key', key, this.spec.keyBytes);
    this.#memory.write(this.#layout.scratch, key);
    return this.#layout.scratch;
  }

  #readValue(key: Ptr): Uint8Array {
    if (this.holdsMaps) {
      const id = new Uint8Array(4);
      new DataView(id.buffer).setUint32(0, this.#maps.idAt(this.#ops.lookupOn(key, 0)) ?? NO_MAP, true);
      return id;
    }
    if (this.holdsSockets) {
      const socket = this.#maps.socketAt(this.#ops.lookupOn(key, 0));
      const said = new Uint8Array(8);
      const isShort = this.spec.valueBytes === 4;
      new DataView(said.buffer).setBigUint64(
        0,
        BigInt((isShort ? (socket?.index ?? -1) + 1 : socket?.cookie) ?? 0),
        true,
      );
      return said.subarray(0, this.spec.valueBytes);
    }
    if (!this.perCpu) {
      return hideSpecial(this.spec, this.#memory.read(this.#ops.lookupOn(key, 0), this.spec.valueBytes));
    }
    const stride = alignUp(this.spec.valueBytes, 8);
    const out = new Uint8Array(stride * this.#layout.cpus);
    for (let cpu = 0; cpu < this.#layout.cpus; cpu++) {
      out.set(this.#memory.read(this.#ops.lookupOn(key, cpu), this.spec.valueBytes), cpu * stride);
    }
    return out;
  }

  #check(what: 'key' | 'value', bytes: Uint8Array, want: number): void {
    if (bytes.length === want) return;
    throw new ConfigError(
      'config-value',
      `map \`${this.spec.name}\`: the ${what} has ${String(bytes.length)} bytes, must have ${String(want)}`,
      { data: { map: this.spec.name, what, bytes: bytes.length, want } },
    );
  }
}
