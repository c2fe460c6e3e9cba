/** Counts what came of the rows of one file, by group, tier and program type. */
import type { RowCheck } from './check-row.js';
import type { Row } from './row.js';
import type { RunCheck } from './run-row.js';

/** A row with everything that was found. */
export interface RowResult {
  readonly row: Row;
  /** Absent where the row is excluded. */
  readonly check?: RowCheck;
  /** By engine; absent where there is nothing to run. */
  readonly runs?: Readonly<Record<string, RunCheck>>;
}

export interface Counts {
  rows: number;
  excluded: number;
  agree: number;
  falseAccepts: number;
  falseRejects: number;
  unsupported: number;
  errnoAgree: number;
  messageRows: number;
  messageAgree: number;
  retvalRows: number;
  retvalAgree: number;
  retvalUnsupported: number;
  /** Instructions processed, over accepted rows of which the kernel's figure is known. */
  readonly processed: { rows: number; equal: number; within: number; skep: number; kernel: number };
  /** CPU time of the verification in milliseconds; the kernel's is its own wall clock, where it was recorded. */
  cpuMs: number;
  kernelMs: number;
}

export interface NamedReason {
  readonly name: string;
  readonly what: string;
}

export interface Tally extends Counts {
  readonly file: string;
  /** Rows whose verdict is the opposite of the kernel's. */
  readonly disagree: string[];
  readonly unsupportedRows: NamedReason[];
  readonly messageDisagree: { readonly name: string; readonly skep: string; readonly kernel: string }[];
  readonly retvalDisagree: NamedReason[];
  readonly retvalUnsupportedRows: NamedReason[];
  readonly processedDisagree: { readonly name: string; readonly skep: number; readonly kernel: number }[];
  readonly byTier: Record<string, Counts>;
  readonly byProgType: Record<string, Counts>;
  /** Every group, `net` included. */
  readonly all: Record<string, Counts>;
}

/** Which rows the tally's own counts are about. */
const GROUP = 'net';
/** Figures this near are as good as equal. */
const NEAR_INSNS = 20;
const NEAR_SHARE = 0.1;

function noCounts(): Counts {
  return {
    rows: 0,
    excluded: 0,
    agree: 0,
    falseAccepts: 0,
    falseRejects: 0,
    unsupported: 0,
    errnoAgree: 0,
    messageRows: 0,
    messageAgree: 0,
    retvalRows: 0,
    retvalAgree: 0,
    retvalUnsupported: 0,
    processed: { rows: 0, equal: 0, within: 0, skep: 0, kernel: 0 },
    cpuMs: 0,
    kernelMs: 0,
  };
}

function countsOf(groups: Record<string, Counts>, name: string): Counts {
  const known = groups[name] ?? noCounts();
  groups[name] = known;
  return known;
}

export class Tallier {
  readonly #tally: Tally;

  constructor(file: string) {
    this.#tally = {
      file,
      ...noCounts(),
      disagree: [],
      unsupportedRows: [],
      messageDisagree: [],
      retvalDisagree: [],
      retvalUnsupportedRows: [],
      processedDisagree: [],
      byTier: {},
      byProgType: {},
      all: {},
    };
  }

  add(result: RowResult): void {
    const { row } = result;
    const tally = this.#tally;
    count(countsOf(tally.all, row.group), result);
    if (row.group !== GROUP) return;
    count(tally, result);
    if (row.tier !== undefined) count(countsOf(tally.byTier, String(row.tier)), result);
    count(countsOf(tally.byProgType, row.type), result);
    this.#name(result);
  }

  result(): Tally {
    return this.#tally;
  }

  #name({ row, check, runs }: RowResult): void {
    if (check === undefined) return;
    const tally = this.#tally;
    const { name } = row;
    const { judgement, verdict } = check;
    if (judgement === 'false-accept' || judgement === 'false-reject') tally.disagree.push(name);
    if (verdict.kind === 'unsupported') tally.unsupportedRows.push({ name, what: verdict.what });
    if (check.sameMessage === false && verdict.kind === 'reject') {
      tally.messageDisagree.push({ name, skep: verdict.message, kernel: row.live.message ?? '' });
    }
    const processed = processedOf(row, check);
    if (processed !== undefined && !isNear(processed)) tally.processedDisagree.push({ name, ...processed });
    for (const [engine, run] of Object.entries(runs ?? {})) {
      if (run.kind === 'differs') tally.retvalDisagree.push({ name, what: `${engine}: ${run.how}` });
      if (run.kind === 'unsupported') tally.retvalUnsupportedRows.push({ name, what: `${engine}: ${run.what}` });
    }
  }
}

function processedOf({ live }: Row, { verdict }: RowCheck): { skep: number; kernel: number } | undefined {
  if (verdict.kind !== 'accept' || !live.accepts || live.processed === undefined) return undefined;
  return { skep: verdict.stats.processed, kernel: live.processed };
}

function isNear({ skep, kernel }: { readonly skep: number; readonly kernel: number }): boolean {
  return Math.abs(skep - kernel) <= Math.max(NEAR_INSNS, NEAR_SHARE * kernel);
}

function count(counts: Counts, { row, check, runs }: RowResult): void {
  counts.rows++;
  if (check === undefined) {
    counts.excluded++;
    return;
  }
  const { judgement, sameErrno, sameMessage, cpuMs } = check;
  if (judgement === 'agree') counts.agree++;
  if (judgement === 'false-accept') counts.falseAccepts++;
  if (judgement === 'false-reject') counts.falseRejects++;
  if (judgement === 'unsupported') counts.unsupported++;
  if (sameErrno === true) counts.errnoAgree++;
  if (sameMessage !== undefined) counts.messageRows++;
  if (sameMessage === true) counts.messageAgree++;
  counts.cpuMs += cpuMs;
  counts.kernelMs += (row.kernelUs ?? 0) / 1000;
  const processed = processedOf(row, check);
  if (processed !== undefined) {
    counts.processed.rows++;
    counts.processed.skep += processed.skep;
    counts.processed.kernel += processed.kernel;
    if (processed.skep === processed.kernel) counts.processed.equal++;
    if (isNear(processed)) counts.processed.within++;
  }
  const kinds = Object.values(runs ?? {}).map(({ kind }) => kind);
  if (kinds.length === 0) return;
  counts.retvalRows++;
  if (kinds.every((kind) => kind === 'same')) counts.retvalAgree++;
  else if (!kinds.includes('differs')) counts.retvalUnsupported++;
}
