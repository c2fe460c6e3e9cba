/**
 * NUL-terminated strings by offset, as ELF and BTF keep them. Each string is decoded once, and the text decoded in all
 * is bounded by a multiple of the table, so that a hostile file cannot blow a long string up by pointing into it from
 * everywhere. Knows no file format; the caller turns a fault into its own error.
 */
import { decodeText } from './host.js';

export type StringFault = 'range' | 'unterminated' | 'budget';

/** Real tables share tails between strings, which decodes some bytes twice; 8 times is far beyond what linkers do. */
const BUDGET_FACTOR = 8;
const BUDGET_FLOOR_BYTES = 0x1_0000;

export class StringTable {
  readonly #bytes: Uint8Array;
  readonly #onFault: (fault: StringFault, off: number) => Error;
  readonly #known = new Map<number, string>();
  #budgetBytes: number;

  constructor(bytes: Uint8Array, onFault: (fault: StringFault, off: number) => Error) {
    this.#bytes = bytes;
    this.#onFault = onFault;
    this.#budgetBytes = bytes.length * BUDGET_FACTOR + BUDGET_FLOOR_BYTES;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  /** The string at byte offset `off`; throws what `onFault` makes. */
  at(off: number): string {
    const known = this.#known.get(off);
    if (known !== undefined) return known;
    // An empty table still answers for offset 0: files without strings leave it out.
    if (off === 0 && this.#bytes.length === 0) return '';
    if (off >= this.#bytes.length) throw this.#onFault('range', off);
    const end = this.#bytes.indexOf(0, off);
    if (end < 0) throw this.#onFault('unterminated', off);
    this.#budgetBytes -= end - off;
    if (this.#budgetBytes < 0) throw this.#onFault('budget', off);
    const text = decodeText(this.#bytes.subarray(off, end));
    this.#known.set(off, text);
    return text;
  }
}

/** Words for a fault, to be put after the table's name. */
export const STRING_FAULT_WORDS: Readonly<Record<StringFault, string>> = {
  range: 'lies outside the string table',
  unterminated: 'has no end',
  budget: 'overlaps others beyond all reason',
};
