/** Timers by the clock of the capture: between packets, in order of time, the same again after going back. */
import t from 'tap';
import { viewOf } from '../../vm/bytes.js';
import { Datapath } from '../../vm/datapath/datapath.js';
import { encode } from '../../vm/isa/encode.js';
import { objectFromPrograms } from '../../vm/object/from-programs.js';
import { linkForKernel } from '../../node/kernel/link-object.js';
import { SPECIAL_CASES, specialProgram } from '../kernel/special-cases.js';
import { objectOf } from '../machine/harness.js';

/** Run 0 starts a timer of 1000 ns on key 1 and one of 2000 ns on key 2; run 1 tells what the keys 0, 1 and 2 hold. */
const CASE = SPECIAL_CASES.find(({ name }) => name === 'hash: two of them');

for (const engine of ['interp', 'wasm'] as const) {
  t.test(engine, (t) => {
    if (CASE === undefined) throw new Error('no such case');
    const programs = CASE.runs.map((steps, run) => ({
      name: `run${run}`,
      section: 'xdp',
      type: 'xdp' as const,
      bytes: encode(linkForKernel(objectOf(specialProgram(CASE, steps), [CASE.map]), 0, [0])),
    }));
    const object = objectFromPrograms(programs, { name: 'timers', license: 'GPL', maps: [CASE.map] });
    const datapath = new Datapath(object, { engine, memoryBytes: 2 ** 25 });
    const [start, look] = [datapath.attach('run0'), datapath.attach('run1')];
    const packet = new Uint8Array(256);
    /** What `last` of keys 1 and 2 holds: 1 before the timer, 2 after. */
    const seen = (nsec: number): number[] => {
      const view = viewOf(look.run(packet, { sec: 100, nsec }).packet);
      return [3, 5].map((word) => Number(view.getBigInt64(8 * word, true)));
    };
    t.equal(start.run(packet, { sec: 100, nsec: 0 }).code, 2);
    const before = datapath.machine.save();
    t.strictSame(seen(999), [1, 1], 'not yet');
    t.strictSame(seen(1000), [2, 1], 'at its time');
    t.strictSame(seen(5000), [2, 2], 'at any time later');
    t.strictSame(seen(9000), [2, 2], 'once');
    datapath.machine.restore(before);
    t.strictSame(seen(9000), [2, 2], 'again, after going back');
    const value = datapath.map('hash').get(new Uint8Array([1, 0, 0, 0]));
    t.strictSame(value?.subarray(8, 12), new Uint8Array(4), 'nobody sees the lock');
    t.strictSame(value?.subarray(16, 32), new Uint8Array(16), 'nor the timer');
    t.end();
  });
}
