/** What there is to say of a test beside its status, as lines of text: the same in every format. */
import type { Failure, LineInfo, TestResult } from '../vm/index.js';
import type { ReportOptions } from './reporter.js';

/** Lines of a test: its log, why it failed and where, what its programs printed. */
export function detailLines(test: TestResult, { verbose }: ReportOptions): string[] {
  const lines = [...test.log];
  const isFailure = test.status === 'fail' || test.status === 'error';
  if (test.reason !== undefined) lines.push(test.reason);
  if (test.failure !== undefined) lines.push(...failureLines(test.failure));
  if (!isFailure && !verbose) return lines;
  for (const { step, retval, insns, trace, trap, program } of test.steps) {
    if (trap?.line !== undefined) lines.push(lineText(trap.line));
    lines.push(...trace.map((line) => `${step} printed: ${line}`));
    if (verbose) lines.push(`${step} ${program} returned ${String(retval)} after ${String(insns)} insns`);
  }
  return lines;
}

function failureLines({ place, differences }: Failure): string[] {
  const lines = place === undefined ? [] : [lineText(place)];
  for (const { what, got, wanted } of differences) {
    lines.push(wanted === undefined ? `${what} is ${got}` : `${what} is ${got}, must be ${wanted}`);
  }
  return lines;
}

function lineText({ file, line, text }: Pick<LineInfo, 'file' | 'line' | 'text'>): string {
  return `${file.replace(/^(?:\.\/)+/, '')}:${String(line)}: ${text.trim()}`;
}

/** How a group of tests stands: "3 passed, 1 failed". */
export function countsText(tests: readonly TestResult[]): string {
  const counts = [
    ['passed', tests.filter(({ status }) => status === 'pass').length],
    ['failed', tests.filter(({ status }) => status === 'fail').length],
    ['could not run', tests.filter(({ status }) => status === 'error').length],
    ['skipped', tests.filter(({ status }) => status === 'skip').length],
  ] as const;
  const parts = counts.filter(([, count]) => count > 0).map(([word, count]) => `${String(count)} ${word}`);
  return parts.length === 0 ? 'no tests' : parts.join(', ');
}
