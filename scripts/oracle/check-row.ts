/** Holds the verifier's verdict on a row against the kernel's. */
import { verifyProgram } from '../../vm/verifier/verify.js';
import type { Verdict } from '../../vm/verifier/verdict.js';
import type { Row } from './row.js';

export type Judgement = 'agree' | 'false-accept' | 'false-reject' | 'unsupported';

export interface RowCheck {
  readonly judgement: Judgement;
  readonly verdict: Verdict;
  /** Where the row has the kernel's line, and both reject: whether skep says the same. */
  readonly sameMessage?: boolean;
  readonly sameErrno?: boolean;
  /** CPU time of the verification in milliseconds. */
  readonly cpuMs: number;
}

/** @param logLevel as of bpf(2); verdict and counters do not depend on it */
export function checkRow(row: Row, logLevel = 0): RowCheck {
  const program = row.program();
  const before = process.cpuUsage();
  const verdict = verifyProgram(program, { logLevel, caps: row.caps });
  const { user, system } = process.cpuUsage(before);
  const judgement = judge(row, verdict);
  const rejected = judgement === 'agree' && verdict.kind === 'reject' ? verdict : undefined;
  return {
    judgement,
    verdict,
    cpuMs: (user + system) / 1000,
    ...(rejected === undefined ? {} : { sameErrno: rejected.errno === row.live.errno }),
    ...(rejected === undefined || row.live.message === undefined
      ? {}
      : { sameMessage: rejected.message === row.live.message }),
  };
}

function judge({ live }: Row, verdict: Verdict): Judgement {
  switch (verdict.kind) {
    case 'unsupported':
      return 'unsupported';
    case 'accept':
      return live.accepts ? 'agree' : 'false-accept';
    case 'reject':
      return live.accepts ? 'false-reject' : 'agree';
  }
}
