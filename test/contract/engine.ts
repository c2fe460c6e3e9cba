/** What every engine must do, as tests: `runEngineContract` runs them all on one engine, once for each combination of checks. */
import t from 'tap';
import type { Engine } from '../../vm/engine/engine.js';
import { CHECK_MODES } from './check-modes.js';
import { testDataCases } from './data-cases.js';
import { testIsolation } from './isolation.js';
import { testPrograms } from './run-programs.js';
import { testStepping } from './stepping.js';

export interface EngineContract {
  readonly engine: Engine;
  /** Whether its runners are `SteppingRunner`s and take probes. */
  readonly steps: boolean;
  /** Tests that this engine does not pass, by their names, and why. */
  readonly skip: readonly { readonly reason: string; readonly tests: readonly string[] }[];
}

export function runEngineContract({ engine, steps, skip }: EngineContract): void {
  const skipped = (name: string): string | undefined => skip.find(({ tests }) => tests.includes(name))?.reason;
  for (const mode of CHECK_MODES) {
    void t.test(`${engine.name}, ${mode.name}`, (t) => {
      testDataCases(t, engine, mode);
      testPrograms(t, engine, mode, skipped);
      testIsolation(t, engine, mode);
      if (steps) testStepping(t, engine, mode);
      t.end();
    });
  }
}
