/**
 * The verifier's door: a program in, Linux 6.18's verdict out. Knows no files, no kernel and no rendering of reports.
 */
import type { ObjectSpec, ProgId } from '../object/object-spec.js';
import { programFromObject } from './from-object.js';
import type { VerifierProgram } from './program.js';
import type { Verdict, VerifyOptions } from './verdict.js';

export { programFromObject, verifierMap } from './from-object.js';
export * from './program.js';
export * from './verdict.js';

/**
 * What Linux 6.18 would say to a program of an object. Pure: the same input gives the same verdict. Never throws for a bad
 * program; throws `InvariantError` where `prog` does not exist.
 */
export function verify(object: ObjectSpec, prog: ProgId, options: VerifyOptions = {}): Verdict {
  const spec = object.programs[prog];
  if (spec?.type === 'unspec') return undecided(spec.unsupported ?? `section ${spec.section} names no program type`);
  return verifyProgram(programFromObject(object, prog), options);
}

function undecided(what: string): Verdict {
  const stats = { processed: 0, maxStatesPerInsn: 0, totalStates: 0, peakStates: 0, markRead: 0, stackDepths: [] };
  return { kind: 'unsupported', what, stats, log: '' };
}

/** The same for a program that comes from elsewhere. */
export function verifyProgram(program: VerifierProgram, _options: VerifyOptions = {}): Verdict {
  return undecided(`verification of ${program.type} programs`);
}
