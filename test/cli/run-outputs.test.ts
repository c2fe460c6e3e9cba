/** What `skep run` gives beside its table: the deciding lines, events, maps, and captures that Wireshark understands. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { Readable } from 'node:stream';
import t from 'tap';
import { runCommandLine } from '../../cli/command-line.js';
import { readCaptureBytes } from '../../vm/index.js';
import { equalsGolden } from '../support/golden.js';
import { runSkep } from '../support/run-skep.js';

const FIREWALL = 'bpf/firewall.bpf.o';
const HTTP = 'pcaps/http.pcap';
const ADJUST = 'bpf/examples/adjust.bpf.o';

const GOLDENS = [
  { name: 'why-http', args: [FIREWALL, '-r', HTTP, '--why'] },
  { name: 'why-packets', args: [FIREWALL, '-r', 'pcaps/edge-cases.pcap', '--why', '-v', '-c', '12'] },
  { name: 'events-typed', args: [FIREWALL, '-r', HTTP, '-c', '190', '--events'] },
  // Another struct than the object's own shows that the user's word counts.
  { name: 'events-as', args: [FIREWALL, '-r', HTTP, '-c', '190', '--events', '--event-type', 'bucket'] },
  { name: 'events-hex', args: ['bpf/examples/events.bpf.o', '-p', 'output', '-r', HTTP, '-c', '3', '--events'] },
  { name: 'maps', args: [FIREWALL, '-r', HTTP, '--maps'] },
  { name: 'maps-percpu', args: [FIREWALL, '-r', HTTP, '-c', '20', '--maps', 'counters,.rodata', '--cpus', '2'] },
] as const;

for (const { name, args } of GOLDENS) {
  t.test(`golden: ${name}`, async (t) => {
    const { status, stdout, stderr } = await runSkep(['run', ...args]);
    t.equal(stderr, '');
    t.equal(status, 0);
    equalsGolden(t, stdout, `test/cli/run-goldens/${name}.txt`);
  });
}

t.test('--json has the lines, events and maps', async (t) => {
  const args = [FIREWALL, '-r', HTTP, '--json', '-v', '--why', '--maps', 'counters', '--event-type', 'bucket'];
  const { stdout } = await runSkep(['run', ...args]);
  const lines = stdout.trimEnd().split('\n');
  const dropped = JSON.parse(lines[162] ?? '') as Record<string, unknown>;
  t.match(dropped, { packet: 163, verdict: 'XDP_DROP', decided: [{ func: 'firewall', line: { line: 352 } }] });
  t.match(dropped, { events: [{ map: 'events', value: { last_ns: 0 } }] });
  const summary = JSON.parse(lines.at(-1) ?? '') as {
    packets: number;
    decisions: { packets: number }[];
    maps: { name: string; entries: { key: number; values: { packets: number }[] }[] }[];
  };
  t.equal(
    summary.decisions.reduce((sum, { packets }) => sum + packets, 0),
    summary.packets,
  );
  const [counters] = summary.maps;
  t.equal(counters?.name, 'counters');
  t.equal(
    counters?.entries.reduce((sum, { values }) => sum + (values[0]?.packets ?? 0), 0),
    summary.packets,
    'the program counted what we counted',
  );
});

t.test('-w keeps every packet with its verdict, and a changed one twice', async (t) => {
  const dir = t.testdir();
  const path = `${dir}/out.pcapng`;
  const { status } = await runSkep(['run', ADJUST, '--prog', 'push_vlan', '-r', HTTP, '-c', '5', '-w', path]);
  t.equal(status, 0);
  const source = [...readCaptureBytes(readFileSync(HTTP))].slice(0, 5);
  const written = [...readCaptureBytes(readFileSync(path))];
  t.equal(written.length, 10);
  for (const [index, packet] of source.entries()) {
    const [before, after] = [written[2 * index], written[2 * index + 1]];
    t.same(before?.data, packet.data, 'as it came in');
    t.equal(after?.data.length, packet.data.length + 4, 'as it left');
    for (const each of [before, after]) t.match(each, { sec: packet.sec, nsec: packet.nsec, linkType: 1 });
  }
  t.same(readdirSync(dir), ['out.pcapng'], 'nothing else is left');
  await runSkep(['run', ADJUST, '--prog', 'push_vlan', '-r', HTTP, '-c', '5', '-w', path, '--left-only']);
  t.same(
    [...readCaptureBytes(readFileSync(path))].map(({ data }) => data),
    written.filter((_, index) => index % 2 === 1).map(({ data }) => data),
    '--left-only',
  );
});

t.test('--left-only leaves out what was dropped', async (t) => {
  const path = `${t.testdir()}/out.pcapng`;
  const { stdout } = await runSkep(['run', FIREWALL, '-r', HTTP, '-w', path, '--left-only', '--json']);
  const { verdicts } = JSON.parse(stdout) as { verdicts: { verdict: string; packets: number }[] };
  const passed = verdicts.find(({ verdict }) => verdict === 'XDP_PASS')?.packets;
  t.equal([...readCaptureBytes(readFileSync(path))].length, passed);
});

t.test('-w - writes the capture to standard output and the report to standard error', async (t) => {
  const path = `${t.testdir()}/out.pcapng`;
  await runSkep(['run', FIREWALL, '-r', HTTP, '-c', '3', '-w', path]);
  const { bytes, stderr, status } = await runSkepBytes(['run', FIREWALL, '-r', HTTP, '-c', '3', '-w', '-']);
  t.equal(status, 0);
  t.same(bytes, readFileSync(path));
  t.match(stderr, /XDP_PASS +3 /);
});

/** As `runSkep`, for output that is no text. */
async function runSkepBytes(args: readonly string[]): Promise<{ bytes: Buffer; stderr: string; status: number }> {
  const out: Uint8Array[] = [];
  let stderr = '';
  const status = await runCommandLine(args, {
    out: (text) => void out.push(Buffer.from(text)),
    err: (text) => {
      stderr += text;
    },
    stdin: Readable.from([]),
    colours: false,
    terminal: undefined,
    cacheFolder: undefined,
    exit: () => undefined,
  });
  return { bytes: Buffer.concat(out), stderr, status };
}

t.test('a broken capture: what came before the break is written, exit 2', async (t) => {
  const path = `${t.testdir()}/out.pcapng`;
  const cut = readFileSync(HTTP).subarray(0, 5000);
  const { status } = await runSkep(['run', FIREWALL, '-r', '-', '-w', path], cut);
  t.equal(status, 2);
  t.equal([...readCaptureBytes(readFileSync(path))].length, 22);
});

t.test('a run that fails leaves the old file, and nothing beside it', async (t) => {
  const dir = t.testdir({ 'out.pcapng': 'old' });
  const args = ['run', FIREWALL, '-r', HTTP, '-w', `${dir}/out.pcapng`, '--events', '--event-type', 'no_such'];
  const { status, stderr } = await runSkep(args);
  t.equal(status, 2);
  t.match(stderr, /no type `no_such`/);
  t.same(readdirSync(dir), ['out.pcapng']);
  t.equal(readFileSync(`${dir}/out.pcapng`, 'utf8'), 'old');
});

t.test('-w follows links and writes devices as they are', async (t) => {
  const dir = t.testdir({ real: { 'out.pcapng': 'old' } });
  symlinkSync(`${dir}/real/out.pcapng`, `${dir}/link.pcapng`);
  t.equal((await runSkep(['run', FIREWALL, '-r', HTTP, '-c', '1', '-w', `${dir}/link.pcapng`])).status, 0);
  t.equal([...readCaptureBytes(readFileSync(`${dir}/real/out.pcapng`))].length, 1);
  t.equal((await runSkep(['run', FIREWALL, '-r', HTTP, '-c', '1', '-w', '/dev/null'])).status, 0);
  t.ok(statSync('/dev/null').isCharacterDevice());
});

const REFUSALS: readonly { name: string; args: readonly string[]; says: RegExp }[] = [
  {
    name: 'no directory',
    args: ['-w', 'no-such/out.pcapng'],
    says: /no-such\/out\.pcapng: cannot write: there is no such/,
  },
  { name: 'a directory', args: ['-w', 'bpf'], says: /^skep: bpf: cannot write: this is a directory$/m },
  { name: '--why on wasm', args: ['--why', '--engine', 'wasm'], says: /--why needs engine interp/ },
  { name: 'no such map', args: ['--maps', 'nat'], says: /hint: it has denied/ },
  { name: 'a map without entries', args: ['--maps', 'events'], says: /hint: .*--events/ },
  { name: 'no names', args: ['--maps', ','], says: /give names of maps/ },
];

for (const { name, args, says } of REFUSALS) {
  t.test(`refusal: ${name}`, async (t) => {
    const { status, stdout, stderr } = await runSkep(['run', FIREWALL, ...args]);
    t.equal(status, 2);
    t.equal(stdout, '');
    t.match(stderr, says);
    t.notMatch(stderr, /\n {4}at /, 'no stack');
  });
}

const hasTshark = spawnSync('tshark', ['--version']).status === 0;

t.test(
  'tshark shows verdicts, ids, directions and interfaces',
  { skip: !hasTshark && 'tshark is not installed' },
  async (t) => {
    const dir = t.testdir();
    mkdirSync(`${dir}/config`);
    const fields = ['frame.interface_name', 'frame.packet_flags_direction', 'frame.packet_id', 'frame.time_epoch'];
    const show = (path: string, verdict: string): string[][] => {
      const { stdout } = spawnSync(
        'tshark',
        [
          '-r',
          path,
          '-t',
          'e',
          '-T',
          'fields',
          ...[...fields, verdict, 'frame.comment'].flatMap((field) => ['-e', field]),
        ],
        { encoding: 'utf8', env: { ...process.env, HOME: `${dir}/config` } },
      );
      return stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t'));
    };
    const run = async (name: string, ...args: string[]): Promise<string> => {
      const path = `${dir}/${name}.pcapng`;
      const { status, stderr } = await runSkep(['run', ...args, '-w', path]);
      t.equal(status, 0, stderr);
      return path;
    };
    const xdp = show(await run('xdp', ADJUST, '--prog', 'push_vlan', '-r', HTTP, '-c', '2'), 'frame.verdict.ebpf_xdp');
    t.equal(xdp.length, 4);
    t.match(
      xdp.map(([name, direction, id, , verdict]) => [name, Number(direction), Number(id), Number(verdict)]),
      [
        ['xdp/push_vlan', 1, 1, 3],
        ['xdp/push_vlan', 2, 1, 3],
        ['xdp/push_vlan', 1, 2, 3],
        ['xdp/push_vlan', 2, 2, 3],
      ],
    );
    const [first] = readCaptureBytes(readFileSync(HTTP));
    t.equal(xdp[0]?.[3], `${String(first?.sec)}.${String(first?.nsec).padStart(9, '0')}`, 'time');
    const tc = show(
      await run('tc', 'bpf/examples/tc.bpf.o', '--prog', 'next', '-r', HTTP, '-c', '1'),
      'frame.verdict.ebpf_tc',
    );
    t.equal(tc[0]?.[0], 'tc/next');
    t.ok([-1, 0xffffffff, 18446744073709551615].includes(Number(tc[0]?.[4])), `TC_ACT_UNSPEC is ${String(tc[0]?.[4])}`);
    const trap = show(
      await run('trap', 'bpf/examples/bad-access.bpf.o', '--prog', 'past_packet', '--no-verify', '-r', HTTP, '-c', '1'),
      'frame.verdict.ebpf_xdp',
    );
    t.match(trap[0]?.[5], /^out of bounds read of 4 bytes at packet\+4000/);
  },
);
