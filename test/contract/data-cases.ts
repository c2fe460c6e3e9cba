/** The data cases as a part of the engine contract. */
import type { Test } from 'tap';
import type { Engine, Outcome } from '../../vm/engine/engine.js';
import { LoadError } from '../../vm/errors.js';
import { CASE_MAPS, makeBench } from './bench.js';
import type { Bench } from './bench.js';
import { readCases } from './case-file.js';
import type { DataCase } from './case-file.js';
import type { CheckMode } from './check-modes.js';

/** A bench, or why there is none: what an engine refuses to compile it does not cover. */
export function tryBench(...args: Parameters<typeof makeBench>): Bench | string {
  try {
    return makeBench(...args);
  } catch (error) {
    if (error instanceof LoadError && error.code === 'load-unsupported') return error.message;
    throw error;
  }
}

/** An outcome in one line; equal lines mean equal outcomes, instruction counts included. */
export function describeOutcome(outcome: Outcome): string {
  const insns = `after ${String(outcome.insns)} insns`;
  if (outcome.kind === 'exit') return `r0 = 0x${outcome.r0.toString(16)} ${insns}`;
  const { name, func, pc, message } = outcome.trap;
  return `${name} at function ${String(func)} pc ${String(pc)} ${insns}: ${message}`;
}

/** Whether a case means anything without memory checks. */
export function needsChecks({ want }: DataCase): boolean {
  return 'trap' in want && want.trap === 'memory';
}

export function testDataCases(t: Test, engine: Engine, mode: CheckMode): void {
  const refused: string[] = [];
  let ran = 0;
  for (const each of readCases()) {
    if (!mode.checks.memory && needsChecks(each)) continue;
    const bench = tryBench(each.asm, { engine, checks: mode.checks, maps: CASE_MAPS });
    if (typeof bench === 'string') {
      refused.push(each.name);
      continue;
    }
    ran++;
    const outcome = bench.runOn(each.mem);
    const found = outcome.kind === 'exit' ? { r0: outcome.r0 } : { trap: outcome.trap.name, pc: outcome.trap.pc };
    t.strictSame(found, each.want, each.name);
  }
  t.ok(ran > 0, 'some cases ran');
  if (refused.length === 0) return;
  t.not(engine.name, 'interp', 'interp refuses nothing');
  t.comment(`${engine.name} does not cover ${String(refused.length)} cases, such as ${refused.slice(0, 3).join('; ')}`);
}
