/**
 * Large programs of shapes that compilers stumble over: they run alike, or are refused in words. SKEP_LARGE=100000 makes
 * them as long as one likes; the time it takes grows with the length.
 */
import t from 'tap';
import { assemble } from '../../vm/asm/assemble.js';
import { ALL_CHECKS, NO_CHECKS } from '../../vm/engine/engine.js';
import type { Engine } from '../../vm/engine/engine.js';
import { LoadError } from '../../vm/errors.js';
import { interp } from '../../vm/engine/interp/interp.js';
import { wasm } from '../../vm/engine/wasm/wasm.js';
import { makeBench } from '../contract/bench.js';

const LARGE = Number(process.env.SKEP_LARGE ?? 10_000);
const FUEL = 40 * LARGE;

/** Rounds of a part, numbered, until there are so many instructions. */
function grow(insns: number, part: (round: string) => string): string {
  const slots = assemble(`${part('0')}\nexit`).bytes.length / 8 - 1;
  const parts = Array.from({ length: Math.floor(insns / slots) }, (_, i) => part(String(i)));
  return `r6 = r1\nr0 = 0\nr7 = 5\n${parts.join('\n')}\nout: exit`;
}

/** Each a program of about so many instructions. */
const SHAPES: Readonly<Record<string, (insns: number) => string>> = {
  'one straight line': (n) => grow(n, () => 'r0 += 3'),
  'forks that join': (n) =>
    grow(n, (i) => `if r0 > 3 goto a${i}\nr0 += 2\ngoto b${i}\na${i}: r0 -= 1\nb${i}: r7 ^= r0`),
  'jumps far ahead': (n) =>
    grow(n, (i) => `if r7 != 5 goto +20000\nr0 += ${i}`).replace('out: exit', `${'r0 += 1\n'.repeat(20_000)}exit`),
  'short loops': (n) => grow(n, (i) => `r2 = 2\nl${i}: r0 += r2\nr2 -= 1\nif r2 != 0 goto l${i}`),
  'loops with two ways in': (n) =>
    grow(n, (i) => `r2 = 3\nif r0 > 9 goto m${i}\nl${i}: r0 += 1\nm${i}: r2 -= 1\nif r2 s> 0 goto l${i}`),
  'loads and stores': (n) => grow(n, () => '*(u64 *)(r10 - 8) = r0\nr3 = *(u32 *)(r10 - 8)\nr0 += r3\nr0 += 1'),
  'wide constants': (n) => grow(n, () => 'r3 = 0x1234567890abcdef ll\nr0 ^= r3\nr0 += 1'),
  'divisions and swaps': (n) => grow(n, () => 'r0 += 77\nr0 /= 3\nr0 = be32 r0\nw0 s%= 9'),
  'many functions': (n) => {
    const count = Math.floor(n / 100);
    const calls = Array.from({ length: count }, (_, i) => `call f${String(i)}`);
    const bodies = Array.from(
      { length: count },
      (_, i) => `f${String(i)}:\nr0 = ${String(i)}\n${'r0 += 1\n'.repeat(96)}exit`,
    );
    return `${calls.join('\n')}\nexit\n${bodies.join('\n')}`;
  },
  'helper calls': (n) => grow(n, () => 'call get_smp_processor_id\nr7 += r0'),
};

function runOn(engine: Engine, text: string, checked: boolean): string {
  const bench = makeBench(text, { engine, checks: checked ? ALL_CHECKS : NO_CHECKS, fuel: FUEL });
  bench.runner.prepare?.(0);
  return JSON.stringify(bench.runXdp(), (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

for (const [shape, make] of Object.entries(SHAPES)) {
  t.test(`${shape}, ${String(LARGE)} instructions`, (t) => {
    const text = make(LARGE);
    const expected = runOn(interp, text, false);
    t.match(expected, /"kind":"exit"/);
    t.equal(runOn(wasm, text, false), expected);
    t.equal(runOn(wasm, text, true), expected, 'with checks');
    t.end();
  });
}

t.test('ten times as many instructions run, or are refused in words', (t) => {
  const make = SHAPES['one straight line'];
  if (make === undefined) throw new Error('a shape is missing');
  const text = make(10 * LARGE - 5);
  const expected = runOn(interp, text, false);
  t.match(expected, /"kind":"exit"/);
  try {
    t.equal(runOn(wasm, text, false), expected);
  } catch (error) {
    t.ok(error instanceof LoadError);
    t.match(error, { code: 'load-unsupported' });
  }
  t.end();
});
