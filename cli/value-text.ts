/** Values of BTF types for people and for JSON. Knows nothing of where they come from. */
import type { Value } from '../vm/index.js';

type JsonValue = boolean | number | string | readonly JsonValue[] | { readonly [field: string]: JsonValue };

/** In one line, as C would initialise it: `{ .source = "10.0.0.1", .port = 80 }`. */
export function valueText(value: Value): string {
  if (typeof value === 'object') {
    if (Array.isArray(value)) return `[${(value as readonly Value[]).map(valueText).join(', ')}]`;
    const fields = Object.entries(value).map(([name, field]) => `${name}: ${valueText(field)}`);
    return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
  }
  return typeof value === 'string' ? printable(value) : String(value);
}

/** Control characters of a program's text must not reach a terminal. */
function printable(text: string): string {
  return /^[\x21-\x7e]+$/.test(text) ? text : JSON.stringify(text).replace(/[\x7f-\x9f]/g, '?');
}

/** 64-bit numbers that JSON readers would round are given as text. */
export function jsonValue(value: Value): JsonValue {
  if (typeof value === 'bigint') {
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value);
  }
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) return (value as readonly Value[]).map(jsonValue);
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, jsonValue(field)]));
}
