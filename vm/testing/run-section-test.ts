/**
 * Runs one test that lies in sections: each step takes the packet and the context that the step before it left. How they
 * are handed on is what Cilium's runner does over BPF_PROG_TEST_RUN. Knows no object as a whole.
 */
import { concatBytes, viewOf } from '../bytes.js';
import type { TestRunResult } from '../datapath/test-run.js';
import type { MapHandle } from '../machine/map-table.js';
import type { ProgramSpec } from '../object/object-spec.js';
import { CTX_LAYOUTS } from '../spec/ctx.js';
import type { SectionTest, StepName, TestStep } from './find-tests.js';
import { readSuiteResult } from './suite-result.js';
import type { SuiteResult } from './suite-result.js';
import type { StepResult, TestResult } from './test-result.js';
import { statusOf, stopsTest } from './test-status.js';
import type { TestStatus } from './test-status.js';

/** What the first step is given: a page without headroom and tailroom, all zeros. */
const FIRST_PACKET_BYTES = 4096 - 256 - 320;
/** Length of the code that setup returned, in front of the packet that check gets. */
export const SETUP_CODE_BYTES = 4;
const ENTRY_0 = new Uint8Array(4);

/** What a step runs on. */
export interface StepInput extends TestStep {
  readonly data: Uint8Array;
  readonly ctx: Uint8Array | undefined;
}

/** Runs one step; called by the order of steps. */
export type RunStep = (input: StepInput) => TestRunResult;

export interface SectionTestMaps {
  /** Where checks write their results; undefined where the object has no such map. */
  readonly results: MapHandle | undefined;
  /** Maps whose entry 0 is cleared after the test. */
  readonly cleared: readonly MapHandle[];
}

export function runSectionTest({ name, steps }: SectionTest, runStep: RunStep, maps: SectionTestMaps): TestResult {
  const done: StepResult[] = [];
  let data: Uint8Array = new Uint8Array(FIRST_PACKET_BYTES);
  const hasContext = steps.at(-1)?.program.type !== 'xdp';
  let ctx = hasContext ? new Uint8Array(CTX_LAYOUTS.__sk_buff.bytes) : undefined;
  const ended = (status: TestStatus, reason?: string): TestResult => {
    const { subtests, log } = takeResults(maps);
    const failed =
      subtests.find((subtest) => subtest.status === 'error') ?? subtests.find((subtest) => subtest.status === 'fail');
    return {
      name,
      status: status === 'pass' && failed !== undefined ? failed.status : status,
      steps: done,
      subtests,
      log,
      ...(reason === undefined ? {} : { reason }),
    };
  };
  for (const { step, program } of steps) {
    const result = runStep({ step, program, data, ctx });
    done.push(stepResult(step, program, result));
    const { errno, retval, trap } = result;
    if (trap !== undefined) return ended('error', `${step} did not end: ${trap.message}`);
    if (errno !== 0)
      return ended('error', `${step} cannot be run: BPF_PROG_TEST_RUN fails with errno ${String(errno)}`);
    if (step === 'check') return verdict(retval, ended);
    if (stopsTest(retval)) return ended('error', `${step} returned ${String(retval)}`);
    data = step === 'setup' ? concatBytes([code(retval), result.data]) : result.data;
    if (hasContext) ctx = Uint8Array.from(result.ctx);
  }
  return ended('error', 'there is no check');
}

function verdict(retval: number, ended: (status: TestStatus, reason?: string) => TestResult): TestResult {
  const status = statusOf(retval);
  if (status === undefined) return ended('error', `check returned ${String(retval)}, which is no status of a test`);
  return ended(status);
}

function stepResult(step: StepName, program: ProgramSpec, { retval, insns, trace, trap }: TestRunResult): StepResult {
  return { step, program: program.name, retval, insns, trace, ...(trap === undefined ? {} : { trap }) };
}

function code(retval: number): Uint8Array {
  const bytes = new Uint8Array(SETUP_CODE_BYTES);
  viewOf(bytes).setUint32(0, retval, true);
  return bytes;
}

/** Reads what the check wrote, and clears it for the next test. */
function takeResults({ results, cleared }: SectionTestMaps): SuiteResult {
  const bytes = results?.get(ENTRY_0);
  for (const map of results === undefined ? cleared : [results, ...cleared]) {
    map.set(ENTRY_0, new Uint8Array(map.valueBytes));
  }
  return bytes === undefined ? { subtests: [], log: [] } : readSuiteResult(bytes);
}
