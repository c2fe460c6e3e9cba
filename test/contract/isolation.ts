/** Runs must not see each other, unless through maps. */
import type { Test } from 'tap';
import type { Engine } from '../../vm/engine/engine.js';
import { CASE_MAPS, mapSpec } from './bench.js';
import { readCases } from './case-file.js';
import type { CheckMode } from './check-modes.js';
import { describeOutcome, needsChecks, tryBench } from './data-cases.js';

/** Counts its runs in a map and returns the count times 256 plus the packet's first byte. */
const COUNT = `
  r6 = *(u32 *)(r1 + 0)
  *(u32 *)(r10 - 4) = 0
  r2 = r10
  r2 += -4
  ld_pseudo r1, 0x1, 0x0
  call map_lookup_elem
  if r0 == 0 goto end
  r1 = *(u64 *)(r0 + 0)
  r1 += 1
  *(u64 *)(r0 + 0) = r1
  r0 = *(u8 *)(r6 + 0)
  r1 <<= 8
  r0 |= r1
end:
  exit`;

/** Leaves marks in a frame and in registers, then traps two calls deep. */
const TRAPS_DEEP = `
  r7 = *(u32 *)(r1 + 0)
  r1 = *(u8 *)(r7 + 0)
  call f
  exit
f:
  *(u64 *)(r10 - 8) = 1
  r6 = r1
  call g
  r0 = 0
  exit
g:
  *(u64 *)(r10 - 8) = 2
  r0 = 3
  if r1 == 0 goto +1
  call 9999
  exit`;

export function testIsolation(t: Test, engine: Engine, mode: CheckMode): void {
  const options = { engine, checks: mode.checks };
  const packet = (first: number): Uint8Array => Uint8Array.from({ length: 64 }, (_, i) => (i === 0 ? first : 0));

  t.test('two machines share nothing', (t) => {
    const maps = [mapSpec({ name: 'count', type: 'array' })];
    const one = tryBench(COUNT, { ...options, maps });
    const other = tryBench(COUNT, { ...options, maps });
    if (typeof one === 'string' || typeof other === 'string') {
      t.comment('not covered');
    } else {
      const results = [one.runXdp(packet(1)), other.runXdp(packet(2)), one.runXdp(packet(3)), other.runXdp(packet(4))];
      t.strictSame(results.map(describeOutcome), [
        'r0 = 0x101 after 14 insns',
        'r0 = 0x102 after 14 insns',
        'r0 = 0x203 after 14 insns',
        'r0 = 0x204 after 14 insns',
      ]);
    }
    t.end();
  });

  t.test('one compiled program on two machines', (t) => {
    const maps = [mapSpec({ name: 'count', type: 'array' })];
    const one = tryBench(COUNT, { ...options, maps });
    const other = tryBench(COUNT, { ...options, maps });
    if (typeof one === 'string' || typeof other === 'string') {
      t.comment('not covered');
    } else {
      const compiled = engine.compile(one.object, one.machine.layout, mode.checks);
      const runners = [one, other].map(({ machine }) => compiled.bind(machine));
      const outcomes = [0, 1, 0].map((which) => {
        const { machine } = which === 0 ? one : other;
        machine.packet.receive(packet(9));
        runners[which]?.run(0, machine.layout.ctx);
        return describeOutcome(runners[which]?.outcome() ?? { kind: 'exit', insns: 0, r0: 0n });
      });
      t.strictSame(outcomes, ['r0 = 0x109 after 14 insns', 'r0 = 0x109 after 14 insns', 'r0 = 0x209 after 14 insns']);
    }
    t.end();
  });

  t.test('a run after a trap', (t) => {
    const bench = tryBench(TRAPS_DEEP, options);
    if (typeof bench === 'string') {
      t.comment(`not covered: ${bench}`);
    } else {
      const outcomes = [packet(0), packet(1), packet(0), packet(1)].map((each) => describeOutcome(bench.runXdp(each)));
      t.match(outcomes[1], /^unknown-helper at function 2 pc 3 after 10 insns/);
      t.strictSame(outcomes.slice(2), outcomes.slice(0, 2));
      t.equal(outcomes[0], 'r0 = 0x0 after 13 insns');
    }
    t.end();
  });

  t.test('every data case twice on one machine', (t) => {
    for (const each of readCases()) {
      // Reads random numbers and map values, which go on.
      if (/prandom|map_lookup/.test(each.asm) || (!mode.checks.memory && needsChecks(each))) continue;
      const bench = tryBench(each.asm, { ...options, maps: CASE_MAPS });
      if (typeof bench === 'string') continue;
      // The message may name an address, and each packet has one of its own.
      const [first, second] = [1, 2].map(() => describeOutcome(bench.runOn(each.mem)).replace(/: .*/, ''));
      if (first !== second) t.fail(each.name);
    }
    t.pass('no second run differs');
    t.end();
  });
}
