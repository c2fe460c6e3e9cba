/** Binary search in a list that ascends by a key. */

/** Index of the last element whose key is at most `value`, -1 if there is none. */
export function lastAtMost<T>(list: readonly T[], value: number, key: (each: T) => number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const each = list[middle];
    if (each !== undefined && key(each) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
