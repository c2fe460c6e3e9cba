/** The combinations of run-time checks that every engine is tried with. */
import { ALL_CHECKS, NO_CHECKS } from '../../vm/engine/engine.js';
import type { Checks } from '../../vm/engine/engine.js';

export interface CheckMode {
  readonly name: string;
  readonly checks: Checks;
}

export const CHECK_MODES: readonly CheckMode[] = [
  { name: 'no checks', checks: NO_CHECKS },
  { name: 'fuel and memory checks', checks: ALL_CHECKS },
  { name: 'stackInit', checks: { ...ALL_CHECKS, stackInit: true } },
];
