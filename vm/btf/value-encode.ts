/** Values to bytes by BTF type; `value.ts` says the rules. Every complaint names the field and its type. */
import { ConfigError } from '../errors.js';
import { encodeText } from '../host.js';
import { suggestion } from '../suggest.js';
import type { Btf, BtfComposite, BtfEnum, BtfFloat, BtfId, BtfMember } from './btf.js';
import { typeText } from './c-text.js';
import type { ValueInput } from './value-type.js';
import {
  addressOfBytes,
  addressOfKind,
  anonymousOf,
  bitsOf,
  isText,
  layoutError,
  MAX_VALUE_DEPTH,
  shapeOf,
  sizeOfValue,
  takesAddress,
} from './value-shape.js';

/** A type that is larger than this is no value that anybody writes down. */
const MAX_VALUE_BYTES = 256 * 1024 * 1024;
const MAX_SHOWN_CHARS = 40;
const MAX_LISTED_NAMES = 12;

export interface EncodeOptions {
  /** What fields and elements that are left out keep; zeros if absent. As long as the type. Not changed. */
  readonly existing?: Uint8Array;
  /** Names the value in messages, such as `conns key`. */
  readonly what?: string;
}

/**
 * Writes a value; `value.ts` says how types look in JavaScript. Padding is 0. Members of a union may be given together
 * only if they say the same.
 * @throws ConfigError `config-value` with the field's path, `config-unsupported` where the type has no values; BtfError
 *   where the BTF contradicts itself
 */
export function encodeValue(btf: Btf, type: BtfId, value: ValueInput, options: EncodeOptions = {}): Uint8Array {
  const { existing, what = 'value' } = options;
  const sizeBytes = sizeOfValue(btf, type, what);
  if (sizeBytes > MAX_VALUE_BYTES) {
    throw new ConfigError('config-unsupported', `${what}: \`${typeText(btf, type)}\` is larger than 256 MiB`, {
      data: { bytes: sizeBytes },
    });
  }
  if (existing !== undefined && existing.length !== sizeBytes) {
    throw new ConfigError('config-value', `${what}: ${existing.length} bytes exist, the type has ${sizeBytes}`, {
      data: { bytes: existing.length, want: sizeBytes },
    });
  }
  const bytes = existing?.slice() ?? new Uint8Array(sizeBytes);
  new Encoder(btf, what, bytes).put({ id: type, bitOff: 0, bits: 0, path: '', depth: 0 }, value);
  return bytes;
}

/** Where a value goes. */
interface Place {
  readonly id: BtfId;
  readonly bitOff: number;
  /** Width of a bit-field, else 0. */
  readonly bits: number;
  readonly path: string;
  readonly depth: number;
}

class Encoder {
  readonly #btf: Btf;
  readonly #what: string;
  readonly #bytes: Uint8Array;
  /** Bits that have been given, so that members of a union cannot contradict each other unnoticed. */
  readonly #given: Uint8Array;

  constructor(btf: Btf, what: string, bytes: Uint8Array) {
    this.#btf = btf;
    this.#what = what;
    this.#bytes = bytes;
    this.#given = new Uint8Array(bytes.length);
  }

  /** `value` is whatever a caller or a file gave. */
  put(place: Place, value: unknown): void {
    const btf = this.#btf;
    if (place.depth > MAX_VALUE_DEPTH) throw layoutError(btf, 'values nest too deeply');
    const { type, meaning } = shapeOf(btf, place.id);
    const address = place.bits > 0 ? undefined : addressOfKind(meaning);
    switch (type.kind) {
      case 'int': {
        if (typeof value === 'string' && place.bits === 0 && this.#putAddress(place, value, type.sizeBytes)) return;
        if (typeof value === 'string' && address !== undefined && integerOf(value) === undefined) {
          throw this.#fail(place, `${show(value)} is not ${address.words}`);
        }
        const { bits, bitOff } = bitsOf(btf, type, place.bits);
        const integer = this.#integer(place, value, bits, type.signed);
        if (meaning !== undefined && place.bits === 0) this.#putBytes(place, bigEndian(integer, type.sizeBytes));
        else this.#putBits(place, place.bitOff + bitOff, bits, integer);
        return;
      }
      case 'enum':
      case 'enum64': {
        const { bits } = bitsOf(btf, { sizeBytes: type.sizeBytes }, place.bits);
        const named = typeof value === 'string' ? this.#enumValue(place, type, value) : value;
        this.#putBits(place, place.bitOff, bits, this.#integer(place, named, bits, type.signed));
        return;
      }
      case 'ptr':
        this.#putBits(place, place.bitOff, 64, this.#integer(place, value, 64, false));
        return;
      case 'float':
        this.#putFloat(place, type, value);
        return;
      case 'array':
        this.#putArray(place, type.type, type.count, value);
        return;
      case 'struct':
      case 'union':
        this.#putComposite(place, type, value);
        return;
      default:
        throw layoutError(btf, `a member of kind ${type.kind}`);
    }
  }

  #putComposite(place: Place, type: BtfComposite, value: unknown): void {
    if (this.#putWhole(place, value, type.sizeBytes)) return;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.#fail(place, `${show(value)} is not an object with the fields of ${this.#type(place)}`);
    }
    for (const [name, field] of Object.entries(value)) {
      if (field === undefined) continue;
      const path = `${place.path}.${name}`;
      const found = this.#find(type, name, place.bitOff, 0);
      if (found === undefined) throw this.#unknownField(place, type, name, path);
      const { member, bitOff } = found;
      this.put({ id: member.type, bitOff, bits: member.bits, path, depth: place.depth + 1 }, field);
    }
  }

  /** A field by name, looked for in anonymous members too. */
  #find(
    type: BtfComposite,
    name: string,
    bitOff: number,
    depth: number,
  ): { readonly member: BtfMember; readonly bitOff: number } | undefined {
    if (depth > MAX_VALUE_DEPTH) throw layoutError(this.#btf, 'values nest too deeply');
    for (const member of type.members) {
      const at = bitOff + member.bitOff;
      if (member.name === name && name !== '') return { member, bitOff: at };
      const anonymous = anonymousOf(this.#btf, member.name, member.type);
      const found = anonymous === undefined ? undefined : this.#find(anonymous, name, at, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #unknownField(place: Place, type: BtfComposite, name: string, path: string): ConfigError {
    const names: string[] = [];
    this.#collectNames(type, names, 0);
    return new ConfigError('config-value', `${this.#what} ${path}: ${this.#type(place)} has no such field`, {
      data: { what: this.#what, path, type: this.#type(place), unknownField: name },
      hint: suggestion(name, names) ?? (names.length === 0 ? 'it has no fields' : `it has ${list(names)}`),
    });
  }

  #collectNames(type: BtfComposite, names: string[], depth: number): void {
    if (depth > MAX_VALUE_DEPTH) return;
    for (const member of type.members) {
      const anonymous = anonymousOf(this.#btf, member.name, member.type);
      if (anonymous !== undefined) this.#collectNames(anonymous, names, depth + 1);
      else if (member.name !== '') names.push(member.name);
    }
  }

  #putArray(place: Place, element: BtfId, count: number, value: unknown): void {
    const stride = this.#btf.sizeOf(element);
    if (stride === undefined) throw layoutError(this.#btf, 'an array of what has no size');
    if (typeof value === 'string' && isText(this.#btf, element)) {
      const text = encodeText(value);
      if (text.length > count) {
        throw this.#fail(place, `${show(value)} takes ${text.length} bytes, ${this.#type(place)} has ${count}`);
      }
      const bytes = new Uint8Array(count);
      bytes.set(text);
      this.#putBytes(place, bytes);
      return;
    }
    if (this.#putWhole(place, value, stride * count)) return;
    if (!Array.isArray(value)) throw this.#fail(place, `${show(value)} is not an array`);
    if (value.length > count) {
      throw this.#fail(place, `${value.length} elements, ${this.#type(place)} has ${count}`);
    }
    for (const [index, each] of value.entries()) {
      if (each === undefined) continue;
      const path = `${place.path}[${index}]`;
      const bitOff = place.bitOff + 8 * stride * index;
      this.put({ id: element, bitOff, bits: 0, path, depth: place.depth + 1 }, each);
    }
  }

  /** Bytes or an address for a struct, union or array as a whole; false where `value` is neither bytes nor text. */
  #putWhole(place: Place, value: unknown, sizeBytes: number): boolean {
    if (value instanceof Uint8Array) {
      if (value.length !== sizeBytes) {
        throw this.#fail(place, `${show(value)}, ${this.#type(place)} has ${sizeBytes}`);
      }
      this.#putBytes(place, value);
      return true;
    }
    if (typeof value !== 'string') return false;
    if (this.#putAddress(place, value, sizeBytes)) return true;
    const address = takesAddress(this.#btf, place.id, sizeBytes) ? addressOfBytes(sizeBytes) : undefined;
    if (address === undefined) throw this.#fail(place, `${show(value)} is not ${this.#type(place)}`);
    const isMappable = address.kind === 'ipv6' && addressOfKind('ipv4')?.parse(value) !== undefined;
    const hint = isMappable ? `write ::ffff:${value} for a mapped IPv4 address` : undefined;
    throw this.#fail(place, `${show(value)} is not ${address.words}`, hint);
  }

  #putAddress(place: Place, text: string, sizeBytes: number): boolean {
    if (!takesAddress(this.#btf, place.id, sizeBytes)) return false;
    const bytes = addressOfBytes(sizeBytes)?.parse(text);
    if (bytes !== undefined) this.#putBytes(place, bytes);
    return bytes !== undefined;
  }

  #enumValue(place: Place, type: BtfEnum, text: string): bigint {
    const found = type.values.find(({ name }) => name === text)?.value ?? integerOf(text);
    if (found !== undefined) return found;
    const names = type.values.map(({ name }) => name);
    const hint = suggestion(text, names) ?? `it has ${list(names)}`;
    throw this.#fail(place, `${show(text)} is no value of ${this.#type(place)}`, hint);
  }

  #putFloat(place: Place, type: BtfFloat, value: unknown): void {
    const bytes = new Uint8Array(type.sizeBytes);
    const view = new DataView(bytes.buffer);
    if (typeof value === 'number' && type.sizeBytes === 4) view.setFloat32(0, value, true);
    else if (typeof value === 'number' && type.sizeBytes === 8) view.setFloat64(0, value, true);
    else if (Array.isArray(value) && value.length === bytes.length && type.sizeBytes !== 4 && type.sizeBytes !== 8) {
      bytes.set(value.map(Number));
    } else throw this.#fail(place, `${show(value)} is not a value of ${this.#type(place)}`);
    this.#putBytes(place, bytes);
  }

  #integer(place: Place, value: unknown, bits: number, signed: boolean): bigint {
    const integer = integerOf(value);
    if (integer === undefined) {
      if (typeof value === 'number' && Number.isInteger(value)) {
        throw this.#fail(place, `${value} is too large to be exact`, `write it as a bigint or as text`);
      }
      throw this.#fail(place, `${show(value)} is not a whole number`);
    }
    const fits = signed ? BigInt.asIntN(bits, integer) === integer : BigInt.asUintN(bits, integer) === integer;
    if (!fits) throw this.#fail(place, `${integer} does not fit in ${this.#type(place)}`);
    return integer;
  }

  #putBits(place: Place, bitOff: number, bits: number, value: bigint): void {
    const first = Math.floor(bitOff / 8);
    const shift = BigInt(bitOff % 8);
    let rest = BigInt.asUintN(bits, value) << shift;
    let mask = BigInt.asUintN(bits, -1n) << shift;
    for (let at = first; mask > 0n; at++, mask >>= 8n, rest >>= 8n) {
      this.#putByte(place, at, Number(rest & 255n), Number(mask & 255n));
    }
  }

  #putBytes(place: Place, bytes: Uint8Array): void {
    if (place.bitOff % 8 !== 0) throw layoutError(this.#btf, 'a member lies outside of its type');
    for (const [index, byte] of bytes.entries()) this.#putByte(place, place.bitOff / 8 + index, byte, 255);
  }

  #putByte(place: Place, at: number, byte: number, mask: number): void {
    const old = this.#bytes[at];
    if (old === undefined) throw layoutError(this.#btf, 'a member lies outside of its type');
    const given = this.#given[at] ?? 0;
    if (((old ^ byte) & given & mask) !== 0) {
      throw this.#fail(place, 'contradicts another member of its union', 'give one member of a union');
    }
    this.#bytes[at] = (old & ~mask) | (byte & mask);
    this.#given[at] = given | mask;
  }

  #type(place: Place): string {
    const text = typeText(this.#btf, place.id).replace(/^(?:(?:const|volatile) )+/, '');
    return place.bits > 0 ? `${text}:${place.bits}` : text;
  }

  #fail({ path, ...place }: Place, message: string, hint?: string): ConfigError {
    const type = this.#type({ path, ...place });
    const where = path === '' ? this.#what : `${this.#what} ${path}`;
    return new ConfigError('config-value', `${where}: ${message}`, {
      data: { what: this.#what, path, type },
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/** The whole number that a value says, if it says one exactly. */
function integerOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (typeof value !== 'string' || value.length > MAX_SHOWN_CHARS) return undefined;
  if (value === 'true' || value === 'false') return value === 'true' ? 1n : 0n;
  const [, sign, digits] = /^(-?)(0x[0-9a-fA-F]+|\d+)$/.exec(value) ?? [];
  if (digits === undefined) return undefined;
  return sign === '-' ? -BigInt(digits) : BigInt(digits);
}

function bigEndian(value: bigint, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => Number((value >> BigInt(8 * (bytes - 1 - index))) & 255n));
}

function list(names: readonly string[]): string {
  const more = names.length > MAX_LISTED_NAMES ? ', ...' : '';
  return names.slice(0, MAX_LISTED_NAMES).join(', ') + more;
}

/** A value in a message. */
function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > MAX_SHOWN_CHARS ? `${value.slice(0, MAX_SHOWN_CHARS)}...` : value);
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      return value === null || value === undefined ? 'nothing' : `a value of type ${typeof value}`;
  }
}
