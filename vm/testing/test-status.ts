/**
 * What a number says of a test. Two generations of objects are around: 100-103, and before that 0-3, where a step that makes
 * packets may well return 0 or 2. No number belongs to both, so the number itself says which it is of.
 */

export type TestStatus = 'pass' | 'fail' | 'skip' | 'error';

const STATUSES: readonly TestStatus[] = ['error', 'pass', 'fail', 'skip'];
const FIRST = 100;

/** The status that a check returned or a subtest recorded; undefined where the number is none. */
export function statusOf(value: number): TestStatus | undefined {
  return STATUSES[value >= FIRST ? value - FIRST : value];
}

/** Whether a step before the check asks, by its r0, not to go on. */
export function stopsTest(retval: number): boolean {
  return retval >= FIRST && (statusOf(retval) === 'error' || statusOf(retval) === 'fail');
}
