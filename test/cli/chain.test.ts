/** `skep run` over several stages: tables, JSON, captures, and what is refused. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { assembleObject } from '../../vm/asm/index.js';
import { readCaptureBytes } from '../../vm/index.js';
import { writePcap } from '../../vm/net/write-pcap.js';
import { equalsGolden } from '../support/golden.js';
import { runSkep } from '../support/run-skep.js';

const CHAIN = 'examples/chain.yaml';
const MIXED = 'pcaps/mixed.pcapng';

interface StageJson {
  readonly stage: string;
  readonly packets: number;
  readonly verdicts: readonly { verdict: string; packets: number }[];
  readonly reasons: readonly { verdict: string; reason: string; packets: number }[];
  readonly decisions: readonly {
    verdict: string;
    reason: string;
    packets: number;
    place: { line: { line: number } };
  }[];
  readonly spread: readonly { to: string; sentTo: string; flows: number; packets: number }[];
}

interface ChainJson {
  readonly packets: number;
  readonly stages: readonly [lb: StageJson, policy: StageJson];
  readonly ends: readonly { stage: string; verdict: string; packets: number }[];
}

const sum = (rows: readonly { packets: number }[]): number => rows.reduce((total, { packets }) => total + packets, 0);

t.test('golden: packets of both stages, reasons, maps', async (t) => {
  const { status, stdout, stderr } = await runSkep([
    'run',
    CHAIN,
    '-r',
    MIXED,
    '-c',
    '8',
    '-v',
    '--why',
    '--events',
    '--maps',
    'reasons,counters',
  ]);
  t.equal(status, 0);
  t.equal(stderr, '');
  equalsGolden(t, stdout, 'test/cli/run-goldens/chain.txt');
});

t.test('--json: the figures agree with each other', async (t) => {
  const { status, stdout } = await runSkep(['run', CHAIN, '-r', MIXED, '--why', '--spread', '--json']);
  t.equal(status, 0);
  const { packets, stages, ends } = JSON.parse(stdout) as ChainJson;
  const [lb, policy] = stages;
  t.equal(packets, lb.packets);
  t.equal(sum(ends), packets, 'each packet ends once');
  const sent = lb.reasons.filter(({ reason }) => reason.endsWith('_TO_BACKEND'));
  t.equal(sum(sent), policy.packets, 'what the load balancer sends to backends reaches the policy');
  for (const stage of stages) {
    for (const { verdict, packets } of stage.verdicts) {
      t.equal(sum(stage.reasons.filter((each) => each.verdict === verdict)), packets, `${stage.stage} ${verdict}`);
    }
    for (const { verdict, reason, packets } of stage.reasons) {
      const lines = stage.decisions.filter((each) => each.verdict === verdict && each.reason === reason);
      t.equal(sum(lines), packets, `${stage.stage} ${reason} is decided somewhere`);
    }
  }
  t.ok(lb.spread.length > 10 && policy.spread.length === 0);
  t.equal(sum(sent) - sum(lb.spread), 10 + 13, 'ICMP errors and later fragments have no ports');
});

t.test('--why tells reasons of a policy apart by their lines', async (t) => {
  const { stdout } = await runSkep(['run', CHAIN, '-r', MIXED, '--why', '--json']);
  const { decisions } = (JSON.parse(stdout) as ChainJson).stages[1];
  const text = readFileSync('bpf/policy.bpf.c', 'utf8').split('\n');
  const linesOf = (reason: string) =>
    decisions.filter((each) => each.reason === reason).map(({ place }) => text[place.line.line - 1]?.trim());
  t.strictSame(linesOf('REASON_DENIED'), ['return rule->deny ? REASON_DENIED : REASON_ALLOWED;']);
  t.strictSame(linesOf('REASON_NO_RULE'), ['if (general && (!rule || general->deny || general->bits > rule->bits)) {']);
});

t.test('-w has an interface for each hook, and one id for each packet all the way', async (t) => {
  const path = join(t.testdir(), 'out.pcapng');
  const { status } = await runSkep(['run', CHAIN, '-r', MIXED, '-c', '100', '-w', path]);
  t.equal(status, 0);
  const bytes = readFileSync(path);
  const text = bytes.toString('latin1');
  t.match(text, 'xdp/lb');
  t.match(text, 'tc/policy_ingress');
  const perInterface = new Map<number, number>();
  for (const { interfaceId } of readCaptureBytes(bytes)) {
    perInterface.set(interfaceId, (perInterface.get(interfaceId) ?? 0) + 1);
  }
  t.strictSame([...perInterface.keys()].sort(), [0, 1]);
});

t.test('objects one behind the other, and --set for one of them', async (t) => {
  const { status, stdout } = await runSkep([
    ...['run', 'bpf/firewall.bpf.o', 'bpf/policy.bpf.o:policy_ingress', '-r', 'pcaps/http.pcap'],
    ...['--set', 'policy_ingress.audit=1', '--memory', '256M'],
  ]);
  t.equal(status, 0);
  t.match(stdout, /^firewall -> policy_ingress over pcaps\/http.pcap$/m);
  t.match(stdout, /^firewall +XDP_DROP +342 /m);
  t.match(stdout, /^policy_ingress +TC_ACT_OK +669 /m, 'an audit lets everything pass');
});

t.test('programs of one name are told apart', async (t) => {
  const object = 'bpf/examples/pass.bpf.o';
  const { stdout } = await runSkep(['run', object, object]);
  t.match(stdout, /^(\w+) -> \1#2 over/m);
});

const REFUSALS: readonly { name: string; args: readonly string[]; says: RegExp }[] = [
  { name: '--prog with stages', args: [CHAIN, '-p', 'lb'], says: /chain.yaml:3:1: stages: .*\n.*\n.*\n.*leave --prog/ },
  {
    name: '-C with stages beside an object',
    args: ['bpf/lb.bpf.o', '-C', CHAIN],
    says: /hint: leave bpf\/lb.bpf.o away/,
  },
  { name: '--prog with objects', args: ['bpf/lb.bpf.o', CHAIN, '-p', 'lb'], says: /hint: write the program behind/ },
  { name: '-C with objects', args: ['bpf/lb.bpf.o', 'bpf/lb.bpf.o', '-C', CHAIN], says: /--config is for one object/ },
  { name: '--set without a stage', args: [CHAIN, '--set', 'audit=1'], says: /hint: say lb.audit or policy.audit/ },
  { name: '--event-type', args: [CHAIN, '--event-type', 'event'], says: /--event-type is for one object/ },
  { name: 'a map of nobody', args: [CHAIN, '--maps', 'flows'], says: /has no map `flows`/ },
  { name: 'nothing', args: [], says: /which object\?/ },
];

for (const { name, args, says } of REFUSALS) {
  t.test(`refusal: ${name}`, async (t) => {
    const { status, stdout, stderr } = await runSkep(['run', ...args]);
    t.equal(status, 2);
    t.equal(stdout, '');
    t.match(stderr, says);
  });
}

t.test('a verdict or reason that the stage does not know', async (t) => {
  const text = `stages: [{ object: ${resolve('bpf/lb.bpf.o')}, goes_on: [XDP_PAS] }]\n`;
  const config = join(t.testdir({ 'skep.yaml': text }), 'skep.yaml');
  const { status, stderr } = await runSkep(['run', config]);
  t.equal(status, 2);
  t.match(stderr, /stages\[0\]\.goes_on\[0\]: `XDP_PAS` is no verdict and no reason/);
  t.match(stderr, /hint: did you mean XDP_PASS\?/);
});

/** Redirects each packet to the ifindex in its last byte of the source MAC address; others it drops. */
const REDIRECT = `
  .section xdp
  .globl by_mac
by_mac:
  r2 = *(u32 *)(r1 + 0)
  r3 = *(u32 *)(r1 + 4)
  r4 = r2
  r4 += 14
  r0 = 1
  if r4 > r3 goto end
  r1 = *(u8 *)(r2 + 11)
  r2 = 0
  call redirect
end:
  exit
`;

t.test('a redirect to a device that is not there: the table, then one line, exit 2', async (t) => {
  const folder = t.testdir();
  const object = join(folder, 'redirect.o');
  writeFileSync(object, assembleObject(REDIRECT));
  const capture = join(folder, 'in.pcap');
  const frames = [5, 9, 5, 9, 9, 11].map((last) => Uint8Array.from({ length: 60 }, (_, i) => (i === 11 ? last : 0)));
  writeFileSync(capture, writePcap(frames.map((data) => ({ data, sec: 1, nsec: 0 }))));
  const config = join(folder, 'skep.yaml');
  writeFileSync(config, 'object: redirect.o\nworld: { devices: [{ ifindex: 5, name: eth0 }] }\n');

  const known = await runSkep(['run', config, '-r', capture, '-c', '1']);
  t.equal(known.status, 0, 'a device that is there');
  t.equal(known.stderr, '');

  const run = await runSkep(['run', config, '-r', capture]);
  t.equal(run.status, 2);
  t.match(run.stdout, /^XDP_REDIRECT +6 /m, 'nothing of the table is lost');
  t.equal(
    run.stderr,
    'skep: packet 2 was redirected to ifindex 9, which does not exist, as 3 packets; there is no ifindex 11 either\n' +
      '  hint: the world has eth0 (5); a config adds devices: docs/config.md\n',
  );
  const json = await runSkep(['run', config, '-r', capture, '--json']);
  t.equal(json.status, 2);
  t.match(JSON.parse(json.stdout), {
    missingDevices: [
      { ifindex: 9, packets: 3, first: 2 },
      { ifindex: 11, packets: 1, first: 6 },
    ],
  });
  const [, , third] = (await runSkep(['run', config, '-r', capture, '-v'])).stdout.split('\n');
  t.match(third, /XDP_REDIRECT -> eth0 /);

  const unknown = await runSkep(['run', object, '-r', capture]);
  t.equal(unknown.status, 0, 'where nobody has described the world, devices are taken to be there');

  const chain = await runSkep(['run', config, resolve('bpf/policy.bpf.o:policy_ingress'), '-r', capture]);
  t.equal(chain.status, 2);
  t.match(chain.stderr, /^skep: stage by_mac: packet 2 was redirected/);
});
