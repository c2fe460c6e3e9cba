/** A base just below 2^32 whose offset wraps it to an address with rights is no pointer: both engines refuse it. */
import t from 'tap';
import { assemble } from '../../vm/asm/index.js';
import { ALL_CHECKS } from '../../vm/engine/engine.js';
import { interp } from '../../vm/engine/interp/interp.js';
import { wasm } from '../../vm/engine/wasm/wasm.js';
import { layoutOf } from '../../vm/machine/layout.js';
import { Machine } from '../../vm/machine/machine.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';

// 2^32 - 31000, and an offset that leads to 1000, where this test has given rights.
const ACCESSES = [
  'r0 = *(u8 *)(r1 + 32000)',
  'r0 = *(u64 *)(r1 + 32000)',
  '*(u32 *)(r1 + 32000) = r0',
  '*(u16 *)(r1 + 32000) = 7',
  'lock *(u64 *)(r1 + 32000) += r0',
];

for (const engine of [interp, wasm]) {
  for (const access of ACCESSES) {
    t.test(`${engine.name}: ${access}`, (t) => {
      const text = `w1 = -31000\nr0 = 0\n${access}\nexit`;
      const object = objectFromInsns(assemble(text).bytes);
      const layout = layoutOf(object, { memoryBytes: 2 ** 24 });
      const machine = new Machine(object, layout);
      machine.setFuel(1000);
      machine.shadow.mark(0, 4096, 3);
      const runner = engine.compile(object, layout, ALL_CHECKS).bind(machine);
      t.equal(runner.run(0, layout.ctx), 'trap');
      const outcome = runner.outcome();
      t.match(outcome, { kind: 'trap', insns: 3, trap: { name: 'memory', pc: 2 } });
      t.end();
    });
  }
}
