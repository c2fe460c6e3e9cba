/** The sections of an object while it is assembled: what they hold, their labels, and how their flags are chosen. */
import { SHF, SHT } from '../elf/elf.js';
import { CodeRun } from './code.js';
import type { Token } from './lex.js';

/** A name in data that becomes a relocation. */
export interface DataUse {
  readonly off: number;
  readonly symbol: Token;
}

/** Data grows in chunks, so that a `.zero` of many bytes costs nothing until the file is written. */
export class DataRun {
  readonly chunks: { readonly off: number; readonly bytes: Uint8Array }[] = [];
  /** Label -> byte offset. */
  readonly labels = new Map<string, number>();
  readonly uses: DataUse[] = [];
  sizeBytes = 0;

  add(bytes: Uint8Array): void {
    this.chunks.push({ off: this.sizeBytes, bytes });
    this.sizeBytes += bytes.length;
  }

  skip(bytes: number): void {
    this.sizeBytes += bytes;
  }

  bytes(): Uint8Array {
    const out = new Uint8Array(this.sizeBytes);
    for (const { off, bytes } of this.chunks) out.set(bytes, off);
    return out;
  }
}

export interface AsmSection {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly content: { readonly kind: 'code'; readonly run: CodeRun } | { readonly kind: 'data'; readonly run: DataRun };
}

const DATA_FLAGS = SHF.ALLOC | SHF.WRITE;

/** The flags that a name stands for, as clang gives them; other names hold programs. */
function flagsOf(name: string): number {
  if (name.startsWith('.rodata')) return SHF.ALLOC;
  if (/^(?:\.data|\.bss|\.maps$|\.kconfig$|license$|version$|maps$)/.test(name)) return DATA_FLAGS;
  if (/^\.(?:BTF|debug|comment|note|llvm)/.test(name)) return 0;
  return SHF.ALLOC | SHF.EXECINSTR;
}

const FLAG_LETTERS: Readonly<Record<string, number>> = { w: SHF.WRITE, a: SHF.ALLOC, x: SHF.EXECINSTR };

/** The number for letters such as `ax`; undefined if one is unknown. */
export function parseFlags(letters: string): number | undefined {
  let flags = 0;
  for (const letter of letters) {
    const flag = FLAG_LETTERS[letter];
    if (flag === undefined) return undefined;
    flags |= flag;
  }
  return flags;
}

export function newSection(name: string, flags = flagsOf(name), noBits = name.startsWith('.bss')): AsmSection {
  const isCode = (flags & SHF.EXECINSTR) !== 0;
  return {
    name,
    flags,
    type: noBits && !isCode ? SHT.NOBITS : SHT.PROGBITS,
    content: isCode ? { kind: 'code', run: new CodeRun() } : { kind: 'data', run: new DataRun() },
  };
}
