/**
 * `npm run oracle -- FILE...`: holds skep's verifier and both engines against recorded answers of a kernel.
 * Exit codes: 0 it ran, whatever came of it; 2 wrong arguments or a broken file.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import type { EngineName } from '../vm/datapath/engines.js';
import { SkepError } from '../vm/errors.js';
import { checkRow } from './oracle/check-row.js';
import { object } from './oracle/fields.js';
import { isCounters, readCounters } from './oracle/read-counters.js';
import { isSelftests, readSelftests } from './oracle/read-selftests.js';
import { renderTally } from './oracle/render-tally.js';
import type { Row, RowFile } from './oracle/row.js';
import { runRow } from './oracle/run-row.js';
import { Tallier } from './oracle/tally.js';
import type { RowResult, Tally } from './oracle/tally.js';

const USAGE = `usage: npm run oracle -- FILE... [--objects DIR] [--json] [--only TEXT] [--log LEVEL] [--all-names]
  --objects DIR  where the objects are whose counters a file holds
  --json         print an array with one object a file
  --only TEXT    rows whose name contains this
  --log LEVEL    print the verifier's log of each row
  --all-names    print every name of a list`;

const ENGINE_NAMES: readonly EngineName[] = ['interp', 'wasm'];

interface Options {
  readonly objects: string | undefined;
  readonly only: string | undefined;
  readonly log: number | undefined;
}

function readFile(path: string, folder: string | undefined): RowFile {
  const file = object(JSON.parse(readFileSync(path, 'utf8')), path);
  if (isSelftests(file)) return readSelftests(file);
  if (isCounters(file)) return readCounters(file, folder);
  throw new Error(`${path} has neither programs, tests nor objects`);
}

function checkAll(row: Row, log: number | undefined): RowResult {
  if (row.excluded !== undefined) return { row };
  const check = checkRow(row, log);
  if (log !== undefined) console.error(`--- ${row.name}: ${check.judgement}\n${check.verdict.log}`);
  if (row.runs.length === 0) return { row, check };
  return { row, check, runs: Object.fromEntries(ENGINE_NAMES.map((engine) => [engine, runRow(row, engine)])) };
}

function tallyFile(path: string, { objects, only, log }: Options): Tally {
  const tallier = new Tallier(basename(path));
  for (const row of readFile(path, objects).rows) {
    if (only === undefined || row.name.includes(only)) tallier.add(checkAll(row, log));
  }
  return tallier.result();
}

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      objects: { type: 'string' },
      json: { type: 'boolean' },
      only: { type: 'string' },
      log: { type: 'string' },
      'all-names': { type: 'boolean' },
    },
  });
  if (positionals.length === 0) throw new Error('which files?');
  const log = values.log === undefined ? undefined : Number(values.log);
  const tallies = positionals.map((path) => tallyFile(path, { objects: values.objects, only: values.only, log }));
  if (values.json === true) console.log(JSON.stringify(tallies, null, 2));
  else console.log(tallies.map((tally) => renderTally(tally, values['all-names'] === true)).join('\n'));
  return 0;
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(error instanceof SkepError || error instanceof Error ? `${error.message}\n${USAGE}` : error);
  process.exitCode = 2;
}
