/** Times several functions side by side: short slices in turn, so that a machine that drifts drifts for all of them. */

export interface Timing {
  readonly name: string;
  /** Nanoseconds a call. */
  readonly medianNs: number;
  readonly p10Ns: number;
}

export interface Contender {
  readonly name: string;
  readonly run: () => void;
}

const SLICE_NS = 2_000_000n;

function callsPerSlice(run: () => void): number {
  for (let calls = 1; ; calls *= 2) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) run();
    if (process.hrtime.bigint() - start >= SLICE_NS) return calls;
  }
}

/** @param rounds slices of about 2 ms for each contender */
export function interleave(contenders: readonly Contender[], rounds: number): Timing[] {
  const plans = contenders.map(({ name, run }) => ({ name, run, calls: callsPerSlice(run), samples: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { run, calls, samples } of plans) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < calls; i++) run();
      samples.push(Number(process.hrtime.bigint() - start) / calls);
    }
  }
  return plans.map(({ name, samples }) => {
    samples.sort((a, b) => a - b);
    const at = (share: number): number => samples[Math.floor(share * (samples.length - 1))]!;
    return { name, medianNs: at(0.5), p10Ns: at(0.1) };
  });
}
