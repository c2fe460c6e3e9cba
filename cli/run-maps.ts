/** What maps hold after a run, by BTF type where there is one: tables for people, plain data for JSON. Knows no streams. */
import { ConfigError } from '../vm/index.js';
import type { Datapath, MapHandle, ReasonCounters, Value } from '../vm/index.js';
import { renderTable } from './text-table.js';
import { jsonValue, valueText } from './value-text.js';

/** Types that hold no entries which bpf(2) would list. */
const UNLISTED: ReadonlySet<string> = new Set(['ringbuf', 'user_ringbuf', 'perf_event_array', 'prog_array']);
/** Rows of a table for people; JSON has all. */
const MAX_ROWS = 1000;

interface Entry {
  readonly key: Value;
  /** Of per-CPU maps one a CPU. */
  readonly values: readonly Value[];
  /** All bytes of the value are 0. */
  readonly isZero: boolean;
}

interface Typed {
  key(bytes: Uint8Array): Value;
  value(bytes: Uint8Array): Value;
}

/** Names as the user gave them, each checked; without any, all maps that hold something to see. */
export function chosenMaps(datapath: Datapath, names: readonly string[]): readonly MapHandle[] {
  if (names.length > 0) return names.map((name) => listed(datapath.map(name)));
  return datapath.object.maps
    .filter(({ type, readOnly }) => !UNLISTED.has(type) && !readOnly)
    .map(({ name }) => datapath.map(name))
    .filter(({ supported }) => supported);
}

function listed(map: MapHandle): MapHandle {
  const { name, type } = map.spec;
  if (map.supported && !UNLISTED.has(type)) return map;
  throw new ConfigError('config-unsupported', `map \`${name}\` (${type}) has no entries that can be listed`, {
    hint:
      type === 'ringbuf' || type === 'perf_event_array'
        ? 'what programs sent through it, --events prints'
        : 'leave it out',
  });
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`;
}

function typesOf(datapath: Datapath, map: MapHandle): Typed {
  const { spec } = map;
  if (datapath.object.btf === undefined || spec.keyType === undefined || spec.valueType === undefined) {
    const stride = Math.ceil(spec.valueBytes / 8) * 8;
    const each = (bytes: Uint8Array): Value =>
      Array.from({ length: bytes.length / stride }, (_, cpu) =>
        hex(bytes.subarray(cpu * stride, cpu * stride + spec.valueBytes)),
      );
    return { key: hex, value: map.perCpu ? each : hex };
  }
  const typed = datapath.typedMap(spec.name);
  return { key: (bytes) => typed.decodeKey(bytes), value: (bytes) => typed.decode(bytes) };
}

function* entriesOf(datapath: Datapath, map: MapHandle, reasons: ReasonCounters | undefined): Generator<Entry> {
  const types = typesOf(datapath, map);
  const names = reasons?.map === map.spec.name ? reasons.names : [];
  const named = (key: Value): Value => (typeof key === 'number' ? (names[key] ?? key) : key);
  for (const [key, bytes] of map.entries()) {
    const value = types.value(bytes);
    const values = map.perCpu && Array.isArray(value) ? (value as readonly Value[]) : [value];
    yield { key: named(types.key(key)), values, isZero: bytes.every((byte) => byte === 0) };
  }
}

function isObject(value: Value | undefined): value is Readonly<Record<string, Value>> {
  return typeof value === 'object' && !Array.isArray(value);
}

/** Columns of keys or values: one a field where they are structs, else one. */
function columnsOf(sample: Value | undefined, name: string): { head: string[]; cells: (value: Value) => string[] } {
  if (!isObject(sample)) return { head: [name], cells: (value) => [valueText(value)] };
  const fields = Object.keys(sample);
  return {
    head: fields.map((field) => field.toUpperCase()),
    cells: (value) =>
      fields.map((field) => (isObject(value) && value[field] !== undefined ? valueText(value[field]) : '')),
  };
}

/**
 * One map for people. Entries of arrays that hold only zeros are counted, not shown.
 * @param reasons name the keys of the map that counts them
 */
export function renderMap(datapath: Datapath, map: MapHandle, reasons?: ReasonCounters): string {
  const { name, type, section } = map.spec;
  if (section !== undefined) return renderSection(datapath, map);
  const isArray = type === 'array' || type === 'percpu_array';
  const shown: Entry[] = [];
  let zeros = 0;
  let more = 0;
  for (const entry of entriesOf(datapath, map, reasons)) {
    if (isArray && entry.isZero) zeros++;
    else if (shown.length < MAX_ROWS) shown.push(entry);
    else more++;
  }
  const count = shown.length + zeros + more;
  const title = `map \`${name}\` (${type}): ${String(count)} ${count === 1 ? 'entry' : 'entries'}`;
  const note = [
    ...(zeros > 0 ? [`${String(zeros)} ${zeros === 1 ? 'holds' : 'hold'} zeros only`] : []),
    ...(more > 0 ? [`${String(more)} are not shown, --json has all`] : []),
  ].join(', ');
  const lines = [note === '' ? title : `${title}, ${note}`];
  if (shown.length > 0) lines.push(entryTable(shown));
  return `${lines.join('\n')}\n`;
}

function entryTable(entries: readonly Entry[]): string {
  const key = columnsOf(entries[0]?.key, 'KEY');
  const value = columnsOf(entries[0]?.values[0], 'VALUE');
  const cpus = entries[0]?.values.length ?? 1;
  const cpuHead = cpus > 1 ? ['CPU'] : [];
  const rows = entries.flatMap((entry) =>
    entry.values.map((each, cpu) => [
      ...key.cells(entry.key),
      ...(cpus > 1 ? [String(cpu)] : []),
      ...value.cells(each),
    ]),
  );
  const head = [...key.head, ...cpuHead, ...value.head];
  const isNumber = (column: number): boolean => rows.every((row) => /^-?\d+$/.test(row[column] ?? ''));
  return renderTable(
    head,
    rows,
    [...head.keys()].filter((column) => isNumber(column)),
  );
}

/** Global variables, for data sections. */
function variablesOf(datapath: Datapath, map: MapHandle): readonly (readonly [name: string, value: Value])[] {
  return (map.spec.variables ?? []).map(({ name }) => {
    try {
      return [name, datapath.getGlobal(name)];
    } catch (error) {
      // Two static variables may have the same name.
      if (error instanceof ConfigError) return [name, `(${error.message})`];
      throw error;
    }
  });
}

function renderSection(datapath: Datapath, map: MapHandle): string {
  const variables = variablesOf(datapath, map).map(([name, value]) => [name, valueText(value)]);
  const title = `map \`${map.spec.name}\`: global variables`;
  if (variables.length > 0) return `${title}\n${renderTable(['VARIABLE', 'VALUE'], variables)}\n`;
  return `${title}\n${[...map.entries()].map(([, value]) => hex(value)).join('\n')}\n`;
}

/** One map as plain data: `entries` of key and value, of per-CPU maps `values`; of a data section `variables`. */
export function mapJson(datapath: Datapath, map: MapHandle, reasons?: ReasonCounters): unknown {
  const { name, type, section, variables = [] } = map.spec;
  if (section !== undefined && variables.length > 0) {
    const all = variablesOf(datapath, map).map(([variable, value]) => [variable, jsonValue(value)]);
    return { name, type, variables: Object.fromEntries(all) as unknown };
  }
  const entries = Array.from(entriesOf(datapath, map, reasons), ({ key, values }) =>
    map.perCpu
      ? { key: jsonValue(key), values: values.map(jsonValue) }
      : { key: jsonValue(key), value: jsonValue(values[0] ?? '') },
  );
  return { name, type, entries };
}
