/**
 * Tristate numbers: 64 bits of which each is known to be 0, known to be 1, or unknown. The abstract domain is the one that
 * Vishwanathan et al. describe ("Sound, Precise, and Fast Abstract Interpretation with Tristate Numbers", CGO 2022).
 * Immutable; words are int32. Knows no registers.
 */
import { hiWord, ltU, toBigInt } from '../u64.js';

/** `v` holds the bits known to be 1, `m` the unknown ones; no bit is in both. */
export class Tnum {
  readonly vLo: number;
  readonly vHi: number;
  readonly mLo: number;
  readonly mHi: number;

  constructor(vLo: number, vHi: number, mLo: number, mHi: number) {
    this.vLo = vLo;
    this.vHi = vHi;
    this.mLo = mLo;
    this.mHi = mHi;
  }

  get isConst(): boolean {
    return (this.mLo | this.mHi) === 0;
  }

  get isUnknown(): boolean {
    return (this.mLo & this.mHi) === -1;
  }

  get isZero(): boolean {
    return (this.mLo | this.mHi | this.vLo | this.vHi) === 0;
  }

  equals(other: Tnum): boolean {
    return (
      this === other ||
      (this.vLo === other.vLo && this.vHi === other.vHi && this.mLo === other.mLo && this.mHi === other.mHi)
    );
  }

  /** Whether the number is certainly a multiple of `bytes`, a power of two. */
  isAligned(bytes: number): boolean {
    return ((this.vLo | this.mLo) & (bytes - 1)) === 0;
  }
}

export const UNKNOWN_BITS = new Tnum(0, 0, -1, -1);
export const ZERO_BITS = new Tnum(0, 0, 0, 0);

export function constBits(lo: number, hi: number): Tnum {
  return (lo | hi) === 0 ? ZERO_BITS : new Tnum(lo, hi, 0, 0);
}

/** All ones from the highest set bit down. */
function smear(word: number): number {
  return word === 0 ? 0 : -1 >>> Math.clz32(word);
}

/** The least tnum that holds every number of the unsigned range. */
export function rangeBits(minLo: number, minHi: number, maxLo: number, maxHi: number): Tnum {
  const diffHi = minHi ^ maxHi;
  const maskHi = smear(diffHi) | 0;
  const maskLo = diffHi === 0 ? smear(minLo ^ maxLo) | 0 : -1;
  return new Tnum(minLo & ~maskLo, minHi & ~maskHi, maskLo, maskHi);
}

export function shiftLeft(a: Tnum, by: number): Tnum {
  const vLo = lshLo(a.vLo, by);
  const vHi = lshHi(a.vLo, a.vHi, by);
  return new Tnum(vLo, vHi, lshLo(a.mLo, by), lshHi(a.mLo, a.mHi, by));
}

export function shiftRight(a: Tnum, by: number): Tnum {
  return new Tnum(rshLo(a.vLo, a.vHi, by), rshHi(a.vHi, by), rshLo(a.mLo, a.mHi, by), rshHi(a.mHi, by));
}

/** `width` 32 looks at the low word only and gives a zero-extended result. */
export function shiftRightSigned(a: Tnum, by: number, width: 32 | 64): Tnum {
  if (width === 32) return new Tnum(a.vLo >> by, 0, a.mLo >> by, 0);
  return new Tnum(arshLo(a.vLo, a.vHi, by), arshHi(a.vHi, by), arshLo(a.mLo, a.mHi, by), arshHi(a.mHi, by));
}

export function lshLo(lo: number, by: number): number {
  return by >= 32 ? 0 : lo << by;
}

export function lshHi(lo: number, hi: number, by: number): number {
  if (by === 0) return hi;
  return by >= 32 ? lo << (by - 32) : (hi << by) | (lo >>> (32 - by));
}

export function rshLo(lo: number, hi: number, by: number): number {
  if (by === 0) return lo;
  return (by >= 32 ? hi >>> (by - 32) : (lo >>> by) | (hi << (32 - by))) | 0;
}

export function rshHi(hi: number, by: number): number {
  return by >= 32 ? 0 : (hi >>> by) | 0;
}

export function arshLo(lo: number, hi: number, by: number): number {
  if (by === 0) return lo;
  return by >= 32 ? hi >> (by - 32) : (lo >>> by) | (hi << (32 - by));
}

export function arshHi(hi: number, by: number): number {
  return by >= 32 ? hi >> 31 : hi >> by;
}

/** Low word of the sum; the high one is left in `hiWord[0]`. */
export function addWords(aLo: number, aHi: number, bLo: number, bHi: number): number {
  const lo = (aLo + bLo) | 0;
  hiWord[0] = aHi + bHi + (lo >>> 0 < aLo >>> 0 ? 1 : 0);
  return lo;
}

/** Low word of the difference; the high one is left in `hiWord[0]`. */
export function subWords(aLo: number, aHi: number, bLo: number, bHi: number): number {
  hiWord[0] = aHi - bHi - (aLo >>> 0 < bLo >>> 0 ? 1 : 0);
  return (aLo - bLo) | 0;
}

export function addBits(a: Tnum, b: Tnum): Tnum {
  if (b.isZero) return a;
  const svLo = addWords(a.vLo, a.vHi, b.vLo, b.vHi);
  const svHi = hiWord[0]!;
  if ((a.mLo | a.mHi | b.mLo | b.mHi) === 0) return constBits(svLo, svHi);
  const smLo = addWords(a.mLo, a.mHi, b.mLo, b.mHi);
  const smHi = hiWord[0]!;
  const sigmaLo = addWords(smLo, smHi, svLo, svHi);
  const sigmaHi = hiWord[0]!;
  const muLo = (sigmaLo ^ svLo) | a.mLo | b.mLo;
  const muHi = (sigmaHi ^ svHi) | a.mHi | b.mHi;
  return new Tnum(svLo & ~muLo, svHi & ~muHi, muLo, muHi);
}

export function subBits(a: Tnum, b: Tnum): Tnum {
  const dvLo = subWords(a.vLo, a.vHi, b.vLo, b.vHi);
  const dvHi = hiWord[0]!;
  if ((a.mLo | a.mHi | b.mLo | b.mHi) === 0) return constBits(dvLo, dvHi);
  const alphaLo = addWords(dvLo, dvHi, a.mLo, a.mHi);
  const alphaHi = hiWord[0]!;
  const betaLo = subWords(dvLo, dvHi, b.mLo, b.mHi);
  const betaHi = hiWord[0]!;
  const muLo = (alphaLo ^ betaLo) | a.mLo | b.mLo;
  const muHi = (alphaHi ^ betaHi) | a.mHi | b.mHi;
  return new Tnum(dvLo & ~muLo, dvHi & ~muHi, muLo, muHi);
}

export function andBits(a: Tnum, b: Tnum): Tnum {
  const vLo = a.vLo & b.vLo;
  const vHi = a.vHi & b.vHi;
  return new Tnum(vLo, vHi, (a.vLo | a.mLo) & (b.vLo | b.mLo) & ~vLo, (a.vHi | a.mHi) & (b.vHi | b.mHi) & ~vHi);
}

export function orBits(a: Tnum, b: Tnum): Tnum {
  const vLo = a.vLo | b.vLo;
  const vHi = a.vHi | b.vHi;
  return new Tnum(vLo, vHi, (a.mLo | b.mLo) & ~vLo, (a.mHi | b.mHi) & ~vHi);
}

export function xorBits(a: Tnum, b: Tnum): Tnum {
  const mLo = a.mLo | b.mLo;
  const mHi = a.mHi | b.mHi;
  return new Tnum((a.vLo ^ b.vLo) & ~mLo, (a.vHi ^ b.vHi) & ~mHi, mLo, mHi);
}

/** The least tnum that holds what either holds. */
function unionBits(a: Tnum, b: Tnum): Tnum {
  const mLo = (a.vLo ^ b.vLo) | a.mLo | b.mLo;
  const mHi = (a.vHi ^ b.vHi) | a.mHi | b.mHi;
  return new Tnum(a.vLo & b.vLo & ~mLo, a.vHi & b.vHi & ~mHi, mLo, mHi);
}

/** Long multiplication: an unknown bit of `a` joins the sums with and without it. */
export function mulBits(a: Tnum, b: Tnum): Tnum {
  let sum = ZERO_BITS;
  let rest = a;
  let shifted = b;
  while ((rest.vLo | rest.vHi | rest.mLo | rest.mHi) !== 0) {
    if ((rest.vLo & 1) !== 0) sum = addBits(sum, shifted);
    else if ((rest.mLo & 1) !== 0) sum = unionBits(sum, addBits(sum, shifted));
    rest = shiftRight(rest, 1);
    shifted = shiftLeft(shifted, 1);
  }
  return sum;
}

/** What both know; where they contradict each other the bit is known. */
export function intersectBits(a: Tnum, b: Tnum): Tnum {
  const mLo = a.mLo & b.mLo;
  const mHi = a.mHi & b.mHi;
  return new Tnum((a.vLo | b.vLo) & ~mLo, (a.vHi | b.vHi) & ~mHi, mLo, mHi);
}

/** Whether some number is in both. */
export function overlapBits(a: Tnum, b: Tnum): boolean {
  return ((a.vLo ^ b.vLo) & ~a.mLo & ~b.mLo) === 0 && ((a.vHi ^ b.vHi) & ~a.mHi & ~b.mHi) === 0;
}

/** Whether every number of `inner` is in `outer`. */
export function containsBits(outer: Tnum, inner: Tnum): boolean {
  if (outer === inner || outer.isUnknown) return true;
  if ((inner.mLo & ~outer.mLo) !== 0 || (inner.mHi & ~outer.mHi) !== 0) return false;
  return outer.vLo === (inner.vLo & ~outer.mLo) && outer.vHi === (inner.vHi & ~outer.mHi);
}

/**
 * Low word of the least number of the tnum above `z`, the high word is left in `hiWord[0]`; its greatest number where none
 * is above, its least where all are.
 */
export function nextMember(a: Tnum, zLo: number, zHi: number): number {
  const maxLo = a.vLo | a.mLo;
  const maxHi = a.vHi | a.mHi;
  if (!ltU(zLo, zHi, maxLo, maxHi)) {
    hiWord[0] = maxHi;
    return maxLo;
  }
  if (ltU(zLo, zHi, a.vLo, a.vHi)) {
    hiWord[0] = a.vHi;
    return a.vLo;
  }
  // Count up within the unknown bits: everything else is filled with ones, so that the carry passes through.
  const dLo = subWords(zLo, zHi, a.vLo, a.vHi);
  const dHi = hiWord[0]!;
  const aboveHi = smear(dHi & ~a.mHi);
  const aboveLo = aboveHi === 0 ? smear(dLo & ~a.mLo) : -1;
  const incLo = addWords(dLo | aboveLo | ~a.mLo, dHi | aboveHi | ~a.mHi, 1, 0) & a.mLo;
  hiWord[0] = a.vHi | (hiWord[0]! & a.mHi);
  return a.vLo | incLo;
}

/** Zero-extends the low `bytes` bytes. */
export function truncateBits(a: Tnum, bytes: 1 | 2 | 4): Tnum {
  const keep = bytes === 4 ? -1 : (1 << (bytes * 8)) - 1;
  return new Tnum(a.vLo & keep, 0, a.mLo & keep, 0);
}

function swapWord(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** The low `bits` bits with their bytes reversed, zero-extended. */
export function swapBits(a: Tnum, bits: 16 | 32 | 64): Tnum {
  if (bits === 64) return new Tnum(swapWord(a.vHi), swapWord(a.vLo), swapWord(a.mHi), swapWord(a.mLo));
  const unused = 32 - bits;
  return new Tnum(swapWord(a.vLo << unused), 0, swapWord(a.mLo << unused), 0);
}

/** `a` with the low word of `low`. */
export function withLowWord(a: Tnum, low: Tnum): Tnum {
  return new Tnum(low.vLo, a.vHi, low.mLo, a.mHi);
}

/** In the log's words: a number where it is known, else `(value; mask)`. */
export function bitsText(a: Tnum): string {
  if (!a.isConst) return `(${hex(a.vLo, a.vHi)}; ${hex(a.mLo, a.mHi)})`;
  if (a.vHi === 0 && a.vLo >= 0 && a.vLo <= 0xffff) return String(a.vLo);
  if (a.vHi === -1 && a.vLo >= -0x8000 && a.vLo < 0) return String(a.vLo);
  return hex(a.vLo, a.vHi);
}

/** As the kernel's `%#llx`. */
export function hex(lo: number, hi: number): string {
  return `0x${toBigInt(lo, hi).toString(16)}`;
}
