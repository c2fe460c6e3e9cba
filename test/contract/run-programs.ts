/** Runs tables of program cases on an engine. */
import type { Test } from 'tap';
import type { Engine, Probe } from '../../vm/engine/engine.js';
import type { Bench } from './bench.js';
import type { CheckMode } from './check-modes.js';
import { describeOutcome, tryBench } from './data-cases.js';
import { HELPER_PROGRAMS } from './helper-programs.js';
import type { ProgramCase } from './program-case.js';
import { TRAP_PROGRAMS } from './trap-programs.js';

export const PROGRAMS: readonly ProgramCase[] = [...TRAP_PROGRAMS, ...HELPER_PROGRAMS];

/** Whether the case means something with these checks. */
export function applies({ needs }: ProgramCase, { checks }: CheckMode): boolean {
  return needs === undefined || checks[needs];
}

/** A bench for the case, prepared; or why the engine refuses it. */
export function benchFor(each: ProgramCase, engine: Engine, mode: CheckMode, probe?: Probe): Bench | string {
  const bench = tryBench(each.text, {
    engine,
    checks: mode.checks,
    maps: each.maps ?? [],
    fuel: each.fuel ?? 100_000,
    cpus: each.cpus ?? 1,
    ...(probe === undefined ? {} : { probe }),
  });
  if (typeof bench !== 'string') each.prepare?.(bench);
  return bench;
}

export function testPrograms(
  t: Test,
  engine: Engine,
  mode: CheckMode,
  skipped: (name: string) => string | undefined,
): void {
  for (const each of PROGRAMS) {
    if (!applies(each, mode)) continue;
    t.test(each.name, { skip: skipped(each.name) ?? false }, (t) => {
      const bench = benchFor(each, engine, mode);
      if (typeof bench === 'string') {
        t.not(engine.name, 'interp', 'interp refuses nothing');
        t.comment(`not covered by ${engine.name}: ${bench}`);
      } else {
        t.equal(describeOutcome(bench.runXdp(each.packet)), each.want);
        each.verify?.(t, bench);
      }
      t.end();
    });
  }
}
