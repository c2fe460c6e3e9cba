/** What `skep verify` makes of rows: filters, order, CSV and back, comparisons and limits. */
import t from 'tap';
import { overLimits, pairRows, parseLimits, renderComparison } from '../../cli/verify-compare.js';
import { parseRows, renderRows } from '../../cli/verify-output.js';
import { COMPARED_COLUMNS, CSV_COLUMNS, DEFAULT_COLUMNS, noNumbers, type VerifyRow } from '../../cli/verify-row.js';
import { parseEmit, parseFilters, parseSort, sortRows } from '../../cli/verify-select.js';

function row(file: string, program: string, insns: number, more: Partial<VerifyRow> = {}): VerifyRow {
  const numbers = { ...noNumbers(), insns, states: insns / 10 };
  return { file, program, verdict: 'success', progType: 'xdp', attachType: '', numbers, ...more };
}

const ROWS = [
  row('bpf/a.o', 'one', 100),
  row('bpf/a.o', 'two', 3000),
  row('b.o', 'one', 50, { verdict: 'failure' }),
  row('b.o', 'xdp_main', 900_000),
];

const names = (rows: readonly VerifyRow[]): string[] => rows.map(({ file, program }) => `${file}/${program}`);

t.test('filters', (t) => {
  const cases: [filters: string[], shown: number[]][] = [
    [[], [0, 1, 2, 3]],
    [['one'], [0, 2]],
    [['a.o'], [0, 1]],
    [['a.o/t*'], [1]],
    [['*/one'], [0, 2]],
    [['b.o/'], [2, 3]],
    [['!one'], [1, 3]],
    [
      ['a.o', 'xdp_*'],
      [0, 1, 3],
    ],
    [['insns>100'], [1, 3]],
    [
      ['insns >= 100', 'insns<900000'],
      [0, 1],
    ],
    [['verdict=failure'], [2]],
    [['!verdict=failure', 'total_insns<=100'], [0]],
    [['one', '!b.o'], [0]],
  ];
  for (const [filters, shown] of cases) {
    t.same(names(ROWS.filter(parseFilters(filters))), names(shown.flatMap((i) => ROWS[i] ?? [])), filters.join(' '));
  }
  const folder = t.testdir({ list: '# ours\n\na.o/two\nxdp_main\n' });
  t.same(names(ROWS.filter(parseFilters([`@${folder}/list`]))), ['bpf/a.o/two', 'b.o/xdp_main']);
  t.throws(() => parseFilters([`@${folder}/none`]), { code: 'config-file' });
  t.throws(() => parseFilters(['nothing>1']), { code: 'config-usage' });
  t.throws(() => parseFilters(['insns>many']), { code: 'config-usage' });
  t.end();
});

t.test('order', (t) => {
  const sorted = (spec: string): string[] => names(sortRows(ROWS, parseSort([spec])));
  t.same(sorted('insns'), ['b.o/xdp_main', 'bpf/a.o/two', 'bpf/a.o/one', 'b.o/one'], 'largest first');
  t.same(sorted('insns^')[0], 'b.o/one');
  t.same(sorted('prog,file!'), ['bpf/a.o/one', 'b.o/one', 'bpf/a.o/two', 'b.o/xdp_main']);
  t.throws(() => parseSort(['size,age']), { code: 'config-usage' });
  t.end();
});

t.test('formats', (t) => {
  const columns = parseEmit(['file,prog', 'insns'], DEFAULT_COLUMNS);
  t.equal(
    renderRows(ROWS.slice(0, 2), columns, 'table'),
    ['File     Program  Insns', '', 'bpf/a.o  one        100', 'bpf/a.o  two       3000', '']
      .filter((line, i) => line !== '' || i > 1)
      .join('\n'),
  );
  t.equal(renderRows(ROWS.slice(0, 1), columns, 'csv'), 'file_name,prog_name,total_insns\nbpf/a.o,one,100\n');
  const odd = [row('with, comma "x".o', 'p', 1)];
  for (const format of ['csv', 'json'] as const) {
    const text = renderRows([...ROWS, ...odd], parseEmit(undefined, CSV_COLUMNS), format);
    t.same(parseRows(text, 'f'), [...ROWS, ...odd], `${format} and back`);
  }
  t.same(
    parseRows('file_name,prog_name,verdict,duration,total_insns\nx.o,p,failure,12,34\n', 'f').map(
      ({ verdict, numbers }) => [verdict, numbers.duration, numbers.insns, numbers.states],
    ),
    [['failure', 12, 34, 0]],
  );
  t.throws(() => parseRows('a,b\n1,2\n', 'f'), { code: 'config-file' });
  t.throws(() => parseRows('[{', 'f'), { code: 'config-file' });
  t.end();
});

t.test('comparison', (t) => {
  const after = [row('bpf/a.o', 'one', 110), row('bpf/a.o', 'two', 2000), row('b.o', 'new', 7)];
  const pairs = pairRows(ROWS, after);
  t.same(
    pairs.map(({ file, program, a, b }) => [file, program, a?.numbers.insns, b?.numbers.insns]),
    [
      ['bpf/a.o', 'one', 100, 110],
      ['bpf/a.o', 'two', 3000, 2000],
      ['b.o', 'new', undefined, 7],
      ['b.o', 'one', 50, undefined],
      ['b.o', 'xdp_main', 900_000, undefined],
    ],
  );
  const columns = parseEmit(undefined, COMPARED_COLUMNS);
  const lines = renderComparison(pairs, columns, 'table').split('\n');
  t.match(lines[0], /File +Program +Verdict \(A\) +Verdict \(B\) +Verdict \(DIFF\) +Insns \(A\)/);
  t.match(lines[1], /one +success +success +MATCH +100 +110 +\+10 \(\+10\.00%\)/);
  t.match(lines[2], /3000 +2000 +-1000 \(-33\.33%\)/);
  t.match(lines[3], /new +N\/A +success +MISMATCH +N\/A +7 +MISMATCH/);
  const insns = parseEmit(['insns'], []);
  t.equal(
    renderComparison(pairs.slice(0, 1), insns, 'csv'),
    'file_name,prog_name,total_insns_a,total_insns_b,total_insns_diff,total_insns_pct\nbpf/a.o,one,100,110,10,10.00\n',
  );
  t.same(JSON.parse(renderComparison(pairs.slice(2, 3), insns, 'json')), [
    {
      file_name: 'b.o',
      prog_name: 'new',
      total_insns_a: null,
      total_insns_b: 7,
      total_insns_diff: null,
      total_insns_pct: null,
    },
  ]);
  const over = (limits: string): number => overLimits(pairs, parseLimits(limits)).length;
  t.same(over('insns>5%'), 1);
  t.same(over('insns>10%'), 0, 'more than, not as much as');
  t.same(over('insns>+9'), 1);
  t.same(over('insns>1000'), 1);
  t.same(over('insns>1000,states>10'), 3);
  t.throws(() => parseLimits('insns<5%'), { code: 'config-usage' });
  t.throws(() => parseLimits('file>5'), { code: 'config-usage' });
  t.end();
});
