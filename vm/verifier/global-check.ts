/** The verification of global functions by themselves, for anything that their prototypes allow. Messages are Linux'. */
import { constDynptr } from './dynptr-slots.js';
import type { Env } from './env.js';
import { explore } from './explore.js';
import { type Param, paramsOf } from './global-funcs.js';
import { Pruner } from './prune.js';
import { CTX_REG, MAYBE_NULL, PTR_TO_MEM, type Reg, UNKNOWN_REG, pointerReg } from './reg.js';
import { NO_CALLSITE, State, newFrame } from './state.js';
import type { Verifier } from './verifier.js';

/** What a parameter is when nothing is known of the call. */
function anyArgument(env: Env, param: Param): Reg {
  if (param.kind === 'ctx') return CTX_REG;
  if (param.kind === 'scalar') return UNKNOWN_REG;
  if (param.kind === 'dynptr') return constDynptr(env, 'local');
  const reg = pointerReg(param.mayBeNull ? PTR_TO_MEM | MAYBE_NULL : PTR_TO_MEM);
  reg.memBytes = param.bytes;
  if (param.mayBeNull) reg.id = env.newId();
  return reg;
}

function checkAlone(v: Verifier, subprogNo: number): void {
  const { env } = v;
  const { name, start } = env.subprogs[subprogNo]!;
  if (env.log.level !== 0) env.log.add(`Validating ${name}() func#${subprogNo}...\n`);
  const frame = newFrame(NO_CALLSITE, 0, subprogNo);
  for (const [index, param] of paramsOf(env, subprogNo).entries()) frame.regs[index + 1] = anyArgument(env, param);
  env.explored = [];
  env.touchAll();
  v.liveness.forgetChain();
  explore(v, new Pruner(env, v.liveness), new State([frame]), start);
  if (env.log.level !== 0) {
    env.log.add(`Func#${subprogNo} ('${name}') is safe for any args that match its prototype\n`);
  }
}

/** Verifies the global functions that were called, and those that these call. */
export function checkGlobalFuncs(v: Verifier): void {
  const { subprogs } = v.env;
  const verified = new Set<number>();
  for (let found = true; found;) {
    found = false;
    for (let no = 1; no < subprogs.length; no++) {
      const { isGlobal, called } = subprogs[no]!;
      if (!isGlobal || !called || verified.has(no)) continue;
      checkAlone(v, no);
      verified.add(no);
      found = true;
    }
  }
}
