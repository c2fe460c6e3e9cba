/** Puts a config's entries into a datapath's maps, and notes what does not fit. */
import { alignUp } from '../addr.js';
import { encodeValue } from '../btf/value.js';
import type { ValueInput } from '../btf/value.js';
import { concatBytes } from '../bytes.js';
import type { Datapath } from '../datapath/datapath.js';
import { ConfigError, LoadError } from '../errors.js';
import type { MapHandle } from '../machine/map-table.js';
import { TypedMap } from '../machine/typed-map.js';
import { errno } from '../spec/errno.js';
import { suggestion } from '../suggest.js';
import { readDump } from './bpftool-dump.js';
import type { ConfigPath } from './config-text.js';
import { hexBytes, rawBytes, sized } from './map-values.js';
import type { ConfigFile } from './config-file.js';
import { relocate } from './relocate.js';
import { innerMapSchema } from './schema.js';
import type { MapEntryConfig } from './schema.js';

/** One entry with the places of its parts. */
interface Entry {
  readonly entry: MapEntryConfig;
  readonly path: ConfigPath;
  readonly keyPath: ConfigPath;
  readonly valuePath: ConfigPath;
  /** Keys of a YAML mapping are texts, whatever they were: decimal ones are numbers. */
  readonly isFromMapping: boolean;
}

type Entries = readonly MapEntryConfig[] | Readonly<Record<string, unknown>>;

const DEVICE_MAPS: readonly string[] = ['devmap', 'devmap_hash'];
/** Programs, maps and files, which a dump has by numbers of the machine that it was made on. */
const HOLDS_NO_BYTES: readonly string[] = [
  'prog_array',
  'array_of_maps',
  'hash_of_maps',
  'perf_event_array',
  'ringbuf',
];
const NO_KEY = new Uint8Array(0);

export class MapFiller {
  readonly #datapath: Datapath;
  readonly #file: ConfigFile;
  readonly #dumps: ReadonlyMap<string, string>;
  readonly #faults: ConfigError[];

  constructor(datapath: Datapath, file: ConfigFile, dumps: ReadonlyMap<string, string>, faults: ConfigError[]) {
    this.#datapath = datapath;
    this.#file = file;
    this.#dumps = dumps;
    this.#faults = faults;
  }

  fillAll(): void {
    for (const [name, contents] of Object.entries(this.#file.config.maps ?? {})) {
      const handle = this.#datapath.map(name);
      const path = ['maps', name];
      if (!handle.supported) {
        const message = `maps of type ${handle.spec.type} are unsupported by skep`;
        this.#faults.push(this.#file.text.fault(path, 'unsupported', message, { at: 'key' }));
      } else if (Array.isArray(contents)) {
        this.#fill(handle, contents, path);
      } else {
        if (contents.from !== undefined) this.#import(handle, contents.from, [...path, 'from']);
        if (contents.entries !== undefined) this.#fill(handle, contents.entries, [...path, 'entries']);
      }
    }
  }

  #fill(handle: MapHandle, entries: Entries, path: ConfigPath): void {
    for (const each of entriesOf(entries, path))
      this.#attempt(each.path, () => {
        this.#put(handle, each);
      });
  }

  /** Notes what an entry's part complains about. */
  #attempt(path: ConfigPath, put: () => void): void {
    try {
      put();
    } catch (error) {
      if (error instanceof ConfigError) {
        const isPlaced = error.where.line !== undefined;
        this.#faults.push(isPlaced ? error : relocate(this.#file, path, error));
      } else if (error instanceof LoadError) {
        const { message, hint } = error;
        this.#faults.push(this.#file.text.fault(path, 'refused', message, { hint, cause: error }));
      } else throw error;
    }
  }

  #put(handle: MapHandle, each: Entry): void {
    const { entry, path, keyPath, valuePath } = each;
    const key = this.#at(keyPath, () => this.#keyOf(handle, each));
    this.#at(valuePath, () => {
      if (!('value' in entry) && !('value_hex' in entry)) {
        throw this.#file.text.fault(path, 'missing', 'the entry has no value');
      }
      const failed = this.#store(handle, key, entry, valuePath);
      if (failed === 0) return;
      const message = `map \`${handle.spec.name}\` does not take it: ${errnoName(-failed)}`;
      throw this.#file.text.fault(path, 'refused', message, { at: 'key' });
    });
  }

  /** Complaints of values are those of this place. */
  #at<T>(path: ConfigPath, act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof ConfigError) || error.where.line !== undefined) throw error;
      throw relocate(this.#file, path, error);
    }
  }

  #keyOf(handle: MapHandle, { entry, path, isFromMapping }: Entry): Uint8Array {
    const { spec } = handle;
    const what = `${spec.name} key`;
    if (spec.keyBytes === 0) {
      if ('key' in entry || 'key_hex' in entry)
        throw this.#file.text.fault(path, 'refused', `a ${spec.type} has no keys`);
      return NO_KEY;
    }
    if (entry.key_hex !== undefined) return sized(hexBytes(entry.key_hex, what), spec.keyBytes, what);
    if (!('key' in entry)) throw this.#file.text.fault(path, 'missing', 'the entry has no key');
    const typed = this.#typed(handle);
    const input = entry.key as ValueInput;
    if (typed !== undefined) return typed.encodeKey(input);
    const { btf } = this.#datapath.object;
    // Maps of maps and programs have types of keys alone.
    if (btf !== undefined && spec.keyType !== undefined) return encodeValue(btf, spec.keyType, input, { what });
    const isNumber = isFromMapping && typeof input === 'string' && /^\d{1,20}$/.test(input);
    return rawBytes(isNumber ? BigInt(input) : input, spec.keyBytes, what);
  }

  /** Returns 0 or a negative errno. */
  #store(handle: MapHandle, key: Uint8Array, entry: MapEntryConfig, path: ConfigPath): number {
    const { spec } = handle;
    const what = `${spec.name} value`;
    const { value } = entry;
    if (spec.type === 'prog_array') return handle.setProgram(indexOf(key), this.#programOf(value, path));
    if (handle.holdsSockets && typeof value === 'string') return handle.setSocket(key, value);
    if (handle.holdsMaps) return handle.setMap(key, this.#innerMap(handle, value, path));
    if (entry.value_hex !== undefined) {
      return handle.set(key, this.#eachCpu(handle, sized(hexBytes(entry.value_hex, what), spec.valueBytes, what)));
    }
    if (DEVICE_MAPS.includes(spec.type) && typeof value === 'string') {
      const word = rawBytes(this.#ifindexOf(value, path), 4, what);
      return handle.set(key, concatBytes([word, new Uint8Array(spec.valueBytes - 4)]));
    }
    const typed = this.#typed(handle);
    if (typed === undefined) return handle.set(key, this.#eachCpu(handle, rawBytes(value, spec.valueBytes, what)));
    const input = value as ValueInput;
    if (!handle.perCpu) return handle.set(key, typed.encode(input));
    const cpus = this.#datapath.machine.layout.cpus;
    const isEach = Array.isArray(input) && input.length === cpus;
    return handle.set(key, typed.encode(isEach ? input : Array.from({ length: cpus }, () => input)));
  }

  /** A value as `MapHandle.set` takes it: in per-CPU maps every CPU's is the same. */
  #eachCpu(handle: MapHandle, value: Uint8Array): Uint8Array {
    if (!handle.perCpu) return value;
    const padded = new Uint8Array(alignUp(value.length, 8));
    padded.set(value);
    return concatBytes(Array.from({ length: this.#datapath.machine.layout.cpus }, () => padded));
  }

  #typed(handle: MapHandle): TypedMap | undefined {
    const { keyType, valueType } = handle.spec;
    const { object } = this.#datapath;
    const isTyped = object.btf !== undefined && keyType !== undefined && valueType !== undefined;
    return isTyped ? new TypedMap(object, handle) : undefined;
  }

  #programOf(value: unknown, path: ConfigPath): number {
    const { programs, name } = this.#datapath.object;
    const named = programs.find((each) => each.name === value) ?? programs.find((each) => each.section === value);
    if (named !== undefined) return named.func;
    const names = programs.map((each) => each.name);
    const hint = suggestion(String(value), names) ?? `it has ${names.join(', ')}`;
    throw this.#file.text.fault(path, 'unknown-name', `${name} has no such program`, { hint });
  }

  #ifindexOf(device: string, path: ConfigPath): number {
    const devices = this.#file.config.world?.devices ?? [];
    const found = devices.find(({ name }) => name === device);
    if (found !== undefined) return found.ifindex;
    const names = devices.map(({ name }) => name);
    const hint = suggestion(device, names) ?? 'devices are those in `world`, or numbers';
    throw this.#file.text.fault(path, 'unknown-name', `there is no device \`${device}\``, { hint });
  }

  /** A map of the object by its name, or a fresh one with contents. */
  #innerMap(outer: MapHandle, value: unknown, path: ConfigPath): number {
    const { text } = this.#file;
    if (typeof value === 'string') {
      const names = this.#datapath.object.maps.map(({ name }) => name);
      const id = names.indexOf(value);
      if (id >= 0) return id;
      throw text.fault(path, 'unknown-name', `there is no map \`${value}\``, { hint: suggestion(value, names) });
    }
    const result = innerMapSchema.safeParse(value);
    if (!result.success) {
      throw text.fault(path, 'type', 'a map in here is the name of a map, or a mapping with entries and max_entries');
    }
    const { max_entries: maxEntries, entries = [] } = result.data;
    const inner = this.#datapath.createInnerMap(outer.spec.name, maxEntries);
    this.#fill(inner, entries, [...path, 'entries']);
    return inner.id;
  }

  #import(handle: MapHandle, name: string, path: ConfigPath): void {
    if (HOLDS_NO_BYTES.includes(handle.spec.type)) {
      const message = `what the kernel had in a ${handle.spec.type} is not in a dump, only its number there`;
      this.#faults.push(this.#file.text.fault(path, 'unsupported', message, { hint: 'write entries' }));
      return;
    }
    const dump = this.#dumps.get(name);
    if (dump === undefined) {
      this.#faults.push(this.#file.text.fault(path, 'missing', `\`${name}\` was not given`));
      return;
    }
    this.#attempt(path, () => {
      for (const { key, value, index } of readDump(dump, name, handle, this.#datapath.machine.layout.cpus)) {
        const failed = handle.set(key, value);
        if (failed === 0) continue;
        const message = `${name} [${String(index)}]: map \`${handle.spec.name}\` does not take it: ${errnoName(-failed)}`;
        throw this.#file.text.fault(path, 'refused', message);
      }
    });
  }
}

function entriesOf(entries: Entries, path: ConfigPath): Entry[] {
  if (Array.isArray(entries)) {
    return (entries as readonly MapEntryConfig[]).map((entry, index) => {
      const at = [...path, index];
      const part = (name: 'key' | 'value'): ConfigPath => [...at, `${name}_hex` in entry ? `${name}_hex` : name];
      return { entry, path: at, keyPath: part('key'), valuePath: part('value'), isFromMapping: false };
    });
  }
  return Object.entries(entries).map(([key, value]) => {
    const at = [...path, key];
    return { entry: { key, value }, path: at, keyPath: at, valuePath: at, isFromMapping: true };
  });
}

function indexOf(key: Uint8Array): number {
  return new DataView(key.buffer, key.byteOffset).getUint32(0, true);
}

function errnoName(code: number): string {
  return Object.entries(errno).find(([, each]) => each === code)?.[0] ?? `errno ${String(code)}`;
}
