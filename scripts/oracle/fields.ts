/** Typed access to parsed JSON whose shape is only believed: says which field of what is wrong. */
import { ConfigError } from '../../vm/errors.js';
import { fromHex } from '../../vm/bytes.js';

export type Json = Readonly<Record<string, unknown>>;

function fail(what: string, want: string): never {
  throw new ConfigError('config-file', `${what} is not ${want}`, {
    hint: 'the shapes are described in CONTRIBUTING.md, under "The oracle"',
  });
}

export function object(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(what, 'an object');
  return value as Json;
}

export function list(value: unknown, what: string): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : fail(what, 'a list');
}

/** An absent or null list is empty. */
export function listOrNone(value: unknown, what: string): readonly unknown[] {
  return value === undefined || value === null ? [] : list(value, what);
}

export function objectOrNone(value: unknown, what: string): Json {
  return value === undefined || value === null ? {} : object(value, what);
}

export function text(value: unknown, what: string): string {
  return typeof value === 'string' ? value : fail(what, 'text');
}

export function textOrNone(value: unknown, what: string): string | undefined {
  return value === undefined || value === null ? undefined : text(value, what);
}

export function number(value: unknown, what: string): number {
  return typeof value === 'number' ? value : fail(what, 'a number');
}

export function numberOrNone(value: unknown, what: string): number | undefined {
  return value === undefined || value === null ? undefined : number(value, what);
}

export function hex(value: unknown, what: string): Uint8Array {
  return fromHex(text(value, what)) ?? fail(what, 'hexadecimal');
}
