/** Word-pair arithmetic against BigInt: random operands of every length, and the edges. */
import fc from 'fast-check';
import t from 'tap';
import * as u64 from '../vm/u64.js';

const M32 = 0xffff_ffffn;
const M64 = 0xffff_ffff_ffff_ffffn;
const EDGES = [
  0n,
  1n,
  2n,
  10n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1f_ffff_ffff_ffffn,
  0x20_0000_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0x8000_0000_0000_0001n,
  M64 - 1n,
  M64,
];

/** Lengths are spread evenly, so that small and lopsided operands come up. */
const operand = fc.oneof(
  fc.constantFrom(...EDGES),
  fc.tuple(fc.bigInt(0n, M64), fc.integer({ min: 0, max: 63 })).map(([value, shift]) => value >> BigInt(shift)),
);

type Binary = (aLo: number, aHi: number, bLo: number, bHi: number) => number;

function words(value: bigint): [number, number] {
  return [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
}

function join(lo: number): bigint {
  return u64.toBigInt(lo, u64.hiWord[0] ?? 0);
}

function signed(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

const BINARY: Readonly<Record<string, readonly [Binary, (a: bigint, b: bigint) => bigint]>> = {
  mul: [u64.mul, (a, b) => a * b],
  divU: [u64.divU, (a, b) => (b === 0n ? 0n : a / b)],
  modU: [u64.modU, (a, b) => (b === 0n ? a : a % b)],
  divS: [u64.divS, (a, b) => (b === 0n ? 0n : signed(a) / signed(b))],
  modS: [u64.modS, (a, b) => (b === 0n ? a : signed(a) % signed(b))],
};

for (const [name, [fn, reference]] of Object.entries(BINARY)) {
  t.test(name, (t) => {
    const check = (a: bigint, b: bigint): void => {
      const lo = fn(...words(a), ...words(b));
      const found = join(lo);
      const wanted = reference(a, b) & M64;
      // An int32 result is part of the contract: callers compare words with ===.
      if (found !== wanted || (lo | 0) !== lo)
        throw new Error(`${name}(${String(a)}, ${String(b)}) = ${String(found)}`);
    };
    for (const a of EDGES) for (const b of EDGES) check(a, b);
    fc.assert(fc.property(operand, operand, check), { numRuns: 5000 });
    t.pass('agrees with BigInt');
    t.end();
  });
}

t.test('comparisons', (t) => {
  const check = (a: bigint, b: bigint): void => {
    if (u64.ltU(...words(a), ...words(b)) !== a < b) throw new Error(`ltU(${String(a)}, ${String(b)})`);
    if (u64.ltS(...words(a), ...words(b)) !== signed(a) < signed(b)) throw new Error(`ltS(${String(a)}, ${String(b)})`);
  };
  for (const a of EDGES) for (const b of EDGES) check(a, b);
  fc.assert(fc.property(operand, operand, check), { numRuns: 2000 });
  t.pass('agree with BigInt');
  t.end();
});

t.test('one operand', (t) => {
  const check = (a: bigint): void => {
    const [lo, hi] = words(a);
    const negated = u64.neg(lo, hi);
    if (join(negated) !== (-a & M64) || (negated | 0) !== negated) throw new Error(`neg(${String(a)})`);
    if (join(u64.fromBigInt(a)) !== a || join(u64.fromBigInt(signed(a))) !== a)
      throw new Error(`fromBigInt(${String(a)})`);
    if (a <= 0x1f_ffff_ffff_ffffn && u64.toNumber(lo, hi) !== Number(a)) throw new Error(`toNumber(${String(a)})`);
    const bytes = (a & M32).toString(16).padStart(8, '0').match(/../g) ?? [];
    const swapped = BigInt(`0x${bytes.reverse().join('')}`);
    if (BigInt(u64.bswap32(lo) >>> 0) !== swapped || (u64.bswap32(lo) | 0) !== u64.bswap32(lo)) {
      throw new Error(`bswap32(${String(a)})`);
    }
    if (BigInt(u64.bswap16(lo)) !== swapped >> 16n) throw new Error(`bswap16(${String(a)})`);
  };
  for (const a of EDGES) check(a);
  fc.assert(fc.property(operand, check), { numRuns: 5000 });
  t.pass('agrees with BigInt');
  t.end();
});

t.test('high half of a 32 by 32 bit product', (t) => {
  const word = fc.oneof(fc.constantFrom(0, 1, -1, 0x7fff_ffff, -0x8000_0000, 0xffff, 0x1_0000), fc.integer());
  fc.assert(
    fc.property(word, word, (a, b) => {
      const product = BigInt(a >>> 0) * BigInt(b >>> 0);
      return u64.mulHighU32(a, b) === Number(BigInt.asIntN(32, product >> 32n));
    }),
    { numRuns: 5000 },
  );
  t.pass('agrees with BigInt');
  t.end();
});
