/** Bytes to values by BTF type; `value.ts` says the rules. Hostile BTF costs time in proportion to the bytes, not more. */
import { viewOf } from '../bytes.js';
import { ConfigError } from '../errors.js';
import { decodeText, encodeText } from '../host.js';
import type { Btf, BtfComposite, BtfEnum, BtfFloat, BtfId } from './btf.js';
import { typeText } from './c-text.js';
import type { Value } from './value-type.js';
import {
  addressOfKind,
  anonymousOf,
  bitsOf,
  enumName,
  isText,
  layoutError,
  MAX_VALUE_DEPTH,
  shapeOf,
  sizeOfValue,
} from './value-shape.js';

/** Overlapping members show a byte more than once; more values than this a byte no honest type has. */
const VALUES_PER_BYTE = 64;
const FREE_VALUES = 0x1_0000;

/**
 * Reads a value; `value.ts` says how types look in JavaScript.
 * @param what names the value in messages
 * @throws ConfigError `config-value` where the length is not the type's, `config-unsupported` where the type has no values;
 *   BtfError where the BTF contradicts itself
 */
export function decodeValue(btf: Btf, type: BtfId, bytes: Uint8Array, what = 'value'): Value {
  const want = sizeOfValue(btf, type, what);
  if (bytes.length !== want) {
    throw new ConfigError(
      'config-value',
      `${what}: ${String(bytes.length)} bytes, \`${typeText(btf, type)}\` has ${String(want)}`,
      { data: { bytes: bytes.length, want } },
    );
  }
  return new Decoder(btf, bytes).read(type, 0, 0, 0);
}

class Decoder {
  readonly #btf: Btf;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #budget: number;

  constructor(btf: Btf, bytes: Uint8Array) {
    this.#btf = btf;
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#budget = FREE_VALUES + VALUES_PER_BYTE * bytes.length;
  }

  /** @param bits width of a bit-field, 0 for anything else */
  read(id: BtfId, bitOff: number, bits: number, depth: number): Value {
    if (depth > MAX_VALUE_DEPTH || --this.#budget < 0) throw layoutError(this.#btf, 'values nest too deeply');
    const { type, meaning } = shapeOf(this.#btf, id);
    if (bits === 0 && meaning !== undefined) {
      const address = addressOfKind(meaning);
      const at = this.#byteOff(bitOff, address?.bytes ?? this.#btf.sizeOf(id) ?? 0);
      if (address !== undefined) return address.format(this.#bytes, at);
      return this.#btf.sizeOf(id) === 2 ? this.#view.getUint16(at) : this.#view.getBigUint64(at);
    }
    switch (type.kind) {
      case 'int': {
        const place = bitsOf(this.#btf, type, bits);
        const raw = this.#bits(bitOff + place.bitOff, place.bits, type.signed);
        if (type.bool && place.bits <= 32 && (raw === 0 || raw === 1)) return raw === 1;
        return raw;
      }
      case 'enum':
      case 'enum64':
        return this.#enum(type, bitOff, bits);
      case 'ptr':
        return BigInt(this.#bits(bitOff, 64, false));
      case 'float':
        return this.#float(type, bitOff);
      case 'array':
        return this.#array(type.type, type.count, bitOff, depth);
      case 'struct':
      case 'union': {
        const fields: [string, Value][] = [];
        this.#fields(type, bitOff, depth, fields);
        return Object.fromEntries(fields);
      }
      default:
        throw layoutError(this.#btf, `a member of kind ${type.kind}`);
    }
  }

  #fields(type: BtfComposite, bitOff: number, depth: number, into: [string, Value][]): void {
    if (depth > MAX_VALUE_DEPTH) throw layoutError(this.#btf, 'values nest too deeply');
    for (const member of type.members) {
      const at = bitOff + member.bitOff;
      const anonymous = anonymousOf(this.#btf, member.name, member.type);
      if (--this.#budget < 0) throw layoutError(this.#btf, 'too many members');
      if (anonymous !== undefined) this.#fields(anonymous, at, depth + 1, into);
      else if (member.name !== '') into.push([member.name, this.read(member.type, at, member.bits, depth + 1)]);
    }
  }

  #enum(type: BtfEnum, bitOff: number, bits: number): Value {
    const raw = this.#bits(bitOff, bitsOf(this.#btf, { sizeBytes: type.sizeBytes }, bits).bits, type.signed);
    return enumName(type, BigInt(raw)) ?? raw;
  }

  #float(type: BtfFloat, bitOff: number): Value {
    const at = this.#byteOff(bitOff, type.sizeBytes);
    if (type.sizeBytes === 4) return this.#view.getFloat32(at, true);
    if (type.sizeBytes === 8) return this.#view.getFloat64(at, true);
    return [...this.#bytes.subarray(at, at + type.sizeBytes)];
  }

  #array(element: BtfId, count: number, bitOff: number, depth: number): Value {
    const stride = this.#btf.sizeOf(element);
    if (stride === undefined) throw layoutError(this.#btf, 'an array of what has no size');
    if (stride === 0 || count === 0) return [];
    const at = this.#byteOff(bitOff, stride * count);
    if (isText(this.#btf, element)) {
      const text = textOf(this.#bytes.subarray(at, at + count));
      if (text !== undefined) return text;
    }
    return Array.from({ length: count }, (_, index) => this.read(element, bitOff + 8 * stride * index, 0, depth + 1));
  }

  /** An integer of up to 128 bits: a number if it has no more than 32. */
  #bits(bitOff: number, bits: number, signed: boolean): number | bigint {
    const first = Math.floor(bitOff / 8);
    const last = Math.floor((bitOff + bits - 1) / 8);
    if (last >= this.#bytes.length) throw layoutError(this.#btf, 'a member lies outside of its type');
    if (bitOff % 8 === 0) {
      if (bits === 32) return signed ? this.#view.getInt32(first, true) : this.#view.getUint32(first, true);
      if (bits === 16) return signed ? this.#view.getInt16(first, true) : this.#view.getUint16(first, true);
      if (bits === 8) return signed ? this.#view.getInt8(first) : this.#view.getUint8(first);
      if (bits === 64) return signed ? this.#view.getBigInt64(first, true) : this.#view.getBigUint64(first, true);
    }
    let all = 0n;
    for (let at = last; at >= first; at--) all = (all << 8n) | BigInt(this.#bytes[at] ?? 0);
    const shifted = all >> BigInt(bitOff % 8);
    const value = signed ? BigInt.asIntN(bits, shifted) : BigInt.asUintN(bits, shifted);
    return bits <= 32 ? Number(value) : value;
  }

  #byteOff(bitOff: number, bytes: number): number {
    if (bitOff % 8 !== 0 || bitOff / 8 + bytes > this.#bytes.length) {
      throw layoutError(this.#btf, 'a member lies outside of its type');
    }
    return bitOff / 8;
  }
}

/** The text of a char array, if that is all it holds. */
function textOf(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(0);
  const text = end < 0 ? bytes : bytes.subarray(0, end);
  if (end >= 0 && bytes.subarray(end).some((byte) => byte !== 0)) return undefined;
  const decoded = decodeText(text);
  if (/[^\P{Cc}\t\n]/u.test(decoded)) return undefined;
  const again = encodeText(decoded);
  return again.length === text.length && again.every((byte, index) => byte === text[index]) ? decoded : undefined;
}
