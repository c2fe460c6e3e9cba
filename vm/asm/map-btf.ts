/**
 * The `.maps` section and the BTF that describes it, for maps that are declared by sizes. Source of the form: libbpf's
 * BTF-defined maps (Documentation/bpf/btf.rst, `__uint` members are pointers to arrays of that many elements).
 */
import { viewOf } from '../bytes.js';
import { encodeText } from '../host.js';

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
const KIND = { INT: 1, PTR: 2, ARRAY: 3, STRUCT: 4, VAR: 14, DATASEC: 15 } as const;
const LINKAGE_GLOBAL = 1;
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

class BtfWriter {
  private readonly words: number[] = [];
  private readonly strings = new Map<string, number>([['', 0]]);
  private text = '\0';
  private types = 0;

  string(text: string): number {
    const known = this.strings.get(text);
    if (known !== undefined) return known;
    const off = this.text.length;
    this.text += `${text}\0`;
    this.strings.set(text, off);
    return off;
  }

  /** Adds a type and gives its id. */
  type(name: string, kind: number, length: number, sizeOrType: number, ...rest: number[]): number {
    this.words.push(this.string(name), (kind << 24) | length, sizeOrType, ...rest);
    return ++this.types;
  }

  bytes(): Uint8Array {
    const text = encodeText(this.text);
    const typeBytes = this.words.length * 4;
    const bytes = new Uint8Array(HEADER_BYTES + typeBytes + text.length);
    const view = viewOf(bytes);
    view.setUint16(0, MAGIC, true);
    view.setUint8(2, 1);
    const header = [HEADER_BYTES, 0, typeBytes, typeBytes, text.length];
    [...header, ...this.words].forEach((word, index) => {
      view.setUint32(4 + 4 * index, word, true);
    });
    bytes.set(text, HEADER_BYTES + typeBytes);
    return bytes;
  }
}

/** The `.BTF` section for these maps, which lie one after another in `.maps`. */
export function mapBtf(maps: readonly MapDefinition[]): Uint8Array {
  const btf = new BtfWriter();
  const int = btf.type('int', KIND.INT, 0, 4, INT_SIGNED | 32);
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
  return btf.bytes();
}
