/**
 * What Linux lets a program type do at an attach point: which helpers, which context bytes, what r0 at exit. Reads the
 * facts recorded from a live kernel; answers `undefined` where that kernel could not be asked.
 */
import { CTX_RIGHTS } from './facts/ctx-rights.js';
import { HELPER_RIGHTS } from './facts/helper-rights.js';
import { RETURN_RANGES } from './facts/return-ranges.js';
import { type AttachTypeName, type ProgTypeName } from './prog-types.js';

export type Access = 'read' | 'write';

/** Which aligned accesses of a context are allowed. */
export interface CtxAccess {
  /** Whether `bytes` (1, 2, 4 or 8) at `off` from the start may be accessed; never where `off` is not aligned. */
  allows(access: Access, off: number, bytes: number): boolean;
}

/** `1-3,8` -> the numbers it stands for, `step` apart within a run. */
function numbersIn(runs: string, step = 1): ReadonlySet<number> {
  const all = new Set<number>();
  if (runs === '') return all;
  for (const run of runs.split(',')) {
    const [first = 0, last = first] = run.split('-').map(Number);
    for (let value = first; value <= last; value += step) all.add(value);
  }
  return all;
}

/** Every site (`type`, `type/attach`) -> its row's value. */
function bySite<R extends { readonly sites: string }, V>(rows: readonly R[], toValue: (row: R) => V): Map<string, V> {
  const values = new Map<string, V>();
  for (const row of rows) {
    const value = toValue(row);
    for (const site of row.sites.split(' ')) values.set(site, value);
  }
  return values;
}

function lookup<V>(
  values: ReadonlyMap<string, V>,
  type: ProgTypeName,
  attach: AttachTypeName | undefined,
): V | undefined {
  if (attach === undefined) return values.get(type);
  const exact = values.get(`${type}/${attach}`);
  if (exact !== undefined) return exact;
  const dependsOnAttach = [...values.keys()].some((site) => site.startsWith(`${type}/`));
  return dependsOnAttach ? undefined : values.get(type);
}

const helpers = bySite(HELPER_RIGHTS, (row) => numbersIn(row.helpers));

const ctxs = bySite(CTX_RIGHTS, (row): CtxAccess => {
  const sets = {
    read: {
      1: numbersIn(row.read[1], 1),
      2: numbersIn(row.read[2], 2),
      4: numbersIn(row.read[4], 4),
      8: numbersIn(row.read[8], 8),
    },
    write: {
      1: numbersIn(row.write[1], 1),
      2: numbersIn(row.write[2], 2),
      4: numbersIn(row.write[4], 4),
      8: numbersIn(row.write[8], 8),
    },
  };
  return {
    allows: (access, off, bytes) =>
      (bytes === 1 || bytes === 2 || bytes === 4 || bytes === 8) && sets[access][bytes].has(off),
  };
});

const ranges = bySite(RETURN_RANGES, ({ min, max }) => ({ min, max }));

/**
 * Whether a privileged, GPL-compatible program may call the helper; without `attach`, at the type's usual attach point.
 * undefined: the type was not recorded.
 */
export function mayCall(type: ProgTypeName, helperId: number, attach?: AttachTypeName): boolean | undefined {
  return lookup(helpers, type, attach)?.has(helperId);
}

/** The context accesses allowed to a program type; undefined: not recorded (tracing contexts have no fixed layout). */
export function ctxAccess(type: ProgTypeName, attach?: AttachTypeName): CtxAccess | undefined {
  return lookup(ctxs, type, attach);
}

/** What r0 must be at exit, bounds included; undefined where the verifier takes any value. */
export function returnRange(
  type: ProgTypeName,
  attach?: AttachTypeName,
): { readonly min: number; readonly max: number } | undefined {
  return lookup(ranges, type, attach);
}
