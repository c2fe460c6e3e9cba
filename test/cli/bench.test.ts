/** `skep bench` as a user meets it: exact costs, two builds compared, limits; of times only that they are there. */
import t from 'tap';
import { equalsGolden } from '../support/golden.js';
import { runSkep } from '../support/run-skep.js';

const FIREWALL = 'bpf/firewall.bpf.o';
const PARSER = 'bpf/bench/parser.bpf.o';
const HTTP = 'pcaps/http.pcap';

const GOLDENS = [
  { name: 'one', args: [FIREWALL] },
  { name: 'two', args: [PARSER, FIREWALL] },
  { name: 'same', args: [FIREWALL, FIREWALL] },
] as const;

for (const { name, args } of GOLDENS) {
  t.test(`golden: ${name}`, async (t) => {
    const { status, stdout, stderr } = await runSkep(['bench', ...args, '-r', HTTP, '--no-time']);
    t.equal(status, 0);
    t.equal(stderr, '');
    equalsGolden(t, stdout, `test/cli/bench-goldens/${name}.txt`);
  });
}

const LIMITS: readonly (readonly [a: string, b: string, limit: string, status: number, said: RegExp])[] = [
  [FIREWALL, FIREWALL, 'insns:0,helpers:0,maps:0', 0, /^$/],
  [PARSER, FIREWALL, 'insns:0', 1, /^insns: 479217 instead of 43461 \(\+1002\.64 %\), more than 0 %\n$/],
  [PARSER, FIREWALL, 'insns:2000', 0, /^$/],
  [PARSER, FIREWALL, 'helpers:10', 1, /^helper calls: 10029 instead of 0 \(from 0\)/],
  [FIREWALL, PARSER, 'insns:0,maps:0', 0, /^$/],
];

for (const [a, b, limit, status, said] of LIMITS) {
  t.test(`--fail-over ${limit}: ${a} to ${b}`, async (t) => {
    const found = await runSkep(['bench', a, b, '-r', HTTP, '--no-time', '--fail-over', limit]);
    t.equal(found.status, status);
    t.match(found.stderr, said);
  });
}

t.test('--json, with the time', async (t) => {
  const args = [FIREWALL, FIREWALL, '-r', HTTP, '-c', '20', '--rounds', '8', '--json'];
  const { status, stdout } = await runSkep(['bench', ...args]);
  t.equal(status, 0);
  const build = { program: 'firewall', engine: 'wasm', checked: false, total: { packets: 20 } };
  const found = JSON.parse(stdout) as { builds: { ns: { median: number } }[] };
  t.match(found, {
    capture: HTTP,
    builds: [
      { ...build, ns: { packets: 20, rounds: 8 } },
      { ...build, ns: { packets: 20, rounds: 8 } },
    ],
    compared: { insns: { same: 20, dearer: 0, cheaper: 0 }, ns: { isSeen: Boolean } },
  });
  for (const { ns } of found.builds) t.ok(ns.median > 0);
});

const WRONG: readonly (readonly [name: string, args: readonly string[], said: RegExp])[] = [
  ['no limit', [FIREWALL, FIREWALL, '-r', HTTP, '--fail-over', 'insns'], /insns:0/],
  ['a limit for one build', [FIREWALL, '-r', HTTP, '--fail-over', 'insns:0'], /compares two builds/],
  ['a limit of what is not taken', [FIREWALL, FIREWALL, '-r', HTTP, '--no-time', '--fail-over', 'ns:5'], /no-time/],
  ['several stages', ['examples/chain.yaml', '-r', HTTP], /several stages/],
  ['no capture', [FIREWALL], /--read/],
  ['a broken capture', [FIREWALL, '-r', FIREWALL], /ELF object/],
  ['no program for packets', ['bpf/examples/packet-access.bpf.o', '-r', HTTP], /several programs/],
];

for (const [name, args, said] of WRONG) {
  t.test(`exit 2: ${name}`, async (t) => {
    const { status, stderr } = await runSkep(['bench', ...args]);
    t.equal(status, 2);
    t.match(stderr, said);
  });
}
