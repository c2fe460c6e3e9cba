/** `skep run` with a config and with --set: files beside it, control planes, what the command line overrides. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { runSkep } from '../support/run-skep.js';
import { unmark } from './mistakes.js';

const object = (name: string): string => resolve('bpf', `${name}.bpf.o`);

/** Writes a config and runs it; `›` marks are taken out. */
async function runConfig(t: Test, marked: string, args: readonly string[] = [], files: Record<string, string> = {}) {
  const folder = t.testdir(files);
  const { text, places } = unmark(marked);
  const file = join(folder, 'skep.yaml');
  writeFileSync(file, text);
  return { ...(await runSkep(['run', file, '--memory', '128M', ...args])), file, places };
}

const TYPED = `object: ${object('examples/typed')}\n`;

t.test('contents and globals', async (t) => {
  const dump =
    '[{"key":["0x01","0x00","0x00","0x00"],"value":["0x02","0x00","0x00","0x00","0x00","0x00","0x00","0x00"]}]';
  const text = `${TYPED}globals: { rate: 5 }\nmaps: { untyped: { from: dump.json } }\n`;
  const { status, stdout } = await runConfig(
    t,
    text,
    ['--set', 'drops=[7,8]', '--set', 'verbose=false', '--maps', '--json'],
    {
      'dump.json': dump,
    },
  );
  t.equal(status, 0);
  t.match(stdout, /"0x01000000"/, 'the dump was read');
  t.match(stdout, /"verbose": false/, '--set a truth');
  t.match(stdout, /"drops": \[\s*7,\s*8,/, '--set a list');
});

t.test('the command line comes first', async (t) => {
  const { stdout } = await runConfig(t, `${TYPED}engine: wasm\n`, ['--engine', 'interp', '--json']);
  t.equal((JSON.parse(stdout) as { engine: string }).engine, 'interp');
});

t.test('--config beside an object', async (t) => {
  const folder = t.testdir({ 'a.yaml': 'globals: { rate: 9 }\n' });
  const run = await runSkep([
    'run',
    object('examples/typed'),
    '-C',
    join(folder, 'a.yaml'),
    '--json',
    '--maps',
    '--memory',
    '128M',
  ]);
  t.equal(run.status, 0);
});

t.test('services fill the maps of the load balancer', async (t) => {
  const text = `object: ${object('lb')}
globals: { ring_slots: 251 }
services:
  - name: web
    vip: 192.0.2.10
    port: 80
    protocol: tcp
    backends: [{ address: 10.0.0.1 }, { address: 10.0.0.2, weight: 2 }]
`;
  const { status, stdout } = await runConfig(t, text, ['--maps', 'services', '--memory', '512M']);
  t.equal(status, 0);
  t.match(stdout, /map `services` \(hash\): 2 entries/, 'the service, and its VIP for ICMP');
});

t.test('policies fill the maps of the policy', async (t) => {
  const text = `object: ${object('policy')}
program: from_endpoint
policies:
  identities: [{ id: 7, prefixes: [10.0.0.0/8, "2001:db8::/32"] }]
  rules: [{ direction: ingress, action: allow, peer: 7, protocol: tcp, ports: { from: 80, to: 81 } }]
`;
  const names = /^int (\w+)\(struct __sk_buff/m.exec(readFileSync('bpf/policy.bpf.c', 'utf8'));
  const { status, stdout, stderr } = await runConfig(t, text.replace('from_endpoint', names?.[1] ?? ''), [
    '--maps',
    'ipcache',
    '--memory',
    '512M',
  ]);
  t.equal(status, 0, stderr);
  t.match(stdout, /map `ipcache` \(lpm_trie\): 2 entries/);
});

const LB = `object: ${object('lb')}\nservices:\n`;
const POLICY = `object: ${object('policy')}\npolicies:\n`;
const MISTAKES: readonly (readonly [name: string, marked: string])[] = [
  ['an object that is not there', 'object: ›gone.o\n'],
  ['no object', '›cpus: 1\n'],
  ['a dump that is not there', `${TYPED}maps: { conns: { from: ›gone.json } }\n`],
  ['services for another object', `${TYPED}›services: []\n`],
  ['policies for another object', `${TYPED}›policies: { identities: [], rules: [] }\n`],
  [
    'a backend of another family',
    `${LB}  - name: a\n    vip: 192.0.2.1\n    port: 80\n    protocol: tcp\n    backends: [{ address: 10.0.0.1 }, ›{ address: "2001:db8::1" }]\n`,
  ],
  [
    'two services of one name',
    `${LB}  - { name: a, vip: 192.0.2.1, port: 80, protocol: tcp, backends: [] }\n  - ›{ name: a, vip: 192.0.2.2, port: 80, protocol: tcp, backends: [] }\n`,
  ],
  ['a rule about nobody', `${POLICY}  identities: []\n  rules: [{ direction: egress, action: deny, peer: ›9 }]\n`],
  ['ports without protocol', `${POLICY}  identities: []\n  rules: [{ direction: egress, action: deny, ports: ›9 }]\n`],
  [
    'a prefix of two identities',
    `${POLICY}  identities: [{ id: 5, prefixes: [10.0.0.0/8] }, { id: 6, prefixes: [›10.0.0.0/8] }]\n  rules: []\n`,
  ],
];

for (const [name, marked] of MISTAKES) {
  t.test(name, async (t) => {
    const { status, stdout, stderr, file, places } = await runConfig(t, marked, ['--memory', '512M']);
    const [place] = places;
    t.equal(status, 2);
    t.equal(stdout, '');
    t.equal(stderr.split(': ')[1], `${file}:${String(place?.line)}:${String(place?.col)}`);
  });
}

t.test('several mistakes are printed one after another', async (t) => {
  const { status, stderr } = await runConfig(t, 'cpus: 0\nfule: 1\nengine: jit\n');
  t.equal(status, 2);
  t.equal(stderr.match(/^skep: /gm)?.length, 3);
});

t.test('wrong use', async (t) => {
  const cases = [
    ['run'],
    ['run', 'gone.yaml'],
    ['run', object('examples/typed'), '--set', 'rate'],
    ['run', object('examples/typed'), '--set', 'rat=1'],
    ['run', object('examples/typed'), '--set', 'rate=x'],
    ['run', object('examples/typed'), '--set', 'drops=[1'],
  ];
  for (const args of cases) {
    const { status, stderr } = await runSkep(args);
    t.equal(status, 2, args.join(' '));
    t.ok(stderr.length > 0);
  }
});
