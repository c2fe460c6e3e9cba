/** Tests as JUnit XML, as CI servers read it: a suite for each object, a case for each test and subtest. */
import { objectName } from '../node/test-files.js';
import type { FileReport, TimedResult } from '../node/test-files.js';
import type { TestStatus } from '../vm/index.js';
import type { Reporter, ReportOptions } from './reporter.js';
import { detailLines } from './test-details.js';

export const junitReporter: Reporter = {
  end(reports, options) {
    const suites = reports.map((report) => suite(report, options)).join('');
    return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites}</testsuites>\n`;
  },
};

interface Case {
  readonly name: string;
  readonly status: TestStatus;
  readonly seconds: number;
  readonly lines: readonly string[];
}

function suite({ file, tests, seconds, problem }: FileReport, options: ReportOptions): string {
  const cases = tests.flatMap((test) => casesOf(test, options));
  if (problem !== undefined) cases.push({ name: 'load', status: 'error', seconds: 0, lines: [problem.message] });
  const count = (status: TestStatus): number => cases.filter((each) => each.status === status).length;
  const numbers = attributes({
    name: file,
    tests: cases.length,
    failures: count('fail'),
    errors: count('error'),
    skipped: count('skip'),
    time: seconds.toFixed(3),
  });
  const inner = cases.map((each) => renderCase(objectName(file), each)).join('');
  return `  <testsuite${numbers}>\n${inner}  </testsuite>\n`;
}

function casesOf(test: TimedResult, options: ReportOptions): Case[] {
  const { name, status, seconds, subtests } = test;
  return [
    { name, status, seconds, lines: detailLines(test, options) },
    ...subtests.map((each) => ({ name: `${name}/${each.name}`, status: each.status, seconds: 0, lines: each.log })),
  ];
}

function renderCase(object: string, { name, status, seconds, lines }: Case): string {
  const head = `    <testcase${attributes({ classname: object, name, time: seconds.toFixed(3) })}`;
  const text = lines.join('\n');
  const body =
    status === 'skip'
      ? '<skipped/>'
      : status === 'pass'
        ? text === ''
          ? ''
          : `<system-out>${escaped(text)}</system-out>`
        : `<${status === 'fail' ? 'failure' : 'error'}${attributes({ message: lines[0] ?? status })}>${escaped(text)}</${status === 'fail' ? 'failure' : 'error'}>`;
  return body === '' ? `${head}/>\n` : `${head}>\n      ${body}\n    </testcase>\n`;
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join('');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** XML has no way to say most control characters. */
function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (each) => ENTITIES[each] ?? each).replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, '\ufffd');
}
