/** `skep load`: says what object files hold and whether skep can run it. */
import type { Command } from 'commander';
import { readInput } from '../node/read-input.js';
import { ConfigError, describeObject, loadObject, parseBtf, PROG_TYPE_ROWS } from '../vm/index.js';
import type { ProgTypeName } from '../vm/index.js';
import type { Io } from './io.js';
import { renderObject, renderTypes } from './load-tables.js';

interface LoadFlags {
  readonly json?: true;
  readonly btf?: string;
  readonly type?: string;
  readonly verbose?: true;
}

/** Adds the command; it writes to standard output and throws `SkepError` on bad input. */
export function addLoadCommand(program: Command, io: Io): void {
  program
    .command('load')
    .description('show the programs and maps of compiled objects, and what skep supports of them')
    .argument('<object...>', 'ELF files made by clang -target bpf')
    .option('--json', 'print one JSON array instead of tables')
    .option(
      '--btf <file>',
      "BTF of the kernel to relocate against (CO-RE), such as a copy of a machine's /sys/kernel/btf/vmlinux",
    )
    .option('--type <type>', 'program type where the section name says nothing, such as xdp or sched_cls')
    .option('-v, --verbose', "also print the C types of the maps' keys and values")
    .action(async (objects: string[], flags: LoadFlags) => {
      io.out(await loadReport(objects, flags));
    });
}

/** What `skep load` prints. */
export async function loadReport(objects: readonly string[], flags: LoadFlags): Promise<string> {
  const targetBtf = flags.btf === undefined ? undefined : parseBtf(await readInput(flags.btf), flags.btf);
  const progType = flags.type === undefined ? undefined : typeNamed(flags.type);
  const specs = [];
  for (const name of objects) {
    specs.push(
      loadObject(await readInput(name), {
        name,
        ...(targetBtf === undefined ? {} : { targetBtf }),
        ...(progType === undefined ? {} : { progType }),
      }),
    );
  }
  if (flags.json === true) return `${JSON.stringify(specs.map(describeObject), null, 2)}\n`;
  return specs
    .map((spec) => renderObject(describeObject(spec)) + (flags.verbose === true ? renderTypes(spec) : ''))
    .join('\n');
}

/** @throws ConfigError where Linux 6.18 has no such program type */
export function typeNamed(name: string): ProgTypeName {
  if (Object.hasOwn(PROG_TYPE_ROWS, name)) return name as ProgTypeName;
  throw new ConfigError('config-value', `${name} is not a program type`, {
    data: { name },
    hint: `one of ${Object.keys(PROG_TYPE_ROWS).join(', ')}`,
  });
}
