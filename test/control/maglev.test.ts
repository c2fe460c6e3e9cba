/** Maglev rings against the properties that the method promises. */
import fc from 'fast-check';
import t from 'tap';
import { fillRing, NOBODY, type MaglevBackend } from '../../bpf/control/maglev.js';

const named = (count: number, weight = 1): MaglevBackend[] =>
  Array.from({ length: count }, (_, i) => ({ name: `10.0.${i >> 8}.${i & 255} 80`, weight }));

/** Slots of each backend. */
function countSlots(ring: Int32Array, backends: number): number[] {
  const counts = new Array<number>(backends).fill(0);
  for (const index of ring) if (index !== NOBODY) counts[index] = (counts[index] ?? 0) + 1;
  return counts;
}

t.test('equal weights: no two backends differ by more than one slot', (t) => {
  for (const slots of [2, 7, 251, 4093, 65_537]) {
    for (const count of [1, 2, 3, 10, 100, 1000].filter((each) => each <= slots)) {
      const counts = countSlots(fillRing(named(count), slots), count);
      const [least, most] = [Math.min(...counts), Math.max(...counts)];
      if (most - least > 1) t.fail(`${count} backends, ${slots} slots: ${least} to ${most}`);
      t.equal(
        counts.reduce((sum, each) => sum + each, 0),
        slots,
        `${count} backends share ${slots} slots`,
      );
    }
  }
  t.end();
});

t.test('weights: shares within 1 % of what they should be', (t) => {
  for (const weights of [
    [1, 2],
    [1, 2, 3, 4],
    [5, 1, 1],
    [100, 1],
    [3, 3, 0, 6],
    Array.from({ length: 40 }, (_, i) => i + 1),
  ]) {
    const backends = weights.map((weight, i) => ({ name: `b${i}`, weight }));
    const counts = countSlots(fillRing(backends, 65_537), weights.length);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    for (const [i, weight] of weights.entries()) {
      const want = (weight / sum) * 65_537;
      const got = counts[i] ?? 0;
      t.ok(
        Math.abs(got - want) <= Math.max(0.01 * want, 1),
        `${weights.length} weights: ${weight} has ${got} of ${want}`,
      );
    }
  }
  t.end();
});

t.test('removal: near 1/n of the slots change hands', (t) => {
  for (const count of [2, 5, 10, 50]) {
    const all = named(count);
    const before = fillRing(all, 65_537);
    for (const gone of [0, count >> 1, count - 1]) {
      const left = all.filter((_, i) => i !== gone);
      const after = fillRing(left, 65_537);
      let moved = 0;
      for (let slot = 0; slot < before.length; slot++) {
        if (all[before[slot] ?? 0]?.name !== left[after[slot] ?? 0]?.name) moved++;
      }
      const share = moved / before.length;
      t.ok(share >= 1 / count - 0.001 && share <= 1 / count + 0.02, `1 of ${count} leaves: ${share.toFixed(4)} move`);
    }
  }
  t.end();
});

t.test('the order of backends does not matter, and names alone decide', (t) => {
  const seed = 20_261_122;
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.record({ name: fc.string(), weight: fc.integer({ min: 0, max: 20 }) }), {
        selector: ({ name }) => name,
        maxLength: 30,
      }),
      fc.constantFrom(31, 251, 1009),
      (backends, slots) => {
        const nameOf = (list: readonly MaglevBackend[]) => (index: number) => list[index]?.name;
        const reversed = [...backends].reverse();
        const names = Array.from(fillRing(backends, slots), nameOf(backends));
        const again = Array.from(fillRing(reversed, slots), nameOf(reversed));
        return names.every((name, slot) => name === again[slot]);
      },
    ),
    { seed },
  );
  t.pass(`seed ${seed}`);
  t.end();
});

t.test('nobody', (t) => {
  t.ok(
    fillRing([], 7).every((each) => each === NOBODY),
    'no backends',
  );
  t.ok(
    fillRing(named(3, 0), 7).every((each) => each === NOBODY),
    'no weights',
  );
  t.end();
});

t.test('what is refused', (t) => {
  const cases: [string, readonly MaglevBackend[], number][] = [
    ['no prime', named(1), 65_536],
    ['one slot', named(1), 1],
    ['not a number', named(1), NaN],
    ['more backends than slots', named(8), 7],
    ['a negative weight', named(1, -1), 7],
    ['half a weight', named(1, 0.5), 7],
    ['a weight too large', named(1, 65_536), 7],
    ['a name twice', [...named(1), ...named(1)], 7],
  ];
  for (const [name, backends, slots] of cases) {
    t.throws(() => fillRing(backends, slots), { code: 'config-value' }, name);
  }
  t.end();
});
