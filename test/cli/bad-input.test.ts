/**
 * Bad input on the command line, as one table: each row is one clear line on standard error that says where and what, with
 * a hint where something can be done, exit code 2, and nothing written.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { assembleObject } from '../../vm/asm/index.js';
import { runSkep } from '../support/run-skep.js';

const folder = t.testdir();
const OUTPUT = join(folder, 'out.pcapng');

const LICENSE = '.license "GPL"\n';
const program = (section: string, code: string): string => `${LICENSE}.section "${section}"\nmain:\n${code}\n  exit\n`;
const USES_MAP = program('xdp', '  r1 = map big ll\n  r0 = 2');
const mapOf = (type: string, rest: string): string => `.map big, type=${type}, ${rest}\n${USES_MAP}`;
const redirect = (section: string): string => program(section, '  r1 = 77\n  r2 = 0\n  call bpf_redirect');

/** Objects by name: assembly text, or bytes. */
const OBJECTS: Readonly<Record<string, string | Uint8Array>> = {
  hash: mapOf('hash', 'key=4, value=4, entries=4294967295'),
  array: mapOf('array', 'key=4, value=8, entries=4294967295'),
  lru: mapOf('lru_hash', 'key=4, value=8, entries=4294967295'),
  lpm: mapOf('lpm_trie', 'key=8, value=8, entries=4294967295, flags=1'),
  'no-entries': mapOf('hash', 'key=4, value=4, entries=0'),
  'no-helper': program('xdp', '  call 9999\n  r0 = 2'),
  'negative-helper': program('xdp', '  call -7\n  r0 = 2'),
  unsupported: program('xdp', '  call get_stackid\n  r0 = 2'),
  kprobe: program('kprobe/foo', '  r0 = 0'),
  nonsense: program('nonsense', '  r0 = 0'),
  'redirect-xdp': redirect('xdp'),
  'redirect-tc': redirect('tc'),
  'test-helper': program('tc/test/calls/check', '  call 9999\n  r0 = 101'),
  'test-unsupported': program('tc/test/calls/check', '  call get_stackid\n  r0 = 101'),
  'test-map': mapOf('hash', 'key=4, value=4, entries=4294967295').replace('"xdp"', '"xdp/test/fills/check"'),
  'test-passes': program('tc/test/passes/check', '  r0 = 101'),
  'test-no-check': program('tc/test/half/setup', '  r0 = 0'),
  'test-array-too': `.map wanted_map, type=array, key=4, value=4, entries=1\n${program('tc/test/x/check', '  r1 = map wanted_map ll\n  r0 = 101')}`,
  'no-object': new Uint8Array(),
  'lost-tag': Buffer.from(
    readFileSync('bpf/examples/decl-tags.bpf.o', 'latin1').replace('tail:calls/3', 'tail:other/3'),
    'latin1',
  ),
};

const whole = readFileSync('bpf/firewall.bpf.o');
for (const bytes of [1, 16, 63, 64, 200, Math.floor(whole.length / 2), whole.length - 1]) {
  Object.assign(OBJECTS, { [`cut-${String(bytes)}`]: whole.subarray(0, bytes) });
}

for (const [name, content] of Object.entries(OBJECTS)) {
  writeFileSync(join(folder, `${name}.o`), typeof content === 'string' ? assembleObject(content) : content);
}
writeFileSync(join(folder, 'world.yaml'), 'object: redirect-xdp.o\nworld: { devices: [{ ifindex: 1, name: eth0 }] }\n');
writeFileSync(
  join(folder, 'world-tc.yaml'),
  'object: redirect-tc.o\nworld: { devices: [{ ifindex: 1, name: eth0 }] }\n',
);
writeFileSync(join(folder, 'missing-object.yaml'), 'object: no-such.o\n');
writeFileSync(join(folder, 'missing-map.yaml'), 'object: hash.o\nmaps: { bgi: { max_entries: 4 } }\n');

interface Row {
  /** Words of the command line; names of objects and configs are of this folder. */
  readonly args: string;
  /** What the line says: the place, what is wrong. */
  readonly says: RegExp;
  readonly hint?: RegExp;
  /** Whether something may be printed before: a table that tells what was found. */
  readonly table?: true;
}

const TOO_LARGE =
  /^skep: \S+\.o: map `big` \(\w+, 4294967295 entries\) needs \d+ bytes and does not fit in \d+ bytes of guest memory$/;
const NO_HELPER = /^skep: \S+\.o: program `\w+` calls helper -?\d+( at insn 0)?: Linux 6\.18 has no such helper$/;
const MEMORY_HINT = /raise --memory, or lower max_entries/;
const HELPERS_HINT = /docs\/helpers\.md/;

const ROWS: readonly Row[] = [
  ...['hash', 'array', 'lru', 'lpm'].flatMap((name): Row[] => [
    { args: `load ${name}.o`, says: TOO_LARGE, hint: MEMORY_HINT, table: true },
    { args: `run ${name}.o`, says: TOO_LARGE, hint: MEMORY_HINT },
    { args: `run --no-verify ${name}.o`, says: TOO_LARGE, hint: MEMORY_HINT },
  ]),
  { args: 'test test-map.o', says: TOO_LARGE, hint: MEMORY_HINT, table: true },
  {
    args: 'load no-entries.o',
    says: /no-entries\.o: map `big` \(hash\): max_entries is 0$/,
    hint: /skep\.yaml/,
    table: true,
  },
  { args: 'run no-entries.o', says: /no-entries\.o: map `big` \(hash\): max_entries is 0$/, hint: /skep\.yaml/ },
  { args: 'load no-helper.o', says: NO_HELPER, hint: HELPERS_HINT, table: true },
  { args: 'load negative-helper.o', says: NO_HELPER, hint: HELPERS_HINT, table: true },
  { args: 'run no-helper.o', says: NO_HELPER, hint: HELPERS_HINT },
  { args: 'run negative-helper.o', says: NO_HELPER, hint: HELPERS_HINT },
  { args: 'test test-helper.o', says: NO_HELPER, hint: HELPERS_HINT, table: true },
  {
    args: 'run --no-verify no-helper.o',
    says: /^skep: function main, insn 0: packet 1 got to what skep does not run: helper 9999 does not exist$/,
    table: true,
  },
  {
    args: 'run --no-verify unsupported.o',
    says: /^skep: function main, insn 0: .*: helper bpf_get_stackid is unsupported by skep$/,
    table: true,
  },
  {
    args: 'test --no-verify test-unsupported.o',
    says: /test-unsupported\.o, function main, insn 0: check of test `calls` .*: helper bpf_get_stackid is unsupported by skep$/,
    table: true,
  },
  {
    args: 'run kprobe.o',
    says: /kprobe\.o: there is no program that skep can run$/,
    hint: /kprobe\/foo\): type kprobe is unsupported by skep$/,
  },
  {
    args: 'run -p main kprobe.o',
    says: /kprobe\.o, section kprobe\/foo: program `main`: type kprobe is unsupported by skep$/,
    hint: /skep load/,
  },
  {
    args: 'run nonsense.o',
    says: /nonsense\.o: there is no program/,
    hint: /main \(nonsense\): section nonsense names no program type/,
  },
  {
    args: 'test kprobe.o',
    says: /kprobe\.o: there are no tests in this object$/,
    hint: /docs\/testing\.md/,
    table: true,
  },
  {
    args: 'run world.yaml',
    says: /packet 1 was redirected to ifindex 77, which does not exist$/,
    hint: /eth0 \(1\)/,
    table: true,
  },
  {
    args: 'run world-tc.yaml',
    says: /packet 1 was redirected to ifindex 77, which does not exist$/,
    hint: /eth0 \(1\)/,
    table: true,
  },
  {
    args: 'test test-no-check.o',
    says: /test-no-check\.o, section tc\/test\/half\/setup: test `half` has no check program$/,
    hint: /tc\/test\/half\/check/,
    table: true,
  },
  {
    args: 'test --result-map results test-passes.o',
    says: /test-passes\.o: there is no map `results`$/,
    hint: /has no array/,
    table: true,
  },
  {
    args: 'test --result-map wanted_mpa test-array-too.o',
    says: /there is no map `wanted_mpa`$/,
    hint: /wanted_map/,
    table: true,
  },
  {
    args: 'test --clear-map state test-array-too.o',
    says: /there is no map `state`$/,
    hint: /arrays are wanted_map/,
    table: true,
  },
  {
    args: 'test lost-tag.o',
    says: /lost-tag\.o: tag tail:other\/3 of \w+ names no entry of a program array/,
    hint: /tail:MAP\/N/,
    table: true,
  },
  { args: 'test --run nothing test-passes.o', says: /no test matches nothing$/, hint: /--list/, table: true },
  ...Object.keys(OBJECTS)
    .filter((name) => name.startsWith('cut-') || name === 'no-object')
    .flatMap((name) =>
      ['load', 'run', 'test', 'verify', 'disasm'].map((command): Row => ({
        args: `${command} ${name}.o`,
        says: /\.o, byte offset 0x[0-9a-f]+: .*(cut short|beyond the end of the file)/,
        hint: /copy it again/,
        ...(command === 'test' ? { table: true as const } : {}),
      })),
    ),
  { args: 'load no-such.o', says: /no-such\.o: cannot read: no such file$/ },
  { args: 'run no-such.o', says: /no-such\.o: cannot read: no such file$/ },
  { args: 'test no-such.o', says: /no-such\.o: cannot read: no such file$/, table: true },
  { args: 'run missing-object.yaml', says: /no-such\.o.*: no such file$/ },
  { args: 'run missing-map.yaml', says: /missing-map\.yaml:2:\d+: .*`?bgi`?/, hint: /did you mean big/ },
];

t.test('one line, exit 2, nothing written', async (t) => {
  for (const { args, says, hint, table } of ROWS) {
    const words = args.split(' ').map((word) => (/\.(?:o|yaml)$/.test(word) ? join(folder, word) : word));
    rmSync(OUTPUT, { force: true });
    const isRun = words[0] === 'run';
    const { status, stdout, stderr } = await runSkep(isRun ? [...words, '-w', OUTPUT] : words);
    const [line = '', ...rest] = stderr.trimEnd().split('\n');
    t.equal(status, 2, args);
    t.match(line, says, args);
    t.notMatch(stderr, /^ {4,}at /m, `${args}: no stack of ours`);
    t.ok(rest.length <= 3, `${args}: ${stderr}`);
    t.match(rest.find((each) => each.startsWith('  hint: ')) ?? '', hint ?? '', args);
    if (table !== true) {
      t.equal(stdout, '', args);
      t.notOk(existsSync(OUTPUT), args);
    }
  }
});
