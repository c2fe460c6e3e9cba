/** `skep load`: says what object files hold and whether skep can run it. */
import type { Command } from 'commander';
import { readInput } from '../node/read-input.js';
import {
  ConfigError,
  Datapath,
  describeObject,
  LoadError,
  loadObject,
  parseBtf,
  PROG_TYPE_ROWS,
  SkepError,
} from '../vm/index.js';
import type { LoadOptions, ObjectSpec, ProgTypeName } from '../vm/index.js';
import { EXIT_BAD_INPUT } from './io.js';
import type { Io } from './io.js';
import { renderSummary, summarize } from './load-summary.js';
import type { ObjectSummary } from './load-summary.js';
import { renderObject, renderTypes } from './load-tables.js';
import { renderError } from './render-error.js';

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
      else io.exit(await loadTables(objects, flags, io));
    });
}

/** Prints what the objects hold, then what keeps one from being loaded anywhere; exit code 2 where something does. */
async function loadTables(objects: readonly string[], flags: LoadFlags, io: Io): Promise<number> {
  const { text, faults } = await loadReport(objects, flags);
  io.out(text);
  for (const fault of faults) io.err(renderError(fault));
  return faults.length > 0 ? EXIT_BAD_INPUT : 0;
}

export interface LoadReport {
  readonly text: string;
  readonly faults: readonly SkepError[];
}

/** What `skep load` prints. */
export async function loadReport(objects: readonly string[], flags: LoadFlags): Promise<LoadReport> {
  const options = await loadOptions(flags);
  const specs = [];
  for (const name of objects) specs.push(loadObject(await readInput(name), { name, ...options }));
  const faults = specs.flatMap(loadFaults);
  if (flags.json === true) return { text: `${JSON.stringify(specs.map(describeObject), null, 2)}\n`, faults };
  const tables = specs.map(
    (spec) => renderObject(describeObject(spec)) + (flags.verbose === true ? renderTypes(spec) : ''),
  );
  return { text: tables.join('\n'), faults };
}

/** What a well-formed object asks for that neither skep nor a kernel has: maps without end, helpers of no kernel. */
function loadFaults(spec: ObjectSpec): SkepError[] {
  const faults: SkepError[] = unknownHelpers(spec);
  try {
    new Datapath(spec);
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
    faults.push(error as SkepError);
  }
  return faults;
}

function unknownHelpers(spec: ObjectSpec): SkepError[] {
  const { helpers, programs } = describeObject(spec);
  return helpers
    .filter(({ unknown }) => unknown === true)
    .map(({ id, name }) => {
      const callers = programs.filter((program) => program.helpers.includes(name)).map((program) => program.name);
      const who = callers.length === 0 ? 'a function' : `program \`${callers[0] ?? ''}\``;
      return new LoadError('load-insn', `${who} calls helper ${String(id)}: Linux 6.18 has no such helper`, {
        where: { file: spec.name },
        data: { helper: id },
        hint: 'docs/helpers.md lists those that there are',
      });
    });
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
