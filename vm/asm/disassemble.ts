/**
 * The listing of an object's code, as llvm-objdump prints it. Tolerates code that does not decode. Source of the form:
 * llvm-objdump 19's output for `-d --no-show-raw-insn`.
 */
import { viewOf } from '../bytes.js';
import { parseElf, SHF, SHT } from '../elf/elf.js';
import type { ElfFile, ElfRelocation, ElfSection, ElfSymbol } from '../elf/elf.js';
import { decodeOne } from '../isa/decode.js';
import { slotsOf, SLOT_BYTES } from '../isa/insn.js';
import { formatInsn, hex, jumpDistance } from './format.js';
import { readSourceLines } from './source-lines.js';
import type { SourceLine } from './source-lines.js';

export interface DisassembleOptions {
  /** Shown in the first line; `a.o` if left out. */
  readonly name?: string;
  /** Shows w registers as `llvm-objdump --mcpu=v4` does. */
  readonly alu32?: boolean;
  /** Shows relocations below their instructions, as `-r`. */
  readonly relocations?: boolean;
  /** Shows the C lines of `.BTF.ext` above the instructions, as `-S`. */
  readonly source?: boolean;
  /** Only the section of this name. */
  readonly section?: string;
}

/** A label of the listing. */
interface Label {
  /** Byte offset in the section. */
  readonly off: number;
  readonly name: string;
  readonly data: boolean;
}

const RELOCATION_NAMES: Readonly<Record<number, string>> = {
  0: 'R_BPF_NONE',
  1: 'R_BPF_64_64',
  2: 'R_BPF_64_ABS64',
  3: 'R_BPF_64_ABS32',
  4: 'R_BPF_64_NODYLD32',
  10: 'R_BPF_64_32',
};

/** Runs of zeros that are at least this long are not code. */
const ZERO_RUN_BYTES = 8;
const DATA_LINE_BYTES = 8;

/** Lists every executable section. Throws `ElfError` (and with `source`, `BtfError`) if the file is broken. */
export function disassemble(bytes: Uint8Array, options: DisassembleOptions = {}): string {
  const file = parseElf(bytes);
  const sourceLines = options.source === true ? readSourceLines(file) : undefined;
  let out = `\n${options.name ?? 'a.o'}:\tfile format ${file.machine === 0 ? 'elf64-unknown' : 'elf64-bpf'}\n`;
  for (const section of codeSections(file)) {
    if (options.section !== undefined && options.section !== section.name) continue;
    out += `\nDisassembly of section ${section.name}:\n`;
    out += new SectionLister(file, section, options, sourceLines?.get(section.name)).list();
  }
  return out;
}

/** The sections that hold code, in the order of the file. */
export function codeSections(file: ElfFile): ElfSection[] {
  return file.sections.filter(
    ({ flags, type, sizeBytes }) => (flags & SHF.EXECINSTR) !== 0 && type !== SHT.NOBITS && sizeBytes > 0,
  );
}

class SectionLister {
  private readonly file: ElfFile;
  private readonly bytes: Uint8Array;
  private readonly labels: readonly Label[];
  private readonly relocations: readonly ElfRelocation[];
  private readonly options: DisassembleOptions;
  private readonly lines: ReadonlyMap<number, SourceLine> | undefined;
  private lineBefore: SourceLine | undefined;
  private relocationAt = 0;
  private readonly out: string[] = [];

  constructor(
    file: ElfFile,
    section: ElfSection,
    options: DisassembleOptions,
    lines: ReadonlyMap<number, SourceLine> | undefined,
  ) {
    this.file = file;
    this.bytes = file.contents(section);
    this.options = options;
    this.lines = lines;
    this.labels = labelsOf(file.symbols, section);
    this.relocations =
      options.relocations === true ? [...file.relocations(section.index)].sort((a, b) => a.off - b.off) : [];
  }

  list(): string {
    const { labels, bytes } = this;
    for (let i = 0; i < labels.length;) {
      const start = labels[i]?.off ?? 0;
      let next = i;
      while (labels[next]?.off === start) next++;
      const group = labels.slice(i, next);
      const shown = group.findLast(({ data }) => !data) ?? group[group.length - 1];
      const end = Math.min(labels[next]?.off ?? bytes.length, bytes.length);
      i = next;
      if (shown === undefined || start >= bytes.length) continue;
      this.out.push(`\n${start.toString(16).padStart(16, '0')} <${shown.name}>:\n`);
      if (shown.data) this.listData(start, end);
      else this.listCode(start, end);
    }
    return this.out.join('');
  }

  private listCode(start: number, end: number): void {
    for (let at = start; at < end;) {
      const zeros = this.zeroRun(at, end);
      if (zeros > 0) {
        this.out.push('\t\t...\n');
        at += zeros;
        this.skipRelocations(at);
        continue;
      }
      this.listSource(at);
      const { text, sizeBytes } = this.insnAt(at, end);
      this.out.push(`${String(Math.floor(at / SLOT_BYTES)).padStart(8)}:\t${text}\n`);
      at += sizeBytes;
      this.listRelocations(at);
    }
  }

  /** The C line that begins here, unless the instruction before began the same one. */
  private listSource(at: number): void {
    const line = this.lines?.get(at);
    const before = this.lineBefore;
    this.lineBefore = line;
    if (line === undefined || line.text === '' || (line.file === before?.file && line.line === before.line)) return;
    this.out.push(`; ${line.text}\n`);
  }

  private zeroRun(start: number, end: number): number {
    let at = start;
    while (at < end && this.bytes[at] === 0) at++;
    const run = at - start;
    return run < ZERO_RUN_BYTES ? 0 : run - (run % 4);
  }

  private insnAt(at: number, end: number): { text: string; sizeBytes: number } {
    // What does not fill a slot is passed over byte by byte.
    if (at + SLOT_BYTES > end) return { text: '<unknown>', sizeBytes: 1 };
    const insn = decodeOne(viewOf(this.bytes.subarray(at, end)), 0);
    if ('reason' in insn) return { text: '<unknown>', sizeBytes: SLOT_BYTES };
    const { alu32 } = this.options;
    const text = formatInsn(insn, { style: 'llvm', ...(alu32 === undefined ? {} : { alu32 }) });
    const distance = jumpDistance(insn);
    const sizeBytes = slotsOf(insn) * SLOT_BYTES;
    return {
      text: distance === undefined ? text : text + this.targetName(at + SLOT_BYTES * (1 + distance)),
      sizeBytes,
    };
  }

  /** ` <name+0x8>` of the last label at or before `target`; offsets are unsigned, so that -8 lies behind all. */
  private targetName(target: number): string {
    const label = this.labels[(target < 0 ? this.labels.length : countUpTo(this.labels, target)) - 1];
    if (label === undefined) return '';
    const distance = target - label.off;
    if (distance === 0) return ` <${label.name}>`;
    return ` <${label.name}+${hex(distance < 0 ? BigInt.asUintN(64, BigInt(distance)) : distance)}>`;
  }

  private listRelocations(end: number): void {
    for (; (this.relocations[this.relocationAt]?.off ?? end) < end; this.relocationAt++) {
      const relocation = this.relocations[this.relocationAt];
      if (relocation === undefined) return;
      const kind = RELOCATION_NAMES[relocation.type] ?? 'Unknown';
      this.out.push(
        `\t\t${relocation.off.toString(16).padStart(16, '0')}:  ${kind}\t${this.nameOf(relocation.symbol)}\n`,
      );
    }
  }

  /** Of a section's own symbol, which may have no name, the section's name. */
  private nameOf({ name, type, section }: ElfSymbol): string {
    return type === 'section' && name === '' ? (this.file.sections[section]?.name ?? '') : name;
  }

  private skipRelocations(end: number): void {
    while ((this.relocations[this.relocationAt]?.off ?? end) < end) this.relocationAt++;
  }

  private listData(start: number, end: number): void {
    for (let at = start; at < end; at += DATA_LINE_BYTES) {
      const line = this.bytes.subarray(at, Math.min(at + DATA_LINE_BYTES, end));
      const digits = Array.from(line, (byte) => ` ${byte.toString(16).padStart(2, '0')}`).join('');
      const chars = Array.from(line, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join(
        '',
      );
      this.out.push(`${at.toString(16).padStart(8)}:${digits.padEnd(3 * DATA_LINE_BYTES)}         ${chars}\n`);
    }
    this.skipRelocations(end);
  }
}

/** How many labels, sorted by offset, stand at or before `off`. */
function countUpTo(labels: readonly Label[], off: number): number {
  let low = 0;
  let high = labels.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((labels[middle]?.off ?? 0) <= off) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The named symbols of a section by offset, then name; the section's own name where nothing stands at its start. */
function labelsOf(symbols: readonly ElfSymbol[], section: ElfSection): Label[] {
  const labels = symbols
    .filter(
      ({ section: index, type, name }) =>
        index === section.index && type !== 'section' && type !== 'file' && name !== '',
    )
    .map(({ name, value, type }): Label => ({ off: value, name, data: type === 'object' }))
    .sort((a, b) => a.off - b.off || compareText(a.name, b.name));
  if (labels[0]?.off !== 0) labels.unshift({ off: 0, name: section.name, data: false });
  return labels;
}

/** By code unit, so that no locale changes a listing. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
