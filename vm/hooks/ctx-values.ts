/**
 * Fields of a ctx by their C names, from what people write and back: numbers as the program reads them, addresses as text,
 * ports as numbers where the field holds one in network order.
 */
import { formatIpv4, formatIpv6 } from '../address-text.js';
import type { Ptr } from '../addr.js';
import { ConfigError } from '../errors.js';
import type { Memory } from '../memory/memory.js';
import { CTX_LAYOUTS } from '../spec/ctx.js';
import type { CtxField, CtxName } from '../spec/ctx.js';
import { suggestion } from '../suggest.js';
import { bswap16 } from '../u64.js';
import { parseIp } from '../world/ip-prefix.js';

export type CtxInput = number | bigint | string | readonly number[];
export type CtxValues = Readonly<Record<string, CtxInput>>;

/** Numbers; addresses as text; 64 bits as bigint; arrays as lists. */
export type CtxOutput = number | bigint | string | readonly number[];

function refuse(layout: CtxName, name: string, message: string, hint?: string): never {
  throw new ConfigError('config-value', `field \`${name}\` of struct ${layout}: ${message}`, {
    data: { field: name, struct: layout },
    ...(hint === undefined ? {} : { hint }),
  });
}

/**
 * Writes fields.
 * @param owned names of fields that follow from the event and cannot be given
 * @throws ConfigError `config-value` where there is no such field, or it cannot hold the value
 */
export function putCtxValues(
  memory: Memory,
  at: Ptr,
  layout: CtxName,
  values: CtxValues,
  owned: readonly string[] = [],
): void {
  const fields: readonly CtxField[] = CTX_LAYOUTS[layout].fields;
  for (const [name, value] of Object.entries(values)) {
    const field = fields.find((each) => each.name === name);
    if (field === undefined) {
      const names = fields.map((each) => each.name);
      refuse(layout, name, 'there is none', suggestion(name, names));
    }
    if ((field.value ?? 'scalar') !== 'scalar' || owned.includes(name)) {
      refuse(layout, name, 'it follows from the event and cannot be given');
    }
    put(memory, at + field.off, layout, field, value);
  }
}

function put({ view, u8 }: Memory, at: Ptr, layout: CtxName, field: CtxField, value: CtxInput): void {
  const { name, bytes, count = 1, text } = field;
  if (typeof value === 'string') {
    const address = parseIp(value);
    if (text !== 'ip' || address?.length !== bytes * count) refuse(layout, name, `\`${value}\` does not fit`);
    u8.set(address, at);
    return;
  }
  const list = typeof value === 'object' ? value : [value];
  if (list.length > count) refuse(layout, name, `it has ${String(count)} elements at most`);
  for (const [index, each] of list.entries()) {
    const limit = text === undefined || text === 'ip' ? 1n << BigInt(8 * bytes) : 1n << 16n;
    if (typeof each === 'number' && !Number.isSafeInteger(each)) refuse(layout, name, `${String(each)} does not fit`);
    const whole = BigInt(each);
    if (whole >= limit || whole < -(limit >> 1n)) refuse(layout, name, `${String(each)} does not fit`);
    const to = at + bytes * index;
    const word = BigInt.asUintN(8 * bytes, text === undefined ? whole : BigInt(toNetwork(Number(whole), text)));
    if (bytes === 8) view.setBigUint64(to, word, true);
    else if (bytes === 4) view.setUint32(to, Number(word), true);
    else if (bytes === 2) view.setUint16(to, Number(word), true);
    else view.setUint8(to, Number(word));
  }
}

/** A port as the field holds it: in the first two bytes, or as a whole word in network order. */
function toNetwork(port: number, text: NonNullable<CtxField['text']>): number {
  if (text === 'port') return bswap16(port);
  return text === 'port-word' ? (bswap16(port) << 16) >>> 0 : port;
}

function fromNetwork(word: number, text: CtxField['text']): number {
  if (text === 'port') return bswap16(word & 0xffff);
  return text === 'port-word' ? bswap16(word >>> 16) : word;
}

/** All fields that hold a number or an address. */
export function readCtxValues(memory: Memory, at: Ptr, layout: CtxName): Readonly<Record<string, CtxOutput>> {
  const fields: readonly CtxField[] = CTX_LAYOUTS[layout].fields;
  return Object.fromEntries(
    fields
      .filter(({ value = 'scalar' }) => value === 'scalar')
      .map((field): [string, CtxOutput] => [field.name, read(memory, at + field.off, field)]),
  );
}

function read({ view, u8 }: Memory, at: Ptr, { bytes, count = 1, text }: CtxField): CtxOutput {
  if (text === 'ip') return bytes * count === 4 ? formatIpv4(u8, at) : formatIpv6(u8, at);
  const words = Array.from({ length: count }, (_, index) => {
    const from = at + bytes * index;
    if (bytes === 8) return view.getBigUint64(from, true);
    if (bytes === 4) return view.getUint32(from, true);
    return bytes === 2 ? view.getUint16(from, true) : view.getUint8(from);
  });
  const [word = 0] = words;
  if (count > 1) return words.map(Number);
  return typeof word === 'bigint' ? word : fromNetwork(word, text);
}
