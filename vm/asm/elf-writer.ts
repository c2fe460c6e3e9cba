/** Writes ELF64 little-endian relocatable files for BPF. Knows no assembly; the reader is `elf/`. */
import { alignUp } from '../addr.js';
import { concatBytes, viewOf } from '../bytes.js';
import { must } from '../errors.js';
import { encodeText } from '../host.js';

const HEADER_BYTES = 64;
const SECTION_HEADER_BYTES = 64;
const SYMBOL_BYTES = 24;
const RELOCATION_BYTES = 16;
const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
const SHT_REL = 9;
const MACHINE_BPF = 247;

export interface OutRelocation {
  /** Byte offset in the section. */
  readonly off: number;
  /** R_BPF_* number. */
  readonly type: number;
  readonly symbol: OutSymbol;
}

export interface OutSection {
  readonly name: string;
  /** `sh_type`: PROGBITS or NOBITS. */
  readonly type: number;
  readonly flags: number;
  readonly alignBytes: number;
  /** Empty for NOBITS. */
  readonly contents: Uint8Array;
  readonly sizeBytes: number;
  readonly relocations: readonly OutRelocation[];
}

export interface OutSymbol {
  /** Empty for a section's own symbol. */
  readonly name: string;
  /** STB_* and STT_* numbers. */
  readonly binding: number;
  readonly type: number;
  /** Undefined for what another object defines. */
  readonly section: OutSection | undefined;
  readonly value: number;
  readonly sizeBytes: number;
}

class StringTableWriter {
  private readonly parts: Uint8Array[] = [new Uint8Array(1)];
  private readonly offsets = new Map<string, number>([['', 0]]);
  private sizeBytes = 1;

  add(text: string): number {
    const known = this.offsets.get(text);
    if (known !== undefined) return known;
    const off = this.sizeBytes;
    const bytes = encodeText(`${text}\0`);
    this.parts.push(bytes);
    this.offsets.set(text, off);
    this.sizeBytes += bytes.length;
    return off;
  }

  bytes(): Uint8Array {
    return concatBytes(this.parts);
  }
}

interface Entry {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly alignBytes: number;
  readonly entryBytes: number;
  readonly link: number;
  readonly info: number;
  readonly sizeBytes: number;
  readonly contents: Uint8Array;
}

/** The file's bytes. Local symbols are moved before the others, as the format asks. */
export function writeElf(sections: readonly OutSection[], symbols: readonly OutSymbol[]): Uint8Array {
  const strings = new StringTableWriter();
  const ordered = [
    ...symbols.filter(({ binding }) => binding === 0),
    ...symbols.filter(({ binding }) => binding !== 0),
  ];
  const symbolIndex = new Map(ordered.map((symbol, index) => [symbol, index + 1]));
  const sectionIndex = new Map(sections.map((section, index) => [section, index + 1]));
  const relocated = sections.filter(({ relocations }) => relocations.length > 0);
  const symtabIndex = 1 + sections.length + relocated.length;

  const entries: Entry[] = sections.map((section) => ({ ...section, entryBytes: 0, link: 0, info: 0 }));
  for (const section of relocated) {
    const contents = new Uint8Array(section.relocations.length * RELOCATION_BYTES);
    const view = viewOf(contents);
    section.relocations.forEach(({ off, type, symbol }, index) => {
      view.setBigUint64(index * RELOCATION_BYTES, BigInt(off), true);
      view.setUint32(index * RELOCATION_BYTES + 8, type, true);
      view.setUint32(index * RELOCATION_BYTES + 12, must(symbolIndex.get(symbol), 'index of a symbol'), true);
    });
    entries.push({
      name: `.rel${section.name}`,
      type: SHT_REL,
      flags: 0,
      alignBytes: 8,
      entryBytes: RELOCATION_BYTES,
      link: symtabIndex,
      info: must(sectionIndex.get(section), 'index of a section'),
      sizeBytes: contents.length,
      contents,
    });
  }

  const symtab = new Uint8Array((ordered.length + 1) * SYMBOL_BYTES);
  const symtabView = viewOf(symtab);
  ordered.forEach((symbol, index) => {
    const at = (index + 1) * SYMBOL_BYTES;
    symtabView.setUint32(at, strings.add(symbol.name), true);
    symtab[at + 4] = (symbol.binding << 4) | symbol.type;
    const section = symbol.section === undefined ? 0 : must(sectionIndex.get(symbol.section), 'section of a symbol');
    symtabView.setUint16(at + 6, section, true);
    symtabView.setBigUint64(at + 8, BigInt(symbol.value), true);
    symtabView.setBigUint64(at + 16, BigInt(symbol.sizeBytes), true);
  });
  entries.push({
    name: '.symtab',
    type: SHT_SYMTAB,
    flags: 0,
    alignBytes: 8,
    entryBytes: SYMBOL_BYTES,
    link: symtabIndex + 1,
    info: 1 + ordered.filter(({ binding }) => binding === 0).length,
    sizeBytes: symtab.length,
    contents: symtab,
  });

  const names = [...entries.map(({ name }) => strings.add(name)), strings.add('.strtab')];
  const stringBytes = strings.bytes();
  entries.push({
    name: '.strtab',
    type: SHT_STRTAB,
    flags: 0,
    alignBytes: 1,
    entryBytes: 0,
    link: 0,
    info: 0,
    sizeBytes: stringBytes.length,
    contents: stringBytes,
  });
  return layOut(entries, names);
}

function layOut(entries: readonly Entry[], names: readonly number[]): Uint8Array {
  let at = HEADER_BYTES;
  const offsets = entries.map(({ alignBytes, contents }) => {
    const off = alignUp(at, alignBytes);
    at = off + contents.length;
    return off;
  });
  const tableOff = alignUp(at, 8);
  const bytes = new Uint8Array(tableOff + (entries.length + 1) * SECTION_HEADER_BYTES);
  const view = viewOf(bytes);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 1, true);
  view.setUint16(18, MACHINE_BPF, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(40, BigInt(tableOff), true);
  view.setUint16(52, HEADER_BYTES, true);
  view.setUint16(58, SECTION_HEADER_BYTES, true);
  view.setUint16(60, entries.length + 1, true);
  view.setUint16(62, entries.length, true);
  entries.forEach((entry, index) => {
    const off = offsets[index] ?? 0;
    bytes.set(entry.contents, off);
    const header = tableOff + (index + 1) * SECTION_HEADER_BYTES;
    view.setUint32(header, names[index] ?? 0, true);
    view.setUint32(header + 4, entry.type, true);
    view.setBigUint64(header + 8, BigInt(entry.flags), true);
    view.setBigUint64(header + 24, BigInt(off), true);
    view.setBigUint64(header + 32, BigInt(entry.sizeBytes), true);
    view.setUint32(header + 40, entry.link, true);
    view.setUint32(header + 44, entry.info, true);
    view.setBigUint64(header + 48, BigInt(entry.alignBytes), true);
    view.setBigUint64(header + 56, BigInt(entry.entryBytes), true);
  });
  return bytes;
}
