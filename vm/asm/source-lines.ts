/** The C lines of `.BTF.ext`, by section and byte offset. */
import { parseBtfExt } from '../btf/btf-ext.js';
import { parseBtf } from '../btf/btf.js';
import type { ElfFile } from '../elf/elf.js';

/** A C line and the place of the first instruction that was made of it. */
export interface SourceLine {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** Section name -> byte offset -> line. Empty without `.BTF.ext`. Throws `BtfError`. */
export function readSourceLines(file: ElfFile): ReadonlyMap<string, ReadonlyMap<number, SourceLine>> {
  const sectionOf = (name: string) => file.sections.find((each) => each.name === name && each.sizeBytes > 0);
  const btf = sectionOf('.BTF');
  const ext = sectionOf('.BTF.ext');
  const lines = new Map<string, Map<number, SourceLine>>();
  if (btf === undefined || ext === undefined) return lines;
  for (const [name, records] of parseBtfExt(file.contents(ext), parseBtf(file.contents(btf))).lines) {
    lines.set(name, new Map(records.map(({ off, file: path, line, text }) => [off, { file: path, line, text }])));
  }
  return lines;
}
