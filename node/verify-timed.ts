/** Verifies a program and looks at the clock. */
import type { ObjectSpec, ProgId } from '../vm/object/object-spec.js';
import type { Verdict, VerifyOptions } from '../vm/verifier/verdict.js';
import { verify } from '../vm/verifier/verify.js';

export interface TimedVerdict {
  readonly verdict: Verdict;
  readonly durationUs: number;
}

/** What the log of a rejection needs to be explained. */
const EXPLAINING_LEVEL = 1;

/** A rejection is asked for once more where its log has been left out: it is worth an explanation. */
export function verifyTimed(object: ObjectSpec, prog: ProgId, options: VerifyOptions): TimedVerdict {
  const before = performance.now();
  const verdict = verify(object, prog, options);
  const durationUs = Math.round((performance.now() - before) * 1000);
  const isSilent = ((options.logLevel ?? 0) & 3) === 0;
  if (verdict.kind !== 'reject' || !isSilent) return { verdict, durationUs };
  return { verdict: verify(object, prog, { ...options, logLevel: EXPLAINING_LEVEL }), durationUs };
}
