/**
 * Why a program says it decided as it did: many count each packet in an array with a counter a reason. What counter a run
 * moved is the packet's reason; an enum in the object's BTF gives it a name. Knows nothing of verdicts.
 */
import { equalBytes, viewOf } from '../bytes.js';
import { ConfigError } from '../errors.js';
import type { MapHandle } from '../machine/map-table.js';
import type { ObjectSpec } from '../object/object-spec.js';
import { suggestion } from '../suggest.js';
import type { Datapath } from './datapath.js';

export interface ReasonsOptions {
  /** An array (per CPU or not) of counters. */
  readonly map: string;
  /** An enum of the object whose values are the array's keys. Without it reasons are numbers. */
  readonly enum?: string;
}

/** More counters than this are no reasons: all of them are looked at after each packet. */
const MAX_REASONS = 4096;

interface Counter {
  readonly name: string;
  readonly key: Uint8Array;
  value: Uint8Array;
}

export class ReasonCounters {
  readonly map: string;
  /** By key. */
  readonly names: readonly string[];
  readonly #handle: MapHandle;
  #counters: readonly Counter[] | undefined;

  /** @throws ConfigError where the object has no such map or enum, or the map is no array; `data.path` says which */
  constructor(datapath: Datapath, options: ReasonsOptions) {
    this.#handle = arrayOf(datapath, options.map);
    this.map = options.map;
    const { maxEntries } = this.#handle.spec;
    const known = options.enum === undefined ? new Map<number, string>() : valuesOf(datapath.object, options.enum);
    this.names = Array.from({ length: maxEntries }, (_, index) => known.get(index) ?? String(index));
  }

  /** Before a run: counters may have been set by others since the last one. */
  begin(): void {
    if (this.#counters !== undefined) return;
    this.#counters = this.names.map((name, index) => {
      const key = new Uint8Array(4);
      viewOf(key).setUint32(0, index, true);
      return { name, key, value: this.#valueAt(key) };
    });
  }

  /** After a run: the reason whose counter it moved; several with commas between, undefined where there was none. */
  take(): string | undefined {
    const moved: string[] = [];
    for (const counter of this.#counters ?? []) {
      const value = this.#valueAt(counter.key);
      if (equalBytes(value, counter.value)) continue;
      counter.value = value;
      moved.push(counter.name);
    }
    return moved.length === 0 ? undefined : moved.join(', ');
  }

  #valueAt(key: Uint8Array): Uint8Array {
    return this.#handle.get(key) ?? new Uint8Array(0);
  }
}

function refuse(path: 'map' | 'enum', message: string, hint: string | undefined): never {
  throw new ConfigError('config-value', message, { data: { path }, ...(hint === undefined ? {} : { hint }) });
}

function arrayOf(datapath: Datapath, name: string): MapHandle {
  const { object } = datapath;
  const spec = object.maps.find((each) => each.name === name);
  const arrays = object.maps.filter(({ type, section }) => type.endsWith('array') && section === undefined);
  const names = arrays.filter(({ type }) => type === 'array' || type === 'percpu_array').map((each) => each.name);
  const hint = suggestion(name, names) ?? (names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`);
  if (spec === undefined) refuse('map', `${object.name} has no map \`${name}\``, hint);
  if (spec.type !== 'array' && spec.type !== 'percpu_array') {
    refuse('map', `\`${name}\` is a ${spec.type}; counters of reasons are in an array`, hint);
  }
  if (spec.maxEntries > MAX_REASONS) {
    refuse(
      'map',
      `\`${name}\` has ${String(spec.maxEntries)} entries; skep looks at ${String(MAX_REASONS)}`,
      undefined,
    );
  }
  return datapath.map(name);
}

/** Names of an enum's values; of several with one value the first. */
function valuesOf({ btf, name: object }: ObjectSpec, wanted: string): ReadonlyMap<number, string> {
  const name = wanted.replace(/^enum /, '');
  const enums = new Map<string, ReadonlyMap<number, string>>();
  for (const [each, ids] of btf?.names() ?? []) {
    for (const id of ids) {
      const type = btf?.type(id);
      if (type?.kind !== 'enum' && type?.kind !== 'enum64') continue;
      const values = new Map<number, string>();
      for (const { name: value, value: number } of type.values) {
        if (!values.has(Number(number))) values.set(Number(number), value);
      }
      enums.set(each, values);
    }
  }
  const found = enums.get(name);
  if (found !== undefined) return found;
  const names = [...enums.keys()];
  const hint = suggestion(name, names) ?? (names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`);
  return refuse('enum', `the BTF of ${object} has no enum \`${name}\``, hint);
}
