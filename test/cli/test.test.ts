/** `skep test` as a user meets it: each format, names, patterns, exit codes, and what it says of bad input. */
import t from 'tap';
import { equalsGolden } from '../support/golden.js';
import { runSkep } from '../support/run-skep.js';

const OUTCOMES = 'bpf/examples/outcomes.bpf.o';
const POLICY = 'bpf/tests/policy.test.o';

/** Times differ from run to run. */
function withoutTimes(text: string): string {
  return text.replace(/\b\d+\.\d{2,3}s\b/g, '0s').replace(/("?(?:time|seconds)"?[=:] ?"?)[\d.e-]+/g, '$10');
}

for (const format of ['go', 'tap', 'junit', 'json']) {
  for (const engine of ['interp', 'wasm']) {
    t.test(`golden: ${format}, ${engine}`, async (t) => {
      const { status, stdout, stderr } = await runSkep([
        'test',
        '--no-verify',
        '--format',
        format,
        '--engine',
        engine,
        OUTCOMES,
      ]);
      t.equal(status, 1);
      t.equal(stderr, '');
      equalsGolden(t, withoutTimes(stdout), `test/cli/test-goldens/${format}.txt`);
    });
  }
}

t.test('-v also tells of steps that passed', async (t) => {
  const { stdout } = await runSkep(['test', '--no-verify', '-v', '--run', 'handed_on', OUTCOMES]);
  t.match(stdout, /setup handed_on_setup returned 7 after \d+ insns/);
});

t.test('--list names the tests', async (t) => {
  const { status, stdout } = await runSkep(['test', '--no-verify', '--list', '--run', '/h', OUTCOMES]);
  t.equal(status, 0);
  t.equal(stdout, 'outcomes.bpf.o/handed_on\noutcomes.bpf.o/has_subtests\n');
});

for (const run of [['--run', '^policy.*/reply'], ['-run', '^policy.*/reply'], ['-run=^policy.*/reply']]) {
  t.test(run.join(' '), async (t) => {
    const { status, stdout } = await runSkep(['test', '--no-verify', ...run, OUTCOMES, POLICY]);
    t.equal(status, 0);
    t.equal(stdout.match(/^--- PASS: policy\.test\.o\/reply/gm)?.length, 6);
    t.match(stdout, /^6 passed in 2 objects$/m);
  });
}

t.test('every format names every test', async (t) => {
  for (const format of ['go', 'tap', 'junit', 'json']) {
    const { status, stdout } = await runSkep(['test', '--no-verify', '--format', format, POLICY]);
    t.equal(status, 0);
    for (const name of ['allow_peer_and_port_v6', 'deny_a_port_within_a_range', 'fragment_first'])
      t.match(stdout, name);
  }
});

const REFUSALS: readonly { name: string; args: readonly string[]; says: RegExp }[] = [
  { name: 'no such object', args: ['no-such.o'], says: /^skep: no-such\.o: cannot read: no such file$/m },
  { name: 'not an object', args: ['README.md'], says: /^skep: README\.md, byte offset 0x0: / },
  {
    name: 'no tests',
    args: ['bpf/firewall.bpf.o'],
    says: /there are no tests in this object\n {2}hint: .*docs\/testing\.md/,
  },
  { name: 'no match', args: ['--run', 'nothing_of_this', POLICY], says: /no test matches nothing_of_this/ },
  { name: 'not a pattern', args: ['--run', '(', POLICY], says: /Unterminated group/ },
  { name: 'unknown format', args: ['--format', 'xml', POLICY], says: /Allowed choices are go, tap, junit, json/ },
  {
    name: 'no such map for results',
    args: ['--result-map', 'suite_results_map', OUTCOMES],
    says: /there is no map `suite_results_map`\n {2}hint: did you mean.*suite_result_map/,
  },
  {
    name: 'a map for results that is no array',
    args: ['--result-map', 'calls', OUTCOMES],
    says: /`calls` is no array/,
  },
  { name: 'no such map to clear', args: ['--clear-map', 'nope', OUTCOMES], says: /there is no map `nope`/ },
];

for (const { name, args, says } of REFUSALS) {
  t.test(`refused: ${name}`, async (t) => {
    const { status, stderr } = await runSkep(['test', '--no-verify', ...args]);
    t.equal(status, 2);
    t.match(stderr, says);
  });
}

t.test('one bad object does not keep the others from running', async (t) => {
  const { status, stdout, stderr } = await runSkep(['test', '--no-verify', 'no-such.o', POLICY]);
  t.equal(status, 2);
  t.match(stdout, /^ok {2}\tbpf\/tests\/policy\.test\.o\t/m);
  t.match(stderr, /no such file/);
});

t.test('--jobs: the same report, whichever object is done first', async (t) => {
  const args = ['--run', 'fragment', 'bpf/tests/lb.test.o', OUTCOMES, POLICY];
  const one = await runSkep(['test', ...args]);
  const two = await runSkep(['test', '--jobs', '2', ...args]);
  t.equal(two.status, 0);
  t.equal(withoutTimes(two.stdout), withoutTimes(one.stdout));
});
