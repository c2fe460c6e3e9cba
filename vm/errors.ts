/**
 * The errors skep throws: bad input is a `SkepError` with a code, typed data and a place; our own bug is an
 * `InvariantError`. Outcomes that a caller expects (a trap, a verifier's reject) are values, not errors.
 * Knows nothing of terminals or files: `cli/` and `web/` render.
 */

/** Where in somebody's input an error lies. Every field is optional; the renderer prints what is there. */
export interface Where {
  /** The file's name as the user gave it. */
  readonly file?: string;
  /** 1-based line and column of a text file. */
  readonly line?: number;
  readonly col?: number;
  /** The text of that line, for the caret. */
  readonly text?: string;
  /** Byte offset in a binary file. */
  readonly offset?: number;
  /** Name of an ELF section. */
  readonly section?: string;
  /** Function and pc (in slots from the function's start) of an instruction. */
  readonly func?: string;
  readonly pc?: number;
  /** The C line that the instruction was compiled from. */
  readonly source?: { readonly file: string; readonly line: number; readonly text: string };
}

export interface ErrorDetails<D> {
  readonly data?: D;
  readonly where?: Where;
  /** What to do about it, in one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** Base of all errors about input. `code` is stable and for programs; `message` is for people. */
export class SkepError<C extends string = string, D = Readonly<Record<string, unknown>>> extends Error {
  readonly code: C;
  readonly data: D | undefined;
  /** Whoever knows the file's name may add it on the error's way out. */
  where: Where;
  readonly hint: string | undefined;

  constructor(code: C, message: string, details: ErrorDetails<D> = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.data = details.data;
    this.where = details.where ?? {};
    this.hint = details.hint;
  }
}

/** Does something with a file; an error that comes out of it names the file. */
export function naming<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SkepError) error.where = { file, ...error.where };
    throw error;
  }
}

/** The ELF container is broken, truncated or of a kind skep does not read. `where.offset` is a file offset. */
export class ElfError extends SkepError<
  | 'elf-truncated'
  | 'elf-not-elf'
  | 'elf-class'
  | 'elf-big-endian'
  | 'elf-machine'
  | 'elf-header'
  | 'elf-section'
  | 'elf-symbol'
  | 'elf-relocation'
  | 'elf-string'
> {}

/** `.BTF` or `.BTF.ext` is broken. `where.offset` is relative to the section named in `where.section`. */
export class BtfError extends SkepError<
  | 'btf-truncated'
  | 'btf-header'
  | 'btf-kind'
  | 'btf-type-id'
  | 'btf-string'
  | 'btf-cycle'
  | 'btf-layout'
  | 'btf-ext'
  | 'btf-core'
> {}

/** The object is well formed, but what it asks for cannot be loaded. */
export class LoadError extends SkepError<
  | 'load-insn'
  | 'load-program'
  | 'load-map'
  | 'load-map-size'
  | 'load-memory'
  | 'load-relocation'
  | 'load-core'
  | 'load-symbol'
  | 'load-unsupported'
> {}

/** Assembly text is wrong. `where` carries line, column and the line itself. */
export class AsmError extends SkepError<
  | 'asm-syntax'
  | 'asm-register'
  | 'asm-range'
  | 'asm-label'
  | 'asm-duplicate'
  | 'asm-helper'
  | 'asm-directive'
  | 'asm-section'
  | 'asm-map'
> {}

/** A capture is broken. `where.offset` is a byte offset from the start of the (decompressed) stream. */
export class PcapError extends SkepError<
  'pcap-magic' | 'pcap-version' | 'pcap-truncated' | 'pcap-length' | 'pcap-block' | 'pcap-interface' | 'pcap-linktype'
> {}

/** A configuration file or a command line is wrong. */
export class ConfigError extends SkepError<'config-usage' | 'config-file' | 'config-value' | 'config-unsupported'> {}

/** Several mistakes in one file, in the order of their places. Says of itself what the first of them says. */
export class ConfigErrors extends ConfigError {
  readonly errors: readonly ConfigError[];

  /** @param errors at least one */
  constructor(errors: readonly ConfigError[]) {
    const at = ({ where }: ConfigError): number => (where.line ?? 0) * 2 ** 20 + (where.col ?? 0);
    const sorted = errors.toSorted((a, b) => at(a) - at(b));
    const first = must(sorted[0], 'a mistake');
    super(first.code, first.message, {
      where: first.where,
      ...(first.data === undefined ? {} : { data: first.data }),
      ...(first.hint === undefined ? {} : { hint: first.hint }),
    });
    this.errors = sorted;
  }
}

/** A bug in skep, never in the user's input. */
export class InvariantError extends Error {
  constructor(message: string) {
    super(`bug in skep: ${message}`);
    this.name = 'InvariantError';
  }
}

/** Narrows away `undefined` where the code's own logic guarantees a value. */
export function must<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new InvariantError(`missing ${what}`);
  return value;
}
