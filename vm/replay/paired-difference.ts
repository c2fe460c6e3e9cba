/**
 * Whether one of two things takes longer, from times that were taken in turns. No assumption on how times are distributed: the
 * interval for the median of the ratios comes from the ranks alone, as in a sign test. Knows no clock.
 */

/** How sure the interval is. */
const CONFIDENCE = 0.99;
/**
 * Differences below this are not told: by so much the same code differs from itself, by where in memory it happens to lie.
 */
export const SMALLEST_SHARE = 0.02;

export interface PairedDifference {
  /** Median of b / a, less 1. */
  readonly share: number;
  /** Interval that holds it with a confidence of 99 %. */
  readonly low: number;
  readonly high: number;
  /** Whether all of the interval lies beyond 2 %, on one side. */
  readonly isSeen: boolean;
}

/**
 * @param a times of one, @param b of the other, round by round; at least 8 rounds, or nothing can be seen
 */
export function pairedDifference(a: readonly number[], b: readonly number[]): PairedDifference {
  const ratios = a.flatMap((time, round) => {
    const other = b[round];
    return other === undefined || time <= 0 ? [] : [other / time - 1];
  });
  ratios.sort((x, y) => x - y);
  const rounds = ratios.length;
  const outside = ranksOutside(rounds);
  const at = (rank: number): number => ratios[rank] ?? 0;
  const share = rounds === 0 ? 0 : (at((rounds - 1) >> 1) + at(rounds >> 1)) / 2;
  if (outside === 0) return { share, low: -Infinity, high: Infinity, isSeen: false };
  const low = at(outside - 1);
  const high = at(rounds - outside);
  return { share, low, high, isSeen: low > SMALLEST_SHARE || high < -SMALLEST_SHARE };
}

/** Rank, from 1, of the ends of the interval: so many values lie at or beyond each; 0 where there are too few for one. */
function ranksOutside(rounds: number): number {
  let probability = 2 ** -rounds;
  let below = probability;
  let rank = 0;
  // The median lies below the rank-th value with the probability of fewer than `rank` heads in `rounds` throws.
  while (2 * below <= 1 - CONFIDENCE) {
    rank++;
    probability *= (rounds - rank + 1) / rank;
    below += probability;
  }
  return rank;
}
