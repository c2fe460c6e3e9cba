/** Turns a probe's answers into the files of `vm/spec/facts` and back into comparable text. Asks no kernel. */
import { format, resolveConfig } from 'prettier';
import { type KernelFacts, type Offsets, type Site, type SiteFacts, WIDTHS } from './probe.js';

export const FACTS_VERSION = '6.18';

/** Ascending numbers as `1-3,8`; neighbours are `step` apart. */
function toRuns(numbers: readonly number[], step = 1): string {
  const runs: [number, number][] = [];
  for (const value of numbers) {
    const last = runs.at(-1);
    if (last !== undefined && value === last[1] + step) last[1] = value;
    else runs.push([value, value]);
  }
  return runs.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}

/** Names of a site: `type/attach`; the first site of a type also stands for the type alone. */
function namesOf({ type, attach }: Site, sites: readonly SiteFacts[]): string[] {
  if (attach === undefined) return [type];
  const isFirst = sites.find((each) => each.site.type === type)?.site.attach === attach;
  return isFirst ? [type, `${type}/${attach}`] : [`${type}/${attach}`];
}

/** One row for each different answer, with the sites that gave it. */
function group(sites: readonly SiteFacts[], toFields: (facts: SiteFacts) => string | undefined): string {
  const rows = new Map<string, string[]>();
  for (const facts of sites) {
    const fields = toFields(facts);
    if (fields === undefined) continue;
    const names = rows.get(fields) ?? [];
    names.push(...namesOf(facts.site, sites));
    rows.set(fields, names);
  }
  return [...rows].map(([fields, names]) => `{ sites: '${names.join(' ')}', ${fields} },`).join('\n');
}

function widths(offsets: Offsets): string {
  return `{ ${WIDTHS.map((width) => `${width}: '${toRuns(offsets[width], width)}'`).join(', ')} }`;
}

function file(purpose: string, more: string, declaration: string, rows: string): string {
  return `/**
 * ${purpose}
 * Recorded from Linux ${FACTS_VERSION} by \`npm run probe:kernel\`; do not edit.
 * \`sites\`: program types, alone or with an attach point.${more}
 */
export const ${declaration} = [\n${rows}\n] as const;
`;
}

/** Path under the repository -> text of every recorded file. */
export async function renderFacts(
  { sites }: KernelFacts,
  kfuncs: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>([
    [
      'vm/spec/facts/helper-rights.ts',
      file(
        'Which helpers a program may call.',
        ' `helpers`: runs of numbers.',
        'HELPER_RIGHTS',
        group(sites, ({ helpers }) => `helpers: '${toRuns(helpers)}'`),
      ),
    ],
    [
      'vm/spec/facts/ctx-rights.ts',
      file(
        'Which context bytes a program may read and write.',
        ' Width in bytes -> runs of offsets, a width apart.',
        'CTX_RIGHTS',
        group(sites, ({ ctx }) =>
          ctx === undefined ? undefined : `read: ${widths(ctx.read)}, write: ${widths(ctx.write)}`,
        ),
      ),
    ],
    [
      'vm/spec/facts/return-ranges.ts',
      file(
        'What r0 must be at exit; types that are not listed may return anything.',
        '',
        'RETURN_RANGES',
        group(sites, ({ returns }) => (returns === undefined ? undefined : `min: ${returns[0]}, max: ${returns[1]}`)),
      ),
    ],
    [
      'vm/spec/facts/kfunc-names.ts',
      `/**
 * Names of the kfuncs.
 * Recorded from the BTF of Linux ${FACTS_VERSION} by \`npm run probe:kernel\`; do not edit.
 */
export const KFUNC_NAMES = [${kfuncs.map((name) => `'${name}'`).join(', ')}] as const;
`,
    ],
  ]);
  const pretty = new Map<string, string>();
  for (const [path, text] of files) {
    pretty.set(path, await format(text, { ...(await resolveConfig(path)), parser: 'typescript' }));
  }
  return pretty;
}
