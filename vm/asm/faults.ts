/** Gathers what is wrong with a text, so that one run reports several mistakes. Knows no syntax. */
import { AsmError } from '../errors.js';

/** After so many mistakes the assembler stops reading. */
const MAX_FAULTS = 20;

/** A place in the text; a `Token` is one. */
export interface Place {
  readonly line: number;
  readonly col: number;
}

export class AsmFaults {
  private readonly errors: AsmError[] = [];
  private readonly lines: readonly string[];
  private readonly file: string | undefined;

  constructor(text: string, file?: string) {
    this.lines = text.split('\n');
    this.file = file;
  }

  get full(): boolean {
    return this.errors.length >= MAX_FAULTS;
  }

  /** An empty collection over the same text, to try a reading without consequences. */
  muted(): AsmFaults {
    return new AsmFaults('', this.file);
  }

  get count(): number {
    return this.errors.length;
  }

  get any(): boolean {
    return this.errors.length > 0;
  }

  /** The text of a line, 1-based. */
  lineText(line: number): string {
    return (this.lines[line - 1] ?? '').replace(/\r$/, '');
  }

  add(
    code: AsmError['code'],
    message: string,
    { line, col }: Place,
    hint?: string,
    data: Readonly<Record<string, unknown>> = {},
  ): void {
    if (this.full) return;
    const where = {
      ...(this.file === undefined ? {} : { file: this.file }),
      line,
      col,
      text: this.lineText(line),
    };
    this.errors.push(new AsmError(code, message, { where, data, ...(hint === undefined ? {} : { hint }) }));
  }

  /** Throws the first mistake of the text; `data.others` holds the rest, in the order of their lines. */
  throwIfAny(): void {
    const sorted = [...this.errors].sort(
      (a, b) => (a.where.line ?? 0) - (b.where.line ?? 0) || (a.where.col ?? 0) - (b.where.col ?? 0),
    );
    const [first, ...others] = sorted;
    if (first === undefined) return;
    throw new AsmError(first.code, first.message, {
      where: first.where,
      ...(first.hint === undefined ? {} : { hint: first.hint }),
      data: { ...first.data, others },
    });
  }
}

/** Every mistake that one run of the assembler found, in the order of the text. */
export function listAsmErrors(error: AsmError): readonly AsmError[] {
  const others = error.data?.others;
  return [error, ...(Array.isArray(others) ? others.filter((each) => each instanceof AsmError) : [])];
}
