/** Checks that every map kind shares: sizes, capacity and flags, from the rows of `spec/map-types`. */
import { LoadError } from '../errors.js';
import type { MapSpec } from '../object/object-spec.js';
import { MAP_FLAGS, MAP_TYPE_ROWS } from '../spec/map-types.js';
import type { SizeRule } from '../spec/map-types.js';

/** Refuses a map definition, naming the map. */
export function refuseMap(spec: MapSpec, reason: string, hint?: string): never {
  throw new LoadError('load-map', `map \`${spec.name}\` (${spec.type}): ${reason}`, {
    data: { map: spec.name, type: spec.type, reason },
    ...(hint === undefined ? {} : { hint }),
  });
}

const PAGE_BYTES = 4096;

/** From one side a map may be read-only or write-only, not both. */
const CONTRADICTIONS = [
  MAP_FLAGS.BPF_F_RDONLY | MAP_FLAGS.BPF_F_WRONLY,
  MAP_FLAGS.BPF_F_RDONLY_PROG | MAP_FLAGS.BPF_F_WRONLY_PROG,
];

function fits(bytes: number, rule: SizeRule): boolean {
  switch (rule) {
    case 'none':
      return bytes === 0;
    case 'any':
      return bytes >= 1;
    case '4|8':
      return bytes === 4 || bytes === 8;
    case '8|16':
      return bytes === 8 || bytes === 16;
    case 'prefix':
      return bytes >= 5 && bytes <= 260;
    case 'stack':
      return bytes >= 8 && bytes % 8 === 0;
    default:
      return bytes === rule;
  }
}

function describe(rule: SizeRule): string {
  switch (rule) {
    case 'none':
      return '0';
    case 'any':
      return 'at least 1';
    case '4|8':
      return '4 or 8';
    case '8|16':
      return '8 or 16';
    case 'prefix':
      return '5 to 260';
    case 'stack':
      return 'a multiple of 8';
    default:
      return String(rule);
  }
}

/**
 * Judges a definition as map_create does.
 * @param allowedFlags creation flags of this type
 * @throws LoadError `load-map` naming the map and the field
 */
export function checkMapSpec(spec: MapSpec, allowedFlags: number): void {
  const row = MAP_TYPE_ROWS[spec.type];
  if (!fits(spec.keyBytes, row.key)) {
    refuseMap(spec, `key size is ${String(spec.keyBytes)}, must be ${describe(row.key)}`);
  }
  if (!fits(spec.valueBytes, row.value)) {
    refuseMap(spec, `value size is ${String(spec.valueBytes)}, must be ${describe(row.value)}`);
  }
  const entries = spec.maxEntries;
  if (row.entries === 'ring' && (entries < PAGE_BYTES || entries % PAGE_BYTES !== 0 || !isPowerOfTwo(entries))) {
    refuseMap(
      spec,
      `max_entries is ${String(entries)}, must be a power of two and a multiple of ${String(PAGE_BYTES)}`,
      'max_entries of a ring buffer is its size in bytes',
    );
  }
  if (row.entries === 'any' && entries < 1) {
    refuseMap(spec, 'max_entries is 0', 'loaders of such objects set it first; here `maps` in skep.yaml does');
  }
  const wrong = (spec.flags & ~allowedFlags) >>> 0;
  if (wrong !== 0) refuseMap(spec, `flags 0x${wrong.toString(16)} are not allowed for this type`);
  const both = CONTRADICTIONS.find((flags) => (spec.flags & flags) === flags);
  if (both !== undefined) refuseMap(spec, `flags 0x${both.toString(16)} exclude each other`);
}

/** Refuses values (or keys and values) that are longer than a kind allows. */
export function checkSize(spec: MapSpec, what: 'key' | 'value' | 'key and value', bytes: number, most: number): void {
  if (bytes > most) refuseMap(spec, `size of ${what} is ${String(bytes)}, must not be more than ${String(most)}`);
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value));
}
