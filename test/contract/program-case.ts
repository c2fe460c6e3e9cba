/** Programs with more around them than the data cases have: maps, packets, limits. Tables of them are the bulk of the contract. */
import type { Test } from 'tap';
import type { MapSpec } from '../../vm/object/object-spec.js';
import type { Bench } from './bench.js';

export interface ProgramCase {
  readonly name: string;
  readonly text: string;
  readonly maps?: readonly MapSpec[];
  readonly packet?: Uint8Array;
  readonly fuel?: number;
  readonly cpus?: number;
  /** Checks without which the case means nothing. */
  readonly needs?: 'fuel' | 'memory' | 'stackInit';
  /** Before the run. */
  readonly prepare?: (bench: Bench) => void;
  /** As `describeOutcome` says it. */
  readonly want: string;
  /** After the run. */
  readonly verify?: (t: Test, bench: Bench) => void;
}
