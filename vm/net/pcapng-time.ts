/**
 * Time in pcapng: a 64-bit count of units of 10^-n or 2^-n seconds plus an offset, turned into seconds and nanoseconds.
 * Exact; BigInt only for units that no capture tool writes. Knows nothing of blocks.
 */

/** How an interface counts time. */
export type Ticks =
  | {
      readonly kind: 'fast';
      readonly perSec: number;
      /** ns = rest * nsFactor / nsDivisor, both products below 2^53. */
      readonly nsFactor: number;
      readonly nsDivisor: number;
      readonly offsetSec: number;
    }
  | { readonly kind: 'wide'; readonly perSec: bigint; readonly offsetSec: number };

export interface Time {
  sec: number;
  nsec: number;
}

const NS_PER_SEC = 1_000_000_000;

/** Microseconds, no offset: what an interface without options counts in. */
export const DEFAULT_TICKS: Ticks = { kind: 'fast', perSec: 1e6, nsFactor: 1000, nsDivisor: 1, offsetSec: 0 };

/** From the value byte of `if_tsresol` (high bit: power of two, else of ten) and `if_tsoffset`. */
export function ticksFromResolution(resolution: number, offsetSec: number): Ticks {
  const exponent = resolution & 0x7f;
  if ((resolution & 0x80) === 0) {
    if (exponent > 9) return { kind: 'wide', perSec: 10n ** BigInt(exponent), offsetSec };
    const perSec = 10 ** exponent;
    return { kind: 'fast', perSec, nsFactor: NS_PER_SEC / perSec, nsDivisor: 1, offsetSec };
  }
  // rest < 2^20, so rest * 10^9 stays below 2^50.
  if (exponent > 20) return { kind: 'wide', perSec: 1n << BigInt(exponent), offsetSec };
  return { kind: 'fast', perSec: 2 ** exponent, nsFactor: NS_PER_SEC, nsDivisor: 2 ** exponent, offsetSec };
}

/** Converts the count `hi * 2^32 + lo` into `out`, rounding down to a nanosecond. */
export function readTicks(ticks: Ticks, hi: number, lo: number, out: Time): void {
  if (ticks.kind === 'wide') {
    const count = (BigInt(hi) << 32n) | BigInt(lo);
    out.sec = Number(count / ticks.perSec) + ticks.offsetSec;
    out.nsec = Number(((count % ticks.perSec) * 1_000_000_000n) / ticks.perSec);
    return;
  }
  // Long division in steps of 16 bits: perSec <= 10^9, so each dividend stays below 2^46.
  const perSec = ticks.perSec;
  const high = Math.floor(hi / perSec);
  const upper = (hi - high * perSec) * 0x1_0000 + (lo >>> 16);
  const middle = Math.floor(upper / perSec);
  const lower = (upper - middle * perSec) * 0x1_0000 + (lo & 0xffff);
  const low = Math.floor(lower / perSec);
  out.sec = high * 0x1_0000_0000 + middle * 0x1_0000 + low + ticks.offsetSec;
  out.nsec = Math.floor(((lower - low * perSec) * ticks.nsFactor) / ticks.nsDivisor);
}
