/**
 * Runs the tests of object files, several at once in threads of their own where that is asked for. Reports come in the order
 * of the files. Knows nothing of how reports look.
 */
import { Worker } from 'node:worker_threads';
import { listTests, parseBtf, SkepError, testObject } from '../vm/index.js';
import type { Checks, EngineName, ObjectSpec, RejectionReport, TestResult, Where } from '../vm/index.js';
import type { ProgId } from '../vm/object/object-spec.js';
import { findSectionTests } from '../vm/testing/find-tests.js';
import { readInput } from './read-input.js';
import { VerdictCache } from './verdict-cache.js';
import { RejectedProgram, verifyFirst } from './verify-first.js';
import type { FirstVerdict } from './verify-first.js';

/** What to run and how; can be sent to a thread. */
export interface TestFilesOptions {
  /** Left out, `preferred` where it can be used. */
  readonly engine?: EngineName;
  readonly preferred?: EngineName;
  /** Whether programs start in `interp` and are compiled once they have run enough. */
  readonly tiered?: boolean;
  /** A regular expression that a test's name, with its object's in front, has to match. */
  readonly run?: string;
  /** Names instead of running. */
  readonly list?: boolean;
  readonly memoryBytes?: number;
  readonly fuel?: number;
  readonly cpus?: number;
  readonly seed?: number;
  /** Path of a kernel's BTF. */
  readonly btf?: string;
  readonly resultMap?: string;
  readonly clearMaps?: readonly string[];
  /** Verify what is going to run before it does. */
  readonly verify?: boolean;
  /** Where verdicts are remembered. */
  readonly cacheFolder?: string;
}

/** An error as data. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly where: Where;
  readonly hint: string | undefined;
}

export interface TimedResult extends TestResult {
  readonly seconds: number;
}

/** What came of one file. */
export interface FileReport {
  readonly file: string;
  readonly tests: readonly TimedResult[];
  /** Names of tests, where only they were asked for. */
  readonly names: readonly string[];
  readonly seconds: number;
  /** Why its tests could not be run, or not all of them. */
  readonly problem?: Problem;
  /** The program that the verifier rejects: none of the file's tests ran. */
  readonly rejected?: { readonly program: string; readonly report: RejectionReport };
  /** Programs that the verifier does not decide, and why: they ran with all checks. */
  readonly undecided?: readonly { readonly program: string; readonly what: string }[];
}

/** Last part of the path, as tests are named by it. */
export function objectName(file: string): string {
  return file.replace(/^.*[/\\]/, '');
}

/** Runs one file in this thread. Bad input is told in the report. */
export async function testFile(file: string, options: TestFilesOptions): Promise<FileReport> {
  const { run, list, btf, verify, cacheFolder, ...rest } = options;
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  try {
    const bytes = await readInput(file);
    const pattern = run === undefined ? undefined : new RegExp(run);
    const all = {
      ...rest,
      name: file,
      ...(btf === undefined ? {} : { targetBtf: parseBtf(await readInput(btf), btf) }),
      ...(pattern === undefined ? {} : { selects: (name: string) => pattern.test(`${objectName(file)}/${name}`) }),
    };
    if (list === true) return { file, tests: [], names: listTests(bytes, all), seconds: seconds() };
    let first: FirstVerdict | undefined;
    const judge = (object: ObjectSpec): Partial<Checks> => {
      first ??= verifyFirst(object, programsOf(object, all.selects), bytes, new VerdictCache(cacheFolder));
      return rest.fuel === undefined ? first.checks : { ...first.checks, fuel: true };
    };
    const times: number[] = [];
    const onTest = (): number => times.push(seconds());
    const results = testObject(bytes, { ...all, ...(verify === true ? { judge } : {}), onTest });
    const tests = results.map((result, index) => ({
      ...result,
      seconds: (times[index + 1] ?? 0) - (times[index] ?? 0),
    }));
    return { file, tests, names: [], seconds: seconds(), undecided: first?.undecided ?? [] };
  } catch (error) {
    if (error instanceof RejectedProgram) {
      const { program, report } = error;
      return { file, tests: [], names: [], seconds: seconds(), rejected: { program, report } };
    }
    if (!(error instanceof SkepError)) throw error;
    const { message, where, hint } = error as SkepError;
    const { code } = error as SkepError;
    return { file, tests: [], names: [], seconds: seconds(), problem: { code, message, where, hint } };
  }
}

/** Programs of the tests that are chosen. */
function programsOf(object: ObjectSpec, selects: (name: string) => boolean = () => true): ProgId[] {
  const wanted = findSectionTests(object).flatMap(({ name, steps }) => (selects(name) ? steps : []));
  return wanted.map(({ program }) => object.programs.indexOf(program));
}

/** Runs files, `jobs` at once; hands each report over as soon as those of the files before it are there. */
export async function testFiles(
  files: readonly string[],
  options: TestFilesOptions,
  jobs: number,
  report: (report: FileReport) => void,
): Promise<void> {
  if (jobs <= 1 || files.length <= 1) {
    for (const file of files) report(await testFile(file, options));
    return;
  }
  const waiting = new Map<number, FileReport>();
  let next = 0;
  let told = 0;
  const done = (index: number, each: FileReport): void => {
    waiting.set(index, each);
    for (let first = waiting.get(told); first !== undefined; first = waiting.get(told)) {
      waiting.delete(told++);
      report(first);
    }
  };
  const work = async (): Promise<void> => {
    const thread = new TestThread(options);
    try {
      while (next < files.length) {
        const index = next++;
        done(index, await thread.run(files[index] ?? ''));
      }
    } finally {
      await thread.close();
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, files.length) }, work));
}

class TestThread {
  readonly #worker: Worker;

  constructor(options: TestFilesOptions) {
    this.#worker = new Worker(new URL(import.meta.resolve('./test-thread.js')), { workerData: options });
  }

  run(file: string): Promise<FileReport> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        reject(error);
      };
      this.#worker.once('error', fail);
      this.#worker.once('message', (report: FileReport) => {
        this.#worker.off('error', fail);
        resolve(report);
      });
      this.#worker.postMessage(file);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
