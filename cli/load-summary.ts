/**
 * Many objects in one table: what each holds, how much of it skep runs, and why not the rest. Also counts how often each reason
 * is given. Knows no files.
 */
import { describeObject, Datapath, SkepError } from '../vm/index.js';
import type { ObjectDescription, ObjectSpec } from '../vm/index.js';
import { condense } from './load-tables.js';
import { renderTable } from './text-table.js';

/** An object, or why it cannot be loaded. */
export interface ObjectSummary {
  readonly object: string;
  readonly programs: number;
  /** Programs that skep runs. */
  readonly supported: number;
  readonly maps: number;
  readonly helpers: readonly string[];
  readonly kfuncs: readonly string[];
  /** Why some programs cannot run, each reason once. */
  readonly reasons: readonly string[];
  /** Why it cannot be loaded. */
  readonly error?: string;
}

/** Loads an object wholly: into memory, compiled for engine `interp`. */
export function summarize(object: string, load: () => ObjectSpec): ObjectSummary {
  let spec: ObjectSpec | undefined;
  try {
    spec = load();
    return summaryOf(object, describeObject(new Datapath(spec).object));
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
    const { message } = error;
    const known = spec === undefined ? NOTHING : summaryOf(object, describeObject(spec));
    return { ...known, object, supported: 0, error: message };
  }
}

const NOTHING = { programs: 0, supported: 0, maps: 0, helpers: [], kfuncs: [], reasons: [] };

function summaryOf(object: string, { programs, maps, helpers, kfuncs }: ObjectDescription): ObjectSummary {
  return {
    object,
    programs: programs.length,
    supported: programs.filter(({ unsupported }) => unsupported.length === 0).length,
    maps: maps.length,
    helpers: helpers.map(({ name }) => name),
    kfuncs: kfuncs.map(({ name }) => name),
    reasons: [...new Set(programs.flatMap(({ unsupported, unresolved }) => [...unsupported, ...unresolved]))],
  };
}

/** A row for each object, totals, and reasons by how many objects give them. */
export function renderSummary(summaries: readonly ObjectSummary[]): string {
  const rows = summaries.map((each) => [
    each.object,
    each.error === undefined ? `${String(each.supported)}/${String(each.programs)}` : '-',
    String(each.maps),
    String(each.helpers.length),
    String(each.kfuncs.length),
    each.error === undefined ? condense(each.reasons) : `cannot be loaded: ${each.error}`,
  ]);
  const table = renderTable(['OBJECT', 'RUNS', 'MAPS', 'HELPERS', 'KFUNCS', 'WHAT DOES NOT'], rows, [1, 2, 3, 4]);
  const reasons = countReasons(summaries).map(([reason, objects]) => [reason, String(objects)]);
  const parts = [
    table,
    totals(summaries),
    reasons.length === 0 ? '' : renderTable(['REASON', 'OBJECTS'], reasons, [1]),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function totals(summaries: readonly ObjectSummary[]): string {
  const loaded = summaries.filter(({ error }) => error === undefined);
  const whole = loaded.filter(({ programs, supported }) => programs === supported);
  const none = loaded.filter(({ programs, supported }) => programs > 0 && supported === 0);
  const sum = (of: (each: ObjectSummary) => number): string =>
    String(summaries.reduce((all, each) => all + of(each), 0));
  return [
    `${String(summaries.length)} objects: ${String(loaded.length)} can be loaded, of which ${String(whole.length)} run whole,`,
    `${String(loaded.length - whole.length - none.length)} in part and ${String(none.length)} not at all;`,
    `${sum(({ supported }) => supported)} of ${sum(({ programs }) => programs)} programs run.`,
  ].join(' ');
}

/** Most frequent first. */
function countReasons(summaries: readonly ObjectSummary[]): (readonly [reason: string, objects: number])[] {
  const counts = new Map<string, number>();
  for (const { reasons, error } of summaries) {
    for (const reason of error === undefined ? reasons : [error]) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts].sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1));
}
