/** `skep trace` as a user meets it: goldens, JSON, and what it says of bad input. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { runCommandLine } from '../../cli/command-line.js';
import { processIo } from '../../cli/io.js';
import type { TraceStep } from '../../vm/index.js';
import { equalsGolden } from '../support/golden.js';
import { runSkep } from '../support/run-skep.js';

const FIREWALL = 'bpf/firewall.bpf.o';
const HTTP = 'pcaps/http.pcap';

const GOLDENS = [
  { name: 'passed', args: [FIREWALL, '-r', HTTP] },
  { name: 'dropped', args: [FIREWALL, '-r', HTTP, '--packet', '163'] },
  { name: 'bad-access', args: ['bpf/examples/bad-access.bpf.o', '--prog', 'past_packet', '--no-verify', '-r', HTTP] },
  { name: 'subprograms', args: ['bpf/examples/subprograms.bpf.o', '--prog', 'arguments', '--no-verify', '-r', HTTP] },
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

t.test('golden: stages of a config, up to the one that keeps the packet', async (t) => {
  // A denied client: the load balancer sends it on, the policy drops it.
  const { status, stdout } = await runSkep(['trace', 'examples/chain.yaml', '-r', 'pcaps/mixed.pcapng', '-n', '61']);
  t.equal(status, 0);
  const stages = stdout.split(/^(?=stage )/m).map((text) => text.trimEnd().split('\n'));
  t.equal(stages.length, 2);
  t.match(stages[0]?.at(0), /^stage lb: lb of .*lb.bpf.o, packet 61 of/);
  t.match(stages[0]?.at(-1), /^XDP_TX \(3\) after \d+ insns/);
  t.match(stages[1]?.at(1), / -> 10\.0\.0\.\d:8080 |:8443 |:a::/, 'what the first stage left');
  t.match(stages[1]?.at(-1), /^TC_ACT_SHOT \(2\) after \d+ insns, 1 event/);
  t.equal((await runSkep(['trace', 'examples/chain.yaml', '-r', 'pcaps/mixed.pcapng', '-n', '2'])).status, 0);
});

t.test('a config with a variable of its own, and --set', async (t) => {
  const services =
    'services: [{ name: web, vip: 198.51.100.10, port: 80, protocol: tcp, backends: [{ address: 10.0.0.1 }] }]';
  const text = `object: ${resolve('bpf/lb.bpf.o')}\nglobals: { ring_slots: 4093 }\n${services}\n`;
  const config = join(t.testdir({ 'skep.yaml': text }), 'skep.yaml');
  const args = ['trace', config, '-r', 'pcaps/mixed.pcapng', '--set', 'hash_seed=77', '--json'];
  const lines = (await runSkep(args)).stdout.trimEnd().split('\n');
  const reads = lines.flatMap((line) => (JSON.parse(line) as Partial<TraceStep>).memory ?? []);
  t.match(reads.find(({ field }) => field === 'ring_slots')?.text, /^4093\b/);
  t.match(reads.find(({ field }) => field === 'hash_seed')?.text, /^77\b/);
});

interface Outcome {
  readonly packet: number;
  readonly verdict: string;
  readonly insns: number;
  readonly trap?: { readonly name: string; readonly pc: number };
}

/** Steps and outcome as `--json` tells them. */
async function traced(...args: readonly string[]): Promise<{ steps: TraceStep[]; outcome: Outcome }> {
  const { stdout } = await runSkep(['trace', ...args, '--json']);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  const outcome = lines.pop() as Outcome;
  return { steps: lines as TraceStep[], outcome };
}

t.test('--json: a line an instruction, and the verdict', async (t) => {
  for (const { name, args } of GOLDENS) {
    const { steps, outcome } = await traced(...args);
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

t.test('the packet meets the maps that those before it left: the same verdict and cost as in a replay', async (t) => {
  const { stdout } = await runSkep(['run', FIREWALL, '-r', HTTP, '--json', '-v']);
  const lines = stdout.split('\n');
  for (const number of [2, 40, 163, 171, 700, 1011]) {
    const replayed = JSON.parse(lines[number - 1] ?? '') as Outcome;
    const { outcome } = await traced(FIREWALL, '-r', HTTP, '-n', String(number));
    t.match(replayed, { packet: number, verdict: outcome.verdict, insns: outcome.insns }, `packet ${String(number)}`);
  }
});

t.test('the last step of a trap says what it was', async (t) => {
  const { steps, outcome } = await traced(
    ...['bpf/examples/bad-access.bpf.o', '--prog', 'past_packet', '--no-verify', '-r', HTTP],
  );
  t.same(
    steps.map(({ trap }) => trap?.name),
    [undefined, 'memory'],
  );
  t.match(outcome, { verdict: 'XDP_ABORTED', insns: 2, trap: { name: 'memory', pc: 1 } });
});

t.test('steps as data: registers, memory, helpers, branches', async (t) => {
  const { steps } = await traced(FIREWALL, '-r', HTTP, '-n', '171');
  const dstPort = steps.flatMap(({ memory }) => memory).find(({ field }) => field === 'tcp.dstport');
  t.match(dstPort, { kind: 'read', place: 'packet+36', bytes: 2, data: '0050', text: '80' });
  const counted = steps.find(({ call }) => call?.args[0] === 'counters');
  t.match(counted, {
    call: { name: 'bpf_map_lookup_elem', result: /^map `counters`.* value\+0$/ },
    registers: [{ name: 'r0', text: counted?.call?.result }],
  });
  const { steps: atomics } = await traced('bpf/examples/atomics.bpf.o', '-p', 'without_result', '-r', HTTP);
  t.match(
    atomics.find(({ insn }) => insn.startsWith('lock')),
    {
      memory: [{ kind: 'update', place: '.data+0', field: 'wide', bytes: 8 }],
    },
  );
  t.ok(steps.some(({ branch }) => branch?.taken === true));
  t.ok(steps.every(({ line }) => line?.file.endsWith('.c') === true));
});

t.test('folding: what is left out is counted', async (t) => {
  const args = ['trace', 'bpf/examples/tail-calls.bpf.o', '--prog', 'spin', '-r', HTTP];
  const { stdout: folded } = await runSkep(args);
  const { stdout: all } = await runSkep([...args, '--all']);
  const shown = (text: string): number => text.match(/^ *\d+: /gm)?.length ?? 0;
  const left = [...folded.matchAll(/\.\.\.: (\d+) insns? of further rounds/g)];
  t.equal(
    left.reduce((sum, [, count]) => sum + Number(count), shown(folded)),
    shown(all),
  );
  t.ok(shown(folded) < 30);
});

t.test('colours on a terminal, and only there', async (t) => {
  const texts: string[] = [];
  for (const colours of [true, false]) {
    let text = '';
    const out = (piece: string | Uint8Array): void => {
      text += String(piece);
    };
    await runCommandLine(['trace', 'bpf/examples/pass.bpf.o', '-r', HTTP], { ...processIo(), out, colours });
    texts.push(text);
  }
  const [coloured = '', plain = ''] = texts;
  t.match(coloured, '\u001b[');
  t.equal(coloured.replaceAll(/\u001b\[\d+m/g, ''), plain);
});

const REFUSALS: readonly { name: string; args: readonly string[]; says: RegExp }[] = [
  { name: 'no such packet', args: [FIREWALL, '-r', HTTP, '-n', '2000'], says: /no packet 2000\n {2}hint: .* 1011$/m },
  { name: 'no number', args: [FIREWALL, '-r', HTTP, '-n', '0'], says: /a whole number of at least 1/ },
  { name: 'no capture', args: [FIREWALL], says: /required option '-r, --read <capture>'/ },
  { name: 'no such object', args: ['no-such.o', '-r', HTTP], says: /no-such\.o: cannot read/ },
  { name: 'no such program', args: [FIREWALL, '-r', HTTP, '-p', 'nat'], says: /hint: it has firewall \(xdp\)/ },
];

for (const { name, args, says } of REFUSALS) {
  t.test(`refusal: ${name}`, async (t) => {
    const { status, stdout, stderr } = await runSkep(['trace', ...args]);
    t.equal(status, 2);
    t.equal(stdout, '');
    t.match(stderr, says);
  });
}

t.test('docs/trace.md shows what skep prints', async (t) => {
  const path = 'docs/trace.md';
  const page = readFileSync(path, 'utf8');
  const block = /```sh\nnpx skep (trace .*)\n```\n\n```text\n([\s\S]*?)```/g;
  const told = [...page.matchAll(block)];
  t.ok(told.length >= 2);
  let blessed = page;
  for (const [, command = '', text = ''] of told) {
    const { stdout } = await runSkep(command.split(' '));
    if (process.env.BLESS === '1')
      blessed = blessed.replace(
        `${command}\n\`\`\`\n\n\`\`\`text\n${text}`,
        () => `${command}\n\`\`\`\n\n\`\`\`text\n${stdout}`,
      );
    else t.equal(text, stdout, command);
  }
  if (process.env.BLESS === '1') writeFileSync(path, blessed);
});
