/** What skep must know of a program type to run it: its ctx and what r0 means. One file a type implements it. */
import type { ProgTypeName } from '../spec/prog-types.js';

export interface Hook {
  readonly type: ProgTypeName;
  readonly ctxBytes: number;
  /** Byte ranges of the ctx that programs may read and write, as [offset, bytes]. */
  readonly readable: readonly (readonly [off: number, bytes: number])[];
  readonly writable: readonly (readonly [off: number, bytes: number])[];
  /** The verdict of a run that trapped: what Linux does with a packet whose program failed. */
  readonly trapVerdict: number;
}
