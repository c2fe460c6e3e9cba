/** A growable byte buffer with the number formats of WebAssembly: LEB128 and length-prefixed bytes. Knows no opcodes. */
import { encodeText } from '../host.js';

const FIRST_CAPACITY = 256;

export class ByteWriter {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  bytes(values: Uint8Array): void {
    this.#reserve(values.length);
    this.#bytes.set(values, this.#length);
    this.#length += values.length;
  }

  /** Unsigned LEB128 of 0 <= value < 2^32. */
  u32(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** Signed LEB128 of an int32. */
  s32(value: number): void {
    this.s64(value | 0, value >> 31);
  }

  /** Signed LEB128 of an int64 in two words. */
  s64(lo: number, hi: number): void {
    let low = lo | 0;
    let high = hi | 0;
    for (;;) {
      const group = low & 0x7f;
      low = (low >>> 7) | (high << 25);
      high >>= 7;
      const rest = (group & 0x40) === 0 ? 0 : -1;
      if (low === rest && high === rest) {
        this.byte(group);
        return;
      }
      this.byte(group | 0x80);
    }
  }

  /** UTF-8 with its length in front. */
  name(text: string): void {
    this.sized(encodeText(text));
  }

  /** Bytes with their length in front. */
  sized(values: Uint8Array): void {
    this.u32(values.length);
    this.bytes(values);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(more: number): void {
    const need = this.#length + more;
    if (need <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(need, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
