/** Operations on tristate numbers hold the results for all of their numbers, by BigInt's word. */
import fc from 'fast-check';
import t from 'tap';
import { hiWord, toBigInt } from '../../vm/u64.js';
import * as tnum from '../../vm/verifier/tnum.js';
import { M64, hi, holds, lo, sample, seedOf, word64 } from './numbers.js';

const seed = seedOf();
t.comment(`SEED=${String(seed)}`);
const runs = { seed, numRuns: 2000 };

type Binary = (a: tnum.Tnum, b: tnum.Tnum) => tnum.Tnum;

const BINARY: Readonly<Record<string, readonly [Binary, (a: bigint, b: bigint) => bigint]>> = {
  add: [tnum.addBits, (a, b) => a + b],
  sub: [tnum.subBits, (a, b) => a - b],
  mul: [tnum.mulBits, (a, b) => a * b],
  and: [tnum.andBits, (a, b) => a & b],
  or: [tnum.orBits, (a, b) => a | b],
  xor: [tnum.xorBits, (a, b) => a ^ b],
};

for (const [name, [fn, reference]] of Object.entries(BINARY)) {
  t.test(name, (t) => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const out = fn(a.bits, b.bits);
        for (const x of a.members) {
          for (const y of b.members) if (!holds(out, reference(x, y) & M64)) return false;
        }
        return (out.vLo & out.mLo) === 0 && (out.vHi & out.mHi) === 0;
      }),
      runs,
    );
    t.end();
  });
}

const SHIFTS: Readonly<
  Record<string, readonly [(a: tnum.Tnum, by: number) => tnum.Tnum, (a: bigint, by: bigint) => bigint]>
> = {
  left: [tnum.shiftLeft, (a, by) => a << by],
  right: [tnum.shiftRight, (a, by) => a >> by],
  'right, signed': [(a, by) => tnum.shiftRightSigned(a, by, 64), (a, by) => BigInt.asIntN(64, a) >> by],
};

for (const [name, [fn, reference]] of Object.entries(SHIFTS)) {
  t.test(`shift ${name}`, (t) => {
    fc.assert(
      fc.property(sample, fc.integer({ min: 0, max: 63 }), (a, by) => {
        const out = fn(a.bits, by);
        return a.members.every((x) => holds(out, reference(x, BigInt(by)) & M64));
      }),
      runs,
    );
    t.end();
  });
}

t.test('a range holds its ends and what lies between', (t) => {
  fc.assert(
    fc.property(word64, word64, word64, (a, b, pick) => {
      const [min, max] = a < b ? [a, b] : [b, a];
      const bits = tnum.rangeBits(lo(min), hi(min), lo(max), hi(max));
      return [min, max, min + (pick % (max - min + 1n))].every((value) => holds(bits, value));
    }),
    runs,
  );
  t.end();
});

t.test('intersections hold what both hold, overlaps are seen', (t) => {
  fc.assert(
    fc.property(sample, sample, (a, b) => {
      const out = tnum.intersectBits(a.bits, b.bits);
      const shared = [...a.members, ...b.members].filter((x) => holds(a.bits, x) && holds(b.bits, x));
      return shared.every((x) => holds(out, x)) && (shared.length === 0 || tnum.overlapBits(a.bits, b.bits));
    }),
    runs,
  );
  t.end();
});

t.test('bytes are swapped', (t) => {
  const reversed = (value: bigint, bytes: number): bigint => {
    let out = 0n;
    for (let i = 0; i < bytes; i++) out = (out << 8n) | ((value >> BigInt(8 * i)) & 0xffn);
    return out;
  };
  fc.assert(
    fc.property(sample, fc.constantFrom(16 as const, 32 as const, 64 as const), (a, bits) =>
      a.members.every((x) => holds(tnum.swapBits(a.bits, bits), reversed(x, bits / 8))),
    ),
    runs,
  );
  t.end();
});

t.test('the next member is the least one above', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0, max: 40 }),
      (value, mask, shift) => {
        // Eight bits anywhere, so that all members can be listed.
        const known = value & ~mask;
        const members = Array.from({ length: 256 }, (_, s) => known | (s & mask)).map(
          (x) => BigInt(x) << BigInt(shift),
        );
        const sorted = [...new Set(members)].sort((a, b) => (a < b ? -1 : 1));
        const bits = new tnum.Tnum(
          lo(BigInt(known) << BigInt(shift)),
          hi(BigInt(known) << BigInt(shift)),
          lo(BigInt(mask) << BigInt(shift)),
          hi(BigInt(mask) << BigInt(shift)),
        );
        return sorted.every((from) =>
          [from - 1n, from, from + 1n].every((z) => {
            if (z < 0n) return true;
            const low = tnum.nextMember(bits, lo(z), hi(z));
            const wanted = sorted.find((x) => x > z) ?? sorted.at(-1);
            return toBigInt(low, hiWord[0] ?? 0) === wanted;
          }),
        );
      },
    ),
    { seed, numRuns: 200 },
  );
  t.end();
});

const TEXTS: readonly (readonly [string, tnum.Tnum])[] = [
  ['7', tnum.constBits(7, 0)],
  ['-1', tnum.constBits(-1, -1)],
  ['0xffffffff', tnum.constBits(-1, 0)],
  ['(0x0; 0xff)', new tnum.Tnum(0, 0, 0xff, 0)],
];

t.test('text', (t) => {
  for (const [text, bits] of TEXTS) t.equal(tnum.bitsText(bits), text);
  t.end();
});
