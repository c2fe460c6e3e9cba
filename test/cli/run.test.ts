/** `skep run` as a user meets it: tables, packet lines, JSON, and what it says of bad input. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { equalsGolden } from '../support/golden.js';
import { runSkep } from '../support/run-skep.js';

const FIREWALL = 'bpf/firewall.bpf.o';
const HTTP = 'pcaps/http.pcap';

const GOLDENS = [
  { name: 'http', args: [FIREWALL, '-r', HTTP] },
  { name: 'dns', args: [FIREWALL, '-r', 'pcaps/dns.pcapng'] },
  { name: 'edge-cases', args: [FIREWALL, '-r', 'pcaps/edge-cases.pcap', '-v'] },
  {
    name: 'trap',
    args: ['bpf/examples/bad-access.bpf.o', '--prog', 'past_packet', '--no-verify', '-r', HTTP, '--count', '3', '-v'],
  },
  { name: 'blank', args: ['bpf/examples/pass.bpf.o'] },
] as const;

for (const { name, args } of GOLDENS) {
  t.test(`golden: ${name}`, async (t) => {
    const { status, stdout, stderr } = await runSkep(['run', ...args]);
    t.equal(status, 0);
    t.equal(stderr, '');
    equalsGolden(t, stdout, `test/cli/run-goldens/${name}.txt`);
  });
}

t.test('--json says what the table says', async (t) => {
  const { status, stdout } = await runSkep(['run', FIREWALL, '-r', HTTP, '--json']);
  t.equal(status, 0);
  const summary = JSON.parse(stdout) as { packets: number; verdicts: { verdict: string; packets: number }[] };
  t.equal(
    summary.verdicts.reduce((sum, row) => sum + row.packets, 0),
    summary.packets,
  );
  const table = readFileSync('test/cli/run-goldens/http.txt', 'utf8');
  for (const { verdict, packets } of summary.verdicts) t.match(table, new RegExp(`${verdict} +${String(packets)} `));
});

t.test('--json -v gives a line a packet before the summary', async (t) => {
  const { stdout } = await runSkep(['run', FIREWALL, '-r', HTTP, '--json', '-v', '-c', '5']);
  const lines = stdout.trimEnd().split('\n');
  t.equal(lines.length, 6);
  const first = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  t.match(first, { packet: 1, verdict: 'XDP_PASS', code: 2 });
  t.match(JSON.parse(lines[5] ?? ''), { packets: 5 });
});

t.test('standard input and gzip give the same table', async (t) => {
  const bytes = readFileSync(HTTP);
  const want = readFileSync('test/cli/run-goldens/http.txt', 'utf8').replace(HTTP, '-');
  t.equal((await runSkep(['run', FIREWALL, '-r', '-'], bytes)).stdout, want, 'stdin');
  t.equal((await runSkep(['run', FIREWALL, '-r', '-'], gzipSync(bytes))).stdout, want, 'gzip on stdin');
});

t.test('a broken capture: the packets before the break, the message, exit 2', async (t) => {
  const cut = readFileSync(HTTP).subarray(0, 5000);
  const { status, stdout, stderr } = await runSkep(['run', FIREWALL, '-r', '-'], cut);
  t.equal(status, 2);
  t.match(stdout, /XDP_PASS +22 /);
  t.match(stderr, /^skep: stdin, byte offset 0xf2c: .*\n {2}hint: .*\n$/);
});

const REFUSALS: readonly { name: string; args: readonly string[]; says: RegExp }[] = [
  { name: 'no such object', args: ['no-such.o'], says: /^skep: no-such\.o: cannot read: no such file$/m },
  { name: 'a directory', args: ['bpf'], says: /^skep: bpf: cannot read: this is a directory$/m },
  { name: 'not an object', args: ['README.md'], says: /^skep: README\.md, byte offset 0x0: / },
  { name: 'big-endian', args: ['bpf/examples/pass-big-endian.bpf.o'], says: /big.endian/ },
  { name: 'no such capture', args: [FIREWALL, '-r', 'no.pcap'], says: /no\.pcap/ },
  { name: 'no such program', args: [FIREWALL, '--prog', 'nat'], says: /hint: it has firewall \(xdp\)/ },
  {
    name: 'several programs',
    args: ['bpf/examples/bad-access.bpf.o'],
    says: /hint: choose one with --prog: past_packet/,
  },
  { name: 'unknown engine', args: [FIREWALL, '--engine', 'jit'], says: /Allowed choices are interp, wasm/ },
  { name: 'bad size', args: [FIREWALL, '--memory', 'lots'], says: /give a size such as 256M or 2G/ },
  { name: 'too little memory', args: [FIREWALL, '--memory', '1M'], says: /hint: raise --memory/ },
];

for (const { name, args, says } of REFUSALS) {
  t.test(`refusal: ${name}`, async (t) => {
    const { status, stdout, stderr } = await runSkep(['run', ...args]);
    t.equal(status, 2);
    t.equal(stdout, '');
    t.match(stderr, says);
    t.notMatch(stderr, /\n {4}at /, 'no stack');
  });
}
