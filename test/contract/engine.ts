/** What every engine must do, as tests: `runEngineContract` runs them all on one engine, once for each combination of checks. */
import t from 'tap';
import type { Engine } from '../../vm/engine/engine.js';
import { CHECK_MODES } from './check-modes.js';
import { testDataCases } from './data-cases.js';
import { testPrograms } from './run-programs.js';

export interface EngineContract {
  readonly engine: Engine;
  /** Tests that this engine does not pass, by their names, and why. */
  readonly skip: readonly { readonly reason: string; readonly tests: readonly string[] }[];
}

export function runEngineContract({ engine, skip }: EngineContract): void {
  const skipped = (name: string): string | undefined => skip.find(({ tests }) => tests.includes(name))?.reason;
  for (const mode of CHECK_MODES) {
    void t.test(`${engine.name}, ${mode.name}`, (t) => {
      testDataCases(t, engine, mode);
      testPrograms(t, engine, mode, skipped);
      t.end();
    });
  }
}
