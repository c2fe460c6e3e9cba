/** `skep asm`: assembly text to an ELF object, or to bare instructions. */
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { readInput } from '../node/read-input.js';
import { assemble, assembleObject, AsmError, listAsmErrors } from '../vm/asm/index.js';
import { ConfigError, toHex } from '../vm/index.js';
import { renderError } from './render-error.js';

interface AsmFlags {
  readonly output?: string;
  readonly raw?: true;
  readonly hex?: true;
}

const EXIT_BAD_INPUT = 2;

/** Adds the command. Mistakes in the text go to standard error, all of them, and set exit code 2. */
export function addAsmCommand(program: Command): void {
  program
    .command('asm')
    .description('assemble LLVM-style BPF text to an ELF object')
    .argument('<file>', 'assembly text; - reads standard input')
    .option('-o, --output <file>', 'where the result goes; - is standard output (default: the input with .o, or .bin)')
    .option('--raw', 'write bare instructions instead of an ELF object')
    .option('--hex', 'print bare instructions as hexadecimal digits, one slot a line')
    .action(async (file: string, flags: AsmFlags) => {
      try {
        await runAsm(file, flags);
      } catch (error) {
        if (!(error instanceof AsmError)) throw error;
        for (const each of listAsmErrors(error)) process.stderr.write(renderError(each));
        process.exitCode = EXIT_BAD_INPUT;
      }
    });
}

async function runAsm(file: string, flags: AsmFlags): Promise<void> {
  const text = new TextDecoder().decode(file === '-' ? await readStandardInput() : await readInput(file));
  const options = { file: file === '-' ? 'stdin' : file };
  const raw = flags.raw === true || flags.hex === true;
  const bytes = raw ? assemble(text, options).bytes : assembleObject(text, options);
  const result = flags.hex === true ? `${toHex(bytes).replace(/.{16}(?=.)/g, '$&\n')}\n` : bytes;
  const output = flags.output ?? (flags.hex === true ? '-' : outputName(file, raw));
  if (output === '-') {
    process.stdout.write(result);
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

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
