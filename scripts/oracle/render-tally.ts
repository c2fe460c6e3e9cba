/** A file's tally as text. */
import type { Counts, NamedReason, Tally } from './tally.js';

/** Names that are printed of each list without `--all-names`. */
const SHOWN = 20;

function percent(part: number, whole: number): string {
  return whole === 0 ? '' : ` (${((100 * part) / whole).toFixed(2)} %)`;
}

function countsLine(name: string, counts: Counts): string {
  const { rows, excluded, agree, falseAccepts, falseRejects, unsupported } = counts;
  const of = rows - excluded;
  const bad = `${String(falseAccepts)} false accepts, ${String(falseRejects)} false rejects, ${String(unsupported)} unsupported`;
  const runs = counts.retvalRows === 0 ? '' : `; retvals ${String(counts.retvalAgree)} of ${String(counts.retvalRows)}`;
  return `  ${name.padEnd(18)} ${String(agree).padStart(5)} of ${String(of).padStart(5)}  ${bad}${runs}`;
}

function listed(title: string, lines: readonly string[], all: boolean): string[] {
  if (lines.length === 0) return [];
  const shown = all ? lines : lines.slice(0, SHOWN);
  const rest = lines.length - shown.length;
  return [
    `${title}:`,
    ...shown.map((line) => `  ${line}`),
    ...(rest > 0 ? [`  and ${String(rest)} more (--all-names)`] : []),
  ];
}

/** Reasons with how many rows have each, most first. */
function byReason(reasons: readonly NamedReason[]): string[] {
  const counts = new Map<string, NamedReason[]>();
  for (const each of reasons) counts.set(each.what, [...(counts.get(each.what) ?? []), each]);
  return [...counts]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([what, rows]) => `${String(rows.length).padStart(5)}  ${what} (${rows[0]?.name ?? ''})`);
}

function groups(title: string, counts: Readonly<Record<string, Counts>>, prefix = ''): string[] {
  const lines = Object.entries(counts).map(([name, each]) => countsLine(`${prefix}${name}`, each));
  return lines.length === 0 ? [] : [`${title}:`, ...lines];
}

export function renderTally(tally: Tally, all: boolean): string {
  const of = tally.rows - tally.excluded;
  const { processed } = tally;
  const lines = [
    `${tally.file}: ${String(tally.rows)} rows, ${String(tally.excluded)} excluded`,
    `  verdict agrees     ${String(tally.agree)} of ${String(of)}${percent(tally.agree, of)}`,
    `  false accepts      ${String(tally.falseAccepts)}`,
    `  false rejects      ${String(tally.falseRejects)}`,
    `  unsupported        ${String(tally.unsupported)}${percent(tally.unsupported, of)}`,
    `  error line agrees  ${String(tally.messageAgree)} of ${String(tally.messageRows)}${percent(tally.messageAgree, tally.messageRows)}`,
    `  retval agrees      ${String(tally.retvalAgree)} of ${String(tally.retvalRows)}, ${String(tally.retvalUnsupported)} unsupported`,
    `  insns processed    within max(10 %, 20) ${String(processed.within)} of ${String(processed.rows)}${percent(processed.within, processed.rows)}, equal ${String(processed.equal)}; ` +
      `total ${String(processed.skep)}, Linux ${String(processed.kernel)}${percent(processed.skep - processed.kernel, processed.kernel)}`,
    `  CPU                ${tally.cpuMs.toFixed(0)} ms` +
      (tally.kernelMs === 0 ? '' : `; Linux took ${tally.kernelMs.toFixed(0)} ms of wall clock where it was recorded`),
    ...groups('by tier', tally.byTier, 'T'),
    ...groups('by program type', tally.byProgType),
    ...groups('by group', tally.all),
    ...listed('verdict disagrees', tally.disagree, all),
    ...listed('unsupported', byReason(tally.unsupportedRows), all),
    ...listed(
      'error line differs',
      tally.messageDisagree.map(({ name, skep, kernel }) => `${name}\n      skep:  ${skep}\n      Linux: ${kernel}`),
      all,
    ),
    ...listed(
      'retval differs',
      tally.retvalDisagree.map(({ name, what }) => `${name}: ${what}`),
      all,
    ),
    ...listed('retval unsupported', byReason(tally.retvalUnsupportedRows), all),
    ...listed(
      'insns processed differ',
      tally.processedDisagree.map(({ name, skep, kernel }) => `${name}: ${String(skep)}, Linux ${String(kernel)}`),
      all,
    ),
  ];
  return `${lines.join('\n')}\n`;
}
