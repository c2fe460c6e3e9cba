/** One verified program, and the columns that veristat's users know: names, titles, values. Knows no files. */
import type { ProgramSpec, RejectionReport, Verdict } from '../vm/index.js';

/** A program with what became of it; `before` where it comes from a file of an earlier run. */
export interface VerifyRow {
  readonly file: string;
  readonly program: string;
  readonly verdict: 'success' | 'failure' | 'unsupported';
  readonly progType: string;
  readonly attachType: string;
  readonly numbers: Readonly<Record<NumberColumn, number>>;
}

/** A row whose program was verified here and now. */
export interface VerifiedProgram extends VerifyRow {
  readonly spec: ProgramSpec;
  readonly answer: Verdict;
  /** Of a rejected one. */
  readonly report?: RejectionReport;
}

const NUMBER_COLUMNS = [
  { id: 'duration', title: 'Duration (us)', csv: 'duration', aliases: ['dur'] },
  { id: 'insns', title: 'Insns', csv: 'total_insns', aliases: [] },
  { id: 'states', title: 'States', csv: 'total_states', aliases: [] },
  { id: 'size', title: 'Program size', csv: 'prog_size', aliases: [] },
  { id: 'peak_states', title: 'Peak states', csv: 'peak_states', aliases: [] },
  { id: 'max_states', title: 'Max states per insn', csv: 'max_states_per_insn', aliases: [] },
  { id: 'mark_read', title: 'Max mark read length', csv: 'max_mark_read_len', aliases: [] },
  { id: 'stack', title: 'Stack depth', csv: 'stack_depth', aliases: [] },
] as const;

export type NumberColumn = (typeof NUMBER_COLUMNS)[number]['id'];
export type ColumnId = NumberColumn | 'file' | 'prog' | 'verdict' | 'prog_type' | 'attach_type';

export interface Column {
  readonly id: ColumnId;
  readonly title: string;
  /** Name in CSV. */
  readonly csv: string;
  readonly aliases: readonly string[];
  readonly numeric: boolean;
  value(row: VerifyRow): string | number;
}

function words(id: ColumnId, title: string, csv: string, aliases: readonly string[], value: Column['value']): Column {
  return { id, title, csv, aliases, numeric: false, value };
}

/** Every column there is. */
export const COLUMNS: readonly Column[] = [
  words('file', 'File', 'file_name', ['filename'], (row) => row.file),
  words('prog', 'Program', 'prog_name', ['progname'], (row) => row.program),
  words('verdict', 'Verdict', 'verdict', [], (row) => row.verdict),
  ...NUMBER_COLUMNS.map((column): Column => ({ ...column, numeric: true, value: (row) => row.numbers[column.id] })),
  words('prog_type', 'Program type', 'prog_type', [], (row) => row.progType),
  words('attach_type', 'Attach type', 'attach_type', [], (row) => row.attachType),
];

/** What is shown where nothing is asked for. */
export const DEFAULT_COLUMNS: readonly ColumnId[] = [
  'file',
  'prog',
  'verdict',
  'duration',
  'insns',
  'states',
  'size',
  'peak_states',
];

/** The same for comparisons: durations are noise there. */
export const COMPARED_COLUMNS: readonly ColumnId[] = ['file', 'prog', 'verdict', 'insns', 'states'];

/** Columns that CSV has where nothing is asked for: all of them, so that any comparison can be made later. */
export const CSV_COLUMNS: readonly ColumnId[] = COLUMNS.map(({ id }) => id);

export function columnNamed(name: string): Column | undefined {
  return COLUMNS.find((column) => [column.id, column.csv, ...column.aliases].includes(name));
}

/** A row that knows nothing but its names, for reading files. */
export function noNumbers(): Record<NumberColumn, number> {
  return Object.fromEntries(NUMBER_COLUMNS.map(({ id }) => [id, 0])) as Record<NumberColumn, number>;
}

export const NUMBER_IDS: readonly NumberColumn[] = NUMBER_COLUMNS.map(({ id }) => id);
