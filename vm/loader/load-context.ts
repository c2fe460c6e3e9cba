/** What the loader's steps share: the file, its BTF, the role of each section, and the notes collected on the way. */
import type { Btf, BtfDatasec, BtfId } from '../btf/btf.js';
import { SHF, SHT } from '../elf/elf.js';
import type { ElfFile, ElfRelocation, ElfSection, ElfSymbol } from '../elf/elf.js';
import { LoadError } from '../errors.js';
import type { Note } from '../object/object-spec.js';

export type SectionRole = 'code' | 'btf-maps' | 'legacy-maps' | 'data' | 'license' | 'version' | 'other';

export interface LoadContext {
  readonly elf: ElfFile;
  readonly btf: Btf | undefined;
  /** By section number. */
  readonly roles: readonly SectionRole[];
  readonly notes: NoteList;
  /** Named symbols of each section, by section number, in file order. */
  readonly symbols: ReadonlyMap<number, readonly ElfSymbol[]>;
  /** The BTF DATASEC with the section's name. */
  readonly datasec: (name: string) => (BtfDatasec & { readonly id: BtfId }) | undefined;
}

const MAX_NOTES = 200;

/** Notes without repetition, and not more of them than a person would read. */
export class NoteList {
  readonly #notes = new Map<string, Note>();

  add(code: Note['code'], message: string): void {
    if (this.#notes.size < MAX_NOTES) this.#notes.set(message, { code, message });
  }

  all(): readonly Note[] {
    return [...this.#notes.values()];
  }
}

function isNamed(name: string, family: string): boolean {
  return name === family || name.startsWith(`${family}.`);
}

/** Data of the programs: `.data`, `.rodata.str1.1`, `.bss.counters`, `.data..percpu`. */
function isDataSection(name: string): boolean {
  return isNamed(name, '.data') || isNamed(name, '.rodata') || isNamed(name, '.bss');
}

export function roleOf(section: ElfSection): SectionRole {
  if (section.sizeBytes === 0 || (section.type !== SHT.PROGBITS && section.type !== SHT.NOBITS)) return 'other';
  const { name } = section;
  if (name === 'license' || name === 'version') return name;
  if (name === '.maps') return 'btf-maps';
  if (isDataSection(name)) return 'data';
  if (section.type === SHT.NOBITS) return 'other';
  if ((section.flags & SHF.EXECINSTR) !== 0) return 'code';
  if (name === 'maps' || name.startsWith('maps/')) return 'legacy-maps';
  return 'other';
}

export function groupSymbols(elf: ElfFile): Map<number, ElfSymbol[]> {
  const groups = new Map<number, ElfSymbol[]>();
  for (const symbol of elf.symbols) {
    if (symbol.name === '' || symbol.type === 'section' || symbol.type === 'file') continue;
    const group = groups.get(symbol.section);
    if (group === undefined) groups.set(symbol.section, [symbol]);
    else group.push(symbol);
  }
  return groups;
}

export function sectionOf(ctx: LoadContext, symbol: ElfSymbol): ElfSection | undefined {
  return symbol.section === 0 ? undefined : ctx.elf.sections[symbol.section];
}

/** "symbol `name`", or the section that a section symbol stands for. */
export function symbolText(ctx: LoadContext, symbol: ElfSymbol): string {
  if (symbol.type === 'section' || symbol.name === '') {
    return `section ${ctx.elf.sections[symbol.section]?.name ?? String(symbol.section)}`;
  }
  return `symbol ${symbol.name}`;
}

/** A relocation that cannot be honoured. */
export function relocationError(section: ElfSection, relocation: ElfRelocation, message: string): LoadError {
  return new LoadError('load-relocation', message, {
    where: { section: section.name, offset: section.fileOff + relocation.off },
    data: { type: relocation.type, symbol: relocation.symbol.name },
  });
}
