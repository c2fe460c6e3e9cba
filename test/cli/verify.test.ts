/** `skep verify` from the command line on, and asking the verifier before a run, with verdicts remembered. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runSkep } from '../support/run-skep.js';

const FIREWALL = 'bpf/firewall.bpf.o';
const BAD = 'bpf/examples/bad-access.bpf.o';
const PASS = 'bpf/examples/pass.bpf.o';

t.test('a table as veristat has it', async (t) => {
  const { status, stdout, stderr } = await runSkep(['verify', FIREWALL, PASS]);
  t.equal(status, 0);
  t.equal(stderr, '');
  const [head, , ...rows] = stdout.split('\n');
  t.match(head, /^File +Program +Verdict +Duration \(us\) +Insns +States +Program size +Peak states$/);
  t.match(rows.join('\n'), /^bpf\/examples\/pass\.bpf\.o +pass +success +\d+ +2 +0 +2 +0$/m);
});

t.test('a rejection: exit 1, its line, and the explanation', async (t) => {
  const brief = await runSkep(['verify', BAD, '-f', 'past_packet']);
  t.equal(brief.status, 1);
  t.match(
    brief.stdout,
    /^past_packet: rejected: R1 offset is outside of the packet\n {2}\.\/examples\/bad-access\.bpf\.c:\d+:\d+: /m,
  );
  const long = await runSkep(['verify', BAD, '-f', 'null_pointer', '--explain']);
  t.match(long.stdout, /^Verification failed: Register type safety: pointer may be NULL$/m);
  t.match(long.stdout, /\n +\| \t +\^-- R0 may be NULL\n/);
  t.match(long.stdout, / {2}>>> +7 \| \(79\) r1 = \*\(u64 \*\)\(r0 \+0\)\n/);
});

t.test('the log at its levels', async (t) => {
  const log = async (...flags: string[]): Promise<string> =>
    (await runSkep(['verify', PASS, ...flags])).stdout.replace(/\nFile [^]*$/, '');
  t.match(await log('-vv'), /\n0: \(b4\) w0 = 2 +; R0=2\n1: \(95\) exit\nprocessed 2 insns \(limit 1000000\) /);
  t.match(await log('-v'), /\nprocessed 2 insns/);
  t.equal(await log('-l', '2'), await log('-vv'));
});

t.test('columns, order and JSON', async (t) => {
  const args = ['verify', BAD, '-f', '*_packet', '-f', '*_pointer', '-e', 'prog,insns', '-s', 'prog'];
  t.equal(
    (await runSkep([...args, '-o', 'csv'])).stdout,
    'prog_name,total_insns\nnull_pointer,7\npast_packet,2\nstale_pointer,12\n',
  );
  const rows = JSON.parse((await runSkep([...args, '-o', 'json'])).stdout) as { prog_name: string; report: object }[];
  t.match(rows[0], { prog_name: 'null_pointer', verdict: 'failure', report: { class: 'possibly-null', errno: 13 } });
});

t.test('several threads say the same', async (t) => {
  const args = ['verify', BAD, PASS, '-o', 'csv', '-e', 'file,prog,verdict,insns,states'];
  const [one, several] = [await runSkep(args), await runSkep([...args, '--jobs', '3'])];
  t.equal(several.stdout, one.stdout);
  t.equal(several.stderr, '');
});

t.test('results are compared and held to limits', async (t) => {
  const folder = t.testdir();
  const [a, b] = [join(folder, 'a.csv'), join(folder, 'b.csv')];
  const { stdout } = await runSkep(['verify', PASS, '-o', 'csv']);
  writeFileSync(a, stdout);
  writeFileSync(b, stdout.replace(',2,', ',3,'));
  const same = await runSkep(['verify', '-C', a, a, '--fail-over', 'insns>0%']);
  t.match(same, { status: 0, stdout: /MATCH +2 +2 +\+0 \(\+0\.00%\)/, stderr: '' });
  const grown = await runSkep(['verify', '-C', a, b, '--fail-over', 'insns>5%']);
  t.match(grown, { status: 1, stdout: /2 +3 +\+1 \(\+50\.00%\)/, stderr: /pass: insns>5%: Insns is 3 \(was 2\)/ });
  t.match(await runSkep(['verify', '-C', a]), { status: 2 });
  t.match(await runSkep(['verify', PASS, '--fail-over', 'insns>1']), { status: 1 });
});

t.test('findings for machines', async (t) => {
  const folder = t.testdir();
  const { stdout } = await runSkep([
    'verify',
    BAD,
    '-f',
    'past_packet',
    '--github',
    '--sarif',
    join(folder, 'r.sarif'),
  ]);
  t.match(stdout, /^::error file=examples\/bad-access\.bpf\.c,line=\d+,col=\d+,title=Packet access/m);
  const sarif = JSON.parse(readFileSync(join(folder, 'r.sarif'), 'utf8')) as { runs: { results: object[] }[] };
  t.match(sarif.runs[0]?.results, [{ ruleId: 'packet-bounds' }]);
});

const REFUSALS: readonly { args: readonly string[]; says: RegExp }[] = [
  { args: ['no-such.o'], says: /^skep: no-such\.o: cannot read/ },
  { args: ['README.md'], says: /^skep: README\.md/ },
  { args: [PASS, '-e', 'age'], says: /there is no column age/ },
  { args: [PASS, '-s', 'age'], says: /there is no column age/ },
  { args: [PASS, '-o', 'xml'], says: /Allowed choices are table, csv, json/ },
  { args: [PASS, '--fail-over', 'insns'], says: /is no limit/ },
  { args: ['-C', PASS, PASS], says: /names no file or program/ },
];

for (const { args, says } of REFUSALS) {
  t.test(`refused: ${args.join(' ')}`, async (t) => {
    t.match(await runSkep(['verify', ...args]), { status: 2, stderr: says });
  });
}

t.test('a rejected program does not run', async (t) => {
  for (const args of [
    ['run', BAD, '-p', 'past_packet'],
    ['trace', BAD, '-p', 'past_packet', '-r', 'pcaps/http.pcap'],
    ['test', 'bpf/examples/outcomes.bpf.o', '--format', 'json'],
  ]) {
    const { status, stdout, stderr } = await runSkep(args);
    t.equal(status, 1);
    t.notMatch(stdout, /XDP_|"pass"/);
    t.match(stderr, /^Verification failed: /);
  }
  t.match(await runSkep(['run', BAD, '-p', 'past_packet', '--no-verify']), { status: 0, stdout: /XDP_ABORTED/ });
});

t.test('an accepted program runs without checks and says the same', async (t) => {
  const args = ['run', FIREWALL, '-r', 'pcaps/http.pcap', '-v'];
  t.equal((await runSkep(args)).stdout, (await runSkep([...args, '--no-verify'])).stdout);
  t.equal((await runSkep([...args, '--engine', 'wasm'])).stdout, (await runSkep(args)).stdout);
});

t.test('verdicts are remembered', async (t) => {
  const folder = join(t.testdir(), 'cache');
  const args = ['run', FIREWALL, '-r', 'pcaps/http.pcap'];
  const first = await runSkep(args, '', folder);
  const [entry, ...others] = readdirSync(folder);
  t.same(others, [], 'one verdict, and nothing beside it');
  const path = join(folder, entry ?? '');
  const known = JSON.parse(readFileSync(path, 'utf8')) as { verdict: { kind: string } };
  t.equal(known.verdict.kind, 'accept');
  const report = {
    family: 'F',
    title: 'T',
    message: 'made up',
    reason: '',
    suggestion: '',
    knew: [],
    path: [],
    at: { mark: '', context: [] },
  };
  const forged = { ...known, verdict: { ...known.verdict, kind: 'reject', report } };
  writeFileSync(path, JSON.stringify(forged));
  t.match(await runSkep(args, '', folder), { status: 1, stderr: /made up/ }, 'it is looked at');
  t.equal((await runSkep([...args, '--no-cache'], '', folder)).stdout, first.stdout, 'unless it must not be');
  t.equal(readFileSync(path, 'utf8'), JSON.stringify(forged), 'nor written');
  for (const broken of ['', '{', '{"verdict":{}}', JSON.stringify({ ...forged, key: 'other' })]) {
    writeFileSync(path, broken);
    t.equal((await runSkep(args, '', folder)).stdout, first.stdout, `broken: ${broken.slice(0, 12)}`);
  }
  t.equal((await runSkep(args, '', '/dev/null/no/folder')).stdout, first.stdout, 'no folder, no harm');
});
