/** When a difference counts as seen. */
import t from 'tap';
import { pairedDifference } from '../../vm/replay/paired-difference.js';

/** Numbers between 0 and 1 that are the same each time. */
function* noise(): Generator<number, never> {
  for (let state = 1; ;) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    yield state / 2 ** 32;
  }
}

const rows: readonly (readonly [name: string, rounds: number, factor: number, spread: number, isSeen: boolean])[] = [
  ['twice as long', 40, 2, 0.1, true],
  ['half as long', 40, 0.5, 0.1, true],
  ['5 % more, little noise', 40, 1.05, 0.02, true],
  ['5 % less, little noise', 40, 0.95, 0.02, true],
  ['5 % more, lost in noise', 40, 1.05, 1, false],
  ['the same', 40, 1, 0.2, false],
  ['1 % more: too little to tell', 40, 1.01, 0, false],
  ['twice as long, but too few rounds', 7, 2, 0, false],
  ['twice as long, just enough rounds', 8, 2, 0, true],
  ['no rounds', 0, 2, 0, false],
];

for (const [name, rounds, factor, spread, isSeen] of rows) {
  t.test(name, (t) => {
    const random = noise();
    const time = (): number => 100 * (1 + spread * random.next().value);
    const a = Array.from({ length: rounds }, time);
    const b = Array.from({ length: rounds }, () => factor * time());
    const found = pairedDifference(a, b);
    t.equal(found.isSeen, isSeen);
    t.ok(found.low <= found.share && found.share <= found.high);
    t.end();
  });
}

t.test('a few rounds that others disturbed change nothing', (t) => {
  const a = Array.from({ length: 40 }, () => 100);
  const b = a.map((time, round) => (round % 8 === 0 ? 50 * time : time));
  t.strictSame(pairedDifference(a, b), { share: 0, low: 0, high: 0, isSeen: false });
  t.end();
});
