/** How often blocks are entered: the same on both engines, in each way to compile jumps, and as counted by hand. */
import t from 'tap';
import { assemble } from '../../vm/asm/assemble.js';
import { readBlockCounts } from '../../vm/engine/block-counts.js';
import { ALL_CHECKS, NO_CHECKS } from '../../vm/engine/engine.js';
import type { Engine } from '../../vm/engine/engine.js';
import { interp } from '../../vm/engine/interp/interp.js';
import { wasm, wasmEngine } from '../../vm/engine/wasm/wasm.js';
import { InvariantError } from '../../vm/errors.js';
import { counterPtr, layoutOf } from '../../vm/machine/layout.js';
import { Machine } from '../../vm/machine/machine.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import { mapSpec } from '../contract/bench.js';

const ENGINES: readonly (readonly [name: string, engine: Engine])[] = [
  ['interp', interp],
  ['wasm', wasm],
  ['wasm, dispatch', wasmEngine({ control: 'dispatch' })],
  ['wasm, trampoline', wasmEngine({ tailCalls: false })],
];

interface Case {
  readonly name: string;
  readonly text: string;
  /** By function, how often each of its blocks is entered in one run with r2 = 3. */
  readonly want: readonly (readonly number[])[];
  readonly fuel?: number;
  readonly needsChecks?: true;
}

const CASES: readonly Case[] = [
  { name: 'one block', text: 'r0 = 1\nexit', want: [[1]] },
  { name: 'one arm of two', text: 'r0 = 0\nif r2 == 3 goto yes\nr0 = 1\nexit\nyes:\nexit', want: [[1, 0, 1]] },
  {
    name: 'a loop, entered by its jump and from above',
    text: 'r0 = 10\nagain:\nr0 -= 1\nif r0 != 0 goto again\nexit',
    want: [[1, 10, 1]],
  },
  { name: 'what is never reached', text: 'r0 = 0\ngoto end\nr0 = 1\nend:\nexit', want: [[1, 0, 1]] },
  {
    name: 'a function that is put where it is called',
    text: 'r1 = 1\ncall small\nr1 = 0\ncall small\nr1 = 5\ncall small\nexit\nsmall:\nr0 = 0\nif r1 == 0 goto +1\nr0 = r1\nexit',
    want: [[1], [3, 2, 3]],
  },
  {
    name: 'a function with a frame of its own',
    text: 'call framed\ncall framed\nexit\nframed:\n*(u64 *)(r10 - 8) = 1\nr0 = *(u64 *)(r10 - 8)\nif r0 == 0 goto +1\nr0 = 2\nexit',
    want: [[1], [2, 2, 2]],
  },
  {
    name: 'a callback',
    text: 'r1 = 7\nr2 = round ll\nr3 = 0\nr4 = 0\ncall loop\nexit\nround:\nr0 = 0\nif r1 != 4 goto +1\nr0 = 1\nexit',
    want: [[1], [5, 1, 5]],
  },
  {
    name: 'tail calls, the last of which fails',
    text: 'ld_pseudo r2, 0x1, 0x0\nr3 = 0\ncall tail_call\nr0 = 0\nexit',
    want: [[34]],
  },
  {
    name: 'a trap within a block, and what comes behind it',
    text: 'r0 = 0\nif r2 != 3 goto end\nr1 = 0\nr0 = *(u64 *)(r1 + 0)\ngoto end\nend:\nexit',
    want: [[1, 1, 0]],
    needsChecks: true,
  },
  {
    name: 'a trap in a function that was called',
    text: 'call bad\nif r0 == 0 goto +1\nr0 = 1\nexit\nbad:\nr1 = 0\nr0 = *(u64 *)(r1 + 0)\nexit',
    want: [[1, 0, 0], [1]],
    needsChecks: true,
  },
  {
    name: 'an endless loop, until fuel ends',
    text: 'again:\nr0 += 1\ngoto again',
    want: [[50]],
    fuel: 99,
    needsChecks: true,
  },
];

function prepare({ text, fuel = 10_000 }: Case, engine: Engine, checks = ALL_CHECKS) {
  const counting = { ...checks, counters: true };
  const object = objectFromInsns(assemble(text).bytes, {
    maps: text.includes('tail_call') ? [mapSpec({ name: 'progs', type: 'prog_array', valueBytes: 4 })] : [],
  });
  const layout = layoutOf(object, { memoryBytes: 4 << 20, packetBytes: 1024, shadow: checks.memory, counters: true });
  const machine = new Machine(object, layout);
  machine.setFuel(fuel);
  if (object.maps.length > 0) machine.maps.handle(0).setProgram(0, 0);
  return { machine, layout, runner: engine.compile(object, layout, counting).bind(machine) };
}

/** By function, counts in the order of blocks. */
function countsOf(machine: Machine): number[][] {
  const counts: number[][] = machine.object.functions.map(() => []);
  for (const { func, entered } of readBlockCounts(machine)) counts[func]?.push(entered);
  return counts;
}

for (const [name, engine] of ENGINES) {
  t.test(name, (t) => {
    for (const each of CASES) {
      for (const checks of each.needsChecks === true ? [ALL_CHECKS] : [ALL_CHECKS, NO_CHECKS]) {
        const { machine, layout, runner } = prepare(each, engine, checks);
        runner.run(0, layout.ctx, 3);
        t.strictSame(countsOf(machine), each.want, `${each.name}, ${checks.memory ? 'checked' : 'unchecked'}`);
        runner.run(0, layout.ctx, 3);
        const twice = each.want.map((func) => func.map((count) => 2 * count));
        t.strictSame(countsOf(machine), twice, `${each.name}: a second run adds`);
      }
    }
    t.end();
  });

  t.test(`${name}: a count goes on above 32 bits`, (t) => {
    const { machine, layout, runner } = prepare({ name: '', text: 'r0 = 1\nexit', want: [] }, engine);
    const at = counterPtr(layout, 0, 0);
    machine.memory.setWord(at, 0xffff_ffff);
    runner.run(0, layout.ctx);
    t.strictSame([machine.memory.word(at), machine.memory.word(at + 4)], [0, 1]);
    t.end();
  });
}

t.test('where blocks lie, and what nobody counts', (t) => {
  const text = 'r0 = 10\nagain:\nr0 -= 1\nif r0 != 0 goto again\nexit';
  const { machine } = prepare({ name: '', text, want: [] }, interp);
  t.strictSame(
    readBlockCounts(machine).map(({ first, last }) => [first, last]),
    [
      [0, 0],
      [1, 2],
      [3, 3],
    ],
  );
  const object = objectFromInsns(assemble(text).bytes);
  const layout = layoutOf(object, { memoryBytes: 4 << 20, packetBytes: 1024 });
  t.strictSame(readBlockCounts(new Machine(object, layout)), [], 'a layout without counters');
  for (const [name, engine] of ENGINES) {
    t.throws(() => engine.compile(object, layout, { ...ALL_CHECKS, counters: true }), InvariantError, name);
  }
  t.end();
});
