/**
 * What is known of a 64-bit number: its bits and four ranges (unsigned and signed, of all 64 bits and of the low 32).
 * Words are int32, also those of unsigned ranges. Once it hangs on a register a `Bounds` is never changed; operations
 * work on a fresh copy. Knows no registers and no instructions.
 */
import { hiWord, ltS, ltU } from '../u64.js';
import {
  Tnum,
  UNKNOWN_BITS,
  ZERO_BITS,
  constBits,
  containsBits,
  intersectBits,
  nextMember,
  rangeBits,
} from './tnum.js';

export const S32_MIN = -0x8000_0000;
export const S32_MAX = 0x7fff_ffff;

export class Bounds {
  bits: Tnum;
  uMinLo = 0;
  uMinHi = 0;
  uMaxLo = -1;
  uMaxHi = -1;
  sMinLo = 0;
  sMinHi = S32_MIN;
  sMaxLo = -1;
  sMaxHi = S32_MAX;
  u32Min = 0;
  u32Max = -1;
  s32Min = S32_MIN;
  s32Max = S32_MAX;

  constructor(bits: Tnum) {
    this.bits = bits;
  }

  get isConst(): boolean {
    return this.bits.isConst;
  }

  /** Known to be 0. */
  get isZero(): boolean {
    return this.bits.isZero;
  }

  get lowIsConst(): boolean {
    return this.bits.mLo === 0;
  }

  clone(): Bounds {
    const copy = new Bounds(this.bits);
    copy.uMinLo = this.uMinLo;
    copy.uMinHi = this.uMinHi;
    copy.uMaxLo = this.uMaxLo;
    copy.uMaxHi = this.uMaxHi;
    copy.sMinLo = this.sMinLo;
    copy.sMinHi = this.sMinHi;
    copy.sMaxLo = this.sMaxLo;
    copy.sMaxHi = this.sMaxHi;
    copy.u32Min = this.u32Min;
    copy.u32Max = this.u32Max;
    copy.s32Min = this.s32Min;
    copy.s32Max = this.s32Max;
    return copy;
  }

  equals(other: Bounds): boolean {
    return (
      this === other ||
      (this.uMinLo === other.uMinLo &&
        this.uMinHi === other.uMinHi &&
        this.uMaxLo === other.uMaxLo &&
        this.uMaxHi === other.uMaxHi &&
        this.sMinLo === other.sMinLo &&
        this.sMinHi === other.sMinHi &&
        this.sMaxLo === other.sMaxLo &&
        this.sMaxHi === other.sMaxHi &&
        this.u32Min === other.u32Min &&
        this.u32Max === other.u32Max &&
        this.s32Min === other.s32Min &&
        this.s32Max === other.s32Max &&
        this.bits.equals(other.bits))
    );
  }

  /** Whether every value that `inner` allows is allowed here. */
  contains(inner: Bounds): boolean {
    return (
      this === inner ||
      (!ltU(inner.uMinLo, inner.uMinHi, this.uMinLo, this.uMinHi) &&
        !ltU(this.uMaxLo, this.uMaxHi, inner.uMaxLo, inner.uMaxHi) &&
        !ltS(inner.sMinLo, inner.sMinHi, this.sMinLo, this.sMinHi) &&
        !ltS(this.sMaxLo, this.sMaxHi, inner.sMaxLo, inner.sMaxHi) &&
        this.u32Min >>> 0 <= inner.u32Min >>> 0 &&
        this.u32Max >>> 0 >= inner.u32Max >>> 0 &&
        this.s32Min <= inner.s32Min &&
        this.s32Max >= inner.s32Max &&
        containsBits(this.bits, inner.bits))
    );
  }

  setConst(lo: number, hi: number): void {
    this.bits = constBits(lo, hi);
    this.uMinLo = this.uMaxLo = this.sMinLo = this.sMaxLo = lo;
    this.uMinHi = this.uMaxHi = this.sMinHi = this.sMaxHi = hi;
    this.u32Min = this.u32Max = this.s32Min = this.s32Max = lo;
  }

  setLowConst(value: number): void {
    this.bits = new Tnum(value, this.bits.vHi, 0, this.bits.mHi);
    this.u32Min = this.u32Max = this.s32Min = this.s32Max = value;
  }

  forget64(): void {
    this.forgetUnsigned();
    this.forgetSigned();
  }

  forgetUnsigned(): void {
    this.uMinLo = this.uMinHi = 0;
    this.uMaxLo = this.uMaxHi = -1;
  }

  forgetSigned(): void {
    this.sMinLo = 0;
    this.sMinHi = S32_MIN;
    this.sMaxLo = -1;
    this.sMaxHi = S32_MAX;
  }

  forget32(): void {
    this.u32Min = 0;
    this.u32Max = -1;
    this.s32Min = S32_MIN;
    this.s32Max = S32_MAX;
  }

  /** Every range from what the bits say. */
  narrowByBits(): void {
    this.narrow32ByBits();
    this.narrow64ByBits();
  }

  narrow32ByBits(): void {
    const { vLo, mLo } = this.bits;
    this.raiseS32(vLo | (mLo & S32_MIN));
    this.lowerS32(vLo | (mLo & S32_MAX));
    this.raiseU32(vLo);
    this.lowerU32(vLo | mLo);
  }

  narrow64ByBits(): void {
    const { vLo, vHi, mLo, mHi } = this.bits;
    this.raiseS(vLo, vHi | (mHi & S32_MIN));
    this.lowerS(vLo | mLo, vHi | (mHi & S32_MAX));
    this.raiseU(vLo, vHi);
    this.lowerU(vLo | mLo, vHi | mHi);
    this.#settleOnOne();
  }

  /** Where bits and unsigned range have but one number in common, it is that. */
  #settleOnOne(): void {
    const { bits, uMinLo, uMinHi, uMaxLo, uMaxHi } = this;
    const { vLo, vHi, mLo, mHi } = bits;
    if ((mLo & mHi) === -1) {
      if (!ltU(uMinLo, uMinHi, uMaxLo, uMaxHi)) this.setConst(uMinLo, uMinHi);
      return;
    }
    const nextLo = nextMember(bits, uMinLo, uMinHi);
    const nextHi = hiWord[0]!;
    if ((uMinLo & ~mLo) === vLo && (uMinHi & ~mHi) === vHi) {
      if (ltU(uMaxLo, uMaxHi, nextLo, nextHi)) this.setConst(uMinLo, uMinHi);
      return;
    }
    if (nextLo === (vLo | mLo) && nextHi === (vHi | mHi)) {
      this.setConst(nextLo, nextHi);
      return;
    }
    if (ltU(uMaxLo, uMaxHi, nextLo, nextHi)) return;
    const afterLo = nextMember(bits, nextLo, nextHi);
    if (ltU(uMaxLo, uMaxHi, afterLo, hiWord[0]!)) this.setConst(nextLo, nextHi);
  }

  raiseU(lo: number, hi: number): void {
    if (ltU(this.uMinLo, this.uMinHi, lo, hi)) {
      this.uMinLo = lo;
      this.uMinHi = hi;
    }
  }

  lowerU(lo: number, hi: number): void {
    if (ltU(lo, hi, this.uMaxLo, this.uMaxHi)) {
      this.uMaxLo = lo;
      this.uMaxHi = hi;
    }
  }

  raiseS(lo: number, hi: number): void {
    if (ltS(this.sMinLo, this.sMinHi, lo, hi)) {
      this.sMinLo = lo;
      this.sMinHi = hi;
    }
  }

  lowerS(lo: number, hi: number): void {
    if (ltS(lo, hi, this.sMaxLo, this.sMaxHi)) {
      this.sMaxLo = lo;
      this.sMaxHi = hi;
    }
  }

  raiseU32(value: number): void {
    if (this.u32Min >>> 0 < value >>> 0) this.u32Min = value;
  }

  lowerU32(value: number): void {
    if (value >>> 0 < this.u32Max >>> 0) this.u32Max = value;
  }

  raiseS32(value: number): void {
    if (this.s32Min < value) this.s32Min = value;
  }

  lowerS32(value: number): void {
    if (value < this.s32Max) this.s32Max = value;
  }

  /** Lets bits and ranges inform each other, as far as Linux goes. */
  sync(): void {
    this.narrowByBits();
    this.#deduce();
    this.#deduce();
    this.#deduce();
    this.#narrowBits();
    this.narrowByBits();
  }

  #deduce(): void {
    this.#deduce32();
    this.#deduce64();
    this.#deduceMixed();
  }

  /** 32-bit ranges from the 64-bit ones, and from each other. */
  #deduce32(): void {
    if (this.uMinHi === this.uMaxHi) {
      this.raiseU32(this.uMinLo);
      this.lowerU32(this.uMaxLo);
      if (this.uMinLo <= this.uMaxLo) {
        this.raiseS32(this.uMinLo);
        this.lowerS32(this.uMaxLo);
      }
    }
    if (this.sMinHi === this.sMaxHi) {
      if (this.sMinLo >>> 0 <= this.sMaxLo >>> 0) {
        this.raiseU32(this.sMinLo);
        this.lowerU32(this.sMaxLo);
      }
      if (this.sMinLo <= this.sMaxLo) {
        this.raiseS32(this.sMinLo);
        this.lowerS32(this.sMaxLo);
      }
    }
    // High words that follow each other, while the low ones go from negative to positive.
    if (((this.uMinHi + 1) | 0) === this.uMaxHi && this.uMinLo < 0 && this.uMaxLo >= 0) {
      this.raiseS32(this.uMinLo);
      this.lowerS32(this.uMaxLo);
    }
    if (((this.sMinHi + 1) | 0) === this.sMaxHi && this.sMinLo < 0 && this.sMaxLo >= 0) {
      this.raiseS32(this.sMinLo);
      this.lowerS32(this.sMaxLo);
    }
    if (this.u32Min <= this.u32Max) {
      this.raiseS32(this.u32Min);
      this.lowerS32(this.u32Max);
    }
    if (this.s32Min >>> 0 <= this.s32Max >>> 0) {
      this.raiseU32(this.s32Min);
      this.lowerU32(this.s32Max);
    } else if (this.u32Max >>> 0 < this.s32Min >>> 0) {
      // The signed range crosses zero, and the unsigned one meets its positive end alone.
      this.s32Min = this.u32Min;
      this.lowerU32(this.s32Max);
    } else if (this.s32Max >>> 0 < this.u32Min >>> 0) {
      this.s32Max = this.u32Max;
      this.raiseU32(this.s32Min);
    }
  }

  /** The signed and the unsigned 64-bit range from each other. */
  #deduce64(): void {
    if (!ltS(this.uMaxLo, this.uMaxHi, this.uMinLo, this.uMinHi)) {
      this.raiseS(this.uMinLo, this.uMinHi);
      this.lowerS(this.uMaxLo, this.uMaxHi);
    }
    if (!ltU(this.sMaxLo, this.sMaxHi, this.sMinLo, this.sMinHi)) {
      this.raiseU(this.sMinLo, this.sMinHi);
      this.lowerU(this.sMaxLo, this.sMaxHi);
    } else if (ltU(this.uMaxLo, this.uMaxHi, this.sMinLo, this.sMinHi)) {
      // As above, for all 64 bits.
      this.sMinLo = this.uMinLo;
      this.sMinHi = this.uMinHi;
      this.lowerU(this.sMaxLo, this.sMaxHi);
    } else if (ltU(this.sMaxLo, this.sMaxHi, this.uMinLo, this.uMinHi)) {
      this.sMaxLo = this.uMaxLo;
      this.sMaxHi = this.uMaxHi;
      this.raiseU(this.sMinLo, this.sMinHi);
    }
  }

  /** 64-bit ranges from the 32-bit ones. */
  #deduceMixed(): void {
    this.raiseU(this.u32Min, this.uMinHi);
    this.lowerU(this.u32Max, this.uMaxHi);
    this.raiseS(this.u32Min, this.sMinHi);
    this.lowerS(this.u32Max, this.sMaxHi);
    const sMinFits = !ltS(this.sMinLo, this.sMinHi, S32_MIN, -1);
    const sMaxFits = !ltS(S32_MAX, 0, this.sMaxLo, this.sMaxHi);
    if (this.s32Min >= 0 && sMinFits && sMaxFits) {
      this.sMinLo = this.uMinLo = this.s32Min;
      this.sMaxLo = this.uMaxLo = this.s32Max;
      this.sMinHi = this.sMaxHi = this.uMinHi = this.uMaxHi = 0;
      this.sMaxHi = this.uMaxHi = this.s32Max >> 31;
      this.bits = intersectBits(this.bits, rangeBits(this.sMinLo, this.sMinHi, this.sMaxLo, this.sMaxHi));
    }
  }

  /** Bits from the unsigned ranges. */
  #narrowBits(): void {
    const wide = intersectBits(this.bits, rangeBits(this.uMinLo, this.uMinHi, this.uMaxLo, this.uMaxHi));
    const low = rangeBits(this.u32Min, 0, this.u32Max, 0);
    const mLo = wide.mLo & low.mLo;
    const vLo = (wide.vLo | low.vLo) & ~mLo;
    const { bits } = this;
    if (bits.mLo === mLo && bits.vLo === vLo && bits.mHi === wide.mHi && bits.vHi === wide.vHi) return;
    this.bits = new Tnum(vLo, wide.vHi, mLo, wide.mHi);
  }

  /** What contradicts itself, in the log's words; undefined where nothing does. */
  contradiction(): string | undefined {
    if (
      ltU(this.uMaxLo, this.uMaxHi, this.uMinLo, this.uMinHi) ||
      ltS(this.sMaxLo, this.sMaxHi, this.sMinLo, this.sMinHi) ||
      this.u32Min >>> 0 > this.u32Max >>> 0 ||
      this.s32Min > this.s32Max
    ) {
      return 'range bounds violation';
    }
    const { vLo, vHi, mLo, mHi } = this.bits;
    if (
      (mLo | mHi) === 0 &&
      !(
        this.uMinLo === vLo &&
        this.uMinHi === vHi &&
        this.uMaxLo === vLo &&
        this.uMaxHi === vHi &&
        this.sMinLo === vLo &&
        this.sMinHi === vHi &&
        this.sMaxLo === vLo &&
        this.sMaxHi === vHi
      )
    ) {
      return 'const tnum out of sync with range bounds';
    }
    if (mLo === 0 && !(this.u32Min === vLo && this.u32Max === vLo && this.s32Min === vLo && this.s32Max === vLo)) {
      return 'const subreg tnum out of sync with range bounds';
    }
    return undefined;
  }
}

function makeConst(lo: number, hi: number): Bounds {
  const bounds = new Bounds(ZERO_BITS);
  bounds.setConst(lo, hi);
  return bounds;
}

export const UNKNOWN_BOUNDS = new Bounds(UNKNOWN_BITS);

const SMALL = 64;
const SMALL_CONSTS: readonly Bounds[] = Array.from({ length: 2 * SMALL }, (_, i) =>
  makeConst(i - SMALL, (i - SMALL) >> 31),
);

export function constBounds(lo: number, hi: number): Bounds {
  if (hi === lo >> 31 && lo >= -SMALL && lo < SMALL) return SMALL_CONSTS[lo + SMALL]!;
  return makeConst(lo, hi);
}

export const ZERO_BOUNDS = constBounds(0, 0);

/** A zero-extended value of 1, 2 or 4 bytes of which nothing else is known. */
function unknownOf(bytes: 1 | 2 | 4): Bounds {
  const bounds = new Bounds(UNKNOWN_BITS);
  const max = bytes === 4 ? -1 : (1 << (bytes * 8)) - 1;
  bounds.bits = new Tnum(0, 0, max, 0);
  bounds.lowerU(max, 0);
  bounds.sMinHi = 0;
  bounds.sMaxLo = max;
  bounds.sMaxHi = 0;
  bounds.sync();
  return bounds;
}

export const UNKNOWN_U8 = unknownOf(1);
export const UNKNOWN_U16 = unknownOf(2);
export const UNKNOWN_U32 = unknownOf(4);
