/** Which rows and columns of a verification are shown, and in which order: veristat's -e, -f and -s. */
import { readFileSync } from 'node:fs';
import { ConfigError } from '../vm/index.js';
import { COLUMNS, columnNamed, noNumbers } from './verify-row.js';
import type { Column, ColumnId, VerifyRow } from './verify-row.js';

function mustColumn(name: string): Column {
  const column = columnNamed(name);
  if (column !== undefined) return column;
  throw new ConfigError('config-usage', `there is no column ${name}`, {
    hint: `one of ${COLUMNS.map(({ id }) => id).join(', ')}`,
  });
}

/** `insns,states` to columns. */
export function parseEmit(specs: readonly string[] | undefined, fallback: readonly ColumnId[]): readonly Column[] {
  const names = (specs ?? []).flatMap((spec) => spec.split(',')).filter((name) => name !== '');
  return (names.length === 0 ? fallback : names).map(mustColumn);
}

export interface SortKey {
  readonly column: Column;
  readonly descending: boolean;
}

/** `insns,file^`: numbers from the largest, words from a, unless `^` (up) or `!` (down) follows. */
export function parseSort(specs: readonly string[] | undefined): readonly SortKey[] {
  return (specs ?? [])
    .flatMap((spec) => spec.split(','))
    .filter((part) => part !== '')
    .map((part) => {
      const [, name = '', order = ''] = /^(.*?)([\^!]?)$/.exec(part) ?? [];
      const column = mustColumn(name);
      return { column, descending: order === '' ? column.numeric : order === '!' };
    });
}

export function sortRows<Row extends VerifyRow>(rows: readonly Row[], keys: readonly SortKey[]): Row[] {
  return rows.toSorted((a, b) => {
    for (const { column, descending } of keys) {
      const order = compare(column.value(a), column.value(b));
      if (order !== 0) return descending ? -order : order;
    }
    return 0;
  });
}

function compare(a: string | number, b: string | number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

export type RowFilter = (row: VerifyRow) => boolean;

const FIGURE = /^(\w+)\s*(==?|!=|<>|<=?|>=?)\s*(.+)$/;

const SIGNS: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '==': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/**
 * Filters as veristat has them: globs of files or programs (`xdp_*`, `bpf_*.o/tail_*`), `!` in front excludes,
 * `insns>1000` asks for figures, `@file` reads more from a file, one a line. A row is shown if it passes one of the
 * globs (where there is one), every figure, and no exclusion.
 */
export function parseFilters(specs: readonly string[] | undefined): RowFilter {
  const allowed: RowFilter[] = [];
  const denied: RowFilter[] = [];
  const figures: RowFilter[] = [];
  for (const spec of expand(specs ?? [])) {
    const isDenied = spec.startsWith('!');
    const text = isDenied ? spec.slice(1) : spec;
    const figure = FIGURE.exec(text);
    if (figure !== null) {
      const filter = figureFilter(figure[1] ?? '', figure[2] ?? '', figure[3] ?? '');
      figures.push(isDenied ? (row) => !filter(row) : filter);
    } else (isDenied ? denied : allowed).push(globFilter(text));
  }
  return (row) =>
    (allowed.length === 0 || allowed.some((filter) => filter(row))) &&
    figures.every((filter) => filter(row)) &&
    !denied.some((filter) => filter(row));
}

/** The globs alone, for choosing before anything is verified. */
export function parseNameFilters(specs: readonly string[] | undefined): (file: string, program: string) => boolean {
  const globs = expand(specs ?? []).filter((spec) => !FIGURE.test(spec.replace(/^!/, '')));
  const filter = parseFilters(globs);
  const nothing = { verdict: 'success', progType: '', attachType: '', numbers: noNumbers() } as const;
  return (file, program) => filter({ file, program, ...nothing });
}

function expand(specs: readonly string[]): string[] {
  return specs.flatMap((spec) => {
    if (!spec.startsWith('@')) return [spec];
    try {
      return readFileSync(spec.slice(1), 'utf8')
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '' && !line.startsWith('#'));
    } catch (cause) {
      throw new ConfigError('config-file', `cannot read the filters in ${spec.slice(1)}`, { cause });
    }
  });
}

function figureFilter(name: string, sign: string, wanted: string): RowFilter {
  const column = mustColumn(name);
  const test = SIGNS[sign] ?? (() => false);
  const value = column.numeric ? Number(wanted) : wanted;
  if (Number.isNaN(value)) {
    throw new ConfigError('config-usage', `${wanted} is no number`, { hint: `as in ${column.id}>1000` });
  }
  return (row) => test(compare(column.value(row), value));
}

function globFilter(glob: string): RowFilter {
  const slash = glob.indexOf('/');
  if (slash < 0) {
    const matches = matcher(glob);
    return (row) => matches(baseOf(row.file)) || matches(row.program);
  }
  const file = matcher(glob.slice(0, slash));
  const program = matcher(glob.slice(slash + 1));
  return (row) => file(baseOf(row.file)) && program(row.program);
}

function baseOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}

/** Only `*` and `?` mean something. An empty glob matches everything. */
function matcher(glob: string): (text: string) => boolean {
  if (glob === '') return () => true;
  const pattern = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const regex = new RegExp(`^${pattern}$`);
  return (text) => regex.test(text);
}
