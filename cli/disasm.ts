/** `skep disasm`: the code of ELF objects as text. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { readInput } from '../node/read-input.js';
import { disassemble, disassembleSource } from '../vm/asm/index.js';
import { SkepError } from '../vm/index.js';
import type { Io } from './io.js';

interface DisasmFlags {
  readonly reloc?: true;
  readonly source?: true;
  readonly section?: string;
  readonly mcpu?: Cpu;
  readonly asm?: true;
}

const CPUS = ['v1', 'v2', 'v3', 'v4'] as const;
type Cpu = (typeof CPUS)[number];

/** Adds the command; it writes to standard output and throws `SkepError` on bad input. */
export function addDisasmCommand(program: Command, io: Io): void {
  program
    .command('disasm')
    .description('list the code of compiled objects, as llvm-objdump -d --no-show-raw-insn does')
    .argument('<object...>', 'ELF files made by clang -target bpf or skep asm')
    .option('-r, --reloc', 'show relocations below their instructions')
    .option('-S, --source', 'show C lines (from .BTF.ext) above their instructions')
    .option('-j, --section <name>', 'only this section')
    .option('--mcpu <cpu>', `show registers as for this cpu, ${CPUS.join(', ')}: w registers from v3 on`, parseCpu)
    .option('--asm', 'print text that skep asm turns into the same sections again')
    .action(async (objects: string[], flags: DisasmFlags) => {
      for (const name of objects) io.out(listing(await readInput(name), name, flags));
    });
}

function parseCpu(value: string): Cpu {
  const cpu = CPUS.find((each) => each === value);
  if (cpu === undefined) throw new InvalidArgumentError(`It is one of ${CPUS.join(', ')}.`);
  return cpu;
}

function listing(bytes: Uint8Array, name: string, flags: DisasmFlags): string {
  const alu32 = flags.mcpu === 'v3' || flags.mcpu === 'v4';
  const source = flags.source === true;
  try {
    if (flags.asm === true) return disassembleSource(bytes, { alu32, source });
    const relocations = flags.reloc === true;
    const section = flags.section === undefined ? {} : { section: flags.section };
    return disassemble(bytes, { name, alu32, relocations, source, ...section });
  } catch (error) {
    if (error instanceof SkepError && error.where.file === undefined) throw named(error as SkepError, name);
    throw error;
  }
}

/** The same error with the file's name in its place. */
function named(error: SkepError, file: string): SkepError {
  const { code, message, data, where, hint, cause } = error;
  return new SkepError(code, message, {
    where: { file, ...where },
    cause: cause ?? error,
    ...(data === undefined ? {} : { data }),
    ...(hint === undefined ? {} : { hint }),
  });
}
