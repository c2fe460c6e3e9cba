/** How many programs a fuzz test tries and from which seed on, as the environment says; the seed is always printed. */
import type { Test } from 'tap';
import { shrinkLines } from './shrink.js';
import { textOf, type TypedProgram } from './typed-program.js';

/** `SKEP_SEED`, or a new one. */
export const SEED = Number(process.env.SKEP_SEED ?? Date.now() % 1_000_000_000);

/** `SKEP_FUZZ`, or what fits into every run of the tests. */
export function countOr(usual: number): number {
  return Number(process.env.SKEP_FUZZ ?? usual);
}

export function sayHow(t: Test, count: number): void {
  t.comment(`seed ${SEED}, ${count} programs; SKEP_FUZZ=N tries more, SKEP_SEED=${SEED} the same again`);
}

/** Fails with the smallest program that shows a fault of the same kind, which is what stands before the first colon. */
export function failWith(
  t: Test,
  program: TypedProgram,
  fault: string,
  ask: (program: TypedProgram) => string | undefined,
): void {
  const kind = (text: string | undefined): string | undefined => text?.split(':')[0];
  const faultOf = (lines: readonly string[]): string | undefined => {
    try {
      return ask({ ...program, lines });
    } catch {
      return undefined;
    }
  };
  const lines = shrinkLines(program.lines, (tried) => kind(faultOf(tried)) === kind(fault));
  t.fail(`${faultOf(lines) ?? fault}\n${textOf({ ...program, lines })}`);
}
