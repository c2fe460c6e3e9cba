/** Reading a config: mistakes by place and kind, what YAML can do to a reader, values that come through. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { readConfig } from '../../vm/config/index.js';
import { ConfigError } from '../../vm/index.js';
import { mistakesOf, placesOf, unmark } from './mistakes.js';

t.test('a config with many mistakes names them all, each at its place', (t) => {
  const marked = readFileSync('test/cases/config/mistakes.yaml', 'utf8');
  const { text, places } = unmark(marked);
  const kinds = marked
    .split('\n')
    .filter((line) => line.includes('›') && !line.startsWith('#'))
    .map((line) => / # (\S+)(?: (\S+))?$/.exec(line)?.slice(1));
  const errors = mistakesOf(() => readConfig(text, 'skep.yaml'))?.errors ?? [];
  t.ok(places.length >= 40, `${String(places.length)} mistakes`);
  t.same(
    errors.map(({ code, where, data }) => [code, where.file, where.line, where.col, data?.problem, data?.path]),
    places.map(({ line, col }, index) => [
      'config-value',
      'skep.yaml',
      line,
      col,
      kinds[index]?.[0],
      kinds[index]?.[1] ?? '',
    ]),
  );
  const lines = text.split('\n');
  for (const { where } of errors) t.equal(where.text, lines[(where.line ?? 0) - 1]);
  t.equal(new Set(errors.map(({ message }) => message)).size, errors.length, 'no message twice');
  t.end();
});

const BROKEN: readonly (readonly [name: string, marked: string, problem: string])[] = [
  ['a list that does not end', 'maps:\n  conns: [1, 2\n›globals: {}\n', 'syntax'],
  ['a tab', 'maps:\n›\tconns: {}\n', 'syntax'],
  ['a tag that nobody knows', 'object: ›!secret x.o\n', 'syntax'],
  ['an alias of nothing', 'object: ›*gone\n', 'form'],
  ['a mapping as a key', 'maps:\n  ? ›{ a: 1 }\n  : {}\n', 'form'],
  ['the name of what all objects inherit', 'globals: { ›__proto__: { polluted: 1 } }\n', 'form'],
  ['two documents', 'cpus: 1\n›---\ncpus: 2\n', 'syntax'],
  ['more memory than there can be', 'memory: ›99999G\n', 'form'],
  ['a merge of a number', 'checks: { <<: ›7 }\n', 'form'],
  ['not a mapping', '›- 1\n- 2\n', 'type'],
  ['a text', '›hello\n', 'type'],
  ['no stages', 'stages: ›[]\n', 'range'],
  ['an unknown key of a stage', 'stages:\n  - object: a.o\n    ›progam: x\n', 'unknown-key'],
  ['stages within a stage', 'stages:\n  - ›stages: []\n', 'unknown-key'],
  ['a map of no stage', '›maps: {}\nstages: [{ object: a.o }]\n', 'refused'],
  ['two stages of one name', 'stages: [{ name: a }, { name: ›a }]\n', 'refused'],
  ['a stage that goes on with nothing', 'stages: [{ goes_on: ›[] }]\n', 'range'],
];

for (const [name, marked, problem] of BROKEN) {
  t.test(name, (t) => {
    const { text, places } = unmark(marked);
    const found = placesOf(mistakesOf(() => readConfig(text, 'skep.yaml')));
    t.same(found[0], { ...places[0], problem });
    t.notOk('polluted' in {}, 'objects are as they were');
    t.end();
  });
}

t.test('a stage has what stands once for all, and says its mistakes at their place', (t) => {
  const source = 'cpus: 4\nseed: 1\nstages:\n  - object: a.o\n    seed: 2\n  - { name: b, program: x }\n';
  const { stages, config } = readConfig(source, 'skep.yaml');
  t.same(config, { cpus: 4, seed: 1 });
  t.same(
    stages.map((each) => each.config),
    [
      { cpus: 4, seed: 2, object: 'a.o' },
      { cpus: 4, seed: 1, name: 'b', program: 'x' },
    ],
  );
  const [first, second] = stages;
  t.match(first?.text.where(['seed']), { line: 5, col: 11 }, 'its own');
  t.match(second?.text.where(['seed']), { line: 2, col: 7 }, 'that of all');
  t.match(second?.text.fault(['program'], 'refused', 'no'), {
    message: 'stages[1].program: no',
    where: { line: 6, col: 25 },
  });
  t.end();
});

t.test('hints name the nearest key', (t) => {
  const errors = mistakesOf(() => readConfig('enigne: wasm\n', 'skep.yaml'));
  t.match(errors?.hint, /engine/);
  t.end();
});

t.test('texts that would eat memory or the stack are refused', (t) => {
  const laughs = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 12; i++) laughs.push(`a${String(i)}: &a${String(i)} [${`*a${String(i - 1)}, `.repeat(10)}]`);
  const cases = {
    'aliases of aliases': `globals:\n  ${laughs.join('\n  ')}\n`,
    'an alias of what it is in': 'globals: &g { me: *g }\n',
    'deep lists': `globals: ${'['.repeat(100_000)}\n`,
    'deep closed lists': `globals: { a: ${'['.repeat(5000)}${']'.repeat(5000)} }\n`,
  };
  for (const [name, text] of Object.entries(cases)) {
    const errors = mistakesOf(() => readConfig(text, 'skep.yaml'));
    t.ok(errors, name);
    t.ok((errors?.where.line ?? 0) > 0, `${name}: with its line`);
  }
  t.throws(() => readConfig(' '.repeat(5 << 20), 'skep.yaml'), ConfigError);
  t.end();
});

t.test('values come through', (t) => {
  const text = [
    'object: x.o',
    'globals: { wide: 0xffffffffffffffff, mac: 02:00:00:00:00:01, v6: 2001:db8::1, hex: 0x10, off: false }',
    'checks: &checks { fuel: true }',
    'maps:',
    '  a: &a { max_entries: 5 }',
    '  b: *a',
    '  c: { <<: *a, from: c.json }',
    '  1: [{ key: 1, value: { x: [1, 2] } }]',
  ].join('\n');
  t.same(readConfig(text, 'skep.yaml').config, {
    object: 'x.o',
    globals: { wide: 0xffff_ffff_ffff_ffffn, mac: '02:00:00:00:00:01', v6: '2001:db8::1', hex: 16, off: false },
    checks: { fuel: true },
    maps: {
      a: { max_entries: 5 },
      b: { max_entries: 5 },
      c: { max_entries: 5, from: 'c.json' },
      1: [{ key: 1, value: { x: [1, 2] } }],
    },
  });
  t.same(readConfig('', 'skep.yaml').config, {}, 'an empty file says nothing');
  t.same(readConfig('{"object": "x.o", "cpus": 2}', 'skep.json').config, { object: 'x.o', cpus: 2 }, 'JSON is YAML');
  t.end();
});
