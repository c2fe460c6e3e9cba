/** What is wasm's own: how it compiles jumps, what it refuses, and corners that random programs seldom meet. */
import t from 'tap';
import { assemble } from '../../vm/asm/assemble.js';
import { ALL_CHECKS, NO_CHECKS, type Checks } from '../../vm/engine/engine.js';
import { interp } from '../../vm/engine/interp/interp.js';
import { ObjectCompiler } from '../../vm/engine/wasm/compile-module.js';
import { wasm, wasmEngine } from '../../vm/engine/wasm/wasm.js';
import { InvariantError, LoadError } from '../../vm/errors.js';
import { wasm as host } from '../../vm/host.js';
import { flowOf } from '../../vm/isa/flow.js';
import { layoutOf } from '../../vm/machine/layout.js';
import { Machine } from '../../vm/machine/machine.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import { CHECK_MODES } from '../contract/check-modes.js';
import { makeBench } from '../contract/bench.js';
import { compareEngines } from './compare-engines.js';

function objectOf(text: string) {
  return objectFromInsns(assemble(text).bytes);
}

function emit(text: string, checks: Checks, control: 'structured' | 'dispatch' = 'structured'): Uint8Array {
  const object = objectOf(text);
  const layout = layoutOf(object, { memoryBytes: 2 << 20, packetBytes: 1024 });
  return new ObjectCompiler(object, layout, checks, { control }).emit(0).bytes;
}

/** Names, text, what interp makes of it in checked mode (an exact outcome, so that the corner is met). */
const CORNERS: readonly (readonly [name: string, text: string, outcome: RegExp])[] = [
  ['the last bytes of the guest half', 'r1 = 0xffffd ll\nr0 = *(u32 *)(r1 + 0)\nexit', /^memory .*pc 2 after 2 insns/],
  ['an address in the shadow', 'r1 = 0x100010 ll\nr0 = *(u32 *)(r1 + 0)\nexit', /^memory /],
  ['an address with a high word', 'r1 = 0x100000100 ll\nr0 = *(u8 *)(r1 + 0)\nexit', /^memory .*0x100000100/],
  ['an address below 0', 'r1 = 4\nr0 = *(u8 *)(r1 - 8)\nexit', /^memory .*0xfffffffffffffffc/],
  ['the page of NULL', 'r1 = 0\n*(u64 *)(r1 + 16) = 1\nexit', /^memory .*write of 8 bytes at NULL\+16/],
  [
    'the least number by -1',
    'r1 = 0x8000000000000000 ll\nr2 = -1\nr0 = r1\nr0 s/= r2\nr1 s%= r2\nr0 += r1\nexit',
    /^r0 = 0x8000000000000000 /,
  ],
  [
    'the least word by -1',
    'w1 = 0x80000000\nw2 = -1\nw0 = w1\nw0 s/= w2\nw1 s%= w2\nw0 += w1\nexit',
    /^r0 = 0x80000000 /,
  ],
  [
    'division by -1 as an immediate',
    'r0 = 7\nr0 s/= -1\nr1 = 7\nr1 s%= -1\nr0 += r1\nexit',
    /^r0 = 0xfffffffffffffff9 /,
  ],
  [
    'remainder by zero keeps, and cuts a word',
    'r0 = 0x700000005 ll\nr1 = 0\nr2 = r0\nr0 %= r1\nw2 %= w1\nr0 -= r2\nexit',
    /^r0 = 0x700000000 /,
  ],
  [
    'cmpxchg32 compares words',
    'r1 = 5\n*(u64 *)(r10 - 8) = r1\nr0 = 0x900000005 ll\nr2 = 6\nw0 = cmpxchg32_32(r10 - 8, w0, w2)\nr1 = *(u64 *)(r10 - 8)\nr0 <<= 8\nr0 += r1\nexit',
    /^r0 = 0x506 /,
  ],
  [
    'an atomic that is not aligned',
    'r1 = 3\n*(u64 *)(r10 - 16) = 0\n*(u64 *)(r10 - 8) = 0\nlock *(u64 *)(r10 - 13) += r1\nr0 = *(u64 *)(r10 - 13)\nexit',
    /^r0 = 0x3 /,
  ],
  [
    'r10 comes back after a call',
    'r9 = r10\nr10 += -8\ncall f\nr0 = r9\nr0 -= r10\nexit\nf:\nr0 = 0\nexit',
    /^r0 = 0x0 /,
  ],
  ['a branch to its own next', 'r0 = 1\nif r0 == 1 goto +0\nmay_goto +0\nr0 += 1\nexit', /^r0 = 0x2 after 5 insns/],
  [
    'a loop of one instruction',
    'r0 = 0\nagain: if r0 == 0 goto again\nexit',
    /^fuel at function 0 pc 1 after 401 insns/,
  ],
  ['goto itself', 'goto -1', /^fuel at function 0 pc 0 after 401 insns/],
  ['past the end', 'r0 = 1\nif r0 == 1 goto +1\nexit\nr0 = 2', /^fall-off at function 0 pc 3 after 3 insns/],
  ['past the end, by a jump not taken', 'r0 = 1\nif r0 == 0 goto -2', /^fall-off at function 0 pc 1 after 2 insns/],
  [
    'a loop with two entries',
    'r0 = 0\nif r1 == 0 goto b\na: r0 += 1\nb: r0 += 2\nif r0 < 20 goto a\nexit',
    /^r0 = 0x15 /,
  ],
  [
    'a loop in a loop, left from the middle',
    'r0 = 0\nr1 = 0\nouter: r2 = 0\ninner: r2 += 1\nr0 += r2\nif r0 > 50 goto out\nif r2 < 4 goto inner\nr1 += 1\nif r1 < 9 goto outer\nout: exit',
    /^r0 = 0x33 /,
  ],
];

for (const { name, checks } of CHECK_MODES) {
  t.test(`corners, ${name}`, (t) => {
    for (const [corner, text, want] of CORNERS) {
      // Without fuel they would not end; without checks they hit the engine's own state.
      if (!checks.memory && /^.(fuel|memory)/.test(want.source)) continue;
      const { outcome, difference } = compareEngines(objectOf(text), checks);
      t.equal(difference, undefined, corner);
      t.match(outcome, want, corner);
    }
    t.end();
  });
}

t.test('without checks, an address outside the memory is a trap all the same', (t) => {
  const wild = ['0x7ffffffe', '0xfffffffffffffffe', '0x80000000', '0x1fffff', '0x200000'];
  for (const address of wild) {
    for (const access of ['r0 = *(u16 *)(r1 + 0)', '*(u16 *)(r1 + 0) = r0', 'r0 = *(u16 *)(r1 + 0x7fff)']) {
      const { outcome, difference } = compareEngines(
        objectOf(`r1 = ${address} ll\nr0 = 0\n${access}\nexit`),
        NO_CHECKS,
      );
      // Where the sum goes around, interp stays in 32 bits and the host does not.
      if (address === '0xfffffffffffffffe' && access.includes('0x7fff')) continue;
      t.equal(difference, undefined, `${access} at ${address}`);
      t.match(outcome, /^memory at function 0 pc 3$/);
    }
  }
  t.end();
});

/** A chain of branches to places that are apart from each other nests as deep as it is long. */
function ladder(rungs: number): string {
  const jumps = Array.from({ length: rungs }, (_, i) => `if r1 == ${i} goto l${i}\nif r1 == ${i + rungs} goto l${i}`);
  const labels = Array.from({ length: rungs }, (_, i) => `l${i}: r0 += ${i}`);
  return `r0 = 0\n${jumps.join('\n')}\n${labels.join('\n')}\nexit`;
}

const BR_TABLE = 0x0e;

t.test('which graphs become a jump table', (t) => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['a diamond', 'r0 = 1\nif r1 == 0 goto a\nr0 = 2\na: exit', false],
    ['a loop', 'r0 = 0\na: r0 += 1\nif r0 < 9 goto a\nexit', false],
    ['a loop with two entries', 'r0 = 0\nif r1 == 0 goto b\na: r0 += 1\nb: r0 += 2\nif r0 < 9 goto a\nexit', true],
    ['a short ladder', ladder(20), false],
    ['a ladder too long to nest', ladder(600), true],
  ];
  for (const [name, text, table] of cases) {
    const plain = emit(text, NO_CHECKS);
    const forced = emit(text, NO_CHECKS, 'dispatch');
    t.ok(host?.validate(plain) === true && host.validate(forced), `${name}: both are valid`);
    t.equal(Buffer.from(plain).equals(forced), table, name);
    t.ok(forced.includes(BR_TABLE));
    const { difference } = compareEngines(objectOf(text), ALL_CHECKS);
    t.equal(difference, undefined, name);
  }
  t.end();
});

t.test('a long function compiles without recursion', (t) => {
  const text = `r0 = 0\n${'if r1 == 77 goto out\nr0 += 1\n'.repeat(12_000)}out: exit`;
  const object = objectOf(text);
  const { blocks, reducible } = flowOf(object.functions[0]?.insns ?? []);
  t.equal(blocks.length, 12_002);
  t.ok(reducible);
  t.equal(compareEngines(object, NO_CHECKS).difference, undefined);
  t.end();
});

t.test('what it does not do, it refuses before it runs', (t) => {
  const code = 'load-unsupported';
  const probe = { before: () => undefined, after: () => undefined };
  t.throws(() => makeBench('exit', { engine: wasm, probe }), { code, data: { feature: 'probe' } });
  for (const engine of [wasm, wasmEngine({ control: 'dispatch' }), interp]) {
    const error = t.throws(() => makeBench('goto +1\nexit', { engine }), LoadError);
    t.match(error, { code: 'load-insn', data: { pc: 0 }, where: { func: 'main', pc: 0 } }, engine.name);
  }
  const object = objectOf('exit');
  const layout = layoutOf(object, { memoryBytes: 2 << 20, packetBytes: 1024, shadow: false });
  t.throws(() => wasm.compile(object, layout, ALL_CHECKS), InvariantError, 'checks without a shadow');
  t.end();
});

t.test('one compiled object runs on several machines, and their functions by number', (t) => {
  const object = objectOf('r6 = r1\ncall f\nr0 += r6\nr0 += r2\nexit\nf:\nr0 = 100\nr2 = 0\nexit');
  const layout = layoutOf(object, { memoryBytes: 2 << 20, packetBytes: 1024 });
  const compiled = wasm.compile(object, layout, ALL_CHECKS);
  const runners = [1, 2].map(() => {
    const machine = new Machine(object, layout);
    machine.setFuel(100);
    return compiled.bind(machine);
  });
  t.strictSame(
    runners.map((runner, i) => [runner.run(1, 0), runner.outcome(), runner.run(0, i), runner.outcome()]),
    [0, 1].map((i) => [
      'exit',
      { kind: 'exit', insns: 3, r0: 100n },
      'exit',
      { kind: 'exit', insns: 8, r0: BigInt(100 + i) },
    ]),
  );
  t.end();
});
