/**
 * A table of cases, each with one line of answer: what a live kernel said is recorded in a file (`BLESS=1` records again),
 * skep is held against the record in every mode, and the kernel where it can be asked. Knows nothing of what is asked.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { ALL_CHECKS, NO_CHECKS } from '../../vm/engine/engine.js';
import type { Checks } from '../../vm/engine/engine.js';
import { whyNotRecordedKernel } from './bpf-syscall.js';
import { FACTS_VERSION } from './render-facts.js';

export interface Mode {
  readonly engine: 'interp' | 'wasm';
  readonly checks: Checks;
}

const MODES: Readonly<Record<string, Mode>> = {
  'interp, all checks': { engine: 'interp', checks: ALL_CHECKS },
  'wasm, all checks': { engine: 'wasm', checks: ALL_CHECKS },
  'wasm, no checks': { engine: 'wasm', checks: NO_CHECKS },
};

export interface Recording<Case extends { readonly name: string }> {
  /** Where the answers lie. */
  readonly file: string;
  readonly cases: readonly Case[];
  /** The table has more cases than this. */
  readonly moreThan: number;
  /** How skep runs, by name; default both engines with all checks, and wasm without any. */
  readonly modes?: Readonly<Record<string, Mode>>;
  /** All cases in their order, with what skep answers. */
  readonly askSkep: (mode: Mode) => Iterable<readonly [each: Case, answer: string]>;
  /** Opens the kernel and gives what asks it. */
  readonly openKernel: () => (each: Case) => string;
  /** What skep is to answer where the kernel answered this; the same unless said otherwise. */
  readonly expected?: (recorded: string, name: string) => string;
}

export function testRecordedAnswers<Case extends { readonly name: string }>(recording: Recording<Case>): void {
  const {
    file,
    cases,
    moreThan,
    modes = MODES,
    askSkep,
    openKernel,
    expected = (recorded: string): string => recorded,
  } = recording;
  const skip = whyNotRecordedKernel(FACTS_VERSION) ?? false;
  if (process.env.BLESS === '1' && skip === false) {
    const ask = openKernel();
    const rows = Object.fromEntries(cases.map((each) => [each.name, ask(each)]));
    writeFileSync(file, `${JSON.stringify({ kernel: FACTS_VERSION, answers: rows }, undefined, 2)}\n`);
  }
  const { answers } = JSON.parse(readFileSync(file, 'utf8')) as { answers: Readonly<Record<string, string>> };

  t.test('the record holds every case', (t) => {
    t.strictSame(Object.keys(answers).sort(), cases.map(({ name }) => name).sort());
    t.end();
  });

  for (const [name, mode] of Object.entries(modes)) {
    t.test(`skep answers as the kernel did: ${name}`, (t) => {
      for (const [each, ours] of askSkep(mode)) {
        const theirs = expected(answers[each.name] ?? 'nothing', each.name);
        if (ours !== theirs) t.equal(ours, theirs, each.name);
      }
      t.ok(cases.length > moreThan, `${cases.length} cases`);
      t.end();
    });
  }

  t.test('the kernel still answers so', { skip }, (t) => {
    const ask = openKernel();
    for (const each of cases) {
      const now = ask(each);
      if (now !== answers[each.name]) t.equal(now, answers[each.name], each.name);
    }
    t.pass(`${cases.length} cases`);
    t.end();
  });
}

/** FNV-1a, 8 hex digits. */
export function hashBytes(bytes: Uint8Array): string {
  let h = 0x811c9dc5;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193);
  return (h >>> 0).toString(16).padStart(8, '0');
}
