/**
 * Assembles a text with sections, maps and data to an ELF object that loaders accept. Lays out sections, decides which
 * names are functions, and turns references into distances or relocations as LLVM does.
 */
import { must } from '../errors.js';
import { SHF } from '../elf/elf.js';
import { SLOT_BYTES } from '../isa/insn.js';
import type { AsmOptions } from './assemble.js';
import { LOCAL_CALL } from './assemble.js';
import { resolveHelper } from './code.js';
import type { PlacedInsn, Resolved } from './code.js';
import { DIRECTIVES } from './directives.js';
import { writeElf } from './elf-writer.js';
import type { OutRelocation, OutSection, OutSymbol } from './elf-writer.js';
import { AsmFaults } from './faults.js';
import { quote } from './lex.js';
import type { Token } from './lex.js';
import { objectBtf } from './object-btf.js';
import type { CodeLine, FunctionDefinition } from './object-btf.js';
import { ObjectReader } from './object-reader.js';
import type { Definition } from './object-reader.js';
import { parseText } from './parse.js';
import { newSection } from './sections.js';
import type { AsmSection } from './sections.js';
import { suggestion } from '../suggest.js';

const STB = { local: 0, global: 1, weak: 2 } as const;
const STT = { notype: 0, object: 1, func: 2, section: 3 } as const;
const R_BPF_64_64 = 1;
const R_BPF_64_ABS64 = 2;
const R_BPF_64_32 = 10;
/** Labels with this prefix are not written to the symbol table. */
const HIDDEN_LABEL = '.L';

export interface AsmObjectOptions extends AsmOptions {
  /** Whether to describe functions and lines of the text in BTF; true if left out. Maps are always described. */
  readonly debugInfo?: boolean;
}

/**
 * Assembles a text to an ELF64 object for BPF. Throws `AsmError`: the first mistake, further ones (up to 20) in
 * `data.others`. `docs/asm.md` describes the text.
 */
export function assembleObject(text: string, options: AsmObjectOptions = {}): Uint8Array {
  const faults = new AsmFaults(text, options.file);
  const reader = new ObjectReader(faults);
  for (const statement of parseText(text, faults, DIRECTIVES)) {
    reader.read(statement);
    if (faults.full) break;
  }
  const linker = new Linker(reader, faults, options);
  const bytes = linker.write();
  faults.throwIfAny();
  return bytes;
}

/** A section on its way into the file; its symbol stands for local names in relocations. */
interface Draft {
  readonly section: AsmSection;
  readonly relocations: OutRelocation[];
  readonly out: OutSection;
  readonly ownSymbol: OutSymbol;
}

class Linker {
  private readonly reader: ObjectReader;
  private readonly faults: AsmFaults;
  private readonly options: AsmObjectOptions;
  private readonly drafts = new Map<AsmSection, Draft>();
  private readonly symbols = new Map<string, OutSymbol>();
  private readonly functions = new Set<string>();
  private readonly starts = new Map<AsmSection, readonly number[]>();
  private readonly usedOwnSymbols = new Set<OutSymbol>();

  constructor(reader: ObjectReader, faults: AsmFaults, options: AsmObjectOptions) {
    this.reader = reader;
    this.options = options;
    this.faults = faults;
  }

  write(): Uint8Array {
    const { reader } = this;
    reader.nameEntries();
    this.findFunctions();
    const sections = reader.sections.filter((section) => sizeOf(section) > 0 || section.flags === 0);
    for (const section of sections) this.drafts.set(section, newDraft(section));
    for (const [name, definition] of reader.definitions) this.addSymbol(name, definition);
    for (const [name, { binding, at }] of reader.declared) {
      if (!reader.definitions.has(name)) this.addDeclared(name, binding, at);
    }
    const drafts = [...this.drafts.values()];
    const outs = drafts.map((draft) => this.finish(draft));
    outs.push(...this.debugSections());
    const symbols = [
      ...drafts.map(({ ownSymbol }) => ownSymbol).filter((symbol) => this.usedOwnSymbols.has(symbol)),
      ...[...this.symbols].filter(([name]) => !name.startsWith(HIDDEN_LABEL)).map(([, symbol]) => symbol),
    ];
    if (this.faults.any) return new Uint8Array();
    return writeElf(outs, symbols);
  }

  /** Functions: what opens a code section, what is declared or exported, what is called or has its address taken. */
  private findFunctions(): void {
    const { definitions, declared, declaredFunctions, sections } = this.reader;
    const isCode = (name: string): boolean => definitions.get(name)?.section.content.kind === 'code';
    for (const [name, { off }] of definitions) if (isCode(name) && off === 0) this.functions.add(name);
    for (const name of [...declared.keys(), ...declaredFunctions]) if (isCode(name)) this.functions.add(name);
    for (const { content } of sections) {
      if (content.kind !== 'code') continue;
      for (const { statement } of content.run.insns) {
        const { use } = statement;
        if (use !== undefined && use.kind !== 'jump' && isCode(use.symbol.text)) this.functions.add(use.symbol.text);
      }
    }
  }

  private addSymbol(name: string, definition: Definition): void {
    const { section, off } = definition;
    const isFunction = this.functions.has(name);
    const declared = this.reader.declared.get(name)?.binding;
    // Loaders take only global functions outside .text for programs.
    const inProgramSection = isFunction && section.name !== '.text';
    const binding =
      declared === undefined || declared === 'extern' ? (inProgramSection ? 'global' : 'local') : declared;
    const isData = section.content.kind === 'data';
    this.symbols.set(name, {
      name,
      binding: STB[binding],
      type: isFunction ? STT.func : isData ? STT.object : STT.notype,
      section: this.drafts.get(section)?.out,
      value: off,
      sizeBytes: isFunction || isData ? this.extentOf(definition) : 0,
    });
  }

  /** Bytes to the next function (or datum), or to the end of the section. */
  private extentOf({ section, off, sizeBytes }: Definition): number {
    if (sizeBytes !== undefined) return sizeBytes;
    const starts = this.starts.get(section) ?? this.startsOf(section);
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] ?? 0) <= off) low = middle + 1;
      else high = middle;
    }
    return (starts[low] ?? sizeOf(section)) - off;
  }

  /** Sorted offsets of a section's functions (or data), kept for the next question. */
  private startsOf(section: AsmSection): readonly number[] {
    const starts: number[] = [];
    for (const [name, each] of this.reader.definitions) {
      if (each.section === section && (section.content.kind === 'data' || this.functions.has(name)))
        starts.push(each.off);
    }
    starts.sort((a, b) => a - b);
    this.starts.set(section, starts);
    return starts;
  }

  private addDeclared(name: string, binding: 'global' | 'weak' | 'extern', at: Token): void {
    if (binding === 'global') {
      const hint =
        suggestion(name, this.reader.definitions.keys()) ?? 'declare what another object defines with .extern';
      this.faults.add('asm-label', `there is no ${quote(name)} to export`, at, hint, { label: name });
      return;
    }
    const type = STT.notype;
    this.symbols.set(name, {
      name,
      binding: binding === 'weak' ? STB.weak : STB.global,
      type,
      section: undefined,
      value: 0,
      sizeBytes: 0,
    });
  }

  private finish(draft: Draft): OutSection {
    const { section, out, relocations } = draft;
    if (section.content.kind === 'code') {
      const bytes = section.content.run.encode((placed) => this.resolve(draft, placed));
      return Object.assign(out, { contents: bytes, sizeBytes: bytes.length });
    }
    const { run } = section.content;
    for (const { off, symbol } of run.uses) {
      const target = this.symbols.get(symbol.text);
      if (target === undefined) this.unknownName(symbol);
      else relocations.push({ off, type: R_BPF_64_ABS64, symbol: target });
    }
    return out;
  }

  private resolve(draft: Draft, placed: PlacedInsn): Resolved {
    const { section } = draft;
    const { use } = placed.statement;
    if (use === undefined || section.content.kind !== 'code') return {};
    if (use.kind === 'jump') return section.content.run.resolveJump(placed, use.symbol, use.field, this.faults);
    return use.kind === 'call'
      ? this.resolveCall(draft, placed, use.symbol)
      : this.resolveWide(draft, placed, use.symbol, use.addend, use.want);
  }

  private resolveCall(draft: Draft, { pc }: PlacedInsn, name: Token): Resolved {
    const symbol = this.symbols.get(name.text);
    if (symbol === undefined) return resolveHelper(name, this.functions, this.faults);
    const relocate = (to: OutSymbol): void =>
      void draft.relocations.push({ off: pc * SLOT_BYTES, type: R_BPF_64_32, symbol: to });
    if (symbol.binding !== STB.local) {
      relocate(symbol);
      return { ...LOCAL_CALL, imm: -1 };
    }
    if (symbol.type !== STT.func) {
      this.faults.add('asm-label', `${quote(name.text)} is not a function`, name);
      return {};
    }
    const slot = symbol.value / SLOT_BYTES;
    if (symbol.section === draft.out) return { ...LOCAL_CALL, imm: slot - pc - 1 };
    relocate(this.ownSymbolOf(symbol));
    return { ...LOCAL_CALL, imm: slot - 1 };
  }

  private resolveWide(draft: Draft, { pc }: PlacedInsn, name: Token, addend: bigint, want?: 'map' | 'func'): Resolved {
    const symbol = this.symbols.get(name.text) ?? this.sectionSymbol(name.text);
    const isMap = this.reader.maps.some((map) => map.name === name.text);
    if (symbol === undefined || (want === 'map' && !isMap && symbol.section !== undefined)) {
      if (want === 'map') this.unknownMap(name);
      else this.unknownName(name);
      return {};
    }
    const isLocal = symbol.binding === STB.local && symbol.type !== STT.section;
    const value = addend + (isLocal ? BigInt(symbol.value) : 0n);
    if (value < -0x8000_0000n || value > 0xffff_ffffn) {
      this.faults.add('asm-range', `the offset ${String(addend)} does not fit 32 bits`, name, undefined, { addend });
      return {};
    }
    const to = isLocal ? this.ownSymbolOf(symbol) : symbol;
    draft.relocations.push({ off: pc * SLOT_BYTES, type: R_BPF_64_64, symbol: to });
    return { imm: Number(BigInt.asIntN(32, value)), immHi: 0 };
  }

  private ownSymbolOf(symbol: OutSymbol): OutSymbol {
    const draft = [...this.drafts.values()].find(({ out }) => out === symbol.section);
    const { ownSymbol } = must(draft, 'section of a local symbol');
    this.usedOwnSymbols.add(ownSymbol);
    return ownSymbol;
  }

  private sectionSymbol(name: string): OutSymbol | undefined {
    const draft = [...this.drafts.values()].find(({ section }) => section.name === name);
    if (draft !== undefined) this.usedOwnSymbols.add(draft.ownSymbol);
    return draft?.ownSymbol;
  }

  /** `.BTF` and `.BTF.ext`, unless the text brings its own. */
  private debugSections(): OutSection[] {
    const { sections, definitions, maps } = this.reader;
    const { debugInfo = true, file = 'a.s' } = this.options;
    if (sections.some(({ name }) => name === '.BTF')) return [];
    const codeSections = sections.filter((section) => section.content.kind === 'code' && sizeOf(section) > 0);
    if (!debugInfo || codeSections.length === 0) {
      return maps.length === 0 ? [] : [debugSection('.BTF', objectBtf(maps, [], [], file).btf)];
    }
    // One record a place, though two names may stand there.
    const byPlace = new Map<string, FunctionDefinition>();
    for (const [name, { section, off }] of definitions) {
      if (this.functions.has(name))
        byPlace.set(`${section.name}\0${String(off)}`, { name, section: section.name, off });
    }
    const functions = [...byPlace.values()].sort((a, b) => a.off - b.off);
    const lines = codeSections.flatMap((section) => this.linesOf(section));
    const { btf, ext } = objectBtf(maps, functions, lines, file);
    return [debugSection('.BTF', btf), debugSection('.BTF.ext', ext)];
  }

  private linesOf({ name, content }: AsmSection): CodeLine[] {
    if (content.kind !== 'code') return [];
    return content.run.insns.map(({ statement: { at }, pc }) => {
      const text = this.faults.lineText(at.line);
      return { section: name, off: pc * SLOT_BYTES, line: at.line, col: at.col, text };
    });
  }

  private unknownName(name: Token): void {
    const hint = suggestion(name.text, this.symbols.keys()) ?? 'declare what another object defines with .extern';
    this.faults.add('asm-label', `there is nothing called ${quote(name.text)}`, name, hint, { label: name.text });
  }

  private unknownMap(name: Token): void {
    const names = this.reader.maps.map((map) => map.name);
    const hint = suggestion(name.text, names) ?? 'declare it with .map NAME, type=hash, key=4, value=8, entries=1024';
    this.faults.add('asm-map', `there is no map ${quote(name.text)}`, name, hint, { map: name.text });
  }
}

function sizeOf({ content }: AsmSection): number {
  return content.kind === 'code' ? content.run.slots * SLOT_BYTES : content.run.sizeBytes;
}

function newDraft(section: AsmSection): Draft {
  const relocations: OutRelocation[] = [];
  const noBits = section.type === NOBITS;
  const contents = section.content.kind === 'data' && !noBits ? section.content.run.bytes() : new Uint8Array();
  const out: OutSection = {
    name: section.name,
    type: section.type,
    flags: section.flags,
    alignBytes: (section.flags & SHF.ALLOC) !== 0 && section.name !== 'license' ? 8 : 1,
    contents,
    sizeBytes: sizeOf(section),
    relocations,
  };
  const ownSymbol = { name: '', binding: STB.local, type: STT.section, section: out, value: 0, sizeBytes: 0 };
  return { section, relocations, out, ownSymbol };
}

const NOBITS = newSection('.bss').type;

function debugSection(name: string, contents: Uint8Array): OutSection {
  return { name, type: 1, flags: 0, alignBytes: 4, contents, sizeBytes: contents.length, relocations: [] };
}
