/** `skep load`: says what object files hold and whether skep can run it. */
import type { Command } from 'commander';
import { readInput } from '../node/read-input.js';
import { ConfigError, describeObject, loadObject, parseBtf, PROG_TYPE_ROWS } from '../vm/index.js';
import type { LoadOptions, ProgTypeName } from '../vm/index.js';
import { EXIT_BAD_INPUT } from './io.js';
import type { Io } from './io.js';
import { renderSummary, summarize } from './load-summary.js';
import type { ObjectSummary } from './load-summary.js';
import { renderObject, renderTypes } from './load-tables.js';

interface LoadFlags {
  readonly json?: true;
  readonly btf?: string;
  readonly type?: string;
  readonly verbose?: true;
  readonly summary?: true;
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
    .option('--summary', 'a line for each object: how many of its programs run, and what keeps the others from it')
    .action(async (objects: string[], flags: LoadFlags) => {
      if (flags.summary === true) io.exit(await loadSummary(objects, flags, io));
      else io.out(await loadReport(objects, flags));
    });
}

/** What `skep load` prints. */
export async function loadReport(objects: readonly string[], flags: LoadFlags): Promise<string> {
  const options = await loadOptions(flags);
  const specs = [];
  for (const name of objects) specs.push(loadObject(await readInput(name), { name, ...options }));
  if (flags.json === true) return `${JSON.stringify(specs.map(describeObject), null, 2)}\n`;
  return specs
    .map((spec) => renderObject(describeObject(spec)) + (flags.verbose === true ? renderTypes(spec) : ''))
    .join('\n');
}

/** Prints the summary; exit code 2 where an object cannot be loaded. */
async function loadSummary(objects: readonly string[], flags: LoadFlags, io: Io): Promise<number> {
  const options = await loadOptions(flags);
  const summaries: ObjectSummary[] = [];
  for (const name of objects) {
    const bytes = await readInput(name);
    summaries.push(summarize(name, () => loadObject(bytes, { name, ...options })));
  }
  io.out(flags.json === true ? `${JSON.stringify(summaries, null, 2)}\n` : renderSummary(summaries));
  return summaries.some(({ error }) => error !== undefined) ? EXIT_BAD_INPUT : 0;
}

async function loadOptions(flags: LoadFlags): Promise<LoadOptions> {
  return {
    ...(flags.btf === undefined ? {} : { targetBtf: parseBtf(await readInput(flags.btf), flags.btf) }),
    ...(flags.type === undefined ? {} : { progType: typeNamed(flags.type) }),
  };
}

/** @throws ConfigError where Linux 6.18 has no such program type */
export function typeNamed(name: string): ProgTypeName {
  if (Object.hasOwn(PROG_TYPE_ROWS, name)) return name as ProgTypeName;
  throw new ConfigError('config-value', `${name} is not a program type`, {
    data: { name },
    hint: `one of ${Object.keys(PROG_TYPE_ROWS).join(', ')}`,
  });
}
