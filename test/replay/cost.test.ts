/** Percentiles by nearest rank, against a sort. */
import fc from 'fast-check';
import t from 'tap';
import { CostTally } from '../../vm/replay/cost.js';

t.test('nothing added', (t) => {
  t.equal(new CostTally().summary(), undefined);
  t.end();
});

t.test('equals sorting everything', (t) => {
  const seed = Date.now() & 0xffff;
  t.comment(`seed ${String(seed)}`);
  fc.assert(
    fc.property(fc.array(fc.nat(50), { minLength: 1, maxLength: 300 }), (values) => {
      const tally = new CostTally();
      for (const value of values) tally.add(value);
      const sorted = [...values].sort((a, b) => a - b);
      const rank = (share: number): number => sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? -1;
      t.same(tally.summary(), { min: sorted[0], median: rank(0.5), p99: rank(0.99), max: sorted.at(-1) });
    }),
    { seed },
  );
  t.end();
});
