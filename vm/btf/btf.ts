/**
 * The BPF Type Format: a table of C types. `Btf` reads types on demand, so that a kernel's whole BTF costs little to
 * open. Source: Linux Documentation/bpf/btf.rst. Knows nothing of ELF, relocations or maps.
 */
import { viewOf } from '../bytes.js';
import { BtfError } from '../errors.js';
import type { BtfId, BtfLinkage, BtfMember, BtfType } from './btf-type.js';
import { STRING_FAULT_WORDS, StringTable } from '../string-table.js';

export type * from './btf-type.js';
export { nameOf } from './btf-type.js';

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
const TYPE_BYTES = 12;
/** As deep as libbpf and the kernel follow modifiers, typedefs and arrays. */
const MAX_DEPTH = 32;
const MAX_SIZE_BYTES = 0xffff_ffff;
/** Decoded types that are kept. A kernel's BTF has some 150,000, of which one object asks for a few hundred. */
const MAX_CACHED = 0x1_0000;

const KINDS = [
  'void',
  'int',
  'ptr',
  'array',
  'struct',
  'union',
  'enum',
  'fwd',
  'typedef',
  'volatile',
  'const',
  'restrict',
  'func',
  'func_proto',
  'var',
  'datasec',
  'float',
  'decl_tag',
  'type_tag',
  'enum64',
] as const satisfies readonly BtfType['kind'][];

/** Bytes after the common 12, for `vlen` entries. */
function tailBytes(kind: number, vlen: number): number {
  switch (KINDS[kind]) {
    case 'int':
    case 'var':
    case 'decl_tag':
      return 4;
    case 'array':
      return 12;
    case 'struct':
    case 'union':
    case 'datasec':
    case 'enum64':
      return 12 * vlen;
    case 'enum':
    case 'func_proto':
      return 8 * vlen;
    default:
      return 0;
  }
}

const LINKAGES: readonly BtfLinkage[] = ['static', 'global', 'extern'];

export class Btf {
  readonly #view: DataView;
  readonly #strings: StringTable;
  /** Byte offset of each type in the section; entry 0 (void) is unused. */
  readonly #offsets: Uint32Array;
  readonly #section: string;
  readonly #cache = new Map<BtfId, BtfType>();
  #byName: Map<string, BtfId[]> | undefined;

  /** Use `parseBtf`. */
  constructor(view: DataView, strings: StringTable, offsets: Uint32Array, section: string) {
    this.#view = view;
    this.#strings = strings;
    this.#offsets = offsets;
    this.#section = section;
  }

  /** Number of types, `void` included: ids run from 0 to `count - 1`. */
  get count(): number {
    return this.#offsets.length;
  }

  /** A string of the string section; throws `BtfError` 'btf-string'. */
  string(off: number): string {
    return this.#strings.at(off);
  }

  /** The type with this id; throws `BtfError` ('btf-type-id', 'btf-string', 'btf-kind'). */
  type(id: BtfId): BtfType {
    if (id === 0) return { kind: 'void' };
    const known = this.#cache.get(id);
    if (known !== undefined) return known;
    const off = this.#offsets[id];
    if (off === undefined) {
      throw new BtfError('btf-type-id', `BTF has no type ${String(id)}`, {
        data: { id, count: this.count },
        where: { section: this.#section },
      });
    }
    const type = this.#decode(id, off);
    if (this.#cache.size < MAX_CACHED) this.#cache.set(id, type);
    return type;
  }

  /** Ids of the types with this name, ascending. */
  idsNamed(name: string): readonly BtfId[] {
    return this.names().get(name) ?? [];
  }

  /** Name -> ids of every named type, ascending. Built once, on first use. */
  names(): ReadonlyMap<string, readonly BtfId[]> {
    if (this.#byName !== undefined) return this.#byName;
    const byName = new Map<string, BtfId[]>();
    for (let id = 1; id < this.count; id++) {
      const nameOff = this.#view.getUint32(this.#offsets[id] ?? 0, true);
      if (nameOff === 0) continue;
      const name = this.#strings.at(nameOff);
      const ids = byName.get(name);
      if (ids === undefined) byName.set(name, [id]);
      else ids.push(id);
    }
    this.#byName = byName;
    return byName;
  }

  /** The kind alone, without decoding; 'void' for id 0 and for ids that do not exist. */
  kind(id: BtfId): BtfType['kind'] {
    const off = id === 0 ? undefined : this.#offsets[id];
    return off === undefined ? 'void' : (KINDS[(this.#view.getUint32(off + 4, true) >>> 24) & 31] ?? 'void');
  }

  /** Follows typedefs, qualifiers and type tags. Throws `BtfError` 'btf-cycle' where they do not end. */
  resolve(id: BtfId): BtfId {
    let at = id;
    for (let depth = 0; depth <= MAX_DEPTH; depth++) {
      const type = this.type(at);
      switch (type.kind) {
        case 'typedef':
        case 'volatile':
        case 'const':
        case 'restrict':
        case 'type_tag':
          at = type.type;
          break;
        default:
          return at;
      }
    }
    throw this.#cycle(id);
  }

  /** `type(resolve(id))` */
  resolved(id: BtfId): BtfType {
    return this.type(this.resolve(id));
  }

  /** Size of a value of the type, undefined for void, functions and forward declarations. */
  sizeOf(id: BtfId): number | undefined {
    let at = id;
    let factor = 1;
    for (let depth = 0; depth <= MAX_DEPTH; depth++) {
      const type = this.resolved(at);
      switch (type.kind) {
        case 'int':
        case 'struct':
        case 'union':
        case 'enum':
        case 'enum64':
        case 'float':
        case 'datasec':
          return this.#boundedSize(type.sizeBytes * factor, id);
        case 'ptr':
          return this.#boundedSize(8 * factor, id);
        case 'var':
          at = type.type;
          break;
        case 'array':
          factor = this.#boundedSize(factor * type.count, id);
          at = type.type;
          break;
        default:
          return undefined;
      }
    }
    throw this.#cycle(id);
  }

  #boundedSize(bytes: number, id: BtfId): number {
    if (bytes <= MAX_SIZE_BYTES) return bytes;
    throw new BtfError('btf-type-id', `BTF type ${String(id)} is larger than 4 GiB`, {
      data: { id, bytes },
      where: { section: this.#section },
    });
  }

  #cycle(id: BtfId): BtfError {
    return new BtfError('btf-cycle', `BTF type ${String(id)} refers to itself or is nested too deeply`, {
      data: { id },
      where: { section: this.#section },
    });
  }

  #decode(id: BtfId, off: number): BtfType {
    const view = this.#view;
    const info = view.getUint32(off + 4, true);
    const sizeOrType = view.getUint32(off + 8, true);
    const kind = KINDS[(info >>> 24) & 31] ?? 'void';
    const vlen = info & 0xffff;
    const flag = info >>> 31 === 1;
    const name = this.#strings.at(view.getUint32(off, true));
    const tail = off + TYPE_BYTES;
    switch (kind) {
      case 'int': {
        const word = view.getUint32(tail, true);
        const encoding = (word >>> 24) & 15;
        return {
          kind,
          name,
          sizeBytes: sizeOrType,
          signed: (encoding & 1) !== 0,
          char: (encoding & 2) !== 0,
          bool: (encoding & 4) !== 0,
          bitOff: (word >>> 16) & 0xff,
          bits: word & 0xff,
        };
      }
      case 'ptr':
        return { kind, type: sizeOrType };
      case 'array':
        return {
          kind,
          type: view.getUint32(tail, true),
          indexType: view.getUint32(tail + 4, true),
          count: view.getUint32(tail + 8, true),
        };
      case 'struct':
      case 'union':
        return {
          kind,
          name,
          sizeBytes: sizeOrType,
          members: Array.from({ length: vlen }, (_, index) => this.#member(tail + 12 * index, flag)),
        };
      case 'enum':
        return {
          kind,
          name,
          sizeBytes: sizeOrType,
          signed: flag,
          values: Array.from({ length: vlen }, (_, index) => {
            const at = tail + 8 * index;
            const value = BigInt(flag ? view.getInt32(at + 4, true) : view.getUint32(at + 4, true));
            return { name: this.#strings.at(view.getUint32(at, true)), value };
          }),
        };
      case 'enum64':
        return {
          kind,
          name,
          sizeBytes: sizeOrType,
          signed: flag,
          values: Array.from({ length: vlen }, (_, index) => {
            const at = tail + 12 * index;
            const value = flag ? view.getBigInt64(at + 4, true) : view.getBigUint64(at + 4, true);
            return { name: this.#strings.at(view.getUint32(at, true)), value };
          }),
        };
      case 'fwd':
        return { kind, name, of: flag ? 'union' : 'struct' };
      case 'typedef':
      case 'volatile':
      case 'const':
      case 'restrict':
      case 'type_tag':
        return { kind, name, type: sizeOrType };
      case 'func':
        return { kind, name, type: sizeOrType, linkage: this.#linkage(vlen, id) };
      case 'func_proto':
        return {
          kind,
          ret: sizeOrType,
          params: Array.from({ length: vlen }, (_, index) => ({
            name: this.#strings.at(view.getUint32(tail + 8 * index, true)),
            type: view.getUint32(tail + 8 * index + 4, true),
          })),
        };
      case 'var':
        return { kind, name, type: sizeOrType, linkage: this.#linkage(view.getUint32(tail, true), id) };
      case 'datasec':
        return {
          kind,
          name,
          sizeBytes: sizeOrType,
          vars: Array.from({ length: vlen }, (_, index) => ({
            type: view.getUint32(tail + 12 * index, true),
            off: view.getUint32(tail + 12 * index + 4, true),
            sizeBytes: view.getUint32(tail + 12 * index + 8, true),
          })),
        };
      case 'float':
        return { kind, name, sizeBytes: sizeOrType };
      case 'decl_tag':
        return { kind, name, type: sizeOrType, component: view.getInt32(tail, true) };
      case 'void':
        return { kind };
    }
  }

  #member(off: number, packed: boolean): BtfMember {
    const position = this.#view.getUint32(off + 8, true);
    return {
      name: this.#strings.at(this.#view.getUint32(off, true)),
      type: this.#view.getUint32(off + 4, true),
      bitOff: packed ? position & 0xff_ffff : position,
      bits: packed ? position >>> 24 : 0,
    };
  }

  #linkage(word: number, id: BtfId): BtfLinkage {
    const linkage = LINKAGES[word];
    if (linkage !== undefined) return linkage;
    throw new BtfError('btf-kind', `BTF type ${String(id)} has unknown linkage ${String(word)}`, {
      data: { id, linkage: word },
      where: { section: this.#section },
    });
  }
}

/**
 * Reads a BTF blob: the contents of a `.BTF` section, or of /sys/kernel/btf/vmlinux. The whole type table is walked (so
 * that a truncated one is refused at once), type contents are read on demand.
 * Throws `BtfError`; `where.offset` is relative to the blob, `where.section` is `section`.
 */
export function parseBtf(bytes: Uint8Array, section = '.BTF'): Btf {
  const fail = (code: 'btf-truncated' | 'btf-header' | 'btf-kind' | 'btf-string', message: string, offset: number) =>
    new BtfError(code, message, { where: { section, offset }, data: { lengthBytes: bytes.length } });
  if (bytes.length < HEADER_BYTES) throw fail('btf-truncated', 'the BTF header is cut short', bytes.length);
  const view = viewOf(bytes);
  const magic = view.getUint16(0, true);
  if (magic === 0x9feb) throw fail('btf-header', 'the BTF is big endian, skep reads little endian only', 0);
  if (magic !== MAGIC) throw fail('btf-header', `0x${magic.toString(16)} is not the magic number of BTF`, 0);
  const version = view.getUint8(2);
  if (version !== 1) throw fail('btf-header', `BTF version ${String(version)} is unknown`, 2);
  const headerBytes = view.getUint32(4, true);
  if (headerBytes < HEADER_BYTES || headerBytes > bytes.length) {
    throw fail('btf-header', `a BTF header of ${String(headerBytes)} bytes does not fit`, 4);
  }
  const typesOff = headerBytes + view.getUint32(8, true);
  const typesEnd = typesOff + view.getUint32(12, true);
  const stringsOff = headerBytes + view.getUint32(16, true);
  const stringsEnd = stringsOff + view.getUint32(20, true);
  if (typesEnd > bytes.length) throw fail('btf-truncated', 'the BTF type table ends beyond the data', 12);
  if (stringsEnd > bytes.length) throw fail('btf-truncated', 'the BTF strings end beyond the data', 20);
  const stringBytes = bytes.subarray(stringsOff, stringsEnd);
  if (stringBytes.length > 0 && (stringBytes[0] !== 0 || stringBytes.at(-1) !== 0)) {
    throw fail('btf-string', 'the BTF strings do not start and end with NUL', stringsOff);
  }
  const strings = new StringTable(stringBytes, (fault, off) =>
    fail('btf-string', `the BTF string at ${String(off)} ${STRING_FAULT_WORDS[fault]}`, stringsOff + off),
  );
  return new Btf(view, strings, indexTypes(view, typesOff, typesEnd, fail), section);
}

function indexTypes(
  view: DataView,
  start: number,
  end: number,
  fail: (code: 'btf-truncated' | 'btf-kind', message: string, offset: number) => BtfError,
): Uint32Array {
  const offsets = new Uint32Array(Math.floor((end - start) / TYPE_BYTES) + 1);
  let id = 1;
  for (let at = start; at < end; id++) {
    if (at + TYPE_BYTES > end) throw fail('btf-truncated', `BTF type ${String(id)} is cut short`, at);
    const info = view.getUint32(at + 4, true);
    const kind = (info >>> 24) & 31;
    if (kind === 0 || kind >= KINDS.length) {
      throw fail('btf-kind', `BTF type ${String(id)} has unknown kind ${String(kind)}`, at + 4);
    }
    const next = at + TYPE_BYTES + tailBytes(kind, info & 0xffff);
    if (next > end) throw fail('btf-truncated', `BTF type ${String(id)} ends beyond the type table`, at);
    offsets[id] = at;
    at = next;
  }
  return offsets.slice(0, id);
}
