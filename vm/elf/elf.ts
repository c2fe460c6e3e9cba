/**
 * ELF64 little-endian relocatable files: sections, symbols, relocations. Every offset and count is checked against the
 * file before use. Source: the System V gABI, and for machine numbers and relocation kinds RFC 9669 and LLVM's BPF ABI.
 * Knows nothing of what BPF puts into the sections.
 */
import { viewOf } from '../bytes.js';
import { ElfError } from '../errors.js';
import { STRING_FAULT_WORDS, StringTable } from '../string-table.js';

const HEADER_BYTES = 64;
const SECTION_HEADER_BYTES = 64;
const SYMBOL_BYTES = 24;
const REL_BYTES = 16;
const RELA_BYTES = 24;

const MACHINE_NONE = 0;
const MACHINE_BPF = 247;
const TYPE_RELOCATABLE = 1;

/** `sh_type` values that skep looks at. */
export const SHT = { PROGBITS: 1, SYMTAB: 2, STRTAB: 3, RELA: 4, NOBITS: 8, REL: 9 } as const;
/** `sh_flags` bits. */
export const SHF = { WRITE: 1, ALLOC: 2, EXECINSTR: 4 } as const;
/** Special section numbers of a symbol. */
export const SHN = { UNDEF: 0, LORESERVE: 0xff00, ABS: 0xfff1, COMMON: 0xfff2, XINDEX: 0xffff } as const;

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  /** Low 32 bits of `sh_flags`. */
  readonly flags: number;
  /** Of the section's header in the file. */
  readonly headerOff: number;
  /** Of the contents in the file. */
  readonly fileOff: number;
  readonly sizeBytes: number;
  readonly link: number;
  readonly info: number;
}

export type SymbolType = 'notype' | 'object' | 'func' | 'section' | 'file' | 'other';
export type SymbolBinding = 'local' | 'global' | 'weak' | 'other';

export interface ElfSymbol {
  readonly index: number;
  readonly name: string;
  /** Byte offset in its section. */
  readonly value: number;
  readonly sizeBytes: number;
  readonly type: SymbolType;
  readonly binding: SymbolBinding;
  readonly hidden: boolean;
  /** Section number; see `SHN`. */
  readonly section: number;
}

export interface ElfRelocation {
  /** Byte offset in the relocated section. */
  readonly off: number;
  /** R_BPF_* number. */
  readonly type: number;
  readonly symbol: ElfSymbol;
  /** Explicit in the RELA form, which old compilers wrote; else it lies in the relocated field. */
  readonly addend?: number;
}

const SYMBOL_TYPES: readonly SymbolType[] = ['notype', 'object', 'func', 'section', 'file'];
const BINDINGS: readonly SymbolBinding[] = ['local', 'global', 'weak'];

export interface ElfFile {
  readonly machine: number;
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ElfSymbol[];
  /** The section's bytes in the file, not copied; empty for NOBITS. */
  contents(section: ElfSection): Uint8Array;
  /** Relocations of the section with this number, in file order. */
  relocations(sectionIndex: number): readonly ElfRelocation[];
}

type Code = ElfError['code'];

function fail(code: Code, message: string, offset: number, data: Readonly<Record<string, unknown>> = {}): ElfError {
  const hint = code === 'elf-truncated' ? 'copy it again, or compile it again' : undefined;
  return new ElfError(code, message, { where: { offset }, data, ...(hint === undefined ? {} : { hint }) });
}

/** A 64-bit field as a number; what exceeds 2^53 becomes Infinity, which no bound accepts. */
function readU64(view: DataView, off: number): number {
  const high = view.getUint32(off + 4, true);
  return high > 0x1f_ffff ? Infinity : high * 0x1_0000_0000 + view.getUint32(off, true);
}

/**
 * Reads an object file. Throws `ElfError`; `where.offset` is a file offset.
 */
export function parseElf(bytes: Uint8Array): ElfFile {
  const view = checkHeader(bytes);
  const sections = readSections(bytes, view);
  const symbols = readSymbols(bytes, view, sections);
  const relocated = new Map<number, ElfSection[]>();
  for (const section of sections) {
    if (section.type !== SHT.REL && section.type !== SHT.RELA) continue;
    const known = relocated.get(section.info);
    if (known === undefined) relocated.set(section.info, [section]);
    else known.push(section);
  }
  return {
    machine: view.getUint16(18, true),
    sections,
    symbols,
    contents: (section) => contentsOf(bytes, section),
    relocations: (index) => (relocated.get(index) ?? []).flatMap((section) => readRelocations(view, section, symbols)),
  };
}

function contentsOf(bytes: Uint8Array, section: ElfSection): Uint8Array {
  if (section.type === SHT.NOBITS) return bytes.subarray(0, 0);
  return bytes.subarray(section.fileOff, section.fileOff + section.sizeBytes);
}

function checkHeader(bytes: Uint8Array): DataView {
  const magic = [0x7f, 0x45, 0x4c, 0x46];
  if (magic.some((byte, index) => index < bytes.length && bytes[index] !== byte)) {
    throw fail('elf-not-elf', 'this is not an ELF file: it does not start with 7f 45 4c 46', 0);
  }
  if (bytes.length < HEADER_BYTES) {
    throw fail('elf-truncated', `the ELF header is cut short: ${String(bytes.length)} of 64 bytes`, bytes.length);
  }
  if (bytes[4] !== 2) throw fail('elf-class', 'this is not a 64-bit ELF file; BPF objects are', 4, { class: bytes[4] });
  if (bytes[5] === 2) {
    throw new ElfError('elf-big-endian', 'this object is compiled for big-endian machines', {
      where: { offset: 5 },
      hint: 'compile it with clang -target bpfel',
    });
  }
  if (bytes[5] !== 1) throw fail('elf-header', 'unknown byte order', 5, { data: bytes[5] });
  const view = viewOf(bytes);
  const machine = view.getUint16(18, true);
  if (machine !== MACHINE_BPF && machine !== MACHINE_NONE) {
    throw new ElfError('elf-machine', `this object is for ELF machine ${String(machine)}, not for BPF (247)`, {
      where: { offset: 18 },
      data: { machine },
      hint: 'compile it with clang -target bpf',
    });
  }
  const type = view.getUint16(16, true);
  if (type !== TYPE_RELOCATABLE) {
    throw fail('elf-header', `ELF type ${String(type)} is not a relocatable file (1)`, 16, { type });
  }
  return view;
}

function readSections(bytes: Uint8Array, view: DataView): ElfSection[] {
  const table = readU64(view, 40);
  if (table === 0) throw fail('elf-header', 'the file has no section headers', 40);
  if (view.getUint16(58, true) !== SECTION_HEADER_BYTES) {
    throw fail('elf-header', 'section headers are not 64 bytes', 58, { sizeBytes: view.getUint16(58, true) });
  }
  if (table + SECTION_HEADER_BYTES > bytes.length) {
    throw fail('elf-truncated', 'the section header table lies beyond the end of the file', 40, { off: table });
  }
  // Section 0 holds the true numbers where they do not fit the header.
  const count = view.getUint16(60, true) || readU64(view, table + 32);
  const namesField = view.getUint16(62, true);
  const namesIndex = namesField === SHN.XINDEX ? view.getUint32(table + 40, true) : namesField;
  if (table + count * SECTION_HEADER_BYTES > bytes.length) {
    throw fail('elf-truncated', `the ${String(count)} section headers end beyond the end of the file`, table, {
      count,
    });
  }
  if (namesIndex >= count) throw fail('elf-header', 'the section of section names does not exist', 62, { namesIndex });

  const raw: ElfSection[] = [];
  let fileBytes = 0;
  for (let index = 0; index < count; index++) {
    const at = table + index * SECTION_HEADER_BYTES;
    const section: ElfSection = {
      index,
      headerOff: at,
      name: '',
      type: view.getUint32(at + 4, true),
      flags: view.getUint32(at + 8, true),
      fileOff: readU64(view, at + 24),
      sizeBytes: readU64(view, at + 32),
      link: view.getUint32(at + 40, true),
      info: view.getUint32(at + 44, true),
    };
    // Section 0 is all zero but for the extended counts.
    raw.push(index === 0 ? { ...section, type: 0, fileOff: 0, sizeBytes: 0 } : section);
    if (index === 0) continue;
    if (section.type !== SHT.NOBITS && section.type !== 0) {
      if (section.fileOff + section.sizeBytes > bytes.length) {
        throw fail('elf-truncated', `section ${String(index)} ends beyond the end of the file`, at + 24, {
          index,
          off: section.fileOff,
          sizeBytes: section.sizeBytes,
          fileBytes: bytes.length,
        });
      }
      fileBytes += section.sizeBytes;
    } else if (section.sizeBytes > 0xffff_ffff) {
      throw fail('elf-section', `section ${String(index)} is larger than 4 GiB`, at + 32, { index });
    }
  }
  // Sections of an object file never overlap; a hostile one could make every section the whole file.
  if (fileBytes > bytes.length) {
    throw fail('elf-section', 'sections overlap: together they are larger than the file', table, { fileBytes });
  }
  const names = stringsOf(bytes, raw[namesIndex], 'section name', 62);
  return raw.map((section) => ({
    ...section,
    name: section.index === 0 ? '' : names.at(view.getUint32(table + section.index * SECTION_HEADER_BYTES, true)),
  }));
}

function stringsOf(bytes: Uint8Array, section: ElfSection | undefined, what: string, namedAt: number): StringTable {
  if (section?.type !== SHT.STRTAB) {
    throw fail('elf-string', `the ${what}s are not in a string table`, namedAt, {
      index: section?.index,
    });
  }
  return new StringTable(contentsOf(bytes, section), (fault, off) =>
    fail('elf-string', `the ${what} at ${String(off)} ${STRING_FAULT_WORDS[fault]}`, section.fileOff, { off }),
  );
}

function readSymbols(bytes: Uint8Array, view: DataView, sections: readonly ElfSection[]): ElfSymbol[] {
  const tables = sections.filter((section) => section.type === SHT.SYMTAB);
  const table = tables[0];
  if (table === undefined) return [];
  const second = tables[1];
  if (second !== undefined) throw fail('elf-section', 'there is more than one symbol table', second.fileOff);
  if (table.sizeBytes % SYMBOL_BYTES !== 0) {
    throw fail('elf-symbol', 'the symbol table is not a whole number of 24-byte symbols', table.fileOff, {
      sizeBytes: table.sizeBytes,
    });
  }
  const names = stringsOf(bytes, sections[table.link], 'symbol name', table.headerOff + 40);
  const symbols: ElfSymbol[] = [];
  for (let index = 0; index * SYMBOL_BYTES < table.sizeBytes; index++) {
    const at = table.fileOff + index * SYMBOL_BYTES;
    const info = view.getUint8(at + 4);
    const section = view.getUint16(at + 6, true);
    if (section === SHN.XINDEX || (section < SHN.LORESERVE && section >= sections.length)) {
      throw fail(
        'elf-symbol',
        `symbol ${String(index)} is in section ${String(section)}, which does not exist`,
        at + 6,
        {
          index,
          section,
        },
      );
    }
    symbols.push({
      index,
      name: names.at(view.getUint32(at, true)),
      value: readU64(view, at + 8),
      sizeBytes: readU64(view, at + 16),
      type: SYMBOL_TYPES[info & 15] ?? 'other',
      binding: BINDINGS[info >>> 4] ?? 'other',
      hidden: (view.getUint8(at + 5) & 3) === 1 || (view.getUint8(at + 5) & 3) === 2,
      section,
    });
  }
  return symbols;
}

function readRelocations(view: DataView, section: ElfSection, symbols: readonly ElfSymbol[]): ElfRelocation[] {
  const entryBytes = section.type === SHT.RELA ? RELA_BYTES : REL_BYTES;
  if (section.sizeBytes % entryBytes !== 0) {
    throw fail(
      'elf-relocation',
      `section ${section.name} is not a whole number of ${String(entryBytes)}-byte relocations`,
      section.fileOff,
    );
  }
  const out: ElfRelocation[] = [];
  for (let at = section.fileOff; at < section.fileOff + section.sizeBytes; at += entryBytes) {
    const symbolIndex = view.getUint32(at + 12, true);
    const symbol = symbols[symbolIndex];
    if (symbol === undefined) {
      throw fail(
        'elf-relocation',
        `a relocation in ${section.name} names symbol ${String(symbolIndex)}, which does not exist`,
        at + 12,
        {
          symbol: symbolIndex,
        },
      );
    }
    const common = { off: readU64(view, at), type: view.getUint32(at + 8, true), symbol };
    out.push(section.type === SHT.RELA ? { ...common, addend: view.getInt32(at + 16, true) } : common);
  }
  return out;
}
