/**
 * Maps of the live kernel as user space and a program see them, through bpf(2): create, lookup, update, delete, walk, and
 * test runs. Stays on CPU 0, where all answers are recorded. Nothing is attached, pinned or kept.
 */
import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import { alignUp } from '../../vm/addr.js';
import { encode } from '../../vm/isa/encode.js';
import { slotsOf } from '../../vm/isa/insn.js';
import type { MapSpec, ObjectSpec } from '../../vm/object/object-spec.js';
import { MAP_TYPE_ROWS } from '../../vm/spec/map-types.js';
import { linkForKernel } from '../../node/kernel/link-object.js';

const SYSCALL_NUMBERS: Readonly<Record<string, number>> = { x64: 321, arm64: 280, riscv64: 280, loong64: 280 };
const COMMANDS = {
  create: 0,
  lookup: 1,
  update: 2,
  delete: 3,
  nextKey: 4,
  load: 5,
  run: 10,
  info: 15,
  take: 21,
  loadBtf: 18,
  freeze: 22,
} as const;
const XDP = 6;
const ATTR_BYTES = 144;

/** CPUs that may be there; per-CPU values have as many parts. */
export function possibleCpus(): number {
  const text = readFileSync('/sys/devices/system/cpu/possible', 'latin1').trim();
  return text.split(',').reduce((sum, range) => {
    const [from = 0, to = from] = range.split('-').map(Number);
    return sum + to - from + 1;
  }, 0);
}

export class MapKernel {
  readonly cpus = possibleCpus();
  readonly #number = SYSCALL_NUMBERS[process.arch] ?? 0;
  readonly #syscall;
  readonly #close;

  constructor() {
    const libc = koffi.load(null);
    this.#syscall = libc.func('long syscall(long number, int command, void *attr, unsigned int bytes)') as (
      number: number,
      command: number,
      attr: Buffer,
      bytes: number,
    ) => number;
    this.#close = libc.func('int close(int fd)') as (fd: number) => number;
    const pin = libc.func('int sched_setaffinity(int pid, size_t bytes, void *mask)') as (
      pid: number,
      bytes: number,
      mask: Buffer,
    ) => number;
    const mask = Buffer.alloc(128);
    mask[0] = 1;
    if (pin(0, mask.length, mask) !== 0) throw new Error('cannot stay on CPU 0');
  }

  /** The result, or a negative errno. */
  ask(command: keyof typeof COMMANDS, fill: (attr: Buffer) => void): number {
    const attr = Buffer.alloc(ATTR_BYTES);
    fill(attr);
    const result = this.#syscall(this.#number, COMMANDS[command], attr, ATTR_BYTES);
    return result < 0 ? -koffi.errno() : result;
  }

  /** A descriptor of types. */
  loadBtf(bytes: Uint8Array): number {
    const copy = Buffer.from(bytes);
    const fd = this.ask('loadBtf', (attr) => {
      attr.writeBigUInt64LE(koffi.address(copy), 0);
      attr.writeUInt32LE(copy.length, 16);
    });
    if (fd < 0) throw new Error(`types not loaded: ${fd}`);
    return fd;
  }

  /** A map's descriptor, or a negative errno. @param btf where the types of its spec are */
  create(spec: MapSpec, btf = 0): number {
    const inner = spec.inner === undefined ? 0 : this.create(spec.inner);
    if (inner < 0) return inner;
    const fd = this.ask('create', (attr) => {
      attr.writeUInt32LE(MAP_TYPE_ROWS[spec.type].id, 0);
      attr.writeUInt32LE(spec.keyBytes, 4);
      attr.writeUInt32LE(spec.valueBytes, 8);
      attr.writeUInt32LE(spec.maxEntries, 12);
      attr.writeUInt32LE(spec.flags, 16);
      attr.writeUInt32LE(inner, 20);
      attr.writeUInt32LE(btf, 48);
      attr.writeUInt32LE(btf === 0 ? 0 : (spec.keyType ?? 0), 52);
      attr.writeUInt32LE(btf === 0 ? 0 : (spec.valueType ?? 0), 56);
      attr.writeBigUInt64LE(spec.mapExtra ?? 0n, 64);
    });
    if (inner > 0) this.close(inner);
    return fd;
  }

  /** `create` and `close`; 0 or a negative errno. */
  tryMap(spec: MapSpec): number {
    const fd = this.create(spec);
    if (fd < 0) return fd;
    this.close(fd);
    return 0;
  }

  entry(
    command: 'lookup' | 'update' | 'delete' | 'take' | 'nextKey',
    fd: number,
    key: Uint8Array | undefined,
    value: Uint8Array,
    flags = 0,
  ): number {
    return this.ask(command, (attr) => {
      attr.writeUInt32LE(fd, 0);
      attr.writeBigUInt64LE(key === undefined || key.length === 0 ? 0n : koffi.address(key), 8);
      // What a command does not take must be 0.
      if (command === 'delete') return;
      attr.writeBigUInt64LE(value.length === 0 ? 0n : koffi.address(value), 16);
      attr.writeBigUInt64LE(BigInt(flags), 24);
    });
  }

  /** The kernel's number of a map. */
  idOf(fd: number): number {
    const info = Buffer.alloc(88);
    this.ask('info', (attr) => {
      attr.writeUInt32LE(fd, 0);
      attr.writeUInt32LE(info.length, 4);
      attr.writeBigUInt64LE(koffi.address(info), 8);
    });
    return info.readUInt32LE(4);
  }

  /** What the verifier says: errno (0: accepted) and the log's lines without statistics. */
  judge(
    object: ObjectSpec,
    maps: readonly number[],
    types: { readonly btf: number; readonly functions: readonly number[] },
    type: number,
  ): { readonly errno: number; readonly lines: readonly string[] } {
    const { fd, text } = this.#load(object, maps, types, type);
    if (fd >= 0) this.close(fd);
    return { errno: Math.max(0, -fd), lines: text.trimEnd().split('\n') };
  }

  /** A program's descriptor. @param types of its functions, in the order of the stream */
  load(
    object: ObjectSpec,
    maps: readonly number[],
    types?: { readonly btf: number; readonly functions: readonly number[] },
  ): number {
    const { fd, text } = this.#load(object, maps, types, XDP);
    if (fd < 0) throw new Error(`not loaded (${fd}): ${text.slice(-500)}`);
    return fd;
  }

  #load(
    object: ObjectSpec,
    maps: readonly number[],
    types: { readonly btf: number; readonly functions: readonly number[] } | undefined,
    type: number,
  ): { readonly fd: number; readonly text: string } {
    const insns = encode(linkForKernel(object, 0, maps));
    const license = Buffer.from('GPL\0');
    const log = Buffer.alloc(1 << 20);
    const info = functionInfo(object, types?.functions ?? []);
    const fd = this.ask('load', (attr) => {
      attr.writeUInt32LE(type, 0);
      attr.writeUInt32LE(insns.length / 8, 4);
      attr.writeBigUInt64LE(koffi.address(insns), 8);
      attr.writeBigUInt64LE(koffi.address(license), 16);
      attr.writeUInt32LE(1, 24);
      attr.writeUInt32LE(log.length, 28);
      attr.writeBigUInt64LE(koffi.address(log), 32);
      if (types === undefined) return;
      attr.writeUInt32LE(types.btf, 72);
      attr.writeUInt32LE(8, 76);
      attr.writeBigUInt64LE(koffi.address(info), 80);
      attr.writeUInt32LE(types.functions.length, 88);
    });
    return { fd, text: log.toString('latin1', 0, log.indexOf(0)) };
  }

  /** The packet as the program left it. */
  run(program: number, packet: Uint8Array): Uint8Array {
    const out = Buffer.alloc(packet.length);
    const failed = this.ask('run', (attr) => {
      attr.writeUInt32LE(program, 0);
      attr.writeUInt32LE(packet.length, 8);
      attr.writeUInt32LE(out.length, 12);
      attr.writeBigUInt64LE(koffi.address(packet), 16);
      attr.writeBigUInt64LE(koffi.address(out), 24);
      attr.writeUInt32LE(1, 32);
    });
    if (failed < 0) throw new Error(`not run: ${failed}`);
    return out;
  }

  close(fd: number): void {
    this.#close(fd);
  }

  /** Bytes of a value as user space sees it. */
  valueBytes(spec: MapSpec): number {
    return MAP_TYPE_ROWS[spec.type].perCpu === true ? alignUp(spec.valueBytes, 8) * this.cpus : spec.valueBytes;
  }
}

/** Records of bpf_func_info: where each function starts, and its type. */
function functionInfo({ functions }: ObjectSpec, types: readonly number[]): Buffer {
  const info = Buffer.alloc(8 * types.length + 8);
  let slot = 0;
  for (const [index, type] of types.entries()) {
    info.writeUInt32LE(slot, 8 * index);
    info.writeUInt32LE(type, 8 * index + 4);
    slot += (functions[index]?.insns ?? []).reduce((sum, insn) => sum + slotsOf(insn), 0);
  }
  return info;
}
