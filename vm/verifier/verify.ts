/**
 * The verifier's door: a program in, Linux 6.18's verdict out. Knows no files, no kernel and no rendering of reports.
 */
import type { ObjectSpec, ProgId } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { checkCfg, computePostorder, findSuccessors } from './cfg.js';
import { Env, Rejection, Unknown } from './env.js';
import { explore } from './explore.js';
import { rejectFacts } from './facts.js';
import { Fastcall } from './fastcall.js';
import { programFromObject } from './from-object.js';
import { checkFuncInfo } from './func-info.js';
import { checkGlobalFuncs } from './global-check.js';
import { computeLiveRegs } from './live-regs.js';
import { findLoops } from './loops.js';
import { Pruner } from './prune.js';
import type { VerifierProgram } from './program.js';
import { CTX_REG } from './reg.js';
import { StackLiveness } from './stack-liveness.js';
import { checkStackDepth } from './stack-depth.js';
import { NO_CALLSITE, State, newFrame } from './state.js';
import { checkInsns, checkSubprogs, findSubprogs } from './structure.js';
import { Trace } from './trace.js';
import type { Verdict, VerifyOptions, VerifyStats } from './verdict.js';
import type { Verifier } from './verifier.js';

export { programFromObject } from './from-object.js';
export * from './program.js';
export * from './verdict.js';

/** Instructions that a program may have. */
const MAX_INSNS = 1_000_000;

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
export function verifyProgram(program: VerifierProgram, options: VerifyOptions = {}): Verdict {
  const env = new Env(program, options);
  try {
    check(env);
  } catch (error) {
    if (error instanceof Unknown) return { ...place(env), kind: 'unsupported', what: error.what, ...answer(env) };
    if (!(error instanceof Rejection)) throw error;
    const message = env.log.lastLine();
    return {
      kind: 'reject',
      errno: error.errno,
      message,
      ...place(env),
      facts: rejectFacts(env),
      ...answer(env),
    };
  }
  return { kind: 'accept', ...answer(env) };
}

function check(env: Env): void {
  if (!env.caps.bpf || !env.caps.perfmon) env.unknown('the rules for programs without CAP_BPF and CAP_PERFMON');
  if (env.count === 0 || env.count > MAX_INSNS) env.fail(errno.E2BIG);
  findSubprogs(env);
  checkSubprogs(env);
  checkFuncInfo(env);
  checkInsns(env);
  checkCfg(env);
  findSuccessors(env);
  computePostorder(env);
  findLoops(env);
  computeLiveRegs(env);
  const liveness = new StackLiveness(env);
  const v: Verifier = { env, trace: new Trace(env), liveness, fastcall: new Fastcall(env) };
  const main = newFrame(NO_CALLSITE, 0, 0);
  main.regs[1] = CTX_REG;
  env.touchAll();
  explore(v, new Pruner(env, liveness), new State([main]), 0);
  checkGlobalFuncs(v);
  v.fastcall.finish();
  checkStackDepth(env);
}

/** Where it happened, if at an instruction. */
function place(env: Env): Pick<Extract<Verdict, { kind: 'reject' }>, 'insn' | 'line'> {
  if (env.processed === 0) return {};
  const line = env.lineOf(env.insn);
  return { insn: env.insn, ...(line === undefined ? {} : { line }) };
}

function answer(env: Env): { readonly stats: VerifyStats; readonly log: string } {
  const stats: VerifyStats = {
    processed: env.processed,
    maxStatesPerInsn: env.maxStatesPerInsn,
    totalStates: env.totalStates,
    peakStates: env.peakStates,
    markRead: 0,
    stackDepths: env.subprogs.map(({ stackBytes }) => stackBytes),
  };
  if (env.log.level === 0) return { stats, log: '' };
  const summary =
    `processed ${stats.processed} insns (limit 1000000) max_states_per_insn ${stats.maxStatesPerInsn} ` +
    `total_states ${stats.totalStates} peak_states ${stats.peakStates} mark_read 0\n`;
  const depths = (env.log.level & 4) === 0 ? '' : `stack depth ${stats.stackDepths.join('+')}\n`;
  return { stats, log: `${env.log.text()}${depths}${summary}` };
}
