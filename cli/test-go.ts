/** Tests as `go test -v` reports them: a line for each as it starts and as it ends, and one for each object. */
import { objectName } from '../node/test-files.js';
import type { FileReport, TimedResult } from '../node/test-files.js';
import type { TestStatus } from '../vm/index.js';
import type { Reporter, ReportOptions } from './reporter.js';
import { countsText, detailLines } from './test-details.js';

const WORDS: Readonly<Record<TestStatus, string>> = { pass: 'PASS', fail: 'FAIL', error: 'FAIL', skip: 'SKIP' };
const INDENT = '    ';

export const goReporter: Reporter = {
  file(report, options) {
    const name = objectName(report.file);
    const tests = report.tests.map((test) => renderTest(`${name}/${test.name}`, test, options));
    return `${tests.join('')}${objectLine(report)}`;
  },
  end(reports) {
    const tests = reports.flatMap((report) => report.tests);
    const objects = `${String(reports.length)} object${reports.length === 1 ? '' : 's'}`;
    return reports.length > 1 ? `${countsText(tests)} in ${objects}\n` : '';
  },
};

function renderTest(name: string, test: TimedResult, options: ReportOptions): string {
  const lines = [`=== RUN   ${name}`];
  for (const subtest of test.subtests) {
    lines.push(`=== RUN   ${name}/${subtest.name}`, ...subtest.log.map((line) => `${INDENT}${line}`));
  }
  lines.push(...detailLines(test, options).map((line) => `${INDENT}${line}`));
  lines.push(`--- ${WORDS[test.status]}: ${name} (${test.seconds.toFixed(2)}s)`);
  for (const { name: subtest, status } of test.subtests) {
    lines.push(`${INDENT}--- ${WORDS[status]}: ${name}/${subtest} (0.00s)`);
  }
  return `${lines.join('\n')}\n`;
}

function objectLine({ file, tests, seconds, problem }: FileReport): string {
  const failed = problem !== undefined || tests.some(({ status }) => WORDS[status] === 'FAIL');
  return `${failed ? 'FAIL' : 'ok  '}\t${file}\t${seconds.toFixed(3)}s\t${problem?.message ?? countsText(tests)}\n`;
}
