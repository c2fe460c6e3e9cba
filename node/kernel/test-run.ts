/**
 * Objects on the running kernel by BPF_PROG_TEST_RUN: maps are made and filled, a program is loaded and run, all of it is closed
 * again. Nothing is attached, pinned or kept. Knows no engine of skep's.
 */
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { encode } from '../../vm/isa/encode.js';
import { alignUp } from '../../vm/addr.js';
import type { FuncId, MapSpec, ObjectSpec } from '../../vm/object/object-spec.js';
import { MAP_TYPE_ROWS } from '../../vm/spec/map-types.js';
import { PROG_TYPE_ROWS } from '../../vm/spec/prog-types.js';
import type { ProgTypeName } from '../../vm/spec/prog-types.js';
import { linkForKernel } from './link-object.js';

const SYSCALL_NUMBERS: Readonly<Record<string, number>> = { x64: 321, arm64: 280, riscv64: 280, loong64: 280 };
const COMMANDS = { createMap: 0, lookup: 1, update: 2, load: 5, testRun: 10, freeze: 22 } as const;
const ATTR_BYTES = 144;
const LOG_BYTES = 1 << 20;
const OUT_BYTES = 1 << 16;
const SYS_ADMIN = 1n << 21n;

/** Why bpf() cannot be used here, in words for people; undefined where it can. */
export function whyNoKernel(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (SYSCALL_NUMBERS[process.arch] === undefined) return `no number of bpf() known for ${process.arch}`;
  if (process.getuid?.() !== 0) return 'not root';
  const capabilities = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  if ((BigInt(`0x${capabilities}`) & SYS_ADMIN) === 0n) return 'root without CAP_SYS_ADMIN';
  try {
    createRequire(import.meta.url)('koffi');
  } catch {
    return 'the package koffi is not installed';
  }
  return undefined;
}

/** What is used of koffi, an optional package. */
interface Koffi {
  load(path: null): { func(signature: string): unknown };
  address(buffer: Uint8Array): bigint;
  errno(): number;
}

type Fill = (attr: Buffer) => void;
type Syscall = (number: number, command: number, attr: Buffer, bytes: number) => number;
type Close = (fd: number) => number;

class Bpf {
  readonly koffi = createRequire(import.meta.url)('koffi') as Koffi;
  readonly #syscall: Syscall;
  readonly #close: Close;
  readonly #number = SYSCALL_NUMBERS[process.arch] ?? 0;

  constructor() {
    const libc = this.koffi.load(null);
    this.#syscall = libc.func('long syscall(long number, int command, void *attr, unsigned int bytes)') as Syscall;
    this.#close = libc.func('int close(int fd)') as Close;
  }

  /** The result, or a negative errno. */
  ask(command: keyof typeof COMMANDS, attr: Buffer): number {
    const result = this.#syscall(this.#number, COMMANDS[command], attr, ATTR_BYTES);
    return result < 0 ? -this.koffi.errno() : result;
  }

  fill(command: keyof typeof COMMANDS, fill: Fill): number {
    const attr = Buffer.alloc(ATTR_BYTES);
    fill(attr);
    return this.ask(command, attr);
  }

  close(fd: number): void {
    this.#close(fd);
  }
}

/** The kernel refused something; the message has the end of the verifier's log. */
export class KernelRefusal extends Error {}

/** An object's maps and one of its programs in the kernel. Close it. */
export class KernelProgram {
  readonly #bpf = new Bpf();
  readonly #object: ObjectSpec;
  readonly #maps: number[] = [];
  readonly #programs: number[] = [];
  readonly #main: number;
  readonly #request = Buffer.alloc(ATTR_BYTES);
  readonly #out = Buffer.alloc(OUT_BYTES);

  /** @throws KernelRefusal */
  constructor(object: ObjectSpec, func: FuncId) {
    this.#object = object;
    try {
      for (const spec of object.maps) this.#maps.push(this.#createMap(spec));
      for (const [map, { values, type }] of object.maps.entries()) {
        if (type !== 'prog_array') continue;
        for (const value of values) {
          if (value.kind === 'func') this.#put(map, value.index, this.#load(value.func));
        }
      }
      this.#main = this.#load(func);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Writes an entry; of per-CPU maps the value of every CPU. */
  update(map: string, key: Uint8Array, value: Uint8Array): void {
    const index = this.#object.maps.findIndex(({ name }) => name === map);
    this.#update(index, key, value);
  }

  /**
   * Runs the program `times` times on one packet, which it sees as the run before left it.
   * @returns r0 of the last run, and the kernel's own time of a run in nanoseconds, rounded down
   */
  run(packet: Uint8Array, times: number): { readonly retval: number; readonly ns: number } {
    const request = this.#request;
    request.fill(0);
    request.writeUInt32LE(this.#main, 0);
    request.writeUInt32LE(packet.length, 8);
    request.writeUInt32LE(OUT_BYTES, 12);
    request.writeBigUInt64LE(this.#bpf.koffi.address(packet), 16);
    request.writeBigUInt64LE(this.#bpf.koffi.address(this.#out), 24);
    request.writeUInt32LE(times, 32);
    const failed = this.#bpf.ask('testRun', request);
    if (failed < 0) throw new KernelRefusal(`BPF_PROG_TEST_RUN: errno ${String(-failed)}`);
    return { retval: request.readUInt32LE(4), ns: request.readUInt32LE(36) };
  }

  close(): void {
    for (const fd of [...this.#programs, ...this.#maps]) this.#bpf.close(fd);
  }

  #createMap(spec: MapSpec): number {
    const fd = this.#bpf.fill('createMap', (attr) => {
      attr.writeUInt32LE(MAP_TYPE_ROWS[spec.type].id, 0);
      attr.writeUInt32LE(spec.keyBytes, 4);
      attr.writeUInt32LE(spec.valueBytes, 8);
      attr.writeUInt32LE(spec.maxEntries, 12);
      attr.writeUInt32LE(spec.flags, 16);
    });
    if (fd < 0) throw new KernelRefusal(`map ${spec.name}: errno ${String(-fd)}`);
    if (spec.contents !== undefined) {
      this.#putValue(fd, spec.name, new Uint8Array(4), spec.contents);
      // As libbpf does: only then may the verifier take what it holds for constants.
      if (spec.readOnly) this.#bpf.fill('freeze', (attr) => attr.writeUInt32LE(fd, 0));
    }
    return fd;
  }

  #put(map: number, index: number, word: number): void {
    const pair = Buffer.alloc(8);
    pair.writeUInt32LE(index, 0);
    pair.writeUInt32LE(word, 4);
    this.#update(map, pair.subarray(0, 4), pair.subarray(4));
  }

  #update(map: number, key: Uint8Array, value: Uint8Array): void {
    const spec = this.#object.maps[map];
    const fd = this.#maps[map];
    if (spec === undefined || fd === undefined) throw new KernelRefusal(`no map ${String(map)}`);
    const padded =
      MAP_TYPE_ROWS[spec.type].perCpu === true ? new Uint8Array(alignUp(spec.valueBytes, 8) * 1024) : undefined;
    for (let at = 0; padded !== undefined && at < padded.length; at += alignUp(spec.valueBytes, 8))
      padded.set(value, at);
    this.#putValue(fd, spec.name, key, padded ?? value);
  }

  #putValue(fd: number, name: string, key: Uint8Array, value: Uint8Array): void {
    const { koffi } = this.#bpf;
    // Copies, since an address of an empty or pooled array may be none.
    const [keyCopy, valueCopy] = [Buffer.from(key), Buffer.from(value)];
    const failed = this.#bpf.fill('update', (attr) => {
      attr.writeUInt32LE(fd, 0);
      attr.writeBigUInt64LE(koffi.address(keyCopy), 8);
      attr.writeBigUInt64LE(koffi.address(valueCopy), 16);
    });
    if (failed < 0) throw new KernelRefusal(`map ${name}, update: errno ${String(-failed)}`);
  }

  #load(func: FuncId): number {
    const insns = encode(linkForKernel(this.#object, func, this.#maps));
    const license = Buffer.from(`${this.#object.license}\0`);
    const log = Buffer.alloc(LOG_BYTES);
    const { koffi } = this.#bpf;
    const load = (logLevel: number): number =>
      this.#bpf.fill('load', (attr) => {
        attr.writeUInt32LE(PROG_TYPE_ROWS[this.#typeOf(func)].id, 0);
        attr.writeUInt32LE(insns.length / 8, 4);
        attr.writeBigUInt64LE(koffi.address(insns), 8);
        attr.writeBigUInt64LE(koffi.address(license), 16);
        if (logLevel === 0) return;
        attr.writeUInt32LE(logLevel, 24);
        attr.writeUInt32LE(LOG_BYTES, 28);
        attr.writeBigUInt64LE(koffi.address(log), 32);
      });
    const fd = load(0);
    if (fd < 0) {
      load(1);
      const lines = log.toString('latin1', 0, log.indexOf(0)).trimEnd().split('\n').slice(-8);
      throw new KernelRefusal(`program: errno ${String(-fd)}\n${lines.join('\n')}`);
    }
    this.#programs.push(fd);
    return fd;
  }

  #typeOf(func: FuncId): ProgTypeName {
    const type = this.#object.programs.find((program) => program.func === func)?.type ?? 'unspec';
    return type === 'unspec' ? 'xdp' : type;
  }
}
