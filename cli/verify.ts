/** `skep verify`: what Linux would say to the programs of objects, in the columns that veristat's users know. */
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { readInput } from '../node/read-input.js';
import { verifyObjects } from '../node/verify-pool.js';
import type { PoolObject, VerifiedTask } from '../node/verify-pool.js';
import { openOutput } from '../node/write-output.js';
import { ConfigError, explainRejection, loadObject, parseBtf } from '../vm/index.js';
import type { Capabilities } from '../vm/index.js';
import type { Io } from './io.js';
import { typeNamed } from './load.js';
import { parseCount } from './option-values.js';
import { renderBrief, renderReport } from './render-report.js';
import { version } from './version.js';
import { overLimits, pairRows, parseLimits, renderComparison } from './verify-compare.js';
import type { GrowthLimit } from './verify-compare.js';
import { renderAnnotations, renderSarif } from './verify-findings.js';
import { parseRows, renderRows } from './verify-output.js';
import type { OutputFormat } from './verify-output.js';
import { COMPARED_COLUMNS, CSV_COLUMNS, DEFAULT_COLUMNS } from './verify-row.js';
import type { VerifiedProgram, VerifyRow } from './verify-row.js';
import { parseEmit, parseFilters, parseNameFilters, parseSort, sortRows } from './verify-select.js';

interface VerifyFlags {
  readonly emit?: readonly string[];
  readonly sort?: readonly string[];
  readonly filter?: readonly string[];
  readonly output: OutputFormat;
  readonly compare?: true;
  readonly failOver?: readonly GrowthLimit[];
  readonly verbose?: number;
  readonly logLevel?: number;
  readonly explain?: true;
  readonly sarif?: string;
  readonly github?: true;
  readonly unpriv?: true;
  readonly capBpf?: true;
  readonly btf?: string;
  readonly type?: string;
  readonly jobs: number;
}

const EXIT_NO = 1;
const EMPTY_INPUT_HINT = 'give objects, or with -C two files that `skep verify -o csv` wrote';

function more(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function parseLogLevel(text: string): number {
  const level = Number(text);
  if (!Number.isInteger(level) || level < 0 || level > 7) throw new InvalidArgumentError('give 0, 1, 2, 4 or a sum');
  return level;
}

/** Adds the command. */
export function addVerifyCommand(program: Command, io: Io): void {
  program
    .command('verify')
    .description("say what Linux 6.18's verifier would say: verdicts and counters, as veristat prints them")
    .argument('<file...>', 'objects (ELF files made by clang -target bpf); with -C: two results')
    .option('-e, --emit <columns>', 'columns to show, commas between: file, prog, verdict, insns, ...', more)
    .option('-s, --sort <columns>', 'sort by these; ^ behind a column sorts up, ! down', more)
    .option('-f, --filter <filter>', 'show only: FILE/PROG globs, insns>1000; ! excludes, @FILE reads more', more)
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'csv', 'json']).default('table'))
    .option('-C, --compare', 'compare two results: (A), (B) and (DIFF)')
    .option('--fail-over <limits>', 'exit 1 where a figure grows: insns>5%, states>+10, insns>900000', parseLimitFlags)
    .option('-v, --verbose', 'print the log, the rejected path; -vv: every instruction', (_, n: number) => n + 1, 0)
    .option('-l, --log-level <level>', "the kernel's log_level: 1 paths, 2 everything, 4 statistics", parseLogLevel)
    .option(
      '--explain',
      'explain each rejection: reason, place, what was known, path, suggestion; docs/verifier.md has an example of each',
    )
    .option('--sarif <file>', 'write rejections as SARIF 2.1.0')
    .option('--github', 'print rejections as annotations of GitHub workflows')
    .option('--unpriv', 'as without any capability')
    .option('--cap-bpf', 'as with CAP_BPF and CAP_NET_ADMIN, without CAP_PERFMON')
    .option('--btf <file>', 'BTF of the kernel to relocate against (CO-RE)')
    .option('--type <type>', 'program type where the section name says nothing, such as xdp or sched_cls')
    .option('--jobs <threads>', 'verify in several threads', parseCount, 1)
    .action(async (files: string[], flags: VerifyFlags) => {
      io.exit(flags.compare === true ? await compare(files, flags, io) : await verifyFiles(files, flags, io));
    });
}

function parseLimitFlags(text: string, before: readonly GrowthLimit[] = []): readonly GrowthLimit[] {
  return [...before, ...parseLimits(text)];
}

/** The rules that flags choose; undefined for a program loaded by root. */
export function capabilitiesOf(flags: Pick<VerifyFlags, 'unpriv' | 'capBpf'>): Capabilities | undefined {
  if (flags.unpriv === true) return { bpf: false, perfmon: false, netAdmin: false, sysAdmin: false };
  if (flags.capBpf === true) return { bpf: true, perfmon: false, netAdmin: true, sysAdmin: false };
  return undefined;
}

async function compare(files: readonly string[], flags: VerifyFlags, io: Io): Promise<number> {
  const [a, b] = files;
  if (a === undefined || b === undefined || files.length !== 2) {
    throw new ConfigError('config-usage', `-C compares two files, not ${String(files.length)}`, {
      hint: EMPTY_INPUT_HINT,
    });
  }
  const columns = parseEmit(flags.emit, COMPARED_COLUMNS);
  const keep = parseFilters(flags.filter);
  const keys = parseSort(flags.sort);
  const read = async (path: string): Promise<VerifyRow[]> =>
    sortRows(parseRows(Buffer.from(await readInput(path)).toString(), path).filter(keep), keys);
  const pairs = pairRows(await read(a), await read(b));
  io.out(renderComparison(pairs, columns, flags.output));
  return reportLimits(overLimits(pairs, flags.failOver ?? []), io);
}

function reportLimits(lines: readonly string[], io: Io): number {
  for (const line of lines) io.err(`${line}\n`);
  return lines.length === 0 ? 0 : EXIT_NO;
}

async function loadAll(files: readonly string[], flags: VerifyFlags): Promise<PoolObject[]> {
  const targetBtf = flags.btf === undefined ? undefined : await readInput(flags.btf);
  const parsed = targetBtf === undefined ? undefined : parseBtf(targetBtf, flags.btf);
  const progType = flags.type === undefined ? undefined : typeNamed(flags.type);
  const objects: PoolObject[] = [];
  for (const name of files) {
    const bytes = await readInput(name);
    const common = { name, ...(progType === undefined ? {} : { progType }) };
    const spec = loadObject(bytes, { ...common, ...(parsed === undefined ? {} : { targetBtf: parsed }) });
    objects.push({ bytes, load: { ...common, ...(targetBtf === undefined ? {} : { targetBtf }) }, spec });
  }
  return objects;
}

async function verifyFiles(files: readonly string[], flags: VerifyFlags, io: Io): Promise<number> {
  const keys = parseSort(flags.sort);
  const keep = parseFilters(flags.filter);
  const columns = parseEmit(flags.emit, flags.output === 'csv' ? CSV_COLUMNS : DEFAULT_COLUMNS);
  const level = flags.logLevel ?? flags.verbose ?? 0;
  const caps = capabilitiesOf(flags);
  const options = { logLevel: level, ...(caps === undefined ? {} : { caps }) };
  const wants = parseNameFilters(flags.filter);
  const tasks = await verifyObjects(
    await loadAll(files, flags),
    (file, { name }) => wants(file, name),
    options,
    flags.jobs,
  );
  const rows = sortRows(tasks.map(rowOf).filter(keep), keys);
  if (flags.output === 'table') {
    if (level > 0) for (const row of rows) io.out(logText(row));
    io.out(renderRows(rows, columns, flags.output));
    io.out(notes(rows, flags, io));
  } else io.out(renderRows(rows, columns, flags.output));
  if (flags.github === true) io.out(renderAnnotations(rows));
  if (flags.sarif !== undefined) writeText(flags.sarif, renderSarif(rows, version()), io);
  const alone = rows.map((b) => ({ file: b.file, program: b.program, b }));
  const over = reportLimits(overLimits(alone, flags.failOver ?? []), io);
  return rows.some(({ verdict }) => verdict === 'failure') ? EXIT_NO : over;
}

const VERDICT_WORDS = { accept: 'success', reject: 'failure', unsupported: 'unsupported' } as const;

function rowOf({ file, program, slots, verdict, durationUs }: VerifiedTask): VerifiedProgram {
  const { stats } = verdict;
  return {
    file,
    program: program.name,
    verdict: VERDICT_WORDS[verdict.kind],
    progType: program.type,
    attachType: program.attachType ?? '',
    numbers: {
      duration: durationUs,
      insns: stats.processed,
      states: stats.totalStates,
      size: slots,
      peak_states: stats.peakStates,
      max_states: stats.maxStatesPerInsn,
      mark_read: stats.markRead,
      stack: stats.stackDepths.reduce((sum, bytes) => sum + bytes, 0),
    },
    spec: program,
    answer: verdict,
    ...(verdict.kind === 'reject' ? { report: explainRejection(verdict) } : {}),
  };
}

function logText({ file, program, answer }: VerifiedProgram): string {
  const result = answer.kind === 'reject' ? `rejected, errno ${String(answer.errno)}` : answer.kind;
  return `Log of ${file}/${program} (${result}):\n${answer.log}\n`;
}

/** What a table cannot say: why programs were rejected, or not decided. */
function notes(rows: readonly VerifiedProgram[], flags: VerifyFlags, io: Io): string {
  return rows
    .map(({ program, answer, report }) => {
      if (report !== undefined) {
        const text = flags.explain === true ? renderReport(report, program, io.colours) : renderBrief(report, program);
        return `\n${text}`;
      }
      return answer.kind === 'unsupported' ? `\n${program}: not decided, unsupported by skep: ${answer.what}\n` : '';
    })
    .join('');
}

function writeText(path: string, text: string, io: Io): void {
  if (path === '-') {
    io.out(text);
    return;
  }
  const output = openOutput(path);
  try {
    output.write(Buffer.from(text));
    output.commit();
  } finally {
    output.discard();
  }
}
