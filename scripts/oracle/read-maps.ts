/** Maps and BTF blobs of rows, in the two spellings that the files have. */
import { gunzipSync } from 'node:zlib';
import { parseBtf } from '../../vm/btf/btf.js';
import type { Btf } from '../../vm/btf/btf.js';
import { ConfigError } from '../../vm/errors.js';
import { MAP_TYPES } from '../../vm/spec/map-types.js';
import type { MapTypeName } from '../../vm/spec/map-types.js';
import { hex, list, listOrNone, number, numberOrNone, object, objectOrNone, text, textOrNone } from './fields.js';
import type { Json } from './fields.js';
import type { RowCode, RowEntry, RowMap } from './row.js';

/** BTF blobs by key, each parsed once. */
export class BtfBlobs {
  readonly #blobs: Json;
  readonly #parsed = new Map<string, Btf>();

  constructor(blobs: Json) {
    this.#blobs = blobs;
  }

  get(key: string | undefined): Btf | undefined {
    if (key === undefined) return undefined;
    const known = this.#parsed.get(key);
    if (known !== undefined) return known;
    const blob = gunzipSync(Buffer.from(text(this.#blobs[key], `btf ${key}`), 'base64'));
    const btf = parseBtf(new Uint8Array(blob), `btf ${key}`);
    this.#parsed.set(key, btf);
    return btf;
  }
}

const TYPE_NAMES: ReadonlySet<string> = new Set(MAP_TYPES.map(({ name }) => name));
/** The kernel keeps this many characters of a map's name. */
const NAME_CHARS = 15;

function typeOf(value: unknown, what: string): MapTypeName {
  const name = text(value, `type of ${what}`);
  if (TYPE_NAMES.has(name)) return name as MapTypeName;
  throw new ConfigError('config-file', `${what}: ${name} is no map type of Linux 6.18`);
}

/** @param name as the file's other fields refer to it */
export function readMap(value: unknown, name: string, blobs: BtfBlobs, programOf: ReadProgram): RowMap {
  const row = object(value, `map ${name}`);
  const field = (...names: readonly string[]): number =>
    number(row[names.find((each) => row[each] !== undefined) ?? ''], `${names[0] ?? ''} of map ${name}`);
  const btf = blobs.get(textOrNone(row.btf, 'btf'));
  const extra = numberOrNone(row.extra, 'extra');
  const keyType = numberOrNone(row.btf_key, 'btf_key');
  const valueType = numberOrNone(row.btf_value, 'btf_value');
  const types = {
    ...(btf === undefined ? {} : { btf }),
    ...(btf === undefined || keyType === undefined ? {} : { keyType }),
    ...(btf === undefined || valueType === undefined ? {} : { valueType }),
  };
  return {
    name: (textOrNone(row.kname, 'kname') ?? name).slice(0, NAME_CHARS),
    type: typeOf(row.type, `map ${name}`),
    keyBytes: field('key', 'key_size'),
    valueBytes: field('value', 'value_size'),
    maxEntries: field('max', 'max_entries'),
    flags: field('flags'),
    frozen: row.frozen === true,
    ...(extra === undefined ? {} : { mapExtra: BigInt(extra) }),
    ...types,
    ...(row.inner === undefined || row.inner === null
      ? {}
      : { inner: readMap(row.inner, `${name}.inner`, blobs, programOf) }),
    entries: listOrNone(row.init, 'init').map((each) => readEntry(list(each, 'an entry'))),
    programs: Object.entries(objectOrNone(row.progs, 'progs')).map(([index, program]) => ({
      index: Number(index),
      program: programOf(object(program, 'a program of a map')),
    })),
  };
}

/** Reads the program in a prog_array's slot. */
export type ReadProgram = (row: Json) => RowCode;

function readEntry([key, value]: readonly unknown[]): RowEntry {
  const bytes = hex(key, 'a key');
  if (typeof value === 'string') return { key: bytes, value: hex(value, 'a value') };
  const map = object(value, 'a value').map;
  return { key: bytes, value: map === undefined ? 'template' : { map: text(map, 'a map in a map') } };
}

/** Index of the map with this name. */
export function indexOfMap(names: readonly string[], name: string): number {
  const index = names.indexOf(name);
  if (index >= 0) return index;
  throw new ConfigError('config-file', `a row refers to map ${name}, but does not have it`);
}
