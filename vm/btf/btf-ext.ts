/**
 * `.BTF.ext`: which instruction belongs to which function type and C line, and which must be relocated (CO-RE). Records
 * are grouped by the name of the section that holds the instructions. Source: Linux Documentation/bpf/btf.rst.
 */
import { viewOf } from '../bytes.js';
import { BtfError } from '../errors.js';
import type { Btf, BtfId } from './btf.js';

const MAGIC = 0xeb9f;
const MIN_HEADER_BYTES = 24;
/** Headers of this size and more have CO-RE records. */
const CORE_HEADER_BYTES = 32;

export interface FuncInfo {
  /** Byte offset in the section, here and below. */
  readonly off: number;
  /** A FUNC type. */
  readonly type: BtfId;
}

export interface LineRecord {
  readonly off: number;
  readonly file: string;
  readonly text: string;
  /** 1-based. */
  readonly line: number;
  readonly col: number;
}

export interface CoreRelocation {
  readonly off: number;
  /** The local type that is accessed. */
  readonly type: BtfId;
  /** Indices of members and elements, such as `0:1:2`. */
  readonly access: string;
  /** `enum bpf_core_relo_kind`. */
  readonly kind: number;
}

/** Section name -> records. */
export interface BtfExt {
  readonly funcs: ReadonlyMap<string, readonly FuncInfo[]>;
  readonly lines: ReadonlyMap<string, readonly LineRecord[]>;
  readonly core: ReadonlyMap<string, readonly CoreRelocation[]>;
}

/** Reads the section; strings come from `btf`. Throws `BtfError` 'btf-ext'; `where.offset` is relative to the section. */
export function parseBtfExt(bytes: Uint8Array, btf: Btf, section = '.BTF.ext'): BtfExt {
  const fail = (message: string, offset: number): BtfError =>
    new BtfError('btf-ext', message, { where: { section, offset } });
  if (bytes.length < MIN_HEADER_BYTES) throw fail('the header is cut short', bytes.length);
  const view = viewOf(bytes);
  if (view.getUint16(0, true) !== MAGIC) throw fail('the magic number is wrong', 0);
  if (view.getUint8(2) !== 1) throw fail(`version ${String(view.getUint8(2))} is unknown`, 2);
  const headerBytes = view.getUint32(4, true);
  if (headerBytes < MIN_HEADER_BYTES || headerBytes > bytes.length) {
    throw fail(`a header of ${String(headerBytes)} bytes does not fit`, 4);
  }

  const read = <T>(fieldOff: number, minRecordBytes: number, decode: (at: number) => T): Map<string, T[]> => {
    const bySection = new Map<string, T[]>();
    if (fieldOff + 8 > headerBytes) return bySection;
    let at = headerBytes + view.getUint32(fieldOff, true);
    const end = at + view.getUint32(fieldOff + 4, true);
    if (end > bytes.length) throw fail('records end beyond the section', fieldOff);
    if (at === end) return bySection;
    if (at + 4 > end) throw fail('the record size is cut short', at);
    const recordBytes = view.getUint32(at, true);
    if (recordBytes < minRecordBytes || recordBytes % 4 !== 0) {
      throw fail(`records of ${String(recordBytes)} bytes are too short or uneven`, at);
    }
    at += 4;
    while (at < end) {
      if (at + 8 > end) throw fail('a group of records is cut short', at);
      const name = btf.string(view.getUint32(at, true));
      const count = view.getUint32(at + 4, true);
      at += 8;
      if (at + count * recordBytes > end)
        throw fail(`the ${String(count)} records of ${name} end beyond the section`, at - 4);
      const records = bySection.get(name) ?? [];
      bySection.set(name, records);
      for (let index = 0; index < count; index++, at += recordBytes) records.push(decode(at));
    }
    return bySection;
  };

  return {
    funcs: read(8, 8, (at) => ({ off: view.getUint32(at, true), type: view.getUint32(at + 4, true) })),
    lines: read(16, 16, (at) => {
      const position = view.getUint32(at + 12, true);
      return {
        off: view.getUint32(at, true),
        file: btf.string(view.getUint32(at + 4, true)),
        text: btf.string(view.getUint32(at + 8, true)),
        line: position >>> 10,
        col: position & 0x3ff,
      };
    }),
    core:
      headerBytes < CORE_HEADER_BYTES
        ? new Map<string, CoreRelocation[]>()
        : read(24, 16, (at) => ({
            off: view.getUint32(at, true),
            type: view.getUint32(at + 4, true),
            access: btf.string(view.getUint32(at + 8, true)),
            kind: view.getUint32(at + 12, true),
          })),
  };
}
