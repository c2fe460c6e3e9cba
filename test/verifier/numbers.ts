/** Random numbers, tnums and bounds for the verifier's tests, and BigInt's word on them. */
import fc from 'fast-check';
import { Bounds } from '../../vm/verifier/bounds.js';
import { Tnum } from '../../vm/verifier/tnum.js';
import { toBigInt } from '../../vm/u64.js';

export const M64 = 0xffff_ffff_ffff_ffffn;

/** Lengths are spread evenly, so that small and lopsided operands come up. */
export const word64 = fc
  .tuple(fc.bigInt(0n, M64), fc.integer({ min: 0, max: 63 }))
  .map(([value, shift]) => value >> BigInt(shift));

export function lo(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}

export function hi(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n));
}

export interface Sample {
  readonly bits: Tnum;
  /** Numbers that the tnum holds. */
  readonly members: readonly bigint[];
}

/** A tnum, and some of its numbers. */
export const sample: fc.Arbitrary<Sample> = fc
  .tuple(word64, word64, fc.array(fc.bigInt(0n, M64), { minLength: 1, maxLength: 4 }))
  .map(([value, mask, picks]) => {
    const known = value & ~mask;
    return {
      bits: new Tnum(lo(known), hi(known), lo(mask), hi(mask)),
      members: picks.map((pick) => known | (pick & mask)),
    };
  });

export function holds(bits: Tnum, value: bigint): boolean {
  const mask = toBigInt(bits.mLo, bits.mHi);
  return (value & ~mask & M64) === toBigInt(bits.vLo, bits.vHi);
}

/** What is known of a number that is one of a few. */
export function boundsOf(values: readonly bigint[]): Bounds {
  const signed = values.map((value) => BigInt.asIntN(64, value));
  const low = values.map((value) => value & 0xffff_ffffn);
  const lowSigned = low.map((value) => Number(BigInt.asIntN(32, value)));
  const least = (all: readonly bigint[]): bigint => all.reduce((a, b) => (a < b ? a : b));
  const most = (all: readonly bigint[]): bigint => all.reduce((a, b) => (a > b ? a : b));
  const mask = values.reduce((differing, value) => differing | (value ^ (values[0] ?? 0n)), 0n);
  const known = (values[0] ?? 0n) & ~mask;
  const bounds = new Bounds(new Tnum(lo(known), hi(known), lo(mask), hi(mask)));
  bounds.uMinLo = lo(least(values));
  bounds.uMinHi = hi(least(values));
  bounds.uMaxLo = lo(most(values));
  bounds.uMaxHi = hi(most(values));
  bounds.sMinLo = lo(least(signed));
  bounds.sMinHi = hi(least(signed));
  bounds.sMaxLo = lo(most(signed));
  bounds.sMaxHi = hi(most(signed));
  bounds.u32Min = lo(least(low));
  bounds.u32Max = lo(most(low));
  bounds.s32Min = Math.min(...lowSigned);
  bounds.s32Max = Math.max(...lowSigned);
  return bounds;
}

/** Whether the number is allowed by the bits and by all four ranges. */
export function allows(bounds: Bounds, value: bigint): boolean {
  const signed = BigInt.asIntN(64, value);
  const low = Number(value & 0xffff_ffffn);
  return (
    holds(bounds.bits, value) &&
    value >= toBigInt(bounds.uMinLo, bounds.uMinHi) &&
    value <= toBigInt(bounds.uMaxLo, bounds.uMaxHi) &&
    signed >= BigInt.asIntN(64, toBigInt(bounds.sMinLo, bounds.sMinHi)) &&
    signed <= BigInt.asIntN(64, toBigInt(bounds.sMaxLo, bounds.sMaxHi)) &&
    low >= bounds.u32Min >>> 0 &&
    low <= bounds.u32Max >>> 0 &&
    (low | 0) >= bounds.s32Min &&
    (low | 0) <= bounds.s32Max
  );
}

/** A random seed, or the one asked for; say it, so that a failure can be repeated. */
export function seedOf(): number {
  return Number(process.env.SEED ?? Math.floor(Math.random() * 0x7fff_ffff));
}
