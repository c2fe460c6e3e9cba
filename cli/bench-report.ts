/** What `skep bench` says: tables for people, JSON for programs, and whether a new build costs too much. Knows no streams. */
import { InvalidArgumentError } from 'commander';
import { COST_NAMES, pairedDifference } from '../vm/index.js';
import type { CostName, CostTotal, PairedDifference } from '../vm/index.js';
import { renderTable } from './text-table.js';

/** What came of one build. */
export interface Measured {
  readonly object: string;
  readonly program: string;
  /** Whose time was taken. */
  readonly engine: string;
  /** Whether its memory accesses were checked meanwhile. */
  readonly checked: boolean;
  readonly verdicts: readonly (CostTotal & { readonly verdict: string })[];
  readonly total: CostTotal;
  /** Nanoseconds a packet, round by round. */
  readonly time?: { readonly packets: number; readonly ns: readonly number[] };
}

/** Packets by whether the new build executes more instructions for them. */
export interface PairCount {
  readonly dearer: number;
  readonly cheaper: number;
  readonly same: number;
  /** Number of the first dearer packet, from 1; 0 where there is none. */
  readonly firstDearer: number;
}

/** What must not grow by more than so many per cent. */
export interface CostLimit {
  readonly name: CostName | 'ns';
  readonly percent: number;
}

const TITLES: Readonly<Record<CostName, string>> = { insns: 'insns', helpers: 'helper calls', maps: 'map operations' };

/** `insns:0`, `helpers:5`; commas between several. */
export function parseLimits(text: string, before: readonly CostLimit[] = []): readonly CostLimit[] {
  const limits = text.split(',').map((each): CostLimit => {
    const [, name = '', percent = ''] = /^\s*(insns|helpers|maps|ns):(\d+(?:\.\d+)?)%?\s*$/.exec(each) ?? [];
    if (name === '')
      throw new InvalidArgumentError('give limits such as insns:0 or helpers:5, of insns, helpers, maps, ns');
    return { name: name as CostLimit['name'], percent: Number(percent) };
  });
  return [...before, ...limits];
}

/** What costs more than it may, in a line each. */
export function overLimits([a, b]: readonly Measured[], limits: readonly CostLimit[]): string[] {
  if (a === undefined || b === undefined) return [];
  return limits.flatMap(({ name, percent }) => {
    const limit = `more than ${String(percent)} %`;
    if (name === 'ns') {
      const difference = differenceOf(a, b);
      const isOver = difference?.isSeen === true && 100 * difference.share > percent;
      return isOver ? [`ns a packet: ${percentText(difference.share)}, ${limit}`] : [];
    }
    const [from, to] = [a.total.costs[name].sum, b.total.costs[name].sum];
    const isOver = from === 0 ? to > 0 : to > from * (1 + percent / 100);
    return isOver ? [`${TITLES[name]}: ${String(to)} instead of ${String(from)} (${growth(from, to)}), ${limit}`] : [];
  });
}

export function renderBench(measured: readonly Measured[], capture: string, pairs: PairCount): string {
  const [a, b] = measured;
  if (a === undefined) return '';
  return b === undefined ? renderOne(a, capture) : renderTwo(a, b, capture, pairs);
}

function renderOne(measured: Measured, capture: string): string {
  const { object, program, verdicts, total } = measured;
  const rows = rowsOf(verdicts, total).flatMap(([verdict, { packets, costs }]) =>
    COST_NAMES.map((name, index) => {
      const { min, median, p99, max, sum } = costs[name];
      const first = index === 0 ? [verdict, String(packets)] : ['', ''];
      return [...first, TITLES[name], ...[min, median, p99, max, sum].map(String)];
    }),
  );
  const head = ['VERDICT', 'PACKETS', 'COST', 'MIN', 'MEDIAN', 'P99', 'MAX', 'SUM'];
  const table = total.packets === 0 ? 'no packets' : renderTable(head, rows, [1, 3, 4, 5, 6, 7]);
  const parts = [`${program} of ${object} over ${capture}\n`, `${table}\n`];
  const { time } = measured;
  if (time !== undefined) {
    parts.push(
      `${nsText(quantile(time.ns, 0.5))} ns of CPU time a packet (p10 ${nsText(quantile(time.ns, 0.1))}), ${how(measured)}\n`,
    );
  }
  return parts.join('\n');
}

function renderTwo(a: Measured, b: Measured, capture: string, pairs: PairCount): string {
  const heading = `(A) ${a.program} of ${a.object}\n(B) ${b.program} of ${b.object}, both over ${capture}\n`;
  const rowsByName = ({ verdicts, total }: Measured): ReadonlyMap<string, CostTotal> =>
    new Map([...verdicts.map((row) => [row.verdict, row] as const), [TOTAL, total] as const]);
  const [old, young] = [rowsByName(a), rowsByName(b)];
  const verdicts = new Set([...a.verdicts, ...b.verdicts].map(({ verdict }) => verdict));
  const names = verdicts.size === 1 ? [...verdicts] : [...verdicts, TOTAL];
  const three = (from: number | undefined, to: number | undefined): string[] => [
    from === undefined ? '' : String(from),
    to === undefined ? '' : String(to),
    from === undefined || to === undefined ? '' : difference(from, to),
  ];
  const rows = names.flatMap((verdict) => {
    const [x, y] = [old.get(verdict), young.get(verdict)];
    const packets = [verdict, 'packets', ...three(undefined, undefined), ...three(undefined, undefined)];
    return [
      [...packets, ...three(x?.packets ?? 0, y?.packets ?? 0)],
      ...COST_NAMES.map((name) => {
        const [from, to] = [x?.costs[name], y?.costs[name]];
        const stats = (['median', 'p99', 'sum'] as const).flatMap((stat) => three(from?.[stat], to?.[stat]));
        return ['', TITLES[name], ...stats];
      }),
    ];
  });
  const head = [
    'VERDICT',
    'COST',
    ...['MEDIAN', 'P99', 'SUM'].flatMap((stat) => ['A', 'B', 'DIFF'].map((x) => `${stat} (${x})`)),
  ];
  const { dearer, cheaper, same, firstDearer } = pairs;
  const first = dearer === 0 ? '' : ` (the first is packet ${String(firstDearer)})`;
  const parts = [
    heading,
    `${renderTable(head, rows, [2, 3, 4, 5, 6, 7, 8, 9, 10])}\n`,
    `packet by packet, (B) executes more insns for ${String(dearer)}${first}, fewer for ${String(cheaper)}, as many for ${String(same)}\n`,
  ];
  const seen = differenceOf(a, b);
  if (seen !== undefined && a.time !== undefined && b.time !== undefined) {
    const interval = `99 % interval ${percentText(seen.low)} to ${percentText(seen.high)}`;
    const verdict = seen.isSeen ? percentText(seen.share) : 'no difference seen';
    const [from, to] = [a.time.ns, b.time.ns].map((ns) => nsText(quantile(ns, 0.5)));
    parts.push(
      `ns of CPU time a packet: (A) ${from ?? ''}  (B) ${to ?? ''}  (DIFF) ${verdict} (${interval}); ${how(b)}\n`,
    );
  }
  return parts.join('\n');
}

/** For programs; ends with a newline. */
export function benchJson(measured: readonly Measured[], capture: string, pairs: PairCount): string {
  const [a, b] = measured;
  const seen = a === undefined || b === undefined ? undefined : differenceOf(a, b);
  const builds = measured.map(({ time, ...build }) => ({
    ...build,
    ...(time === undefined
      ? {}
      : {
          ns: {
            median: quantile(time.ns, 0.5),
            p10: quantile(time.ns, 0.1),
            packets: time.packets,
            rounds: time.ns.length,
          },
        }),
  }));
  const compared = b === undefined ? {} : { compared: { insns: pairs, ...(seen === undefined ? {} : { ns: seen }) } };
  return `${JSON.stringify({ capture, builds, ...compared }, null, 2)}\n`;
}

const TOTAL = 'total';

/** By verdict; all of them too, where there are several. */
function rowsOf(verdicts: Measured['verdicts'], total: CostTotal): (readonly [name: string, row: CostTotal])[] {
  const rows = verdicts.map((row) => [row.verdict, row] as const);
  return verdicts.length === 1 ? rows : [...rows, [TOTAL, total] as const];
}

function differenceOf(a: Measured, b: Measured): PairedDifference | undefined {
  return a.time === undefined || b.time === undefined ? undefined : pairedDifference(a.time.ns, b.time.ns);
}

function how({ engine, checked, time }: Measured): string {
  const packets = `${String(time?.packets ?? 0)} packets`;
  return `${String(time?.ns.length ?? 0)} rounds over the first ${packets} on engine ${engine}${checked ? ', all accesses checked' : ''}`;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
}

function nsText(ns: number): string {
  return ns.toFixed(ns < 100 ? 1 : 0);
}

function difference(from: number, to: number): string {
  return to === from ? '0' : `${to > from ? '+' : ''}${String(to - from)} (${growth(from, to)})`;
}

function growth(from: number, to: number): string {
  return from === 0 ? 'from 0' : percentText(to / from - 1);
}

function percentText(share: number): string {
  if (!Number.isFinite(share)) return share < 0 ? '-∞' : '+∞';
  return `${share > 0 ? '+' : ''}${(100 * share).toFixed(2)} %`;
}
