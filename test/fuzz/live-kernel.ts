/**
 * Typed programs on the running kernel: what its verifier says, and what they do to packets and maps. Loads and test runs
 * only; nothing is attached, pinned or kept. Knows no judgement.
 */
import koffi from 'koffi';
import { assemble } from '../../vm/asm/assemble.js';
import { toHex } from '../../vm/bytes.js';
import { must } from '../../vm/errors.js';
import type { MapSpec, ObjectSpec } from '../../vm/object/object-spec.js';
import { errno } from '../../vm/spec/errno.js';
import { MAP_TYPE_ROWS } from '../../vm/spec/map-types.js';
import { PROG_TYPE_ROWS, type ProgTypeName } from '../../vm/spec/prog-types.js';
import { programFromObject } from '../../vm/verifier/verify.js';
import { MapKernel } from '../kernel/maps-kernel.js';
import { LOOKUP_MAPS, MAPS, TAIL_INDEX, TAILS } from './fuzz-maps.js';
import type { Setting } from './run-engines.js';
import { TARGET } from './typed-program.js';

const LOG_BYTES = 1 << 22;
const OUT_BYTES = 4096;
/** A log_level: nothing but the last lines. */
const STATISTICS = 4;

export interface KernelVerdict {
  /** 0 where accepted. */
  readonly errno: number;
  /** The last line that is no statistic; empty where accepted. */
  readonly message: string;
  /** `processed ... peak_states N`; empty where nothing was looked at. */
  readonly counts: string;
  readonly log: string;
}

/** A program as skep's verifier gets it, with the kernel's descriptors for maps. */
function linked(object: ObjectSpec, maps: readonly number[], prog = 0): Uint8Array {
  const { insns, refs } = programFromObject(object, prog);
  const view = new DataView(insns.buffer, insns.byteOffset);
  for (const [pc, ref] of refs) if (ref.kind === 'map') view.setInt32(8 * pc + 4, must(maps[ref.map], 'a map'), true);
  return insns;
}

export class LiveKernel {
  readonly #kernel = new MapKernel();
  readonly #log = Buffer.alloc(LOG_BYTES);
  /** A prog_array belongs to the type of the first program that uses it. */
  readonly #standing = new Map<ProgTypeName, readonly number[]>();
  readonly #targets = new Map<ProgTypeName, number>();

  #makeMaps(specs: readonly MapSpec[] = MAPS): readonly number[] {
    return specs.map((spec) => {
      const fd = this.#kernel.ask('create', (attr) => {
        attr.writeUInt32LE(MAP_TYPE_ROWS[spec.type].id, 0);
        attr.writeUInt32LE(spec.keyBytes, 4);
        attr.writeUInt32LE(spec.valueBytes, 8);
        attr.writeUInt32LE(spec.maxEntries, 12);
        attr.writeUInt32LE(spec.flags, 16);
        attr.write(spec.name, 28, 'latin1');
      });
      if (fd < 0) throw new Error(`map ${spec.name}: ${fd}`);
      return fd;
    });
  }

  /** A descriptor, or a negative errno; the log is then in `#log`. */
  #load(insns: Uint8Array, type: ProgTypeName, level: number): number {
    const license = Buffer.from('GPL\0');
    this.#log[0] = 0;
    return this.#kernel.ask('load', (attr) => {
      attr.writeUInt32LE(PROG_TYPE_ROWS[type].id, 0);
      attr.writeUInt32LE(insns.length / 8, 4);
      attr.writeBigUInt64LE(koffi.address(insns), 8);
      attr.writeBigUInt64LE(koffi.address(license), 16);
      attr.writeUInt32LE(level, 24);
      attr.writeUInt32LE(LOG_BYTES, 28);
      attr.writeBigUInt64LE(koffi.address(this.#log), 32);
    });
  }

  /** Loads bare instructions, whose map loads hold descriptors, and closes them again. */
  judgeBytes(insns: Uint8Array, type: ProgTypeName, level = 1): KernelVerdict {
    let fd = this.#load(insns, type, level);
    if (fd >= 0) this.#kernel.close(fd);
    const log = this.#log.toString('latin1', 0, this.#log.indexOf(0));
    // The end of a log that was too long is there, but not what it came to.
    if (fd === -errno.ENOSPC) fd = this.#load(insns, type, STATISTICS);
    const lines = log.split('\n').filter((line) => line !== '' && !/^(verification time|stack depth) /.test(line));
    const counts = /processed \d+ .*peak_states \d+/.exec(lines.at(-1) ?? '')?.[0];
    if (counts !== undefined) lines.pop();
    return { errno: fd < 0 ? -fd : 0, message: fd < 0 ? (lines.at(-1) ?? '') : '', counts: counts ?? '', log };
  }

  judge(object: ObjectSpec, type: ProgTypeName, level = 1): KernelVerdict {
    const maps = this.#standing.get(type) ?? this.#makeMaps();
    this.#standing.set(type, maps);
    return this.judgeBytes(linked(object, maps), type, level);
  }

  /** The same for a program of an object with maps of its own. */
  judgeObject(object: ObjectSpec, prog = 0): KernelVerdict {
    const maps = this.#makeMaps(object.maps);
    const verdict = this.judgeBytes(
      linked(object, maps, prog),
      must(object.programs[prog], 'a program').type as ProgTypeName,
    );
    for (const fd of maps) this.#kernel.close(fd);
    return verdict;
  }

  #targetOf(type: ProgTypeName): number {
    const known = this.#targets.get(type);
    if (known !== undefined) return known;
    const fd = this.#load(assemble(TARGET).bytes, type, 1);
    if (fd < 0) throw new Error(`target of ${type}: ${fd}`);
    this.#targets.set(type, fd);
    return fd;
  }

  /** Runs a program that loads over all packets: a line for each, and what is in the maps behind the last. */
  run(object: ObjectSpec, type: ProgTypeName, { entries, packets }: Setting): readonly string[] {
    const maps = this.#makeMaps();
    for (const { map, key, value } of entries) {
      const spec = must(MAPS[map], 'a map');
      const each = Buffer.alloc(this.#kernel.valueBytes(spec));
      const stride = each.length / (spec.type.startsWith('percpu') ? this.#kernel.cpus : 1);
      for (let at = 0; at < each.length; at += stride) each.set(value, at);
      const failed = this.#kernel.entry('update', must(maps[map], 'a map'), key, each);
      if (failed < 0) throw new Error(`map ${spec.name}: update says ${failed}`);
    }
    const target = Buffer.alloc(4);
    target.writeInt32LE(this.#targetOf(type));
    this.#kernel.entry('update', must(maps[TAILS], 'a map'), Uint8Array.of(TAIL_INDEX, 0, 0, 0), target);
    const program = this.#load(linked(object, maps), type, STATISTICS);
    if (program < 0) throw new Error(`loaded once, and then not: ${program}`);
    const lines = packets.map((packet) => this.#runOnce(program, packet));
    lines.push(...LOOKUP_MAPS.map((map) => this.#contents(map, must(maps[map], 'a map'))));
    for (const fd of [program, ...maps]) this.#kernel.close(fd);
    return lines;
  }

  #runOnce(program: number, packet: Uint8Array): string {
    const out = Buffer.alloc(OUT_BYTES);
    let asked: Buffer = Buffer.alloc(0);
    const result = this.#kernel.ask('run', (attr) => {
      asked = attr;
      attr.writeUInt32LE(program, 0);
      attr.writeUInt32LE(packet.length, 8);
      attr.writeUInt32LE(out.length, 12);
      attr.writeBigUInt64LE(koffi.address(packet), 16);
      attr.writeBigUInt64LE(koffi.address(out), 24);
      attr.writeUInt32LE(1, 32);
    });
    if (result < 0) return `errno ${-result}`;
    return `r0 = ${asked.readUInt32LE(4)}, packet ${toHex(out.subarray(0, asked.readUInt32LE(12)))}`;
  }

  /** Of per-CPU maps what CPU 0 has. */
  #contents(map: number, fd: number): string {
    const spec = must(MAPS[map], 'a map');
    const value = Buffer.alloc(this.#kernel.valueBytes(spec));
    const found: string[] = [];
    let key: Uint8Array | undefined;
    for (;;) {
      const next = Buffer.alloc(spec.keyBytes);
      if (this.#kernel.entry('nextKey', fd, key, next) === -errno.ENOENT) break;
      if (this.#kernel.entry('lookup', fd, next, value) === 0) {
        found.push(`${toHex(next)}=${toHex(value.subarray(0, spec.valueBytes))}`);
      }
      key = next;
    }
    return `${spec.name}: ${found.sort().join(' ')}`;
  }

  close(): void {
    for (const fd of [...[...this.#standing.values()].flat(), ...this.#targets.values()]) this.#kernel.close(fd);
  }
}
