/**
 * A typed program against the running kernel: the same verdict, message and counts; and where it loads, the same result,
 * packet and maps. Knows both sides, and nothing of how programs are made.
 */
import { ALL_CHECKS } from '../../vm/engine/engine.js';
import { interp } from '../../vm/engine/interp/interp.js';
import { toHex } from '../../vm/bytes.js';
import { verify } from '../../vm/verifier/verify.js';
import type { Verdict } from '../../vm/verifier/verdict.js';
import { LOOKUP_MAPS } from './fuzz-maps.js';
import type { LiveKernel } from './live-kernel.js';
import { anySetting, runOn } from './run-engines.js';
import { objectOf, type TypedProgram } from './typed-program.js';

const FUEL = 100_000;

export interface LiveJudgement {
  readonly verdict: Verdict['kind'];
  /** Its runs were compared too. */
  readonly ran: boolean;
  /** What differs, or undefined. Begins with what kind of thing it is. */
  readonly fault: string | undefined;
}

export function countsOf({ stats }: Verdict): string {
  const { processed, maxStatesPerInsn, totalStates, peakStates } = stats;
  return `processed ${processed} insns (limit 1000000) max_states_per_insn ${maxStatesPerInsn} total_states ${totalStates} peak_states ${peakStates}`;
}

/** How a verdict differs from the kernel's, in words; undefined where it does not. */
export function verdictFault(verdict: Verdict, live: ReturnType<LiveKernel['judgeBytes']>): string | undefined {
  if (verdict.kind === 'unsupported') return undefined;
  const own = verdict.kind === 'reject' ? [verdict.errno, verdict.message] : [0, ''];
  if (own[0] !== live.errno) {
    return `verdict: ${verdict.kind} ${own.join(' ')}, the kernel: ${live.errno} ${live.message}`;
  }
  if (own[1] !== live.message) return `message: ${own[1] ?? ''}, the kernel: ${live.message}`;
  if (live.counts === '' || live.counts === countsOf(verdict)) return undefined;
  return `counts: ${countsOf(verdict)}, the kernel: ${live.counts}`;
}

/** @throws AsmError, LoadError where the program's lines are none */
export function judgeLive(kernel: LiveKernel, program: TypedProgram, seed: number): LiveJudgement {
  const object = objectOf(program);
  const verdict = verify(object, 0, { logLevel: 0 });
  const answer = (ran: boolean, fault: string | undefined): LiveJudgement => ({ verdict: verdict.kind, ran, fault });
  const fault = verdictFault(verdict, kernel.judge(object, program.type));
  if (fault !== undefined) return answer(false, fault);
  if (verdict.kind !== 'accept' || program.unsteady) return answer(false, undefined);
  const setting = anySetting(seed);
  const { machine, runs } = runOn(object, setting, { ...ALL_CHECKS, stackInit: true }, interp, FUEL);
  // What the stack held before is the kernel's own.
  if (runs.results.some(({ trap }) => trap !== undefined)) return answer(false, undefined);
  const own = [
    ...runs.results.map(({ errno, retval, data }) =>
      errno === 0 ? `r0 = ${retval}, packet ${toHex(data)}` : `errno ${errno}`,
    ),
    ...LOOKUP_MAPS.map((map) => {
      const handle = machine.maps.handle(map);
      const found = [...handle.entries()].map(([key, value]) => `${toHex(key)}=${toHex(value)}`);
      return `${handle.spec.name}: ${found.sort().join(' ')}`;
    }),
  ];
  const live = kernel.run(object, program.type, setting);
  const at = own.findIndex((line, i) => line !== live[i]);
  return answer(true, at < 0 ? undefined : `run: ${own[at] ?? ''}\n  the kernel:\n  ${live[at] ?? ''}`);
}
