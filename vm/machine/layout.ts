/**
 * Where everything lies: a pure function of an object and options. Engines compile against a layout, a machine is made
 * from one. Guest memory is the lower part; where accesses are checked its shadow is the upper half.
 */
import { alignUp } from '../addr.js';
import type { Ptr } from '../addr.js';
import { ConfigError, LoadError, must, naming } from '../errors.js';
import { flowOf } from '../isa/flow.js';
import { mapKindOf } from '../maps/kinds.js';
import { CELLS_END, MAX_FRAMES } from '../memory/cells.js';
import { DEFAULT_MEMORY_BYTES, WASM_PAGE_BYTES } from '../memory/memory.js';
import type { FuncId, MapId, MapSpec, ObjectSpec } from '../object/object-spec.js';
import type { PacketRing } from '../packet/packet-buff.js';
import { slotBytesFor } from '../packet/xdp-buff.js';
import { SOCKET_BYTES } from '../world/socket-table.js';
import { BARE_WORLD_SIZE } from '../world/world-size.js';
import type { WorldSize } from '../world/world-size.js';

/** A program's stack frame (MAX_BPF_STACK). */
export const STACK_BYTES = 512;
/** Frames are apart by this, so that an access past one hits bytes without rights. */
const FRAME_STRIDE_BYTES = 1024;
/** Room for the largest ctx of a fixed layout; the struct lies at its start. */
const CTX_BYTES = 1024;
/** The longest that programs of type `syscall` take. */
const SYSCALL_CTX_BYTES = 65_536;
/** Keys that callbacks may read. */
const CALLBACK_KEY_BYTES = 64;
const DYNPTR_CHUNK_BYTES = 256;
const DESCRIPTOR_SHIFT = 6;
const DESCRIPTOR_BYTES = 1 << DESCRIPTOR_SHIFT;
const FUNCTION_BYTES = 8;
const COUNTER_BYTES = 8;
const PAGE_BYTES = 4096;
/** Maps that may be made at run time, and the room for them where their outer maps could hold more. */
const MAX_INNER_MAPS = 4096;
const HEAP_BYTES = 64 << 20;
/** Largest offset of a load or store, rounded up. */
const MAX_INSN_OFF = 0x8000;

export const DEFAULT_PACKET_BYTES = 262_144;
const PACKET_SLOTS = 4;
/** Two windows of a capture's reader, and the longest record that lies across two. */
const WAITING_BYTES = 1 << 20;
/** What WebAssembly can address. */
const MAX_MEMORY_BYTES = 2 ** 32;
/** As many as Linux can be built for on x86_64 (NR_CPUS). */
const MAX_CPUS = 8192;

export interface LayoutOptions {
  /**
   * Size of the linear memory; half of it where `shadow` is on is for guests. Left out, what the object needs, at most 2 GiB: hosts
   * collect garbage by the size of what was asked for, touched or not.
   */
  readonly memoryBytes?: number;
  /** Reserve shadow memory, as the `memory` check needs; default true. */
  readonly shadow?: boolean;
  /** Reserve a count for each basic block, as the `counters` check needs; default false. */
  readonly counters?: boolean;
  readonly cpus?: number;
  /** Longest packet; default 262144, the largest that captures hold. */
  readonly packetBytes?: number;
  /** Sockets and cgroups of the world that the machine will have; default none. */
  readonly worldSize?: WorldSize;
}

export interface PlacedMap {
  /** What a program sees as the map: an address without rights. */
  readonly descriptor: Ptr;
  readonly base: Ptr;
  readonly bytes: number;
}

export interface Layout {
  readonly memoryBytes: number;
  /** Distance to the shadow; 0 where there is none. */
  readonly shadowDelta: number;
  readonly cpus: number;
  /** Map descriptors: the object's maps, then those made at run time, 64 bytes each. */
  readonly descriptors: Ptr;
  /** Most maps that may be made at run time; 0 where no map holds maps. */
  readonly innerMaps: number;
  /** Where they lie. */
  readonly heap: Ptr;
  readonly heapBytes: number;
  /** Address of function f, as ld_func gives it, is `functions + 8 * f`. */
  readonly functions: Ptr;
  readonly functionCount: number;
  /**
   * How often each basic block was entered, a u64 each: by function, where those of its blocks begin, in the order of `flowOf`.
   * Empty where blocks are not counted. No guest may touch them.
   */
  readonly counters: readonly Ptr[];
  /** Where the host puts a key and a value that it hands to a map. No guest may touch them. */
  readonly scratch: Ptr;
  readonly scratchValue: Ptr;
  /** Room for a part of what is copied between two dynptrs. No guest may touch it. */
  readonly dynptrChunk: Ptr;
  /** What stands for the kernel's own structures: addresses without rights. */
  readonly kernelCtx: Ptr;
  /** Lowest byte of frame d is `stack + d * frameStride`; r10 is 512 above it. */
  readonly stack: Ptr;
  readonly frameStride: number;
  readonly ctx: Ptr;
  readonly ctxBytes: number;
  readonly callbackKey: Ptr;
  /** Records of sockets: that of test runs, then the world's. */
  readonly sockets: Ptr;
  readonly worldSize: WorldSize;
  readonly packets: PacketRing;
  /** Where packets of a capture wait for their turn; 0 bytes where there is no room. No guest may touch it, no checkpoint has it. */
  readonly waiting: { readonly base: Ptr; readonly bytes: number };
  readonly maps: readonly PlacedMap[];
  /** First address that nothing uses. */
  readonly end: Ptr;
}

/**
 * Places an object.
 * @throws LoadError `load-memory` naming the map that does not fit, `load-map` for a definition the kernel refuses, with
 *   `counters` also `load-insn` where a jump leaves its function
 * @throws ConfigError `config-value` for an option that is no size or count
 */
export function layoutOf(object: ObjectSpec, options: LayoutOptions = {}): Layout {
  const memoryBytes = countOf('memoryBytes', options.memoryBytes ?? DEFAULT_MEMORY_BYTES, MAX_MEMORY_BYTES);
  const shadow = options.shadow ?? true;
  const cpus = countOf('cpus', options.cpus ?? 1, MAX_CPUS);
  const guestBytes = Math.min(shadow ? Math.floor(memoryBytes / 2 / PAGE_BYTES) * PAGE_BYTES : memoryBytes, 2 ** 31);
  let next = CELLS_END;
  const place = (bytes: number, align: number): Ptr => {
    const at = alignUp(next, align);
    next = at + bytes;
    return at;
  };
  const functions = place(FUNCTION_BYTES * object.functions.length, 8);
  const counters =
    options.counters === true
      ? object.functions.map(({ insns, name }) =>
          place(COUNTER_BYTES * flowOf(insns, name).blocks.length, COUNTER_BYTES),
        )
      : [];
  const innerMaps = object.maps.some((map) => map.inner !== undefined) ? MAX_INNER_MAPS : 0;
  const descriptors = place(DESCRIPTOR_BYTES * (object.maps.length + innerMaps), DESCRIPTOR_BYTES);
  const longest = (size: 'keyBytes' | 'valueBytes'): number =>
    object.maps.reduce((most, map) => Math.max(most, map[size], map.inner?.[size] ?? 0), 8);
  const scratch = place(longest('keyBytes'), PAGE_BYTES);
  const dynptrChunk = place(DYNPTR_CHUNK_BYTES, 8);
  // What a guest may touch starts above every offset that an instruction can hold, so that no access wraps around into it.
  next = Math.max(next, MAX_INSN_OFF);
  // One stride of no man's land below the first frame catches what overflows it.
  const stack = place(FRAME_STRIDE_BYTES * (MAX_FRAMES + 1), PAGE_BYTES) + FRAME_STRIDE_BYTES;
  const ctxBytes = object.programs.some(({ type }) => type === 'syscall') ? SYSCALL_CTX_BYTES : CTX_BYTES;
  const ctx = place(ctxBytes, PAGE_BYTES);
  const callbackKey = place(CALLBACK_KEY_BYTES, PAGE_BYTES);
  const worldSize = options.worldSize ?? BARE_WORLD_SIZE;
  const sockets = place(SOCKET_BYTES * (worldSize.sockets + 1), PAGE_BYTES);
  const kernelCtx = place(2 * MAX_INSN_OFF, PAGE_BYTES) + MAX_INSN_OFF;
  const slotBytes = slotBytesFor(countOf('packetBytes', options.packetBytes ?? DEFAULT_PACKET_BYTES, MAX_MEMORY_BYTES));
  const packets = { base: place(slotBytes * PACKET_SLOTS, PAGE_BYTES), slotBytes, slots: PACKET_SLOTS };
  const maps: PlacedMap[] = [];
  for (const [index, spec] of object.maps.entries()) {
    const bytes = naming(object.name, () => mapKindOf(spec.type)?.plan(spec, cpus, worldSize).bytes ?? 0);
    const base = place(bytes, PAGE_BYTES);
    if (next > guestBytes) throw doesNotFit(object, spec, bytes, guestBytes);
    maps.push({ descriptor: descriptors + DESCRIPTOR_BYTES * index, base, bytes });
  }
  const scratchValue = place(longest('valueBytes'), PAGE_BYTES);
  if (next > guestBytes) {
    const largest = maps.reduce((most, { bytes }, index) => (bytes > (maps[most]?.bytes ?? 0) ? index : most), 0);
    const spec = object.maps[largest];
    if (spec !== undefined) throw doesNotFit(object, spec, maps[largest]?.bytes ?? 0, guestBytes);
    throw new LoadError(
      'load-memory',
      `the object needs ${String(next)} bytes of guest memory, more than ${String(guestBytes)}`,
      { data: { bytes: next, guestBytes }, where: { file: object.name }, hint: 'raise --memory' },
    );
  }
  const heap = place(0, PAGE_BYTES);
  const heapBytes = Math.min(innerMaps === 0 ? 0 : heapBytesOf(object, cpus, worldSize), guestBytes - heap);
  place(heapBytes, PAGE_BYTES);
  const end = next;
  const waitingBase = alignUp(end, PAGE_BYTES);
  const waitingBytes = guestBytes - waitingBase < WAITING_BYTES ? 0 : WAITING_BYTES;
  next = waitingBase + waitingBytes;
  const used = options.memoryBytes === undefined ? Math.min(alignUp(next, WASM_PAGE_BYTES), guestBytes) : guestBytes;
  return {
    memoryBytes: options.memoryBytes === undefined ? (shadow ? 2 : 1) * used : memoryBytes,
    shadowDelta: shadow ? used : 0,
    cpus,
    descriptors,
    innerMaps,
    heap,
    heapBytes,
    functions,
    functionCount: object.functions.length,
    counters,
    scratch,
    scratchValue,
    dynptrChunk,
    kernelCtx,
    stack,
    frameStride: FRAME_STRIDE_BYTES,
    ctx,
    ctxBytes,
    callbackKey,
    sockets,
    worldSize,
    packets,
    waiting: { base: waitingBase, bytes: waitingBytes },
    maps,
    end,
  };
}

/** Room for as many maps as the maps of maps hold, within reason, and for one of each kind at least. */
function heapBytesOf(object: ObjectSpec, cpus: number, worldSize: WorldSize): number {
  let all = 0;
  let oneEach = 0;
  for (const { inner, maxEntries } of object.maps) {
    if (inner === undefined) continue;
    const planned = naming(object.name, () => mapKindOf(inner.type)?.plan(inner, cpus, worldSize).bytes ?? 0);
    const bytes = PAGE_BYTES + planned;
    all += bytes * maxEntries;
    oneEach += bytes;
  }
  return alignUp(PAGE_BYTES + Math.min(all, Math.max(oneEach, HEAP_BYTES)), PAGE_BYTES);
}

function doesNotFit(object: ObjectSpec, spec: MapSpec, bytes: number, guestBytes: number): LoadError {
  const size = `${spec.type}, ${String(spec.maxEntries)} entries`;
  return new LoadError(
    'load-memory',
    `map \`${spec.name}\` (${size}) needs ${String(bytes)} bytes and does not fit in ${String(guestBytes)} bytes of guest memory`,
    {
      data: { map: spec.name, bytes, guestBytes },
      where: { file: object.name },
      hint: 'raise --memory, or lower max_entries (`maps` in skep.yaml sets it, too)',
    },
  );
}

/** An option that counts something: a whole number within bounds. */
function countOf(option: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new ConfigError(
    'config-value',
    `${option} is ${String(value)}, must be a whole number from 1 to ${String(most)}`,
    {
      data: { option, value },
    },
  );
}

/** Where it is counted how often a basic block was entered; the layout must count blocks. */
export function counterPtr({ counters }: Layout, func: FuncId, block: number): Ptr {
  return must(counters[func], 'a layout with counters') + COUNTER_BYTES * block;
}

/** What ld_func loads for a function. */
export function functionPtr(layout: Layout, func: FuncId): Ptr {
  return layout.functions + FUNCTION_BYTES * func;
}

/** The function at such an address, or -1. */
export function functionAt(layout: Layout, ptr: Ptr): FuncId {
  const index = (ptr - layout.functions) / FUNCTION_BYTES;
  return Number.isInteger(index) && index >= 0 && index < layout.functionCount ? index : -1;
}

/** What a program sees as the map: an address without rights. */
export function descriptorOf(layout: Layout, map: MapId): Ptr {
  return layout.descriptors + DESCRIPTOR_BYTES * map;
}

/** The map whose descriptor lies at `ptr`, or -1. Of those made at run time it says no more than that they may be there. */
export function mapAt(layout: Layout, ptr: Ptr): MapId {
  const by = ptr - layout.descriptors;
  const index = by >> DESCRIPTOR_SHIFT;
  const inside = by >= 0 && (by & (DESCRIPTOR_BYTES - 1)) === 0 && index < layout.maps.length + layout.innerMaps;
  return inside ? index : -1;
}
