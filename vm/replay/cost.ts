/** Distribution of a count, exactly: values are few, so they are tallied. Knows nothing of packets. */

export interface CostSummary {
  readonly min: number;
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

export class CostTally {
  readonly #counts = new Map<number, number>();
  #total = 0;

  add(value: number): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
    this.#total++;
  }

  /** Percentiles by nearest rank; undefined where nothing was added. */
  summary(): CostSummary | undefined {
    const sorted = [...this.#counts].sort(([a], [b]) => a - b);
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
}
