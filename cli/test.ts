/** `skep test`: runs the tests that objects carry. */
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { objectName, testFiles } from '../node/test-files.js';
import type { FileReport, TestFilesOptions } from '../node/test-files.js';
import { ConfigError } from '../vm/index.js';
import type { EngineName } from '../vm/index.js';
import { EXIT_BAD_INPUT } from './io.js';
import type { Io } from './io.js';
import { isNotThere, trapPlace } from './missing-parts.js';
import { parseBytes, parseCount } from './option-values.js';
import { renderError } from './render-error.js';
import { rejectionText, undecidedNote } from './verify-first.js';
import type { VerifyFirstFlags } from './verify-first.js';
import { REPORTERS } from './test-reporters.js';
import type { ReportFormat } from './test-reporters.js';

interface TestFlags extends VerifyFirstFlags {
  readonly run?: string;
  readonly list?: true;
  readonly format: ReportFormat;
  readonly jobs: number;
  readonly engine?: EngineName;
  readonly verbose?: true;
  readonly memory?: number;
  readonly cpus?: number;
  readonly seed?: number;
  readonly btf?: string;
  readonly resultMap?: string;
  readonly clearMap?: readonly string[];
}

/** Exit code where a test failed. */
const EXIT_FAILED = 1;

function parsePattern(text: string): string {
  try {
    return new RegExp(text).source;
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function collect(name: string, before: readonly string[] = []): readonly string[] {
  return [...before, name];
}

/** Adds the command. Exit code 1 where a test failed, 2 where an object cannot be used. */
export function addTestCommand(program: Command, io: Io): void {
  program
    .command('test')
    .description(
      'run the tests that objects carry: programs in sections (tc|xdp)/test/NAME/(pktgen|setup|check); see docs/testing.md',
    )
    .argument('<object...>', 'ELF files made by clang -target bpf')
    .option('--run <regex>', 'only tests whose OBJECT/NAME matches; -run is the same', parsePattern)
    .option('--list', 'print the names of the tests instead of running them')
    .addOption(new Option('--format <format>', 'how to report').choices(Object.keys(REPORTERS)).default('go'))
    .option('-j, --jobs <count>', 'objects to run at once, each in a thread', parseCount, 1)
    .addOption(new Option('--engine <engine>', 'how to execute (default wasm)').choices(['interp', 'wasm']))
    .option(
      '--memory <size>',
      'linear memory for maps, packets and their shadow (default: what they need, at most 2G)',
      parseBytes,
    )
    .option('--fuel <insns>', 'instructions that one step of a test may cost', parseCount)
    .option('--cpus <cpus>', 'possible CPUs (default 1)', parseCount)
    .option('--seed <seed>', 'seed of bpf_get_prandom_u32', parseCount)
    .option('--btf <file>', 'BTF of the kernel to relocate against (CO-RE)')
    .option('--result-map <name>', 'map that takes subtests and log lines (default suite_result_map)')
    .option(
      '--clear-map <name>',
      'map to clear after each test; may be given several times (default mock_skb_meta_map)',
      collect,
    )
    .option('-v, --verbose', 'also print each step, and what programs printed, of tests that pass')
    .option('--no-verify', 'run without asking the verifier first')
    .option('--no-cache', 'do not remember verdicts, nor use those remembered')
    .action(async (objects: string[], flags: TestFlags) => {
      io.exit(await test(objects, flags, io));
    });
}

async function test(files: readonly string[], flags: TestFlags, io: Io): Promise<number> {
  const reporter = REPORTERS[flags.format];
  const reports: FileReport[] = [];
  const options = { verbose: flags.verbose === true };
  if (flags.list !== true) io.out(reporter.begin?.() ?? '');
  await testFiles(files, filesOptions(flags, io), flags.jobs, (report) => {
    reports.push(report);
    if (flags.list === true) io.out(report.names.map((name) => `${objectName(report.file)}/${name}\n`).join(''));
    else io.out(reporter.file?.(report, options) ?? '');
    if (report.problem !== undefined) io.err(renderError(report.problem));
    if (report.rejected !== undefined) io.err(rejectionText(report.rejected.program, report.rejected.report, io));
    for (const { program, what } of report.undecided ?? []) io.err(undecidedNote(program, what));
  });
  if (flags.list !== true) io.out(reporter.end(reports, options));
  if (reports.some(({ problem }) => problem !== undefined)) return EXIT_BAD_INPUT;
  if (reports.some(({ rejected }) => rejected !== undefined)) return EXIT_FAILED;
  const missing = reports.flatMap(missingParts);
  for (const error of missing) io.err(renderError(error));
  if (missing.length > 0) return EXIT_BAD_INPUT;
  const results = reports.flatMap(({ tests }) => tests);
  if (flags.run !== undefined && reports.every(({ tests, names }) => tests.length + names.length === 0)) {
    throw new ConfigError('config-value', `no test matches ${flags.run}`, { hint: '--list shows their names' });
  }
  return results.every(({ status }) => status === 'pass' || status === 'skip') ? 0 : EXIT_FAILED;
}

/** Tests that ended where something is missing say nothing of what they test. */
function missingParts({ file, tests }: FileReport): ConfigError[] {
  return tests.flatMap(({ name, steps }) =>
    steps.flatMap(({ step, trap }) => {
      if (trap === undefined || !isNotThere(trap)) return [];
      const what = `${step} of test \`${name}\` got to what skep does not run: ${trap.message}`;
      return [
        new ConfigError('config-unsupported', what, { where: { file, ...trapPlace(trap) }, data: { test: name } }),
      ];
    }),
  );
}

function filesOptions(flags: TestFlags, { cacheFolder }: Io): TestFilesOptions {
  return {
    tiered: true,
    ...(flags.engine === undefined ? { preferred: 'wasm' as const } : { engine: flags.engine }),
    verify: flags.verify,
    ...(cacheFolder === undefined || !flags.cache ? {} : { cacheFolder }),
    ...(flags.run === undefined ? {} : { run: flags.run }),
    ...(flags.list === undefined ? {} : { list: flags.list }),
    ...(flags.memory === undefined ? {} : { memoryBytes: flags.memory }),
    ...(flags.fuel === undefined ? {} : { fuel: flags.fuel }),
    ...(flags.cpus === undefined ? {} : { cpus: flags.cpus }),
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    ...(flags.btf === undefined ? {} : { btf: flags.btf }),
    ...(flags.resultMap === undefined ? {} : { resultMap: flags.resultMap }),
    ...(flags.clearMap === undefined ? {} : { clearMaps: flags.clearMap }),
  };
}
