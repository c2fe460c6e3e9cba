/** What a CO-RE relocation of each kind asks for, computed for a place in some BTF. */
import type { Btf, BtfId } from '../../btf/btf.js';
import { BtfError } from '../../errors.js';
import type { Place } from './access.js';

/** `enum bpf_core_relo_kind`, in order. */
export const CORE_KINDS = [
  'field-byte-off',
  'field-byte-size',
  'field-exists',
  'field-signed',
  'field-lshift-u64',
  'field-rshift-u64',
  'type-id-local',
  'type-id-target',
  'type-exists',
  'type-size',
  'enumval-exists',
  'enumval-value',
  'type-matches',
] as const;

export type CoreKind = (typeof CORE_KINDS)[number];

/** Memory access that a byte offset is for: its width follows the field's. */
export interface FieldWidth {
  readonly sizeBytes: number;
  /** Whether a wider or narrower load keeps the value: unsigned integers and pointers. */
  readonly resizable: 'unsigned' | 'ptr' | undefined;
}

export interface FieldValue {
  readonly value: bigint;
  readonly width?: FieldWidth;
}

function bad(kind: CoreKind, message: string): BtfError {
  return new BtfError('btf-core', `CO-RE ${kind}: ${message}`, { where: { section: '.BTF.ext' }, data: { kind } });
}

function fieldWidth(btf: Btf, id: BtfId, sizeBytes: number): FieldWidth {
  const type = btf.resolved(id);
  const resizable = type.kind === 'ptr' ? 'ptr' : type.kind === 'int' && !type.signed ? 'unsigned' : undefined;
  return { sizeBytes, resizable };
}

/** Value of a field relocation at a place that exists. Throws `BtfError` 'btf-core' where the question makes no sense. */
export function fieldValue(btf: Btf, place: Place, kind: CoreKind): FieldValue {
  if (kind === 'field-exists') return { value: 1n };
  const sizeBytes = btf.sizeOf(place.type);
  const { member } = place;
  const isBitField = member !== undefined && member.bits > 0;
  if (!isBitField) {
    if (kind === 'field-byte-off') {
      return {
        value: BigInt(place.bitOff) / 8n,
        ...(sizeBytes === undefined ? {} : { width: fieldWidth(btf, place.type, sizeBytes) }),
      };
    }
    if (sizeBytes === undefined) throw bad(kind, 'the field has no size');
  }
  if (kind === 'field-byte-size' && !isBitField) return { value: BigInt(sizeBytes ?? 0) };
  if (member === undefined) throw bad(kind, 'this asks for a field, not for an element of an array');
  if (kind === 'field-signed') {
    const type = btf.resolved(place.type);
    const signed = (type.kind === 'int' || type.kind === 'enum' || type.kind === 'enum64') && type.signed;
    return { value: signed ? 1n : 0n };
  }
  const unit = isBitField ? loadUnit(kind, sizeBytes ?? 0, place.bitOff, member.bits) : undefined;
  const bits = unit === undefined ? (sizeBytes ?? 0) * 8 : member.bits;
  const unitOff = unit?.off ?? Math.floor(place.bitOff / 8);
  switch (kind) {
    case 'field-byte-off':
      return { value: BigInt(unitOff) };
    case 'field-byte-size':
      return { value: BigInt(unit?.sizeBytes ?? 0) };
    case 'field-lshift-u64':
      return { value: BigInt.asUintN(32, BigInt(64 - (place.bitOff + bits - unitOff * 8))) };
    case 'field-rshift-u64':
      return { value: BigInt.asUintN(32, BigInt(64 - bits)) };
    default:
      throw bad(kind, 'this is not a question about a field');
  }
}

/** The aligned load that holds a whole bit-field, as libbpf chooses it: of the declared type's size, or doubled until it fits. */
function loadUnit(
  kind: CoreKind,
  declaredBytes: number,
  bitOff: number,
  bits: number,
): { off: number; sizeBytes: number } {
  let sizeBytes = declaredBytes;
  for (;;) {
    if (sizeBytes < 1 || sizeBytes > 8) throw bad(kind, 'no load of up to 8 bytes holds the bit-field');
    const off = Math.floor(bitOff / 8 / sizeBytes) * sizeBytes;
    if (bitOff + bits - off * 8 <= sizeBytes * 8) return { off, sizeBytes };
    sizeBytes *= 2;
  }
}
