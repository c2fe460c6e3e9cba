/**
 * 64-bit arithmetic on pairs of int32 words, about ten times as fast as BigInt on Node 20. A value is `lo` and `hi`,
 * each a JS number; functions return the low word and leave the high word in `hiWord[0]`, so that nothing is allocated.
 */

/** High word of the last result, as int32. */
export const hiWord = new Int32Array(1);

const TWO_32 = 0x1_0000_0000;

/** Builds a BigInt, unsigned; for edges only (public results, tests), never per packet. */
export function toBigInt(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}

/** Low int32 word of a BigInt of either sign; the high word is left in `hiWord[0]`. */
export function fromBigInt(value: bigint): number {
  hiWord[0] = Number(BigInt.asIntN(32, value >> 32n));
  return Number(BigInt.asIntN(32, value));
}

/** Value as a JS number, exact up to 2^53. */
export function toNumber(lo: number, hi: number): number {
  return (hi >>> 0) * TWO_32 + (lo >>> 0);
}

/** a * b mod 2^64. */
export function mul(aLo: number, aHi: number, bLo: number, bHi: number): number {
  hiWord[0] = (mulHighU32(aLo, bLo) + Math.imul(aLo, bHi) + Math.imul(aHi, bLo)) | 0;
  return Math.imul(aLo, bLo);
}

/** High 32 bits of the unsigned 32x32 product, as int32. */
export function mulHighU32(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const low = Math.imul(a0, b0) >>> 0;
  const mid = Math.imul(a1, b0) >>> 0;
  const mid2 = Math.imul(a0, b1) >>> 0;
  const carry = (mid & 0xffff) + (mid2 & 0xffff) + (low >>> 16);
  return (Math.imul(a1, b1) + (mid >>> 16) + (mid2 >>> 16) + (carry >>> 16)) | 0;
}

/** Unsigned a < b. */
export function ltU(aLo: number, aHi: number, bLo: number, bHi: number): boolean {
  return aHi === bHi ? aLo >>> 0 < bLo >>> 0 : aHi >>> 0 < bHi >>> 0;
}

/** Signed a < b. */
export function ltS(aLo: number, aHi: number, bLo: number, bHi: number): boolean {
  return aHi === bHi ? aLo >>> 0 < bLo >>> 0 : aHi < bHi;
}

export function neg(lo: number, hi: number): number {
  hiWord[0] = ~hi + (lo === 0 ? 1 : 0);
  return -lo | 0;
}

/** Unsigned quotient; divisor 0 gives 0 as RFC 9669 asks. */
export function divU(aLo: number, aHi: number, bLo: number, bHi: number): number {
  if (bHi === 0) {
    const divisor = bLo >>> 0;
    if (divisor === 0) {
      hiWord[0] = 0;
      return 0;
    }
    if (aHi === 0) {
      hiWord[0] = 0;
      return ((aLo >>> 0) / divisor) | 0;
    }
    const high = aHi >>> 0;
    const quotientHigh = Math.floor(high / divisor);
    const rest = high - quotientHigh * divisor;
    const quotientLow = divide64By32(rest, aLo, divisor);
    hiWord[0] = quotientHigh | 0;
    return quotientLow;
  }
  if (ltU(aLo, aHi, bLo, bHi)) {
    hiWord[0] = 0;
    return 0;
  }
  const q = BigInt.asIntN(64, toBigInt(aLo, aHi) / toBigInt(bLo, bHi));
  return fromBigInt(q);
}

/** (high:low) / divisor where high < divisor, so that the quotient fits 32 bits. Returned as int32. */
function divide64By32(high: number, low: number, divisor: number): number {
  if (high < 0x20_0000) {
    // high:low < 2^53 is exact in a double.
    return Math.floor((high * TWO_32 + (low >>> 0)) / divisor) | 0;
  }
  // Two steps of 16 bits; each partial dividend is below 2^48.
  const first = high * 0x1_0000 + (low >>> 16);
  const q1 = Math.floor(first / divisor);
  const second = (first - q1 * divisor) * 0x1_0000 + (low & 0xffff);
  const q0 = Math.floor(second / divisor);
  return (q1 * 0x1_0000 + q0) | 0;
}

/** Unsigned remainder; divisor 0 gives the dividend as RFC 9669 asks. */
export function modU(aLo: number, aHi: number, bLo: number, bHi: number): number {
  if ((bLo | bHi) === 0) {
    hiWord[0] = aHi;
    return aLo;
  }
  const qLo = divU(aLo, aHi, bLo, bHi);
  const pLo = mul(qLo, hiWord[0] ?? 0, bLo, bHi);
  const pHi = hiWord[0] ?? 0;
  hiWord[0] = (aHi - pHi - (aLo >>> 0 < pLo >>> 0 ? 1 : 0)) | 0;
  return (aLo - pLo) | 0;
}

/** Signed quotient, truncated; divisor 0 gives 0, INT64_MIN / -1 gives INT64_MIN. */
export function divS(aLo: number, aHi: number, bLo: number, bHi: number): number {
  const negative = (aHi ^ bHi) < 0;
  let nLo = aLo;
  let nHi = aHi;
  if (aHi < 0) {
    nLo = neg(aLo, aHi);
    nHi = hiWord[0] ?? 0;
  }
  let dLo = bLo;
  let dHi = bHi;
  if (bHi < 0) {
    dLo = neg(bLo, bHi);
    dHi = hiWord[0] ?? 0;
  }
  const qLo = divU(nLo, nHi, dLo, dHi);
  return negative ? neg(qLo, hiWord[0] ?? 0) : qLo;
}

/** Signed remainder with the dividend's sign; divisor 0 gives the dividend. */
export function modS(aLo: number, aHi: number, bLo: number, bHi: number): number {
  let nLo = aLo;
  let nHi = aHi;
  if (aHi < 0) {
    nLo = neg(aLo, aHi);
    nHi = hiWord[0] ?? 0;
  }
  let dLo = bLo;
  let dHi = bHi;
  if (bHi < 0) {
    dLo = neg(bLo, bHi);
    dHi = hiWord[0] ?? 0;
  }
  const rLo = modU(nLo, nHi, dLo, dHi);
  return aHi < 0 ? neg(rLo, hiWord[0] ?? 0) : rLo;
}

/** Reverses the four bytes of a word. */
export function bswap32(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

export function bswap16(word: number): number {
  return ((word & 0xff) << 8) | ((word >>> 8) & 0xff);
}
