/**
 * The BTF of an assembled object: maps that are declared by sizes, functions, and the lines of the text. Source of the
 * form: Documentation/bpf/btf.rst and libbpf's BTF-defined maps (numbers are pointers to arrays of that many elements).
 */
import { BtfWriter, KIND, writeBtfExt } from './btf-writer.js';

const LINKAGE_GLOBAL = 1;
/** Static, so that the verifier follows calls instead of believing a prototype. */
const LINKAGE_STATIC = 0;
const INT_SIGNED = 1 << 24;

/** Each member of a map's definition is a pointer. */
const MEMBER_BYTES = 8;

/** Members in the order of their declaration: `type`, `key_size`, ... */
export interface MapDefinition {
  readonly name: string;
  readonly members: readonly (readonly [name: string, value: number])[];
  /** For a map of maps: the map, defined before, that the inner ones are like. */
  readonly inner?: string;
}

/** Bytes that the map's definition takes in `.maps`. */
export function definitionBytes(map: MapDefinition): number {
  return map.members.length * MEMBER_BYTES;
}

/** A function; the offset is in bytes from the start of its section. */
export interface FunctionDefinition {
  readonly name: string;
  readonly section: string;
  readonly off: number;
}

/** Where an instruction stands in the text. */
export interface CodeLine {
  readonly section: string;
  readonly off: number;
  readonly line: number;
  readonly col: number;
  readonly text: string;
}

const MAX_COL = 1023;
const MAX_LINE = (1 << 22) - 1;

/** The `.BTF` and `.BTF.ext` sections. Functions and lines are sorted by offset within each section. */
export function objectBtf(
  maps: readonly MapDefinition[],
  functions: readonly FunctionDefinition[],
  lines: readonly CodeLine[],
  file: string,
): { btf: Uint8Array; ext: Uint8Array } {
  const btf = new BtfWriter();
  const int = btf.type('int', KIND.INT, 0, 4, INT_SIGNED | 32);
  if (maps.length > 0) addMaps(btf, maps, int);
  const proto = btf.type('', KIND.FUNC_PROTO, 0, int);
  const path = btf.string(file);
  const funcRecords = bySection(functions, ({ name, off }) => [off, btf.type(name, KIND.FUNC, LINKAGE_STATIC, proto)]);
  const lineRecords = bySection(lines, ({ off, line, col, text }) => {
    const place = (Math.min(line, MAX_LINE) << 10) | Math.min(col, MAX_COL);
    return [off, path, btf.string(text), place];
  });
  const groups = (records: ReadonlyMap<string, number[][]>) =>
    [...records].map(([section, list]) => ({ section: btf.string(section), records: list }));
  const ext = writeBtfExt(groups(funcRecords), groups(lineRecords));
  return { btf: btf.bytes(), ext };
}

function bySection<T extends { readonly section: string }>(
  items: readonly T[],
  record: (item: T) => number[],
): Map<string, number[][]> {
  const groups = new Map<string, number[][]>();
  for (const item of items) {
    const group = groups.get(item.section);
    if (group === undefined) groups.set(item.section, [record(item)]);
    else group.push(record(item));
  }
  return groups;
}

/** Maps lie one after another in `.maps`. */
function addMaps(btf: BtfWriter, maps: readonly MapDefinition[], int: number): void {
  const numbers = new Map<number, number>();
  const pointerTo = (value: number): number => {
    const known = numbers.get(value);
    if (known !== undefined) return known;
    const array = btf.type('', KIND.ARRAY, 0, 0, int, int, value);
    const pointer = btf.type('', KIND.PTR, 0, array);
    numbers.set(value, pointer);
    return pointer;
  };
  let off = 0;
  const variables: number[] = [];
  const definitions = new Map<string, number>();
  for (const map of maps) {
    const members = map.members.map(([name, value], index) => [
      btf.string(name),
      pointerTo(value),
      index * MEMBER_BYTES * 8,
    ]);
    const inner = map.inner === undefined ? undefined : definitions.get(map.inner);
    if (inner !== undefined) {
      const values = btf.type('', KIND.ARRAY, 0, 0, btf.type('', KIND.PTR, 0, inner), int, 0);
      members.push([btf.string('values'), values, definitionBytes(map) * 8]);
    }
    const definition = btf.type('', KIND.STRUCT, members.length, definitionBytes(map), ...members.flat());
    definitions.set(map.name, definition);
    const variable = btf.type(map.name, KIND.VAR, 0, definition, LINKAGE_GLOBAL);
    variables.push(variable, off, definitionBytes(map));
    off += definitionBytes(map);
  }
  btf.type('.maps', KIND.DATASEC, maps.length, off, ...variables);
}
