/** Writes BTF types and strings. Knows no maps or sections; the reader is `btf/`. */
import { concatBytes, viewOf } from '../bytes.js';
import { encodeText } from '../host.js';

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;

export const KIND = { INT: 1, PTR: 2, ARRAY: 3, STRUCT: 4, FUNC: 12, FUNC_PROTO: 13, VAR: 14, DATASEC: 15 } as const;

export class BtfWriter {
  private readonly words: number[] = [];
  private readonly strings = new Map<string, number>([['', 0]]);
  private readonly texts: Uint8Array[] = [new Uint8Array(1)];
  private textBytes = 1;
  private types = 0;

  string(text: string): number {
    const known = this.strings.get(text);
    if (known !== undefined) return known;
    const off = this.textBytes;
    const bytes = encodeText(`${text.replaceAll('\0', ' ')}\0`);
    this.texts.push(bytes);
    this.textBytes += bytes.length;
    this.strings.set(text, off);
    return off;
  }

  /** Adds a type and gives its id. `info` holds kind-specific bits below the kind: a length, or a linkage. */
  type(name: string, kind: number, info: number, sizeOrType: number, ...rest: number[]): number {
    this.words.push(this.string(name), (kind << 24) | info, sizeOrType, ...rest);
    return ++this.types;
  }

  bytes(): Uint8Array {
    const typeBytes = this.words.length * 4;
    const bytes = new Uint8Array(HEADER_BYTES + typeBytes);
    const view = viewOf(bytes);
    view.setUint16(0, MAGIC, true);
    view.setUint8(2, 1);
    const header = [HEADER_BYTES, 0, typeBytes, typeBytes, this.textBytes];
    [...header, ...this.words].forEach((word, index) => {
      view.setUint32(4 + 4 * index, word, true);
    });
    return concatBytes([bytes, ...this.texts]);
  }
}

/** A group of `.BTF.ext` records: the name of a section as a string offset, and its records as 32-bit words. */
export interface ExtGroup {
  readonly section: number;
  readonly records: readonly (readonly number[])[];
}

/** The `.BTF.ext` section for function records (2 words) and line records (4 words). */
export function writeBtfExt(funcs: readonly ExtGroup[], lines: readonly ExtGroup[]): Uint8Array {
  const flat = (groups: readonly ExtGroup[], recordWords: number): number[] => {
    const words = [4 * recordWords];
    for (const { section, records } of groups) {
      words.push(section, records.length);
      for (const record of records) words.push(...record);
    }
    return words;
  };
  const funcWords = flat(funcs, 2);
  const lineWords = flat(lines, 4);
  const header = [HEADER_BYTES, 0, 4 * funcWords.length, 4 * funcWords.length, 4 * lineWords.length];
  const words = [...header, ...funcWords, ...lineWords];
  const bytes = new Uint8Array(4 + 4 * words.length);
  const view = viewOf(bytes);
  view.setUint16(0, MAGIC, true);
  view.setUint8(2, 1);
  words.forEach((word, index) => {
    view.setUint32(4 + 4 * index, word, true);
  });
  return bytes;
}
