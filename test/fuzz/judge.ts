/**
 * What must hold for any program, as one question: no difference between engines, and nothing that the verifier accepts may
 * trip a check at run time. Knows no kernel.
 */
import { ALL_CHECKS, NO_CHECKS } from '../../vm/engine/engine.js';
import type { Verdict } from '../../vm/verifier/verdict.js';
import { verify } from '../../vm/verifier/verify.js';
import { ALL, anySetting, BOTH, compareRuns } from './run-engines.js';
import { objectOf, type TypedProgram } from './typed-program.js';

const FUEL = 100_000;
/** Enough for programs that nobody has accepted; some of them run for ever. */
const REJECTED_FUEL = 1000;

export interface Judgement {
  readonly verdict: Verdict;
  /** What is wrong, or undefined. Begins with what kind of thing it is. */
  readonly fault: string | undefined;
  /** How the checked runs ended: `exit`, or the trap's name. */
  readonly ends: readonly string[];
}

/** @throws AsmError, LoadError where the program's lines are none */
export function judge(program: TypedProgram, seed: number): Judgement {
  const object = objectOf(program);
  const verdict = verify(object, 0, { logLevel: 0 });
  const setting = anySetting(seed);
  const accepted = verdict.kind === 'accept';
  const engines = seed % 8 === 0 ? ALL : BOTH;
  // What a call leaves in r1 to r5 is each engine's own; no accepted program can tell.
  if (!accepted && object.functions.length > 2) return { verdict, fault: undefined, ends: [] };
  const checked = compareRuns(object, setting, ALL_CHECKS, engines, accepted ? FUEL : REJECTED_FUEL);
  const ends = checked.runs.results.map(({ trap }) => trap?.name ?? 'exit');
  const answer = (fault: string | undefined): Judgement => ({ verdict, fault, ends });
  if (checked.difference !== undefined) return answer(`checked: ${checked.difference}`);
  if (!accepted) return answer(undefined);
  const tripped = checked.runs.results.find(({ trap }) => trap !== undefined)?.trap;
  if (tripped !== undefined) {
    return answer(
      `unsound: accepted, and then ${tripped.name} in ${tripped.func} at ${tripped.pc}: ${tripped.message}`,
    );
  }
  const unchecked = compareRuns(object, setting, NO_CHECKS, engines, FUEL);
  if (unchecked.difference !== undefined) return answer(`unchecked: ${unchecked.difference}`);
  if (program.unsteady) return answer(undefined);
  const other = unchecked.runs.lines.findIndex((line, i) => line !== checked.runs.lines[i]);
  if (other < 0) return answer(undefined);
  return answer(
    `modes: run ${other}:\n  ${unchecked.runs.lines[other] ?? ''}\n  checked:\n  ${checked.runs.lines[other] ?? ''}`,
  );
}
