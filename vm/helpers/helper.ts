/**
 * What a helper must provide. Its argument kinds, result and checks come from its row in `spec/helpers`; an engine hands
 * over one int32 word an argument (two for `u64`, low first) that has been checked already where checks are on.
 */
import type { Ptr } from '../addr.js';
import type { Machine } from '../machine/machine.js';
import type { HelperName } from '../spec/helpers.js';

/** Returns the low word of r0; the high word follows from the row's `ret` (or the `retHi` cell for `u64`). */
export type HelperFn = (...words: number[]) => number;

export interface PlainHelper {
  readonly name: HelperName;
  /** Called once a runner; the function must not allocate on its usual path. */
  bind(machine: Machine): HelperFn;
}

/**
 * A helper that calls back into the program. The engine calls `begin`, then, as long as it gets true, runs the
 * callback with r1-r5 from the block at `it` (see `iter` in memory/cells) and calls `next` with the callback's r0.
 * On false the helper's r0 is in the block.
 */
export interface CallbackHelper {
  readonly name: HelperName;
  iterate(machine: Machine): CallbackSteps;
}

export interface CallbackSteps {
  begin(it: Ptr, words: readonly number[]): boolean;
  next(it: Ptr, r0Lo: number, r0Hi: number): boolean;
}

export type Helper = PlainHelper | CallbackHelper;

export function isCallback(helper: object): helper is CallbackHelper {
  return 'iterate' in helper;
}
