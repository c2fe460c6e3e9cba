/** Runs one test by annotation: the program once, over the bytes that the kernel's own runner gives it. */
import type { TestRun } from '../datapath/test-run.js';
import type { AnnotatedTest } from './find-annotated.js';
import type { TestResult } from './test-result.js';

const DATA_BYTES = 64;

export function runAnnotatedTest({ name, program, retval, refused }: AnnotatedTest, run: TestRun): TestResult {
  const none = { name, steps: [], subtests: [], log: [] };
  if (refused) return { ...none, status: 'skip', reason: 'is expected to be refused: a test for the verifier' };
  if (retval === undefined)
    return { ...none, status: 'skip', reason: 'is expected to be accepted: a test for the verifier' };
  const result = run.run(program, { data: new Uint8Array(DATA_BYTES) });
  const { errno, insns, trace, trap } = result;
  const ended = {
    ...none,
    steps: [
      {
        step: 'check' as const,
        program: program.name,
        retval: result.retval,
        insns,
        trace,
        ...(trap === undefined ? {} : { trap }),
      },
    ],
  };
  if (trap !== undefined) return { ...ended, status: 'error', reason: `did not end: ${trap.message}` };
  if (errno !== 0) return { ...ended, status: 'error', reason: `BPF_PROG_TEST_RUN fails with errno ${String(errno)}` };
  const got = result.retval | 0;
  if (got === retval) return { ...ended, status: 'pass' };
  return { ...ended, status: 'fail', reason: `returned ${String(got)}, must return ${String(retval)}` };
}
