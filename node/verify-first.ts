/**
 * Verifies what is about to run: the program, and those that its tail calls may lead to. Says which checks its run needs.
 * Knows no rendering.
 */
import { LoadError, must } from '../vm/errors.js';
import type { Checks } from '../vm/engine/engine.js';
import type { ObjectSpec, ProgId } from '../vm/object/object-spec.js';
import type { RejectionReport } from '../vm/verifier/report.js';
import type { VerdictCache } from './verdict-cache.js';

/** Thrown where a program that would run is rejected: nothing of it should run. */
export class RejectedProgram extends Error {
  readonly program: string;
  readonly report: RejectionReport;

  constructor(program: string, report: RejectionReport) {
    super(`${program}: ${report.message}`);
    this.name = 'RejectedProgram';
    this.program = program;
    this.report = report;
  }
}

export interface FirstVerdict {
  /** Verified programs need neither fuel nor memory checks; others keep what they have. */
  readonly checks: Partial<Checks>;
  /** Programs that could not be decided, and why. */
  readonly undecided: readonly { readonly program: string; readonly what: string }[];
}

/**
 * @param starts programs that are to run
 * @param bytes the object's file
 * @throws RejectedProgram
 */
export function verifyFirst(
  object: ObjectSpec,
  starts: readonly ProgId[],
  bytes: Uint8Array,
  cache: VerdictCache,
): FirstVerdict {
  const undecided: { program: string; what: string }[] = [];
  for (const prog of reachablePrograms(object, starts)) {
    const { name } = must(object.programs[prog], 'a program');
    const verdict = cache.verdict({ object, prog, bytes });
    if (verdict.kind === 'reject') {
      refuseUnknownHelper(object, name, verdict.report);
      throw new RejectedProgram(name, verdict.report);
    }
    if (verdict.kind === 'unsupported') undecided.push({ program: name, what: verdict.what });
  }
  return { checks: undecided.length > 0 ? {} : { fuel: false, memory: false }, undecided };
}

/** A helper that no kernel has is no matter of judgement: the object is broken. */
function refuseUnknownHelper({ name: file }: ObjectSpec, program: string, { message, at }: RejectionReport): void {
  const [, helper] = /^invalid func .*#(-?\d+)$/.exec(message) ?? [];
  if (helper === undefined) return;
  const { insn, line } = at;
  const place = insn === undefined ? '' : ` at insn ${String(insn)}`;
  throw new LoadError(
    'load-insn',
    `program \`${program}\` calls helper ${helper}${place}: Linux 6.18 has no such helper`,
    {
      where: { file, ...(line === undefined ? {} : { source: line }) },
      data: { program, helper: Number(helper) },
      hint: 'docs/helpers.md lists those that there are',
    },
  );
}

/** With a prog_array in hand a program may end in any other of its type: who is in the array can change. */
function reachablePrograms(object: ObjectSpec, starts: readonly ProgId[]): ReadonlySet<ProgId> {
  const found = new Set(starts);
  for (const prog of found) {
    const program = must(object.programs[prog], 'a program');
    if (!program.functions.some((func) => usesProgArray(object, func))) continue;
    for (const [id, { type }] of object.programs.entries()) if (type === program.type) found.add(id);
  }
  return found;
}

function usesProgArray(object: ObjectSpec, func: number): boolean {
  for (const ref of object.functions[func]?.refs.values() ?? []) {
    if (ref.kind === 'map' && object.maps[ref.map]?.type === 'prog_array') return true;
  }
  return false;
}
