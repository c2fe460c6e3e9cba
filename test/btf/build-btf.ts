/** Builds BTF blobs for tests, one type a call; ids count from 1 in the order of the calls. */
import { concatBytes } from '../../vm/bytes.js';

export class BtfBuilder {
  readonly #types: Uint8Array[] = [];
  #strings = '\0';

  string(text: string): number {
    if (text === '') return 0;
    const off = this.#strings.length;
    this.#strings += `${text}\0`;
    return off;
  }

  /** A type record from its raw words: name, kind and vlen, kind_flag, size or type, and what follows. */
  raw(
    name: string,
    kind: number,
    vlen: number,
    sizeOrType: number,
    words: readonly number[] = [],
    flag = false,
  ): number {
    const all = [this.string(name), (flag ? 0x8000_0000 : 0) + kind * 0x100_0000 + vlen, sizeOrType, ...words];
    const bytes = new Uint8Array(all.length * 4);
    const view = new DataView(bytes.buffer);
    for (const [index, word] of all.entries()) view.setUint32(index * 4, word >>> 0, true);
    this.#types.push(bytes);
    return this.#types.length;
  }

  int(name: string, sizeBytes: number, signed = false): number {
    return this.raw(name, 1, 0, sizeBytes, [((signed ? 1 : 0) << 24) | (sizeBytes * 8)]);
  }

  ptr(type: number): number {
    return this.raw('', 2, 0, type);
  }

  array(type: number, indexType: number, count: number): number {
    return this.raw('', 3, 0, 0, [type, indexType, count]);
  }

  /** Members with bit offsets; a width makes the struct one with bit-fields. */
  struct(
    name: string,
    sizeBytes: number,
    members: readonly (readonly [string, number, number, number?])[],
    kind: 'struct' | 'union' = 'struct',
  ): number {
    const flag = members.some((member) => member[3] !== undefined);
    const words = members.flatMap(([member, type, bitOff, bits]) => [
      this.string(member),
      type,
      flag ? ((bits ?? 0) << 24) | bitOff : bitOff,
    ]);
    return this.raw(name, kind === 'struct' ? 4 : 5, members.length, sizeBytes, words, flag);
  }

  enumeration(name: string, values: readonly (readonly [string, number])[], signed = false): number {
    const words = values.flatMap(([value, number]) => [this.string(value), number]);
    return this.raw(name, 6, values.length, 4, words, signed);
  }

  typedef(name: string, type: number): number {
    return this.raw(name, 8, 0, type);
  }

  modifier(kind: 'volatile' | 'const' | 'restrict' | 'type_tag', type: number, name = ''): number {
    return this.raw(name, { volatile: 9, const: 10, restrict: 11, type_tag: 18 }[kind], 0, type);
  }

  build(): Uint8Array {
    const types = concatBytes(this.#types);
    const strings = new TextEncoder().encode(this.#strings);
    const header = new Uint8Array(24);
    const view = new DataView(header.buffer);
    view.setUint16(0, 0xeb9f, true);
    view.setUint8(2, 1);
    view.setUint32(4, header.length, true);
    view.setUint32(12, types.length, true);
    view.setUint32(16, types.length, true);
    view.setUint32(20, strings.length, true);
    return concatBytes([header, types, strings]);
  }
}
