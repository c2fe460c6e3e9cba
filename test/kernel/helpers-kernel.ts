/**
 * Runs objects on the live kernel: maps are made, a program is loaded and run by BPF_PROG_TEST_RUN, and everything is
 * closed again. Only these three commands are used; nothing is attached, pinned or kept. Map contents are written by
 * programs, since no other command is.
 */
import koffi from 'koffi';
import { linkForKernel } from '../../node/kernel/link-object.js';
import { encode } from '../../vm/isa/encode.js';
import type { Insn } from '../../vm/isa/insn.js';
import type { FuncId, MapSpec, ObjectSpec } from '../../vm/object/object-spec.js';
import { MAP_FLAGS, MAP_TYPE_ROWS } from '../../vm/spec/map-types.js';
import {
  ATTACH_TYPES,
  PROG_FLAGS,
  PROG_TYPE_ROWS,
  type AttachTypeName,
  type ProgTypeName,
} from '../../vm/spec/prog-types.js';
import { objectOf } from '../machine/harness.js';

const SYSCALL_NUMBERS: Readonly<Record<string, number>> = { x64: 321, arm64: 280, riscv64: 280, loong64: 280 };
const MAP_CREATE = 0;
const PROG_LOAD = 5;
const PROG_TEST_RUN = 10;
const ATTR_BYTES = 144;
const LOG_BYTES = 1 << 20;
const DATA_OUT_BYTES = 1 << 17;

export interface KernelRun {
  /** 0, or the errno of the command itself. */
  readonly errno: number;
  readonly retval: number;
  /** Metadata and packet. */
  readonly data: Uint8Array;
  /** struct xdp_md after the run, where one was given. */
  readonly ctx: Uint8Array;
}

export class KernelRefusal extends Error {
  readonly errno: number;
  constructor(what: string, errno: number, log: string) {
    super(`${what}: errno ${errno}\n${log.split('\n').slice(-12).join('\n')}`);
    this.errno = errno;
  }
}

type Bpf = (command: number, fill: (attr: Buffer) => void) => { result: number; errno: number; attr: Buffer };

function openBpf(): { bpf: Bpf; close: (fd: number) => void } {
  const libc = koffi.load(null);
  const syscall = libc.func('long syscall(long number, int command, void *attr, unsigned int bytes)') as (
    number: number,
    command: number,
    attr: Buffer,
    bytes: number,
  ) => number;
  const close = libc.func('int close(int fd)') as (fd: number) => number;
  const number = SYSCALL_NUMBERS[process.arch] ?? 0;
  return {
    close,
    bpf(command, fill) {
      const attr = Buffer.alloc(ATTR_BYTES);
      fill(attr);
      const result = syscall(number, command, attr, ATTR_BYTES);
      return { result, errno: result < 0 ? koffi.errno() : 0, attr };
    },
  };
}

/** The commands, one object a test file. */
export class Kernel {
  readonly #bpf: Bpf;
  readonly #close: (fd: number) => void;
  readonly #log = Buffer.alloc(LOG_BYTES);
  readonly #out = Buffer.alloc(DATA_OUT_BYTES);

  constructor() {
    const { bpf, close } = openBpf();
    this.#bpf = bpf;
    this.#close = close;
  }

  /** Makes a map and closes it again; 0 or the errno. */
  tryMap(spec: MapSpec): number {
    const { fd, errno } = this.#createMap(spec);
    if (fd >= 0) this.#close(fd);
    return errno;
  }

  /** Opens an object's maps; `close` gives them back. */
  open(object: ObjectSpec): KernelMachine {
    const fds: number[] = [];
    try {
      for (const spec of object.maps) {
        // The program that fills a data section must be allowed to write it.
        const asked = spec.section === undefined ? spec : { ...spec, flags: spec.flags & ~MAP_FLAGS.BPF_F_RDONLY_PROG };
        const { fd, errno } = this.#createMap(asked);
        if (fd < 0) throw new KernelRefusal(`map ${spec.name}`, errno, '');
        fds.push(fd);
      }
      const machine = new KernelMachine(this, object, fds);
      machine.fillSections();
      return machine;
    } catch (error) {
      for (const fd of fds) this.#close(fd);
      throw error;
    }
  }

  #createMap(spec: MapSpec): { fd: number; errno: number } {
    const { result, errno } = this.#bpf(MAP_CREATE, (attr) => {
      attr.writeUInt32LE(MAP_TYPE_ROWS[spec.type].id, 0);
      attr.writeUInt32LE(spec.keyBytes, 4);
      attr.writeUInt32LE(spec.valueBytes, 8);
      attr.writeUInt32LE(spec.maxEntries, 12);
      attr.writeUInt32LE(spec.flags, 16);
    });
    return { fd: result, errno };
  }

  /** Loads a program and returns its descriptor. */
  load(insns: Uint8Array, license: string, type: ProgTypeName = 'xdp', flags = 0, attach?: AttachTypeName): number {
    const licenseText = Buffer.from(`${license}\0`);
    const log = this.#log;
    const ask = (level: number) =>
      this.#bpf(PROG_LOAD, (attr) => {
        attr.writeUInt32LE(PROG_TYPE_ROWS[type].id, 0);
        attr.writeUInt32LE(insns.length / 8, 4);
        attr.writeBigUInt64LE(koffi.address(insns), 8);
        attr.writeBigUInt64LE(koffi.address(licenseText), 16);
        attr.writeUInt32LE(type === 'syscall' ? PROG_FLAGS.sleepable : flags, 44);
        if (attach !== undefined) attr.writeUInt32LE(ATTACH_TYPES[attach], 68);
        if (level === 0) return;
        attr.writeUInt32LE(level, 24);
        attr.writeUInt32LE(LOG_BYTES, 28);
        attr.writeBigUInt64LE(koffi.address(log), 32);
      });
    const { result } = ask(0);
    if (result >= 0) return result;
    log[0] = 0;
    const again = ask(1);
    if (again.result >= 0) return again.result;
    throw new KernelRefusal('program', again.errno, log.toString('latin1', 0, log.indexOf(0)));
  }

  /** @param flags BPF_F_TEST_... */
  run(
    program: number,
    packet: Uint8Array,
    ctx?: Uint8Array,
    flags = 0,
    wants: {
      readonly data?: boolean;
      readonly ctx?: boolean;
      readonly repeat?: number;
      readonly ctxInPlace?: boolean;
    } = {},
  ): KernelRun {
    const out = this.#out;
    const ctxOut = Buffer.alloc(wants.ctx === false ? 0 : (ctx?.length ?? 0));
    // Programs of type `syscall` get the caller's own bytes, and change them.
    const given = Buffer.alloc(Math.max(1, ctx?.length ?? 0));
    given.set(ctx ?? []);
    const { errno, attr } = this.#bpf(PROG_TEST_RUN, (request) => {
      request.writeUInt32LE(program, 0);
      request.writeUInt32LE(packet.length, 8);
      request.writeBigUInt64LE(packet.length === 0 ? 0n : koffi.address(packet), 16);
      if (wants.data !== false) {
        request.writeUInt32LE(DATA_OUT_BYTES, 12);
        request.writeBigUInt64LE(koffi.address(out), 24);
      }
      request.writeUInt32LE(wants.repeat ?? 1, 32);
      request.writeUInt32LE(flags, 64);
      if (ctx === undefined) return;
      request.writeUInt32LE(ctx.length, 40);
      request.writeBigUInt64LE(koffi.address(given), 48);
      if (wants.ctx === false) return;
      request.writeUInt32LE(ctxOut.length, 44);
      request.writeBigUInt64LE(ctxOut.length === 0 ? 0n : koffi.address(ctxOut), 56);
    });
    return {
      errno,
      retval: attr.readUInt32LE(4),
      data: errno === 0 ? new Uint8Array(out.subarray(0, attr.readUInt32LE(12))) : new Uint8Array(0),
      ctx: new Uint8Array(wants.ctxInPlace === true ? given.subarray(0, ctx?.length ?? 0) : ctxOut),
    };
  }

  close(fd: number): void {
    this.#close(fd);
  }
}

/** An object whose maps live in the kernel. Close it. */
export class KernelMachine {
  readonly #kernel: Kernel;
  readonly #object: ObjectSpec;
  readonly #maps: readonly number[];
  readonly #programs = new Map<FuncId, number>();
  readonly #askers = new Map<string, number>();

  constructor(kernel: Kernel, object: ObjectSpec, maps: readonly number[]) {
    this.#kernel = kernel;
    this.#object = object;
    this.#maps = maps;
  }

  /** @throws KernelRefusal where the program does not load */
  run(packet: Uint8Array, func: FuncId = 0, ctx?: Uint8Array, flags = 0): KernelRun {
    let program = this.#programs.get(func);
    if (program === undefined) {
      program = this.#kernel.load(
        encode(linkForKernel(this.#object, func, this.#maps)),
        this.#object.license,
        this.#typeOf(func),
        this.#object.programs.find((each) => each.func === func)?.flags ?? 0,
      );
      this.#programs.set(func, program);
    }
    return this.#kernel.run(program, packet, ctx, flags);
  }

  #typeOf(func: FuncId): ProgTypeName {
    const type = this.#object.programs.find((program) => program.func === func)?.type ?? 'unspec';
    return type === 'unspec' ? 'xdp' : type;
  }

  /** Writes the contents of data sections, by programs that store them word by word. */
  fillSections(): void {
    for (const [index, { contents }] of this.#object.maps.entries()) {
      if (contents === undefined) continue;
      for (let from = 0; from < contents.length; from += 2048) {
        this.#fill(index, from, contents.subarray(from, from + 2048));
      }
    }
  }

  #fill(map: number, from: number, bytes: Uint8Array): void {
    const base = { dst: 0, src: 0, off: 0, imm: 0, immHi: 0, pc: 0 };
    const insns: Insn[] = [{ ...base, name: 'ld_map_value', dst: 1, src: 2, imm: this.#maps[map] ?? 0, immHi: from }];
    for (const [off, imm] of bytes.entries()) if (imm !== 0) insns.push({ ...base, name: 'stb', dst: 1, off, imm });
    insns.push({ ...base, name: 'mov64_k', imm: 2 }, { ...base, name: 'exit' });
    const program = this.#kernel.load(encode(insns), 'GPL');
    this.#kernel.run(program, new Uint8Array(64));
    this.#kernel.close(program);
  }

  /** Writes one entry of a hash or an array; array values of any size. @throws Error where the kernel refuses */
  update(map: string, key: Uint8Array, value: Uint8Array): void {
    const { spec } = this.#mapNamed(map);
    if (spec.type === 'array' && value.length > UPDATE_BYTES) {
      for (let at = 0; at < value.length; at += UPDATE_BYTES) {
        const off = Math.min(at, value.length - UPDATE_BYTES);
        const head = Buffer.alloc(key.length + 4);
        head.set(key);
        head.writeUInt32LE(off, key.length);
        const packet = Buffer.concat([head, value.subarray(off, off + UPDATE_BYTES)]);
        this.#ask(map, 'part', updatePartText(spec), packet);
      }
      return;
    }
    const { retval } = this.#ask(map, 'update', updateText(spec), Buffer.concat([key, value, new Uint8Array(14)]));
    if (retval !== 0) throw new Error(`map ${map}: update answers ${retval | 0}`);
  }

  /** A copy of a value, or undefined; of per-CPU maps that of CPU `cpu`. */
  lookup(map: string, key: Uint8Array, cpu = 0): Uint8Array | undefined {
    const { spec } = this.#mapNamed(map);
    const packet = Buffer.concat([key, new Uint8Array(spec.valueBytes + 14)]);
    const { retval, data } = this.#ask(map, `lookup${cpu}`, lookupText(spec, cpu), packet);
    return retval === 0 ? data.slice(key.length, key.length + spec.valueBytes) : undefined;
  }

  close(): void {
    for (const fd of [...this.#programs.values(), ...this.#askers.values(), ...this.#maps]) this.#kernel.close(fd);
  }

  /** Runs a program of its own on one map, `&map0` in its text. */
  #ask(map: string, what: string, text: string, packet: Uint8Array): KernelRun {
    const { spec, fd } = this.#mapNamed(map);
    const name = `${map} ${what}`;
    let program = this.#askers.get(name);
    if (program === undefined) {
      program = this.#kernel.load(encode(linkForKernel(objectOf(text, [spec]), 0, [fd])), 'GPL');
      this.#askers.set(name, program);
    }
    const run = this.#kernel.run(program, packet);
    if (run.errno !== 0) throw new Error(`map ${map}: running its ${what} fails with errno ${run.errno}`);
    return run;
  }

  #mapNamed(name: string): { spec: MapSpec; fd: number } {
    const index = this.#object.maps.findIndex((each) => each.name === name);
    const [spec, fd] = [this.#object.maps[index], this.#maps[index]];
    if (spec === undefined || fd === undefined) throw new Error(`no map ${name}`);
    return { spec, fd };
  }
}

/** So much of a large value is written by one run. */
const UPDATE_BYTES = 2048;

/** The packet is in r6 to r7, with at least `bytes`. */
function askText(bytes: number, body: string): string {
  return `
    r6 = *(u32 *)(r1 + 0)
    r7 = *(u32 *)(r1 + 4)
    r8 = r6
    r8 += ${bytes}
    r0 = 1
    if r8 > r7 goto out
    ${body}
  out:
    exit`;
}

/** A packet of key and value. */
function updateText({ keyBytes, valueBytes }: MapSpec): string {
  return askText(
    keyBytes + valueBytes,
    `r1 = &map0
    r2 = r6
    r3 = r6
    r3 += ${keyBytes}
    r4 = 0
    call map_update_elem`,
  );
}

/** A packet of key, offset and a part of the value. */
function updatePartText({ keyBytes, valueBytes }: MapSpec): string {
  const words = Array.from(
    { length: UPDATE_BYTES / 8 },
    (_, i) => `
    r2 = *(u64 *)(r6 + ${keyBytes + 4 + 8 * i})
    *(u64 *)(r0 + ${8 * i}) = r2`,
  );
  return askText(
    keyBytes + 4 + UPDATE_BYTES,
    `r9 = *(u32 *)(r6 + ${keyBytes})
    if r9 > ${valueBytes - UPDATE_BYTES} goto out
    r1 = &map0
    r2 = r6
    call map_lookup_elem
    if r0 == 0 goto out
    r0 += r9
    ${words.join('')}
    r0 = 0`,
  );
}

/** A packet of key and room for the value. */
function lookupText({ type, keyBytes, valueBytes }: MapSpec, cpu: number): string {
  const bytes = Array.from(
    { length: valueBytes },
    (_, i) => `
    r2 = *(u8 *)(r0 + ${i})
    *(u8 *)(r6 + ${keyBytes + i}) = r2`,
  );
  return askText(
    keyBytes + valueBytes,
    `r1 = &map0
    r2 = r6
    r3 = ${cpu}
    call ${MAP_TYPE_ROWS[type].perCpu === true ? 'map_lookup_percpu_elem' : 'map_lookup_elem'}
    r1 = r0
    r0 = 1
    if r1 == 0 goto out
    r0 = r1
    ${bytes.join('')}
    r0 = 0`,
  );
}
