/** `skep asm`: assembly text to an ELF object, or to bare instructions. */
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { readInput } from '../node/read-input.js';
import { assemble, assembleObject, AsmError, listAsmErrors } from '../vm/asm/index.js';
import { ConfigError, toHex } from '../vm/index.js';
import { EXIT_BAD_INPUT, readStdin } from './io.js';
import type { Io } from './io.js';
import { renderError } from './render-error.js';

interface AsmFlags {
  readonly output?: string;
  readonly raw?: true;
  readonly hex?: true;
  /** False for `--no-debug-info`. */
  readonly debugInfo: boolean;
}

/** Adds the command. Mistakes in the text go to standard error, all of them, and set exit code 2. */
export function addAsmCommand(program: Command, io: Io): void {
  program
    .command('asm')
    .description('assemble LLVM-style BPF text to an ELF object')
    .argument('<file>', 'assembly text; - reads standard input')
    .option('-o, --output <file>', 'where the result goes; - is standard output (default: the input with .o, or .bin)')
    .option('--raw', 'write bare instructions instead of an ELF object')
    .option('--hex', 'print bare instructions as hexadecimal digits, one slot a line')
    .option('--no-debug-info', 'leave out BTF of functions and lines')
    .action(async (file: string, flags: AsmFlags) => {
      try {
        await runAsm(file, flags, io);
      } catch (error) {
        if (!(error instanceof AsmError)) throw error;
        for (const each of listAsmErrors(error)) io.err(renderError(each));
        io.exit(EXIT_BAD_INPUT);
      }
    });
}

async function runAsm(file: string, flags: AsmFlags, io: Io): Promise<void> {
  const text = new TextDecoder().decode(file === '-' ? await readStdin(io) : await readInput(file));
  const options = { file: file === '-' ? 'stdin' : file };
  const raw = flags.raw === true || flags.hex === true;
  const bytes = raw ? assemble(text, options).bytes : assembleObject(text, { ...options, debugInfo: flags.debugInfo });
  const result = flags.hex === true ? `${toHex(bytes).replace(/.{16}(?=.)/g, '$&\n')}\n` : bytes;
  const output = flags.output ?? (flags.hex === true ? '-' : outputName(file, raw));
  if (output === '-') {
    io.out(result);
    return;
  }
  try {
    await writeFile(output, result);
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new ConfigError('config-file', `cannot write: ${why}`, { where: { file: output }, cause });
  }
}

/** `a.s` -> `a.o`; never the input itself. */
function outputName(file: string, raw: boolean): string {
  if (file === '-') {
    const hint = '-o FILE, or -o - for standard output';
    throw new ConfigError('config-usage', 'text from standard input needs the name of an output', { hint });
  }
  const suffix = raw ? '.bin' : '.o';
  const name = file.replace(/\.(?:s|S|asm)$/, '');
  return `${name}${suffix}`;
}
