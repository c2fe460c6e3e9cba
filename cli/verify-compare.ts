/** Two verifications side by side: columns (A), (B) and (DIFF), as veristat compares, and limits on what may grow. */
import { ConfigError } from '../vm/index.js';
import { renderTable } from './text-table.js';
import { csv } from './verify-output.js';
import type { OutputFormat } from './verify-output.js';
import { columnNamed, COLUMNS } from './verify-row.js';
import type { Column, VerifyRow } from './verify-row.js';

export interface RowPair {
  readonly file: string;
  readonly program: string;
  readonly a?: VerifyRow;
  readonly b?: VerifyRow;
}

/** Rows by file and program, in the order of the second list, then those that only the first has. */
export function pairRows(before: readonly VerifyRow[], after: readonly VerifyRow[]): RowPair[] {
  const keyOf = ({ file, program }: VerifyRow): string => `${file}\0${program}`;
  const olds = new Map(before.map((row) => [keyOf(row), row]));
  const pairs = after.map((b): RowPair => {
    const a = olds.get(keyOf(b));
    olds.delete(keyOf(b));
    return { file: b.file, program: b.program, b, ...(a === undefined ? {} : { a }) };
  });
  return [...pairs, ...[...olds.values()].map((a): RowPair => ({ file: a.file, program: a.program, a }))];
}

const MISSING = 'N/A';

function difference(column: Column, { a, b }: RowPair): { text: string; diff?: number; percent?: number } {
  if (a === undefined || b === undefined) return { text: 'MISMATCH' };
  if (!column.numeric) return { text: column.value(a) === column.value(b) ? 'MATCH' : 'MISMATCH' };
  const from = Number(column.value(a));
  const diff = Number(column.value(b)) - from;
  const percent = from === 0 ? (diff === 0 ? 0 : 100) : (100 * diff) / from;
  const sign = diff < 0 ? '' : '+';
  return { text: `${sign}${String(diff)} (${sign}${percent.toFixed(2)}%)`, diff, percent };
}

function cell(column: Column, row: VerifyRow | undefined): string {
  return row === undefined ? MISSING : String(column.value(row));
}

export function renderComparison(pairs: readonly RowPair[], columns: readonly Column[], format: OutputFormat): string {
  const compared = columns.filter(({ id }) => id !== 'file' && id !== 'prog');
  if (format === 'table') {
    const head = [
      'File',
      'Program',
      ...compared.flatMap(({ title }) => ['A', 'B', 'DIFF'].map((x) => `${title} (${x})`)),
    ];
    const rows = pairs.map((pair) => [
      pair.file,
      pair.program,
      ...compared.flatMap((column) => [cell(column, pair.a), cell(column, pair.b), difference(column, pair).text]),
    ]);
    const numeric = compared.flatMap(({ numeric: is }, i) => (is ? [2 + 3 * i, 3 + 3 * i, 4 + 3 * i] : []));
    return `${renderTable(head, rows, numeric)}\n`;
  }
  const suffixes = ({ numeric }: Column): string[] => (numeric ? ['_a', '_b', '_diff', '_pct'] : ['_a', '_b', '_diff']);
  const head = [
    'file_name',
    'prog_name',
    ...compared.flatMap((column) => suffixes(column).map((suffix) => `${column.csv}${suffix}`)),
  ];
  const rows = pairs.map((pair) => [
    pair.file,
    pair.program,
    ...compared.flatMap((column) => {
      const { text, diff, percent } = difference(column, pair);
      const both = [cell(column, pair.a), cell(column, pair.b)];
      if (!column.numeric) return [...both, text];
      return [
        ...both,
        diff === undefined ? MISSING : String(diff),
        percent === undefined ? MISSING : percent.toFixed(2),
      ];
    }),
  ]);
  if (format === 'csv') return csv(head, rows);
  const objects = rows.map((cells) => Object.fromEntries(head.map((key, i) => [key, valueOf(cells[i] ?? '')])));
  return `${JSON.stringify(objects, null, 2)}\n`;
}

function valueOf(text: string): string | number | null {
  if (text === MISSING) return null;
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** A figure that must not grow: by a share, by a number, or beyond a number. */
export interface GrowthLimit {
  readonly text: string;
  readonly column: Column;
  /** `share` and `more` look at the difference to the base, `value` at the figure itself. */
  readonly kind: 'share' | 'more' | 'value';
  readonly limit: number;
}

/** `insns>5%`, `states>+10`, `insns>900000`; commas between several. */
export function parseLimits(spec: string): GrowthLimit[] {
  return spec.split(',').map((text) => {
    const match = /^\s*(\w+)\s*>\s*(\+?)(\d+(?:\.\d+)?)(%?)\s*$/.exec(text);
    const column = columnNamed(match?.[1] ?? '');
    if (match === null || column?.numeric !== true) {
      throw new ConfigError('config-usage', `${text.trim()} is no limit`, {
        hint: `as in insns>5%, states>+10 or insns>900000; of ${COLUMNS.filter(({ numeric }) => numeric)
          .map(({ id }) => id)
          .join(', ')}`,
      });
    }
    const kind = match[4] === '%' ? 'share' : match[2] === '+' ? 'more' : 'value';
    return { text: text.trim(), column, kind, limit: Number(match[3]) };
  });
}

/** What grew too much, in a line each. Limits that need a base pass over programs that have none. */
export function overLimits(pairs: readonly RowPair[], limits: readonly GrowthLimit[]): string[] {
  const lines: string[] = [];
  for (const pair of pairs) {
    for (const { text, column, kind, limit } of limits) {
      const { b } = pair;
      if (b === undefined) continue;
      const value = Number(column.value(b));
      const { diff, percent } = difference(column, pair);
      const grown = kind === 'value' ? value : kind === 'more' ? diff : percent;
      if (grown === undefined || grown <= limit) continue;
      const from = pair.a === undefined ? '' : ` (was ${String(column.value(pair.a))})`;
      lines.push(`${pair.file}/${pair.program}: ${text}: ${column.title} is ${String(value)}${from}`);
    }
  }
  return lines;
}
