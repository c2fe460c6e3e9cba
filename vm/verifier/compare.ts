/**
 * What a comparison of two numbers tells: whether it can go only one way, and what is known of both on either way.
 * As exact as Linux 6.18, and no more. Knows no registers.
 */
import { ltS, ltU } from '../u64.js';
import { type Bounds } from './bounds.js';
import {
  addWords,
  andBits,
  constBits,
  intersectBits,
  orBits,
  overlapBits,
  subWords,
  truncateBits,
  withLowWord,
} from './tnum.js';
import { hiWord } from '../u64.js';

/** `nset` is the negation of `set`; no instruction has it. */
export type Comparison = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le' | 'sgt' | 'sge' | 'slt' | 'sle' | 'set' | 'nset';

const FLIPPED: Readonly<Record<Comparison, Comparison>> = {
  eq: 'eq',
  ne: 'ne',
  set: 'set',
  nset: 'nset',
  gt: 'lt',
  ge: 'le',
  lt: 'gt',
  le: 'ge',
  sgt: 'slt',
  sge: 'sle',
  slt: 'sgt',
  sle: 'sge',
};

const NEGATED: Readonly<Record<Comparison, Comparison>> = {
  eq: 'ne',
  ne: 'eq',
  set: 'nset',
  nset: 'set',
  gt: 'le',
  ge: 'lt',
  lt: 'ge',
  le: 'gt',
  sgt: 'sle',
  sge: 'slt',
  slt: 'sge',
  sle: 'sgt',
};

/** `b flip(op) a` is `a op b`. */
export function flip(op: Comparison): Comparison {
  return FLIPPED[op];
}

/** Unsigned a < b of the chosen ends and width. */
function maxBelowMin(a: Bounds, b: Bounds, narrow: boolean): boolean {
  return narrow ? a.u32Max >>> 0 < b.u32Min >>> 0 : ltU(a.uMaxLo, a.uMaxHi, b.uMinLo, b.uMinHi);
}

function maxAtMostMin(a: Bounds, b: Bounds, narrow: boolean): boolean {
  return narrow ? a.u32Max >>> 0 <= b.u32Min >>> 0 : !ltU(b.uMinLo, b.uMinHi, a.uMaxLo, a.uMaxHi);
}

function maxBelowMinSigned(a: Bounds, b: Bounds, narrow: boolean): boolean {
  return narrow ? a.s32Max < b.s32Min : ltS(a.sMaxLo, a.sMaxHi, b.sMinLo, b.sMinHi);
}

function maxAtMostMinSigned(a: Bounds, b: Bounds, narrow: boolean): boolean {
  return narrow ? a.s32Max <= b.s32Min : !ltS(b.sMinLo, b.sMinHi, a.sMaxLo, a.sMaxHi);
}

/** Whether `a op b` holds; undefined where it may or may not. */
export function decide(op: Comparison, a: Bounds, b: Bounds, narrow: boolean): boolean | undefined {
  switch (op) {
    case 'eq':
      return areEqual(a, b, narrow);
    case 'ne': {
      const equal = areEqual(a, b, narrow);
      return equal === undefined ? undefined : !equal;
    }
    case 'set':
    case 'nset':
      return sharesBit(a, b, narrow);
    case 'gt':
      return maxBelowMin(b, a, narrow) ? true : maxAtMostMin(a, b, narrow) ? false : undefined;
    case 'ge':
      return maxAtMostMin(b, a, narrow) ? true : maxBelowMin(a, b, narrow) ? false : undefined;
    case 'lt':
      return maxBelowMin(a, b, narrow) ? true : maxAtMostMin(b, a, narrow) ? false : undefined;
    case 'le':
      return maxAtMostMin(a, b, narrow) ? true : maxBelowMin(b, a, narrow) ? false : undefined;
    case 'sgt':
      return maxBelowMinSigned(b, a, narrow) ? true : maxAtMostMinSigned(a, b, narrow) ? false : undefined;
    case 'sge':
      return maxAtMostMinSigned(b, a, narrow) ? true : maxBelowMinSigned(a, b, narrow) ? false : undefined;
    case 'slt':
      return maxBelowMinSigned(a, b, narrow) ? true : maxAtMostMinSigned(b, a, narrow) ? false : undefined;
    case 'sle':
      return maxAtMostMinSigned(a, b, narrow) ? true : maxBelowMinSigned(b, a, narrow) ? false : undefined;
  }
}

function areEqual(a: Bounds, b: Bounds, narrow: boolean): boolean | undefined {
  if (narrow) {
    if (a.lowIsConst && b.lowIsConst) return a.bits.vLo === b.bits.vLo;
    if (!overlapBits(truncateBits(a.bits, 4), truncateBits(b.bits, 4))) return false;
  } else {
    if (a.isConst && b.isConst) return a.bits.vLo === b.bits.vLo && a.bits.vHi === b.bits.vHi;
    if (!overlapBits(a.bits, b.bits)) return false;
    if (maxBelowMin(a, b, false) || maxBelowMin(b, a, false)) return false;
    if (maxBelowMinSigned(a, b, false) || maxBelowMinSigned(b, a, false)) return false;
  }
  if (maxBelowMin(a, b, true) || maxBelowMin(b, a, true)) return false;
  if (maxBelowMinSigned(a, b, true) || maxBelowMinSigned(b, a, true)) return false;
  return undefined;
}

function isKnown(a: Bounds, narrow: boolean): boolean {
  return narrow ? a.lowIsConst : a.isConst;
}

function sharesBit(a: Bounds, b: Bounds, narrow: boolean): boolean | undefined {
  const [first, second] = isKnown(b, narrow) ? [a, b] : [b, a];
  if (!isKnown(second, narrow)) return undefined;
  const maskLo = second.bits.vLo;
  const maskHi = narrow ? 0 : second.bits.vHi;
  const { vLo, vHi, mLo, mHi } = first.bits;
  if (((vLo & maskLo) | (vHi & maskHi)) !== 0) return true;
  if ((((vLo | mLo) & maskLo) | ((vHi | mHi) & maskHi)) === 0) return false;
  return undefined;
}

/** Narrows `a` and `b`, which the caller owns, to where `a op b` holds (or, with `holds` false, does not). */
export function refine(op: Comparison, a: Bounds, b: Bounds, narrow: boolean, holds: boolean): void {
  const effective = holds ? op : NEGATED[op];
  switch (effective) {
    case 'eq':
      refineEqual(a, b, narrow);
      break;
    case 'ne':
      refineUnequal(a, b, narrow);
      break;
    case 'set':
      refineSet(a, b, narrow);
      break;
    case 'nset':
      refineClear(a, b, narrow);
      break;
    case 'lt':
    case 'le':
      refineBelow(a, b, narrow, effective === 'lt');
      break;
    case 'gt':
    case 'ge':
      refineBelow(b, a, narrow, effective === 'gt');
      break;
    case 'slt':
    case 'sle':
      refineBelowSigned(a, b, narrow, effective === 'slt');
      break;
    case 'sgt':
    case 'sge':
      refineBelowSigned(b, a, narrow, effective === 'sgt');
      break;
  }
  a.sync();
  b.sync();
}

function refineEqual(a: Bounds, b: Bounds, narrow: boolean): void {
  if (narrow) {
    a.raiseU32(b.u32Min);
    a.lowerU32(b.u32Max);
    a.raiseS32(b.s32Min);
    a.lowerS32(b.s32Max);
    b.u32Min = a.u32Min;
    b.u32Max = a.u32Max;
    b.s32Min = a.s32Min;
    b.s32Max = a.s32Max;
    const low = intersectBits(truncateBits(a.bits, 4), truncateBits(b.bits, 4));
    a.bits = withLowWord(a.bits, low);
    b.bits = withLowWord(b.bits, low);
    return;
  }
  a.raiseU(b.uMinLo, b.uMinHi);
  a.lowerU(b.uMaxLo, b.uMaxHi);
  a.raiseS(b.sMinLo, b.sMinHi);
  a.lowerS(b.sMaxLo, b.sMaxHi);
  b.uMinLo = a.uMinLo;
  b.uMinHi = a.uMinHi;
  b.uMaxLo = a.uMaxLo;
  b.uMaxHi = a.uMaxHi;
  b.sMinLo = a.sMinLo;
  b.sMinHi = a.sMinHi;
  b.sMaxLo = a.sMaxLo;
  b.sMaxHi = a.sMaxHi;
  a.bits = intersectBits(a.bits, b.bits);
  b.bits = a.bits;
}

/** A constant at the very end of a range shortens it. */
function refineUnequal(first: Bounds, second: Bounds, narrow: boolean): void {
  const [a, b] = isKnown(second, narrow) ? [first, second] : [second, first];
  if (!isKnown(b, narrow)) return;
  const { vLo, vHi } = b.bits;
  if (narrow) {
    if (a.u32Min === vLo) a.u32Min = (vLo + 1) | 0;
    if (a.u32Max === vLo) a.u32Max = (vLo - 1) | 0;
    if (a.s32Min === vLo) a.s32Min = (vLo + 1) | 0;
    if (a.s32Max === vLo) a.s32Max = (vLo - 1) | 0;
    return;
  }
  const upLo = addWords(vLo, vHi, 1, 0);
  const upHi = hiWord[0]!;
  const downLo = subWords(vLo, vHi, 1, 0);
  const downHi = hiWord[0]!;
  if (a.uMinLo === vLo && a.uMinHi === vHi) {
    a.uMinLo = upLo;
    a.uMinHi = upHi;
  }
  if (a.uMaxLo === vLo && a.uMaxHi === vHi) {
    a.uMaxLo = downLo;
    a.uMaxHi = downHi;
  }
  if (a.sMinLo === vLo && a.sMinHi === vHi) {
    a.sMinLo = upLo;
    a.sMinHi = upHi;
  }
  if (a.sMaxLo === vLo && a.sMaxHi === vHi) {
    a.sMaxLo = downLo;
    a.sMaxHi = downHi;
  }
}

/** Of a mask of one bit, that bit is set. */
function refineSet(first: Bounds, second: Bounds, narrow: boolean): void {
  const [a, b] = isKnown(second, narrow) ? [first, second] : [second, first];
  if (!isKnown(b, narrow)) return;
  const maskLo = b.bits.vLo;
  const maskHi = narrow ? 0 : b.bits.vHi;
  const oneBit =
    maskHi === 0 ? maskLo !== 0 && (maskLo & (maskLo - 1)) === 0 : maskLo === 0 && (maskHi & (maskHi - 1)) === 0;
  if (oneBit) a.bits = orBits(a.bits, constBits(maskLo, maskHi));
}

/** Every bit of the mask is clear. Ranges are forgotten first, so that a dead branch contradicts nothing. */
function refineClear(first: Bounds, second: Bounds, narrow: boolean): void {
  const [a, b] = isKnown(second, narrow) ? [first, second] : [second, first];
  if (!isKnown(b, narrow)) return;
  a.forget64();
  a.forget32();
  a.bits = andBits(a.bits, constBits(~b.bits.vLo, narrow ? -1 : ~b.bits.vHi));
}

function refineBelow(a: Bounds, b: Bounds, narrow: boolean, strictly: boolean): void {
  const one = strictly ? 1 : 0;
  if (narrow) {
    a.lowerU32((b.u32Max - one) | 0);
    b.raiseU32((a.u32Min + one) | 0);
    return;
  }
  const maxLo = subWords(b.uMaxLo, b.uMaxHi, one, 0);
  a.lowerU(maxLo, hiWord[0]!);
  const minLo = addWords(a.uMinLo, a.uMinHi, one, 0);
  b.raiseU(minLo, hiWord[0]!);
}

function refineBelowSigned(a: Bounds, b: Bounds, narrow: boolean, strictly: boolean): void {
  const one = strictly ? 1 : 0;
  if (narrow) {
    a.lowerS32((b.s32Max - one) | 0);
    b.raiseS32((a.s32Min + one) | 0);
    return;
  }
  const maxLo = subWords(b.sMaxLo, b.sMaxHi, one, 0);
  a.lowerS(maxLo, hiWord[0]!);
  const minLo = addWords(a.sMinLo, a.sMinHi, one, 0);
  b.raiseS(minLo, hiWord[0]!);
}
