/** What is known of a number never excludes what it is: after every operation, on both ways of every comparison. */
import fc from 'fast-check';
import t from 'tap';
import type { Bounds } from '../../vm/verifier/bounds.js';
import { type Comparison, decide, refine } from '../../vm/verifier/compare.js';
import {
  type AluOp,
  applyAlu,
  byteSwap,
  signExtend32,
  signExtend64,
  truncate,
  zeroExtend32,
} from '../../vm/verifier/scalar-alu.js';
import { M64, allows, boundsOf, seedOf, word64 } from './numbers.js';

const seed = seedOf();
t.comment(`SEED=${String(seed)}`);
const runs = { seed, numRuns: 3000 };

/** Some numbers, and what is known of one of which only that is known. */
const some = fc.array(word64, { minLength: 1, maxLength: 3 });

function known(values: readonly bigint[]): Bounds {
  const bounds = boundsOf(values);
  bounds.sync();
  return bounds;
}

t.test('letting bits and ranges inform each other excludes nothing', (t) => {
  fc.assert(
    fc.property(some, (values) => values.every((value) => allows(known(values), value))),
    runs,
  );
  t.end();
});

const low = (value: bigint): bigint => value & 0xffff_ffffn;

const ALU: Readonly<Record<AluOp, (a: bigint, b: bigint, bits: bigint) => bigint>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  lsh: (a, b, bits) => a << (b & (bits - 1n)),
  rsh: (a, b, bits) => a >> (b & (bits - 1n)),
  arsh: (a, b, bits) => BigInt.asIntN(Number(bits), a) >> (b & (bits - 1n)),
  neg: (a) => -a,
};

for (const [op, reference] of Object.entries(ALU) as [AluOp, (typeof ALU)[AluOp]][]) {
  for (const width of [32, 64] as const) {
    t.test(`${op}, ${width} bits`, (t) => {
      const cut = width === 32 ? low : (value: bigint) => value & M64;
      const second = op.endsWith('sh') ? fc.array(fc.bigInt(0n, 70n), { minLength: 1, maxLength: 2 }) : some;
      fc.assert(
        fc.property(some, second, (first, others) => {
          const out = applyAlu(op, known(first), known(others), width);
          return first.every((a) => others.every((b) => allows(out, cut(reference(cut(a), cut(b), BigInt(width))))));
        }),
        runs,
      );
      t.end();
    });
  }
}

const EXTENSIONS: Readonly<Record<string, readonly [(b: Bounds) => Bounds, (value: bigint) => bigint]>> = {
  'the low word': [zeroExtend32, low],
  'a byte': [(b) => truncate(b, 1), (value) => value & 0xffn],
  'two bytes': [(b) => truncate(b, 2), (value) => value & 0xffffn],
  'four bytes': [(b) => truncate(b, 4), low],
  'a signed byte': [(b) => signExtend64(b, 1), (value) => BigInt.asIntN(8, value) & M64],
  'two signed bytes': [(b) => signExtend64(b, 2), (value) => BigInt.asIntN(16, value) & M64],
  'four signed bytes': [(b) => signExtend64(b, 4), (value) => BigInt.asIntN(32, value) & M64],
  'a signed byte to 32 bits': [(b) => signExtend32(b, 1), (value) => low(BigInt.asIntN(8, value))],
  'two signed bytes to 32 bits': [(b) => signExtend32(b, 2), (value) => low(BigInt.asIntN(16, value))],
  'a swapped 16-bit word': [
    (b) => truncate(byteSwap(b, 16), 2),
    (value) => ((value & 0xffn) << 8n) | ((value >> 8n) & 0xffn),
  ],
};

for (const [name, [fn, reference]] of Object.entries(EXTENSIONS)) {
  t.test(name, (t) => {
    fc.assert(
      fc.property(some, (values) => {
        const out = fn(known(values));
        return values.every((value) => allows(out, reference(value)));
      }),
      runs,
    );
    t.end();
  });
}

const signed = (value: bigint, bits: number): bigint => BigInt.asIntN(bits, value);

const COMPARISONS: Readonly<Record<Exclude<Comparison, 'nset'>, (a: bigint, b: bigint, bits: number) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  set: (a, b) => (a & b) !== 0n,
  sgt: (a, b, bits) => signed(a, bits) > signed(b, bits),
  sge: (a, b, bits) => signed(a, bits) >= signed(b, bits),
  slt: (a, b, bits) => signed(a, bits) < signed(b, bits),
  sle: (a, b, bits) => signed(a, bits) <= signed(b, bits),
};

for (const [op, reference] of Object.entries(COMPARISONS) as [keyof typeof COMPARISONS, (typeof COMPARISONS)['eq']][]) {
  for (const narrow of [false, true]) {
    t.test(`${op}, ${narrow ? 32 : 64} bits`, (t) => {
      const cut = narrow ? low : (value: bigint) => value;
      fc.assert(
        fc.property(some, some, (first, second) => {
          const answer = decide(op, known(first), known(second), narrow);
          for (const a of first) {
            for (const b of second) {
              const truth = reference(cut(a), cut(b), narrow ? 32 : 64);
              if (answer !== undefined && answer !== truth) return false;
              const left = known(first);
              const right = known(second);
              refine(op, left, right, narrow, truth);
              if (!allows(left, a) || !allows(right, b)) return false;
            }
          }
          return true;
        }),
        runs,
      );
      t.end();
    });
  }
}
