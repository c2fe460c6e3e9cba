/** What a BTF type means to a reader: its type without typedefs and qualifiers, and what its names say of byte order. */
import { formatIpv4, formatIpv6, formatMac, parseIpv4, parseIpv6, parseMac } from '../address-text.js';
import { BtfError, ConfigError } from '../errors.js';
import { typeText } from './c-text.js';
import type { Btf, BtfComposite, BtfEnum, BtfId, BtfInt, BtfMember, BtfType } from './btf.js';

/** Values nest as deep as libbpf and the kernel follow types. */
export const MAX_VALUE_DEPTH = 32;

/** `be`: an integer in network byte order. The others are addresses. */
export type Meaning = 'be' | AddressKind;
export type AddressKind = 'ipv4' | 'mac' | 'ipv6';

export interface Shape {
  readonly type: BtfType;
  readonly meaning: Meaning | undefined;
}

interface AddressRow {
  readonly kind: AddressKind;
  readonly bytes: number;
  readonly words: string;
  readonly parse: (text: string) => Uint8Array | undefined;
  readonly format: (bytes: Uint8Array, at: number) => string;
}

const ADDRESSES: readonly AddressRow[] = [
  { kind: 'ipv4', bytes: 4, words: 'an IPv4 address', parse: parseIpv4, format: formatIpv4 },
  { kind: 'mac', bytes: 6, words: 'a MAC address', parse: parseMac, format: formatMac },
  { kind: 'ipv6', bytes: 16, words: 'an IPv6 address', parse: parseIpv6, format: formatIpv6 },
];

/** Type names and the size that a type of this name must have. */
const NAMED: ReadonlyMap<string, readonly [Meaning, bytes: number]> = new Map([
  ['__be16', ['be', 2]],
  ['__be32', ['ipv4', 4]],
  ['__be64', ['be', 8]],
  ['in_addr', ['ipv4', 4]],
  ['in6_addr', ['ipv6', 16]],
  ['v4addr', ['ipv4', 4]],
  ['v6addr', ['ipv6', 16]],
  ['macaddr', ['mac', 6]],
]);

/** The kind of address that takes so many bytes. */
export function addressOfBytes(bytes: number): AddressRow | undefined {
  return ADDRESSES.find((row) => row.bytes === bytes);
}

export function addressOfKind(kind: Meaning | undefined): AddressRow | undefined {
  return ADDRESSES.find((row) => row.kind === kind);
}

const known = new WeakMap<Btf, Map<BtfId, Shape>>();

/** Throws `BtfError` as `Btf.type` does. */
export function shapeOf(btf: Btf, id: BtfId): Shape {
  let shapes = known.get(btf);
  if (shapes === undefined) known.set(btf, (shapes = new Map<BtfId, Shape>()));
  let shape = shapes.get(id);
  if (shape === undefined) {
    const type = btf.resolved(id);
    shape = type.kind === 'var' ? shapeOf(btf, type.type) : { type, meaning: meaningOf(btf, id, type) };
    shapes.set(id, shape);
  }
  return shape;
}

function meaningOf(btf: Btf, id: BtfId, resolved: BtfType): Meaning | undefined {
  for (let at = id; ;) {
    const type = btf.type(at);
    const [meaning, bytes] = ('name' in type ? NAMED.get(type.name) : undefined) ?? [];
    if (meaning !== undefined && type.kind !== 'type_tag' && btf.sizeOf(id) === bytes && carries(resolved)) {
      return meaning;
    }
    if (type === resolved || !('type' in type)) break;
    at = type.type;
  }
  if (resolved.kind !== 'array' || resolved.count !== 4) return undefined;
  const element = shapeOf(btf, resolved.type);
  return element.type.kind === 'int' && element.meaning === 'ipv4' ? 'ipv6' : undefined;
}

function carries({ kind }: BtfType): boolean {
  return kind === 'int' || kind === 'struct' || kind === 'union' || kind === 'array';
}

/**
 * Whether the text of an address of so many bytes may stand for a value: an address by name, an unsigned 32-bit integer,
 * an array of 4, 6 or 16 octets, the 16 bytes of an IPv6 address in larger pieces, or what holds one of these and nothing else.
 */
export function takesAddress(btf: Btf, id: BtfId, bytes: number, depth = 0): boolean {
  if (depth > MAX_VALUE_DEPTH || btf.sizeOf(id) !== bytes) return false;
  const { type, meaning } = shapeOf(btf, id);
  if (meaning !== undefined) return addressOfKind(meaning)?.bytes === bytes;
  switch (type.kind) {
    case 'int':
      return bytes === 4 && !type.signed;
    case 'array': {
      const element = shapeOf(btf, type.type);
      if (element.type.kind !== 'int' || isText(btf, type.type)) return false;
      return element.type.sizeBytes === 1 || (bytes === 16 && element.type.sizeBytes <= 4);
    }
    case 'struct':
      return type.members.length === 1 && type.members.every((member) => holdsAddress(btf, member, bytes, depth));
    case 'union':
      return type.members.some((member) => holdsAddress(btf, member, bytes, depth));
    default:
      return false;
  }
}

function holdsAddress(btf: Btf, member: BtfMember, bytes: number, depth: number): boolean {
  return member.bitOff === 0 && member.bits === 0 && takesAddress(btf, member.type, bytes, depth + 1);
}

/** Whether strings stand for values of this array type: its elements are plain `char`. */
export function isText(btf: Btf, element: BtfId): boolean {
  const { type } = shapeOf(btf, element);
  return type.kind === 'int' && type.sizeBytes === 1 && (type.char || type.name === 'char');
}

/** Where an integer's bits lie: the member's own width wins over what the type says. */
export function bitsOf(
  btf: Btf,
  type: Pick<BtfInt, 'sizeBytes'> & Partial<Pick<BtfInt, 'bits' | 'bitOff'>>,
  bits: number,
): { readonly bits: number; readonly bitOff: number } {
  if (bits > 0) return { bits, bitOff: 0 };
  const width = type.bits === undefined || type.bits === 0 ? 8 * type.sizeBytes : type.bits;
  if (width > 128 || width === 0) throw layoutError(btf, `an integer of ${String(width)} bits`);
  return { bits: width, bitOff: type.bitOff ?? 0 };
}

/** An unnamed member whose fields belong to its holder. */
export function anonymousOf(btf: Btf, name: string, id: BtfId): BtfComposite | undefined {
  if (name !== '') return undefined;
  const { type } = shapeOf(btf, id);
  return type.kind === 'struct' || type.kind === 'union' ? type : undefined;
}

/**
 * Size of a value.
 * @throws ConfigError `config-unsupported` where the type has no values (void, functions, forward declarations)
 */
export function sizeOfValue(btf: Btf, id: BtfId, what: string): number {
  const sizeBytes = btf.sizeOf(id);
  if (sizeBytes !== undefined && btf.resolved(id).kind !== 'datasec') return sizeBytes;
  throw new ConfigError('config-unsupported', `${what}: \`${typeText(btf, id)}\` has no values`, {
    data: { type: id },
  });
}

const enumNames = new WeakMap<BtfEnum, ReadonlyMap<bigint, string>>();

/** Name of an enum's value; the first where several are equal. */
export function enumName(type: BtfEnum, value: bigint): string | undefined {
  let names = enumNames.get(type);
  if (names === undefined) {
    names = new Map(type.values.toReversed().map((each) => [each.value, each.name]));
    enumNames.set(type, names);
  }
  return names.get(value);
}

export function layoutError(btf: Btf, message: string): BtfError {
  return new BtfError('btf-layout', `the BTF is inconsistent: ${message}`, { data: { count: btf.count } });
}
