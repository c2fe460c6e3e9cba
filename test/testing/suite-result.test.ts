/** Results of checks as bytes: what the macros write, and what nobody should write. */
import t from 'tap';
import { concatBytes } from '../../vm/bytes.js';
import { readSuiteResult } from '../../vm/testing/suite-result.js';

const text = new TextEncoder();
const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

function fixed64(value: bigint): Uint8Array {
  const out = new Uint8Array(9);
  out[0] = 0x11;
  new DataView(out.buffer).setBigUint64(1, value, true);
  return out;
}

/** As the macros do it: each length in one byte, the NUL of the C string counted. */
function logBody(format: string, ...args: readonly bigint[]): Uint8Array {
  const inside = concatBytes([bytes(0x0a, format.length + 1), text.encode(`${format}\0`), ...args.map(fixed64)]);
  return concatBytes([bytes(inside.length), inside]);
}

/** The length of a result takes two bytes, even where one would do. */
function result(name: string, status: number, ...logs: readonly Uint8Array[]): Uint8Array {
  const inside = concatBytes([
    bytes(0x0a, name.length + 1),
    text.encode(`${name}\0`),
    bytes(0x10, status),
    ...logs.map((log) => concatBytes([bytes(0x1a), log])),
  ]);
  return concatBytes([bytes(0x0a, (inside.length & 0x7f) | 0x80, inside.length >> 7), inside]);
}

const suiteLog = (log: Uint8Array): Uint8Array => concatBytes([bytes(0x12), log]);
const LONG = 'x'.repeat(150);

const CASES: readonly { name: string; bytes: readonly Uint8Array[]; subtests?: unknown[]; log?: string[] }[] = [
  { name: 'nothing', bytes: [] },
  {
    name: 'subtests of both generations',
    bytes: [result('a', 101), result('b', 102), result('c', 103), result('d', 1), result('e', 2), result('f', 0)],
    subtests: [
      { name: 'a', status: 'pass', log: [] },
      { name: 'b', status: 'fail', log: [] },
      { name: 'c', status: 'skip', log: [] },
      { name: 'd', status: 'pass', log: [] },
      { name: 'e', status: 'fail', log: [] },
      { name: 'f', status: 'error', log: [] },
    ],
  },
  { name: 'a status that is none', bytes: [result('a', 77)], subtests: [{ name: 'a', status: 'error', log: [] }] },
  {
    name: 'log lines with arguments',
    bytes: [suiteLog(logBody('got %d, 0x%llx of %u%%', 0xffff_ffffn, 0xfeed_0000_beefn, 7n))],
    log: ['got -1, 0xfeed0000beef of 7%'],
  },
  {
    name: 'log lines of subtests and of the suite',
    bytes: [result('a', 102, logBody('one'), logBody('two')), suiteLog(logBody('three'))],
    subtests: [{ name: 'a', status: 'fail', log: ['one', 'two'] }],
    log: ['three'],
  },
  {
    name: 'lines whose length needs two bytes and has one',
    bytes: [suiteLog(logBody(`${LONG} %d`, 5n)), suiteLog(logBody('after'))],
    log: [`${LONG} 5`, 'after'],
  },
  {
    name: 'a subtest of more than 127 bytes',
    bytes: [result('a', 101, logBody(LONG)), result('b', 101)],
    subtests: [
      { name: 'a', status: 'pass', log: [LONG] },
      { name: 'b', status: 'pass', log: [] },
    ],
  },
  { name: 'a line that ends before it should', bytes: [bytes(0x12, 40, 0x0a, 90, 0x68, 0x69)], log: ['hi'] },
  { name: 'an argument too few', bytes: [suiteLog(logBody('%d of %d', 1n))], log: ['1 of %d'] },
  { name: 'fields that are unknown', bytes: [bytes(0x7f, 1, 2, 3), suiteLog(logBody('no'))] },
];

for (const { name, bytes: parts, subtests = [], log = [] } of CASES) {
  t.test(name, (t) => {
    const value = new Uint8Array(1024);
    value.set(concatBytes(parts));
    t.strictSame(readSuiteResult(value), { subtests, log });
    t.end();
  });
}

t.test('any bytes are read without an end', (t) => {
  let state = 1;
  for (let round = 0; round < 500; round++) {
    const value = Uint8Array.from({ length: 64 }, () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return [0x0a, 0x12, 0x1a, 0x10, 0x11, 0xff, 0x81, state >>> 24][(state >>> 16) & 7] ?? 0;
    });
    const { subtests, log } = readSuiteResult(value);
    t.ok(subtests.length + log.length <= 64, `seed round ${String(round)}`);
  }
  t.end();
});
