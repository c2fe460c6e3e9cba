/** Checks that every map kind shares: sizes, capacity and flags, from the rows of `spec/map-types`. */
import { LoadError } from '../errors.js';
import type { MapSpec } from '../object/object-spec.js';
import { MAP_TYPE_ROWS } from '../spec/map-types.js';
import type { SizeRule } from '../spec/map-types.js';

/** Refuses a map definition, naming the map. */
export function refuseMap(spec: MapSpec, reason: string, hint?: string): never {
  throw new LoadError('load-map', `map \`${spec.name}\` (${spec.type}): ${reason}`, {
    data: { map: spec.name, type: spec.type, reason },
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Largest key of a hash: the kernel copies it on its stack (MAX_BPF_STACK). */
const MAX_KEY_BYTES = 512;
/** Largest value: KMALLOC_MAX_SIZE less an element's header. */
const MAX_VALUE_BYTES = 4_194_304 - 64;
const PAGE_BYTES = 4096;

function fits(bytes: number, rule: SizeRule, most: number): boolean {
  switch (rule) {
    case 'none':
      return bytes === 0;
    case 'any':
      return bytes >= 1 && bytes <= most;
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
      return 'at least 1 and not larger than the kernel allows';
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
  if (!fits(spec.keyBytes, row.key, MAX_KEY_BYTES)) {
    refuseMap(spec, `key size is ${String(spec.keyBytes)}, must be ${describe(row.key)}`);
  }
  if (!fits(spec.valueBytes, row.value, MAX_VALUE_BYTES)) {
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
  if (row.entries === 'any' && entries < 1) refuseMap(spec, 'max_entries is 0', 'set max_entries to at least 1');
  const wrong = (spec.flags & ~allowedFlags) >>> 0;
  if (wrong !== 0) refuseMap(spec, `flags 0x${wrong.toString(16)} are not allowed for this type`);
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value));
}
