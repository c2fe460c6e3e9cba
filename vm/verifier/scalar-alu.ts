/**
 * What the ALU does to what is known of a number. Every operation may only lose knowledge, never invent it; how much it
 * loses follows Linux 6.18, because which programs are accepted depends on it. Knows no registers.
 */
import { hiWord, ltS, ltU, mul, toBigInt } from '../u64.js';
import { type Bounds, S32_MAX, S32_MIN, UNKNOWN_BOUNDS, ZERO_BOUNDS } from './bounds.js';
import {
  Tnum,
  UNKNOWN_BITS,
  ZERO_BITS,
  addBits,
  addWords,
  andBits,
  arshHi,
  arshLo,
  constBits,
  lshHi,
  lshLo,
  mulBits,
  orBits,
  rangeBits,
  rshHi,
  rshLo,
  shiftLeft,
  shiftRight,
  shiftRightSigned,
  subBits,
  subWords,
  swapBits,
  truncateBits,
  xorBits,
} from './tnum.js';

export type AluOp = 'add' | 'sub' | 'mul' | 'and' | 'or' | 'xor' | 'lsh' | 'rsh' | 'arsh' | 'neg';

/** `dst op src`; `width` 32 computes on the low words and zero-extends. */
export function applyAlu(op: AluOp, dst: Bounds, src: Bounds, width: 32 | 64): Bounds {
  if (op === 'lsh' || op === 'rsh' || op === 'arsh') {
    const known = width === 32 ? src.lowIsConst && src.u32Min === src.u32Max && src.s32Min === src.s32Max : src.isConst;
    const inRange = src.uMaxHi === 0 && src.uMaxLo >>> 0 < width;
    if (!known || !inRange) return UNKNOWN_BOUNDS;
  }
  const out = dst.clone();
  switch (op) {
    case 'add':
      addRanges(out, src);
      out.bits = addBits(out.bits, src.bits);
      break;
    case 'sub':
      subRanges(out, src);
      out.bits = subBits(out.bits, src.bits);
      break;
    case 'neg': {
      const zero = ZERO_BOUNDS.clone();
      subRanges(zero, out);
      zero.bits = subBits(ZERO_BITS, out.bits);
      return finish(zero, width);
    }
    case 'mul':
      out.bits = out.bits.isUnknown && src.bits.isUnknown ? UNKNOWN_BITS : mulBits(out.bits, src.bits);
      mul32Ranges(out, src);
      mul64Ranges(out, src);
      break;
    case 'and':
      out.bits = andBits(out.bits, src.bits);
      and32(out, src);
      and64(out, src);
      break;
    case 'or':
      out.bits = orBits(out.bits, src.bits);
      or32(out, src);
      or64(out, src);
      break;
    case 'xor':
      out.bits = xorBits(out.bits, src.bits);
      xor32(out, src);
      xor64(out, src);
      break;
    case 'lsh':
      if (width === 32) lsh32(out, src.u32Min);
      else lsh64(out, src.uMinLo);
      break;
    case 'rsh':
      if (width === 32) rsh32(out, src.u32Min);
      else rsh64(out, src.uMinLo);
      break;
    case 'arsh':
      if (width === 32) arsh32(out, src.u32Min);
      else arsh64(out, src.uMinLo);
      break;
  }
  return finish(out, width);
}

function finish(out: Bounds, width: 32 | 64): Bounds {
  if (width === 32) extendLow(out);
  out.sync();
  return out;
}

/** The 64-bit ranges of a zero-extended low word; the bits become those of the low word. */
function extendLow(out: Bounds): void {
  out.bits = truncateBits(out.bits, 4);
  out.uMinLo = out.u32Min;
  out.uMaxLo = out.u32Max;
  out.uMinHi = out.uMaxHi = out.sMinHi = out.sMaxHi = 0;
  const positive = out.s32Min >= 0 && out.s32Max >= 0;
  out.sMinLo = positive ? out.s32Min : 0;
  out.sMaxLo = positive ? out.s32Max : -1;
}

/** As a 32-bit move does: the low word, zero-extended. */
export function zeroExtend32(from: Bounds): Bounds {
  const out = from.clone();
  extendLow(out);
  out.sync();
  return out;
}

/** Adds the ranges alone; the caller sees to the bits. */
function addRanges(out: Bounds, src: Bounds): void {
  add32Ranges(out, src);
  add64SignedRange(out, src);
  const minLo = addWords(out.uMinLo, out.uMinHi, src.uMinLo, src.uMinHi);
  const minHi = hiWord[0]!;
  const minWraps = ltU(minLo, minHi, out.uMinLo, out.uMinHi);
  const maxLo = addWords(out.uMaxLo, out.uMaxHi, src.uMaxLo, src.uMaxHi);
  const maxHi = hiWord[0]!;
  const maxWraps = ltU(maxLo, maxHi, out.uMaxLo, out.uMaxHi);
  if (!minWraps && maxWraps) out.forgetUnsigned();
  else {
    out.uMinLo = minLo;
    out.uMinHi = minHi;
    out.uMaxLo = maxLo;
    out.uMaxHi = maxHi;
  }
}

function add32Ranges(out: Bounds, src: Bounds): void {
  const sMin = out.s32Min + src.s32Min;
  const sMax = out.s32Max + src.s32Max;
  const fits = sMin >= S32_MIN && sMin <= S32_MAX && sMax >= S32_MIN && sMax <= S32_MAX;
  out.s32Min = fits ? sMin : S32_MIN;
  out.s32Max = fits ? sMax : S32_MAX;
  const uMin = (out.u32Min >>> 0) + (src.u32Min >>> 0);
  const uMax = (out.u32Max >>> 0) + (src.u32Max >>> 0);
  if (uMin <= 0xffff_ffff && uMax > 0xffff_ffff) {
    out.u32Min = 0;
    out.u32Max = -1;
  } else {
    out.u32Min = uMin | 0;
    out.u32Max = uMax | 0;
  }
}

/** Whether a + b leaves the signed 64-bit range, given the sum's high word. */
function addOverflows(aHi: number, bHi: number, sumHi: number): boolean {
  return ((aHi ^ sumHi) & (bHi ^ sumHi)) < 0;
}

/** Whether a - b leaves the signed 64-bit range, given the difference's high word. */
function subOverflows(aHi: number, bHi: number, diffHi: number): boolean {
  return ((aHi ^ bHi) & (aHi ^ diffHi)) < 0;
}

export function add64SignedRange(out: Bounds, src: Bounds): void {
  const minLo = addWords(out.sMinLo, out.sMinHi, src.sMinLo, src.sMinHi);
  const minHi = hiWord[0]!;
  const maxLo = addWords(out.sMaxLo, out.sMaxHi, src.sMaxLo, src.sMaxHi);
  const maxHi = hiWord[0]!;
  if (addOverflows(out.sMinHi, src.sMinHi, minHi) || addOverflows(out.sMaxHi, src.sMaxHi, maxHi)) out.forgetSigned();
  else {
    out.sMinLo = minLo;
    out.sMinHi = minHi;
    out.sMaxLo = maxLo;
    out.sMaxHi = maxHi;
  }
}

export function sub64SignedRange(out: Bounds, src: Bounds): void {
  const minLo = subWords(out.sMinLo, out.sMinHi, src.sMaxLo, src.sMaxHi);
  const minHi = hiWord[0]!;
  const maxLo = subWords(out.sMaxLo, out.sMaxHi, src.sMinLo, src.sMinHi);
  const maxHi = hiWord[0]!;
  if (subOverflows(out.sMinHi, src.sMaxHi, minHi) || subOverflows(out.sMaxHi, src.sMinHi, maxHi)) out.forgetSigned();
  else {
    out.sMinLo = minLo;
    out.sMinHi = minHi;
    out.sMaxLo = maxLo;
    out.sMaxHi = maxHi;
  }
}

function subRanges(out: Bounds, src: Bounds): void {
  const sMin = out.s32Min - src.s32Max;
  const sMax = out.s32Max - src.s32Min;
  const fits = sMin >= S32_MIN && sMin <= S32_MAX && sMax >= S32_MIN && sMax <= S32_MAX;
  out.s32Min = fits ? sMin : S32_MIN;
  out.s32Max = fits ? sMax : S32_MAX;
  const uMin = (out.u32Min >>> 0) - (src.u32Max >>> 0);
  const uMax = (out.u32Max >>> 0) - (src.u32Min >>> 0);
  if (uMin < 0 && uMax >= 0) {
    out.u32Min = 0;
    out.u32Max = -1;
  } else {
    out.u32Min = uMin | 0;
    out.u32Max = uMax | 0;
  }
  sub64SignedRange(out, src);
  const minWraps = ltU(out.uMinLo, out.uMinHi, src.uMaxLo, src.uMaxHi);
  const maxWraps = ltU(out.uMaxLo, out.uMaxHi, src.uMinLo, src.uMinHi);
  if (minWraps && !maxWraps) out.forgetUnsigned();
  else {
    const minLo = subWords(out.uMinLo, out.uMinHi, src.uMaxLo, src.uMaxHi);
    const minHi = hiWord[0]!;
    out.uMaxLo = subWords(out.uMaxLo, out.uMaxHi, src.uMinLo, src.uMinHi);
    out.uMaxHi = hiWord[0]!;
    out.uMinLo = minLo;
    out.uMinHi = minHi;
  }
}

function mul32Ranges(out: Bounds, src: Bounds): void {
  const uMax = (out.u32Max >>> 0) * (src.u32Max >>> 0);
  const uMin = (out.u32Min >>> 0) * (src.u32Min >>> 0);
  if (uMax > 0xffff_ffff || uMin > 0xffff_ffff) {
    out.u32Min = 0;
    out.u32Max = -1;
  } else {
    out.u32Min = uMin | 0;
    out.u32Max = uMax | 0;
  }
  const a = out.s32Min * src.s32Min;
  const b = out.s32Min * src.s32Max;
  const c = out.s32Max * src.s32Min;
  const d = out.s32Max * src.s32Max;
  const min = Math.min(a, b, c, d);
  const max = Math.max(a, b, c, d);
  const fits = min >= S32_MIN && max <= S32_MAX;
  out.s32Min = fits ? min | 0 : S32_MIN;
  out.s32Max = fits ? max | 0 : S32_MAX;
}

function mul64Ranges(out: Bounds, src: Bounds): void {
  if (out.uMaxHi === 0 && src.uMaxHi === 0) {
    const minLo = mul(out.uMinLo, 0, src.uMinLo, 0);
    const minHi = hiWord[0]!;
    out.uMaxLo = mul(out.uMaxLo, 0, src.uMaxLo, 0);
    out.uMaxHi = hiWord[0]!;
    out.uMinLo = minLo;
    out.uMinHi = minHi;
  } else {
    mulUnsignedWide(out, src);
  }
  mulSignedWide(out, src);
}

function mulUnsignedWide(out: Bounds, src: Bounds): void {
  const max = toBigInt(out.uMaxLo, out.uMaxHi) * toBigInt(src.uMaxLo, src.uMaxHi);
  if (max >> 64n !== 0n) {
    out.forgetUnsigned();
    return;
  }
  const min = toBigInt(out.uMinLo, out.uMinHi) * toBigInt(src.uMinLo, src.uMinHi);
  out.uMinLo = Number(BigInt.asIntN(32, min));
  out.uMinHi = Number(BigInt.asIntN(32, min >> 32n));
  out.uMaxLo = Number(BigInt.asIntN(32, max));
  out.uMaxHi = Number(BigInt.asIntN(32, max >> 32n));
}

function signed(lo: number, hi: number): bigint {
  return BigInt.asIntN(64, toBigInt(lo, hi));
}

/** Whether an end of the signed range, multiplied by the least number, would overflow. */
function isNoFactor(bounds: Bounds): boolean {
  const minFits = bounds.sMinHi === 0 && bounds.sMinLo >>> 1 === 0;
  const maxFits = bounds.sMaxHi === 0 && bounds.sMaxLo >>> 1 === 0;
  return !minFits || !maxFits;
}

function isLeast(bounds: Bounds): boolean {
  return bounds.sMinHi === S32_MIN && bounds.sMinLo === 0;
}

function mulSignedWide(out: Bounds, src: Bounds): void {
  if ((isLeast(out) && isNoFactor(src)) || (isLeast(src) && isNoFactor(out))) {
    out.forgetSigned();
    return;
  }
  const dMin = signed(out.sMinLo, out.sMinHi);
  const dMax = signed(out.sMaxLo, out.sMaxHi);
  const sMin = signed(src.sMinLo, src.sMinHi);
  const sMax = signed(src.sMaxLo, src.sMaxHi);
  let min = dMin * sMin;
  let max = min;
  for (const product of [dMin * sMax, dMax * sMin, dMax * sMax]) {
    if (product < min) min = product;
    if (product > max) max = product;
  }
  if (BigInt.asIntN(64, min) !== min || BigInt.asIntN(64, max) !== max) {
    out.forgetSigned();
    return;
  }
  out.sMinLo = Number(BigInt.asIntN(32, min));
  out.sMinHi = Number(BigInt.asIntN(32, min >> 32n));
  out.sMaxLo = Number(BigInt.asIntN(32, max));
  out.sMaxHi = Number(BigInt.asIntN(32, max >> 32n));
}

/** The signed 32-bit range from the unsigned one, where that does not cross the sign. */
function signed32FromUnsigned(out: Bounds): void {
  const fits = out.u32Min <= out.u32Max;
  out.s32Min = fits ? out.u32Min : S32_MIN;
  out.s32Max = fits ? out.u32Max : S32_MAX;
}

function signed64FromUnsigned(out: Bounds): void {
  if (ltS(out.uMaxLo, out.uMaxHi, out.uMinLo, out.uMinHi)) out.forgetSigned();
  else {
    out.sMinLo = out.uMinLo;
    out.sMinHi = out.uMinHi;
    out.sMaxLo = out.uMaxLo;
    out.sMaxHi = out.uMaxHi;
  }
  out.narrowByBits();
}

function and32(out: Bounds, src: Bounds): void {
  if (src.lowIsConst && out.lowIsConst) {
    out.setLowConst(out.bits.vLo);
    return;
  }
  out.u32Min = out.bits.vLo;
  out.lowerU32(src.u32Max);
  signed32FromUnsigned(out);
}

function and64(out: Bounds, src: Bounds): void {
  if (src.isConst && out.isConst) {
    out.setConst(out.bits.vLo, out.bits.vHi);
    return;
  }
  out.uMinLo = out.bits.vLo;
  out.uMinHi = out.bits.vHi;
  out.lowerU(src.uMaxLo, src.uMaxHi);
  signed64FromUnsigned(out);
}

function or32(out: Bounds, src: Bounds): void {
  if (src.lowIsConst && out.lowIsConst) {
    out.setLowConst(out.bits.vLo);
    return;
  }
  out.raiseU32(src.u32Min);
  out.u32Max = out.bits.vLo | out.bits.mLo;
  signed32FromUnsigned(out);
}

function or64(out: Bounds, src: Bounds): void {
  if (src.isConst && out.isConst) {
    out.setConst(out.bits.vLo, out.bits.vHi);
    return;
  }
  out.raiseU(src.uMinLo, src.uMinHi);
  out.uMaxLo = out.bits.vLo | out.bits.mLo;
  out.uMaxHi = out.bits.vHi | out.bits.mHi;
  signed64FromUnsigned(out);
}

function xor32(out: Bounds, src: Bounds): void {
  if (src.lowIsConst && out.lowIsConst) {
    out.setLowConst(out.bits.vLo);
    return;
  }
  out.u32Min = out.bits.vLo;
  out.u32Max = out.bits.vLo | out.bits.mLo;
  signed32FromUnsigned(out);
}

function xor64(out: Bounds, src: Bounds): void {
  if (src.isConst && out.isConst) {
    out.setConst(out.bits.vLo, out.bits.vHi);
    return;
  }
  out.uMinLo = out.bits.vLo;
  out.uMinHi = out.bits.vHi;
  out.uMaxLo = out.bits.vLo | out.bits.mLo;
  out.uMaxHi = out.bits.vHi | out.bits.mHi;
  signed64FromUnsigned(out);
}

/** The 32-bit ranges of a value shifted left. */
function shift32Ranges(out: Bounds, by: number): void {
  out.s32Min = S32_MIN;
  out.s32Max = S32_MAX;
  if (by > 31 || out.u32Max >>> 0 > 2 ** (31 - by)) {
    out.u32Min = 0;
    out.u32Max = -1;
  } else {
    out.u32Min <<= by;
    out.u32Max <<= by;
  }
}

function lsh32(out: Bounds, by: number): void {
  shift32Ranges(out, by);
  out.bits = truncateBits(shiftLeft(truncateBits(out.bits, 4), by), 4);
  out.forget64();
  out.narrow32ByBits();
}

function lsh64(out: Bounds, by: number): void {
  // The low word moved up, as compilers sign-extend: its signed range decides.
  const upper = by === 32;
  out.sMaxLo = upper && out.s32Max >= 0 ? 0 : -1;
  out.sMaxHi = upper && out.s32Max >= 0 ? out.s32Max : S32_MAX;
  out.sMinLo = 0;
  out.sMinHi = upper && out.s32Min >= 0 ? out.s32Min : S32_MIN;
  const limitHi = by <= 31 ? lshHi(0, 1, 31 - by) : 0;
  const limitLo = by <= 31 ? 0 : 1 << (63 - by);
  if (ltU(limitLo, limitHi, out.uMaxLo, out.uMaxHi)) out.forgetUnsigned();
  else {
    const minLo = lshLo(out.uMinLo, by);
    out.uMinHi = lshHi(out.uMinLo, out.uMinHi, by);
    out.uMinLo = minLo;
    const maxLo = lshLo(out.uMaxLo, by);
    out.uMaxHi = lshHi(out.uMaxLo, out.uMaxHi, by);
    out.uMaxLo = maxLo;
  }
  shift32Ranges(out, by);
  out.bits = shiftLeft(out.bits, by);
  out.narrowByBits();
}

function rsh32(out: Bounds, by: number): void {
  out.s32Min = S32_MIN;
  out.s32Max = S32_MAX;
  out.bits = shiftRight(truncateBits(out.bits, 4), by);
  out.u32Min = (out.u32Min >>> by) | 0;
  out.u32Max = (out.u32Max >>> by) | 0;
  out.forget64();
  out.narrow32ByBits();
}

function rsh64(out: Bounds, by: number): void {
  out.forgetSigned();
  out.bits = shiftRight(out.bits, by);
  const minLo = rshLo(out.uMinLo, out.uMinHi, by);
  out.uMinHi = rshHi(out.uMinHi, by);
  out.uMinLo = minLo;
  const maxLo = rshLo(out.uMaxLo, out.uMaxHi, by);
  out.uMaxHi = rshHi(out.uMaxHi, by);
  out.uMaxLo = maxLo;
  out.forget32();
  out.narrowByBits();
}

function arsh32(out: Bounds, by: number): void {
  out.s32Min >>= by;
  out.s32Max >>= by;
  out.bits = shiftRightSigned(truncateBits(out.bits, 4), by, 32);
  out.u32Min = 0;
  out.u32Max = -1;
  out.forget64();
  out.narrow32ByBits();
}

function arsh64(out: Bounds, by: number): void {
  const minLo = arshLo(out.sMinLo, out.sMinHi, by);
  out.sMinHi = arshHi(out.sMinHi, by);
  out.sMinLo = minLo;
  const maxLo = arshLo(out.sMaxLo, out.sMaxHi, by);
  out.sMaxHi = arshHi(out.sMaxHi, by);
  out.sMaxLo = maxLo;
  out.bits = shiftRightSigned(out.bits, by, 64);
  out.forgetUnsigned();
  out.forget32();
  out.narrowByBits();
}

/** Reverses the low bytes; of the ranges only what the bits say is left. */
export function byteSwap(from: Bounds, bits: 16 | 32 | 64): Bounds {
  const out = UNKNOWN_BOUNDS.clone();
  out.bits = swapBits(from.bits, bits);
  out.sync();
  return out;
}

/** Keeps the low `bytes` bytes, zero-extended, as a narrow load does. */
export function truncate(from: Bounds, bytes: 1 | 2 | 4): Bounds {
  const out = from.clone();
  out.bits = truncateBits(out.bits, bytes);
  const maskLo = bytes === 4 ? -1 : (1 << (bytes * 8)) - 1;
  if (out.uMinHi === out.uMaxHi && (out.uMinLo & ~maskLo) === (out.uMaxLo & ~maskLo)) {
    out.uMinLo &= maskLo;
    out.uMaxLo &= maskLo;
  } else {
    out.uMinLo = 0;
    out.uMaxLo = maskLo;
  }
  out.uMinHi = out.uMaxHi = 0;
  out.sMinLo = out.uMinLo;
  out.sMaxLo = out.uMaxLo;
  out.sMinHi = out.sMaxHi = 0;
  if (bytes < 4) out.forget32();
  out.sync();
  return out;
}

function signExtendWord(word: number, bytes: 1 | 2 | 4): number {
  const unused = 32 - bytes * 8;
  return (word << unused) >> unused;
}

/** Sign-extends the low `bytes` bytes to 64 bits. */
export function signExtend64(from: Bounds, bytes: 1 | 2 | 4): Bounds {
  const out = from.clone();
  if (out.isConst) {
    const value = signExtendWord(out.bits.vLo, bytes);
    out.setConst(value, value >> 31);
    return out;
  }
  const shift = bytes * 8;
  const sameTop = out.sMinHi === out.sMaxHi && (bytes === 4 || out.sMinLo >> shift === out.sMaxLo >> shift);
  if (sameTop) {
    const a = signExtendWord(out.sMaxLo, bytes);
    const b = signExtendWord(out.sMinLo, bytes);
    const max = Math.max(a, b);
    const min = Math.min(a, b);
    if (max >= 0 === min >= 0) {
      out.s32Min = out.sMinLo = out.u32Min = out.uMinLo = min;
      out.s32Max = out.sMaxLo = out.u32Max = out.uMaxLo = max;
      out.sMinHi = out.uMinHi = min >> 31;
      out.sMaxHi = out.uMaxHi = max >> 31;
      out.bits = rangeBits(min, min >> 31, max, max >> 31);
      return out;
    }
  }
  out.s32Min = out.sMinLo = bytes === 4 ? S32_MIN : -(1 << (shift - 1));
  out.s32Max = out.sMaxLo = bytes === 4 ? S32_MAX : (1 << (shift - 1)) - 1;
  out.sMinHi = -1;
  out.sMaxHi = 0;
  out.uMinLo = out.uMinHi = out.u32Min = 0;
  out.uMaxLo = out.uMaxHi = out.u32Max = -1;
  out.bits = UNKNOWN_BITS;
  return out;
}

/** Sign-extends the low `bytes` bytes to 32 bits; the caller zero-extends. */
export function signExtend32(from: Bounds, bytes: 1 | 2): Bounds {
  const out = from.clone();
  if (out.isConst) {
    const value = signExtendWord(out.bits.vLo, bytes);
    out.bits = constBits(value, value >> 31);
    out.s32Min = out.s32Max = out.u32Min = out.u32Max = value;
    return zeroExtend32(out);
  }
  const shift = bytes * 8;
  if (out.s32Min >> shift === out.s32Max >> shift) {
    const a = signExtendWord(out.s32Max, bytes);
    const b = signExtendWord(out.s32Min, bytes);
    const max = Math.max(a, b);
    const min = Math.min(a, b);
    if (max >= 0 === min >= 0) {
      out.s32Min = out.u32Min = min;
      out.s32Max = out.u32Max = max;
      out.bits = truncateBits(rangeBits(min, min >> 31, max, max >> 31), 4);
      return zeroExtend32(out);
    }
  }
  out.s32Min = -(1 << (shift - 1));
  out.s32Max = (1 << (shift - 1)) - 1;
  out.u32Min = 0;
  out.u32Max = -1;
  out.bits = new Tnum(0, 0, -1, 0);
  return zeroExtend32(out);
}
