/** `skep trace` as a user meets it: goldens, JSON, and what it says of bad input. */
import t from 'tap';
import type { TraceStep } from '../../vm/index.js';
import { equalsGolden } from '../support/golden.js';
import { runSkep } from '../support/run-skep.js';

const FIREWALL = 'bpf/firewall.bpf.o';
const HTTP = 'pcaps/http.pcap';

const GOLDENS = [
  { name: 'passed', args: [FIREWALL, '-r', HTTP] },
  { name: 'dropped', args: [FIREWALL, '-r', HTTP, '--packet', '163'] },
  { name: 'bad-access', args: ['bpf/examples/bad-access.bpf.o', '--prog', 'past_packet', '-r', HTTP] },
  { name: 'subprograms', args: ['bpf/examples/subprograms.bpf.o', '--prog', 'arguments', '-r', HTTP] },
  { name: 'port-closed', args: [FIREWALL, '-r', HTTP, '--packet', '171'] },
  { name: 'tail-calls', args: ['bpf/examples/tail-calls.bpf.o', '--prog', 'parse', '-r', HTTP] },
  { name: 'each-element', args: ['bpf/examples/callbacks.bpf.o', '--prog', 'each_element', '-r', HTTP] },
  { name: 'callbacks', args: ['bpf/examples/callbacks.bpf.o', '--prog', 'loops', '-r', HTTP] },
] as const;

for (const { name, args } of GOLDENS) {
  t.test(`golden: ${name}`, async (t) => {
    const { status, stdout, stderr } = await runSkep(['trace', ...args]);
    t.equal(stderr, '');
    t.equal(status, 0);
    equalsGolden(t, stdout, `test/cli/trace-goldens/${name}.txt`);
  });
}

t.test('--json: a line an instruction, and the verdict', async (t) => {
  for (const { name, args } of GOLDENS) {
    const { stdout } = await runSkep(['trace', ...args, '--json']);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    const outcome = lines.pop() as { insns: number };
    const steps = lines as TraceStep[];
    t.equal(steps.length, outcome.insns, `${name}: as many steps as instructions`);
    const { stdout: text } = await runSkep(['trace', ...args, '--all']);
    const told = text.split('\n').flatMap((line) => /^ *(\d+): (?:.*?)(?: {2,}|$)/.exec(line)?.[1] ?? []);
    t.same(
      told.map(Number),
      steps.map(({ pc }) => pc),
      `${name}: --all tells the same steps`,
    );
  }
});
