/** Distribution of a count, exactly: values are few, so they are tallied. Knows nothing of packets. */

export interface CostSummary {
  readonly min: number;
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

/** Values below this are tallied in an array. */
const SMALL = 4096;

export class CostTally {
  readonly #small = new Float64Array(SMALL);
  readonly #large = new Map<number, number>();
  #total = 0;

  /** @param value a whole number from 0 */
  add(value: number, times = 1): void {
    if (value < SMALL) this.#small[value] = (this.#small[value] ?? 0) + times;
    else this.#large.set(value, (this.#large.get(value) ?? 0) + times);
    this.#total += times;
  }

  addAll(other: CostTally): void {
    for (const [value, count] of other.#counts()) this.add(value, count);
  }

  /** Percentiles by nearest rank; undefined where nothing was added. */
  summary(): CostSummary | undefined {
    const sorted = this.#counts();
    const first = sorted[0];
    const last = sorted.at(-1);
    if (first === undefined || last === undefined) return undefined;
    const rank = (share: number): number => {
      let left = Math.max(1, Math.ceil(share * this.#total));
      for (const [value, count] of sorted) {
        left -= count;
        if (left <= 0) return value;
      }
      return last[0];
    };
    return { min: first[0], median: rank(0.5), p99: rank(0.99), max: last[0] };
  }

  /** Values that were added, in order, and how often. */
  #counts(): readonly (readonly [value: number, count: number])[] {
    const counts: (readonly [number, number])[] = [];
    for (const [value, count] of this.#small.entries()) if (count > 0) counts.push([value, count]);
    return [...counts, ...[...this.#large].sort(([a], [b]) => a - b)];
  }
}
