/** Rows of a verification as a table, CSV or JSON, and reading CSV or JSON back. Knows no files. */
import { ConfigError } from '../vm/index.js';
import { renderTable } from './text-table.js';
import { columnNamed, COLUMNS, noNumbers, NUMBER_IDS } from './verify-row.js';
import type { Column, VerifiedProgram, VerifyRow } from './verify-row.js';

export type OutputFormat = 'table' | 'csv' | 'json';

export function renderRows(rows: readonly VerifyRow[], columns: readonly Column[], format: OutputFormat): string {
  const cells = rows.map((row) => columns.map((column) => String(column.value(row))));
  switch (format) {
    case 'csv':
      return csv(
        columns.map((column) => column.csv),
        cells,
      );
    case 'json':
      return `${JSON.stringify(rows.map(rowJson), null, 2)}\n`;
    case 'table': {
      const numeric = columns.flatMap((column, index) => (column.numeric ? [index] : []));
      const titles = columns.map(({ title }) => title);
      return `${renderTable(titles, cells, numeric)}\n`;
    }
  }
}

export function csv(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const quote = (cell: string): string => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  return [head, ...rows].map((cells) => `${cells.map(quote).join(',')}\n`).join('');
}

function rowJson(row: VerifyRow | VerifiedProgram): object {
  const columns = Object.fromEntries(COLUMNS.map((column) => [column.csv, column.value(row)]));
  if (!('answer' in row)) return columns;
  const { answer, report, spec } = row;
  return {
    ...columns,
    section: spec.section,
    ...(answer.kind === 'unsupported' ? { unsupported: answer.what } : {}),
    ...(report === undefined ? {} : { report }),
  };
}

/**
 * Reads what `-o csv` or `-o json` wrote, or veristat's CSV.
 * @throws ConfigError `config-file`
 */
export function parseRows(text: string, name: string): VerifyRow[] {
  const records = /^\s*\[/.test(text) ? jsonRecords(text, name) : csvRecords(text);
  return records.map((record, index) => {
    const get = (id: string): string | undefined => {
      const column = columnNamed(id);
      const key = [column?.csv ?? '', column?.id ?? '', ...(column?.aliases ?? [])].find((each) => record.has(each));
      return key === undefined ? undefined : record.get(key);
    };
    const file = get('file');
    const program = get('prog');
    if (file === undefined || program === undefined) {
      throw new ConfigError('config-file', `${name}: row ${String(index + 1)} names no file or program`, {
        where: { file: name },
        hint: 'give files that `skep verify -o csv` or veristat wrote',
      });
    }
    const numbers = noNumbers();
    for (const id of NUMBER_IDS) numbers[id] = Number(get(id) ?? 0) || 0;
    const verdict = get('verdict');
    return {
      file,
      program,
      verdict: verdict === 'failure' || verdict === 'unsupported' ? verdict : 'success',
      progType: get('prog_type') ?? '',
      attachType: get('attach_type') ?? '',
      numbers,
    };
  });
}

function jsonRecords(text: string, name: string): Map<string, string>[] {
  try {
    return (JSON.parse(text) as Record<string, unknown>[]).map(
      (each) => new Map(Object.entries(each).map(([key, value]) => [key, String(value)])),
    );
  } catch (cause) {
    throw new ConfigError('config-file', `${name} is no JSON`, { where: { file: name }, cause });
  }
}

function csvRecords(text: string): Map<string, string>[] {
  const [head = [], ...rows] = text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map(csvCells);
  return rows.map((cells) => new Map(head.map((key, index) => [key, cells[index] ?? ''])));
}

function csvCells(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );
}
