/** Tests as TAP version 14: a point for each test, with its subtests inside. */
import { objectName } from '../node/test-files.js';
import type { FileReport, TimedResult } from '../node/test-files.js';
import type { TestStatus } from '../vm/index.js';
import type { Reporter, ReportOptions } from './reporter.js';
import { detailLines } from './test-details.js';

const INDENT = '    ';

/** Points are numbered over all files, so nothing can be said before the end. */
export const tapReporter: Reporter = {
  begin: () => 'TAP version 14\n',
  end(reports, options) {
    const points = reports.flatMap((report) => pointsOf(report, options));
    const lines = points.map((render, index) => render(index + 1));
    return `${lines.join('')}1..${String(points.length)}\n`;
  },
};

type Point = (number: number) => string;

function pointsOf({ file, tests, problem }: FileReport, options: ReportOptions): Point[] {
  const points = tests.map(
    (test): Point =>
      (number) =>
        testPoint(number, objectName(file), test, options),
  );
  if (problem === undefined) return points;
  return [...points, (number) => pointLine(number, 'error', objectName(file)) + diagnostics([problem.message])];
}

function testPoint(number: number, object: string, test: TimedResult, options: ReportOptions): string {
  const name = `${object}/${test.name}`;
  const inner = test.subtests
    .map(({ name: subtest, status, log }, index) => pointLine(index + 1, status, subtest) + diagnostics(log))
    .join('');
  const subtests =
    inner === '' ? '' : indent(`# Subtest: ${escaped(name)}\n${inner}1..${String(test.subtests.length)}\n`);
  return subtests + pointLine(number, test.status, name) + diagnostics(detailLines(test, options));
}

function pointLine(number: number, status: TestStatus, name: string): string {
  const ok = status === 'pass' || status === 'skip';
  return `${ok ? 'ok' : 'not ok'} ${String(number)} - ${escaped(name)}${status === 'skip' ? ' # SKIP' : ''}\n`;
}

/** A YAML block with a list of lines. */
function diagnostics(lines: readonly string[]): string {
  if (lines.length === 0) return '';
  return `  ---\n  messages:\n${lines.map((line) => `    - ${JSON.stringify(line)}\n`).join('')}  ...\n`;
}

function escaped(name: string): string {
  return name.replace(/[\\#]/g, '\\$&');
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, INDENT);
}
