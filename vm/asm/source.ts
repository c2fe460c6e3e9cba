/**
 * An object as text that `assembleObject` turns into the same sections again: labels, names instead of relocations,
 * data, whatever the instruction says. Debug sections of DWARF are left out.
 */
import { viewOf } from '../bytes.js';
import { parseElf, SHF, SHT } from '../elf/elf.js';
import type { ElfFile, ElfRelocation, ElfSection, ElfSymbol } from '../elf/elf.js';
import { decodeOne } from '../isa/decode.js';
import { slotsOf, SLOT_BYTES } from '../isa/insn.js';
import type { Insn } from '../isa/insn.js';
import { formatInsn, jumpDistance } from './format.js';
import { readSourceLines } from './source-lines.js';
import type { SourceLine } from './source-lines.js';

export interface SourceOptions {
  /** Shows w registers where the instruction allows both spellings. */
  readonly alu32?: boolean;
  /** Puts the C lines of `.BTF.ext` into comments. */
  readonly source?: boolean;
}

const R_BPF_64_64 = 1;
const R_BPF_64_ABS64 = 2;
const R_BPF_64_32 = 10;
const WORD = /^[A-Za-z_.$][\w.$]*$/;
const BYTES_A_LINE = 16;
const MAX_STRING_BYTES = 4096;

/** Lists a whole object as assembly text. Throws `ElfError` (and with `source`, `BtfError`) if the file is broken. */
export function disassembleSource(bytes: Uint8Array, options: SourceOptions = {}): string {
  return new SourceWriter(parseElf(bytes), options).write();
}

class SourceWriter {
  private readonly file: ElfFile;
  private readonly options: SourceOptions;
  /** The word that stands for a symbol in the text. */
  private readonly words = new Map<ElfSymbol, string>();
  private readonly localWords = new Set<string>();
  private readonly taken = new Set<string>();
  /** Section number -> byte offset -> words. */
  private readonly labels = new Map<number, Map<number, string[]>>();
  private readonly out: string[] = [];
  private readonly lines: ReadonlyMap<string, ReadonlyMap<number, SourceLine>>;

  constructor(file: ElfFile, options: SourceOptions) {
    this.file = file;
    this.options = options;
    this.lines = options.source === true ? readSourceLines(file) : new Map();
  }

  write(): string {
    const sections = this.file.sections.filter(isWritten);
    const written = new Set(sections.map(({ index }) => index));
    for (const { name } of sections) this.taken.add(name);
    for (const symbol of this.file.symbols) this.nameSymbol(symbol, written);
    for (const section of sections) {
      this.out.push(`\n.section ${JSON.stringify(section.name)}, "${flagLetters(section)}"`);
      this.out.push(section.type === SHT.NOBITS ? ', @nobits\n' : '\n');
      if ((section.flags & SHF.EXECINSTR) !== 0) this.writeCode(section);
      else this.writeData(section);
    }
    return this.out.join('');
  }

  private nameSymbol(symbol: ElfSymbol, written: ReadonlySet<number>): void {
    const { name, type, binding, section, value } = symbol;
    if (type === 'section' || type === 'file' || name === '' || (section !== 0 && !written.has(section))) return;
    let word = WORD.test(name) ? name : name.replace(/[^\w.$]/g, '_').replace(/^(?=\d)/, '_');
    for (let i = 1; this.taken.has(word); i++) word = `${name.replace(/[^\w.$]/g, '_')}.${String(i)}`;
    this.taken.add(word);
    this.words.set(symbol, word);
    if (binding === 'local') this.localWords.add(word);
    if (section === 0) {
      this.out.push(`${binding === 'weak' ? '.weak' : '.extern'} ${word}\n`);
      return;
    }
    if (binding === 'global') this.out.push(`.globl ${word}\n`);
    if (binding === 'weak') this.out.push(`.weak ${word}\n`);
    this.addLabel(section, value, word);
  }

  private addLabel(section: number, off: number, word: string): void {
    const labels = this.labels.get(section) ?? new Map<number, string[]>();
    this.labels.set(section, labels);
    const here = labels.get(off);
    if (here === undefined) labels.set(off, [word]);
    else here.push(word);
  }

  private writeLabels(section: ElfSection, off: number): void {
    for (const word of this.labels.get(section.index)?.get(off) ?? []) this.out.push(`${word}:\n`);
  }

  private writeCode(section: ElfSection): void {
    const bytes = this.file.contents(section);
    const slots = Math.floor(bytes.length / SLOT_BYTES);
    const insns = decodeSlots(bytes.subarray(0, slots * SLOT_BYTES));
    const jumpLabels = this.labelJumps(section, insns, slots);
    const relocations = new Map(this.file.relocations(section.index).map((each) => [each.off, each]));
    for (let pc = 0; pc < slots;) {
      const insn = insns.get(pc);
      this.writeLabels(section, pc * SLOT_BYTES);
      const line = this.lines.get(section.name)?.get(pc * SLOT_BYTES);
      if (line !== undefined && line.text !== '') this.out.push(`    // ${line.text.trim().replace(/\s+/g, ' ')}\n`);
      const text =
        insn === undefined
          ? `.quad 0x${viewOf(bytes)
              .getBigUint64(pc * SLOT_BYTES, true)
              .toString(16)}`
          : this.insnText(section, insn, jumpLabels, relocations.get(pc * SLOT_BYTES));
      this.out.push(`    ${text}\n`);
      pc += insn === undefined ? 1 : slotsOf(insn);
    }
    this.writeLabels(section, slots * SLOT_BYTES);
    const rest = bytes.length - slots * SLOT_BYTES;
    if (rest > 0) this.out.push(`    // ${String(rest)} bytes that do not fill a slot are left out\n`);
  }

  /** Names for the targets of jumps, by slot. */
  private labelJumps(section: ElfSection, insns: ReadonlyMap<number, Insn>, slots: number): Map<number, string> {
    const names = new Map<number, string>();
    for (const insn of insns.values()) {
      const distance = jumpDistance(insn);
      if (distance === undefined) continue;
      const target = insn.pc + 1 + distance;
      const lands = target === slots || insns.has(target);
      if (!lands || names.has(target)) continue;
      const known = this.labels.get(section.index)?.get(target * SLOT_BYTES)?.[0];
      let word = known ?? `.L${String(target)}`;
      for (let i = 1; known === undefined && this.taken.has(word); i++) word = `.L${String(target)}_${String(i)}`;
      names.set(target, word);
      if (known !== undefined) continue;
      this.taken.add(word);
      this.addLabel(section.index, target * SLOT_BYTES, word);
    }
    return names;
  }

  private insnText(
    section: ElfSection,
    insn: Insn,
    labels: ReadonlyMap<number, string>,
    relocation: ElfRelocation | undefined,
  ): string {
    const { alu32 } = this.options;
    const ref = relocation === undefined ? undefined : this.refText(section, insn, relocation);
    const refs = ref === undefined ? undefined : new Map([[insn.pc, ref]]);
    // A name that is also a helper's would mean the name.
    const hidden = insn.name === 'call_helper' && this.taken.has(formatInsn(insn).slice('call '.length));
    return formatInsn(insn, {
      labels,
      ...(hidden ? { style: 'llvm' as const } : {}),
      ...(alu32 === undefined ? {} : { alu32 }),
      ...(refs === undefined ? {} : { refs }),
    });
  }

  /** The name for a relocated field, if assembling the name gives the same field again. */
  private refText(section: ElfSection, insn: Insn, { type, symbol }: ElfRelocation): string | undefined {
    const word = this.words.get(symbol);
    const isFree = symbol.binding !== 'local';
    if (insn.name === 'lddw' && type <= R_BPF_64_64 && insn.immHi === 0) {
      const sum = insn.imm >>> 0;
      const addend = sum === 0 ? '' : ` + 0x${sum.toString(16)}`;
      if (word !== undefined && isFree) return word + addend;
      const target = symbol.type === 'section' ? this.file.sections[symbol.section] : undefined;
      return target !== undefined && isWritten(target) && WORD.test(target.name) ? target.name + addend : undefined;
    }
    if (insn.name !== 'call_local' || (type !== R_BPF_64_32 && type !== 0)) return undefined;
    if (word !== undefined && isFree) return insn.imm === -1 ? word : undefined;
    if (symbol.type !== 'section' || symbol.section === section.index) return undefined;
    const at = this.labels.get(symbol.section)?.get((insn.imm + 1) * SLOT_BYTES) ?? [];
    return at.find((each) => this.localWords.has(each));
  }

  private writeData(section: ElfSection): void {
    const bytes = this.file.contents(section);
    const relocations = new Map(this.file.relocations(section.index).map((each) => [each.off, each]));
    const size = section.sizeBytes;
    const stops = [...(this.labels.get(section.index)?.keys() ?? []), ...relocations.keys(), size]
      .filter((off) => off <= size)
      .sort((a, b) => a - b);
    let at = 0;
    for (const stop of stops) {
      if (stop > at) {
        if (section.type === SHT.NOBITS) this.out.push(`    .zero ${String(stop - at)}\n`);
        else this.writeBytes(bytes.subarray(at, stop));
        at = stop;
      }
      const relocation = relocations.get(stop);
      this.writeLabels(section, stop);
      this.labels.get(section.index)?.delete(stop);
      if (relocation === undefined || stop < at || stop + 8 > size) continue;
      const text = this.dataRef(bytes, relocation);
      if (text === undefined) continue;
      // A label inside the field cannot be kept together with the name.
      const next = stops.find((off) => off > stop) ?? size;
      if (next < stop + 8) continue;
      this.out.push(`    .quad ${text}\n`);
      at = stop + 8;
      relocations.delete(stop);
    }
  }

  private dataRef(bytes: Uint8Array, { off, type, symbol }: ElfRelocation): string | undefined {
    const word = this.words.get(symbol);
    if (word === undefined || symbol.binding === 'local' || (type !== R_BPF_64_64 && type !== R_BPF_64_ABS64))
      return undefined;
    return viewOf(bytes).getBigUint64(off, true) === 0n ? word : undefined;
  }

  private writeBytes(bytes: Uint8Array): void {
    const string = asString(bytes);
    if (string !== undefined) {
      this.out.push(`    .asciz ${string}\n`);
      return;
    }
    for (let at = 0; at < bytes.length;) {
      let zeros = 0;
      while (bytes[at + zeros] === 0) zeros++;
      if (zeros >= BYTES_A_LINE || at + zeros === bytes.length) {
        if (zeros === 0) return;
        this.out.push(`    .zero ${String(zeros)}\n`);
        at += zeros;
      } else {
        const line = bytes.subarray(at, at + BYTES_A_LINE);
        this.out.push(`    .byte ${Array.from(line, (byte) => `0x${byte.toString(16)}`).join(', ')}\n`);
        at += line.length;
      }
    }
  }
}

/** What the text can hold: code, data, BTF; not symbol tables, relocations or DWARF. */
function isWritten({ name, type, sizeBytes }: ElfSection): boolean {
  return (type === SHT.PROGBITS || type === SHT.NOBITS) && sizeBytes > 0 && !name.startsWith('.debug');
}

/** Bytes that are one readable C string, as a literal. */
function asString(bytes: Uint8Array): string | undefined {
  const chars = bytes.subarray(0, -1);
  if (chars.length === 0 || chars.length > MAX_STRING_BYTES || bytes[bytes.length - 1] !== 0) return undefined;
  if (chars.some((byte) => (byte < 0x20 || byte > 0x7e) && byte !== 0x0a && byte !== 0x09)) return undefined;
  return JSON.stringify(String.fromCharCode(...chars));
}

function flagLetters({ flags }: ElfSection): string {
  return `${(flags & SHF.ALLOC) !== 0 ? 'a' : ''}${(flags & SHF.WRITE) !== 0 ? 'w' : ''}${(flags & SHF.EXECINSTR) !== 0 ? 'x' : ''}`;
}

/** Slot -> instruction; slots that do not decode are missing. */
function decodeSlots(bytes: Uint8Array): Map<number, Insn> {
  const insns = new Map<number, Insn>();
  const view = viewOf(bytes);
  for (let pc = 0; pc * SLOT_BYTES < bytes.length;) {
    const insn = decodeOne(view, pc);
    if ('reason' in insn) {
      pc++;
      continue;
    }
    insns.set(pc, insn);
    pc += slotsOf(insn);
  }
  return insns;
}
