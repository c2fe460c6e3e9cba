/**
 * A machine's maps by index, descriptor and name, and access from outside: `MapHandle` speaks bytes as bpf(2) does.
 * Knows nothing of BTF.
 */
import { alignUp } from '../addr.js';
import type { Ptr } from '../addr.js';
import { ConfigError, must } from '../errors.js';
import { mapKindOf } from '../maps/kinds.js';
import { opaqueOps } from '../maps/map-kind.js';
import type { MapEnv, MapKind, MapOps } from '../maps/map-kind.js';
import type { PerfEventArrayOps } from '../maps/perf-event-array.js';
import type { ProgArrayOps } from '../maps/prog-array.js';
import type { RingbufOps } from '../maps/ringbuf.js';
import type { Memory } from '../memory/memory.js';
import { raiseTrap } from '../memory/raise.js';
import type { FuncId, MapId, MapSpec, ObjectSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { mapAt } from './layout.js';
import type { Layout } from './layout.js';

interface Slot {
  readonly spec: MapSpec;
  readonly kind: MapKind | undefined;
  readonly ops: MapOps;
}

export class MapTable {
  readonly #memory: Memory;
  readonly #layout: Layout;
  readonly #slots: readonly Slot[];

  constructor(object: ObjectSpec, layout: Layout, env: MapEnv) {
    this.#memory = env.memory;
    this.#layout = layout;
    this.#slots = object.maps.map((spec, index) => {
      const kind = mapKindOf(spec.type);
      const { base } = must(layout.maps[index], 'a placed map');
      if (spec.contents !== undefined) env.memory.write(base, spec.contents);
      return { spec, kind, ops: kind?.bind(env, spec, base) ?? opaqueOps(-errno.EOPNOTSUPP) };
    });
    for (const { spec, ops } of this.#slots) {
      for (const value of spec.values) {
        if (value.kind === 'func' && spec.type === 'prog_array')
          (ops as ProgArrayOps).setTarget(value.index, value.func);
      }
    }
  }

  get size(): number {
    return this.#slots.length;
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

  /** The ring buffer that holds a reserved record at `record`; traps where there is none. */
  ringbufOfRecord(record: Ptr): RingbufOps {
    for (const [index, { spec, ops }] of this.#slots.entries()) {
      const placed = this.#layout.maps[index];
      if (spec.type !== 'ringbuf' || placed === undefined) continue;
      if (record >= placed.base && record < placed.base + placed.bytes && (ops as RingbufOps).isReserved(record)) {
        return ops as RingbufOps;
      }
    }
    return raiseTrap(this.#memory, 'bad-record', record);
  }

  /** Hands committed ring buffer records over to the outside. */
  drain(): void {
    for (const { spec, ops } of this.#slots) if (spec.type === 'ringbuf') (ops as RingbufOps).drain();
  }

  handle(map: MapId): MapHandle {
    const slot = must(this.#slots[map], 'a map');
    return new MapHandle(this.#memory, this.#layout, slot.spec, slot.kind, slot.ops);
  }

  /** Index of the map with this name, or undefined. */
  idOf(name: string): MapId | undefined {
    const index = this.#slots.findIndex(({ spec }) => spec.name === name);
    return index < 0 ? undefined : index;
  }

  #slotAt(descriptor: Ptr): Slot {
    const index = mapAt(this.#layout, descriptor);
    const slot = this.#slots[index];
    if (slot === undefined) return raiseTrap(this.#memory, 'bad-map', descriptor);
    if (slot.kind === undefined) return raiseTrap(this.#memory, 'unsupported-map', index);
    return slot;
  }

  #expect(descriptor: Ptr, type: MapSpec['type']): MapOps {
    const slot = this.#slotAt(descriptor);
    return slot.spec.type === type ? slot.ops : raiseTrap(this.#memory, 'bad-map', descriptor);
  }
}

/** A map seen from user space. Values of per-CPU maps are all CPUs' values, each padded to 8 bytes, as in bpf(2). */
export class MapHandle {
  readonly spec: MapSpec;
  readonly #memory: Memory;
  readonly #layout: Layout;
  readonly #kind: MapKind | undefined;
  readonly #ops: MapOps;

  constructor(memory: Memory, layout: Layout, spec: MapSpec, kind: MapKind | undefined, ops: MapOps) {
    this.#memory = memory;
    this.#layout = layout;
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
   * @returns a copy of the value, or undefined where the key has none
   * @throws ConfigError `config-value` where the key has the wrong size
   */
  get(key: Uint8Array): Uint8Array | undefined {
    const at = this.#putKey(key);
    if (this.#ops.lookupOn(at, 0) === 0) return undefined;
    return this.#readValue(at);
  }

  /**
   * @param flags BPF_ANY 0, BPF_NOEXIST 1, BPF_EXIST 2
   * @returns 0 or a negative errno
   * @throws ConfigError `config-value` where key or value have the wrong size
   */
  set(key: Uint8Array, value: Uint8Array, flags = 0): number {
    const at = this.#putKey(key);
    this.#check('value', value, this.valueBytes);
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
    if (!this.perCpu) return this.#memory.read(this.#ops.lookupOn(key, 0), this.spec.valueBytes);
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
