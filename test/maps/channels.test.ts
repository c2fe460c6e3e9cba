/** Maps that hold no values of the program's own: program arrays and perf buffers. */
import t from 'tap';
import { cells } from '../../vm/memory/cells.js';
import { errno } from '../../vm/spec/errno.js';
import { machineWith, mapSpec } from '../machine/harness.js';

t.test('prog_array', (t) => {
  const values = [
    { index: 1, kind: 'func', func: 0 },
    { index: 9, kind: 'func', func: 0 },
  ] as const;
  const machine = machineWith([mapSpec({ type: 'prog_array', valueBytes: 4, maxEntries: 4, values })]);
  const descriptor = machine.layout.maps[0]?.descriptor ?? 0;
  const array = machine.maps.progArray(descriptor);
  const targets = () => [-1, 0, 1, 2, 3, 4, 9, 0x7fff_ffff].map((index) => array.target(index));
  t.strictSame(targets(), [-1, -1, 0, -1, -1, -1, -1, -1], 'the object filled slot 1; slot 9 does not exist');
  t.equal(array.setTarget(3, 0), 0);
  t.equal(array.setTarget(1, -1), 0);
  t.equal(array.setTarget(4, 0), -errno.E2BIG);
  t.strictSame(targets(), [-1, -1, -1, -1, 0, -1, -1, -1]);
  const handle = machine.maps.handle(0);
  t.equal(handle.setProgram(2, 0), 0);
  t.equal(handle.setProgram(4, 0), -errno.E2BIG);
  t.equal(array.target(2), 0);
  t.equal(array.lookup(machine.layout.scratch), 0);
  t.equal(array.update(machine.layout.scratch, machine.layout.scratch, 0), -errno.EOPNOTSUPP);
  t.equal(array.scan(0), -1);
  t.end();
});

t.test('perf_event_array', (t) => {
  const machine = machineWith([mapSpec({ type: 'perf_event_array', name: 'perf', valueBytes: 4, maxEntries: 3 })], {
    cpus: 4,
  });
  const perf = machine.maps.perfEventArray(machine.layout.maps[0]?.descriptor ?? 0);
  const data = Uint8Array.of(1, 2, 3);
  machine.world.setCpu(1);
  t.strictSame(
    [0, 1, 2, 3, 4, 0xffff_ffff].map((index) => perf.output(index, data)),
    [-errno.EOPNOTSUPP, 0, -errno.EOPNOTSUPP, -errno.E2BIG, -errno.E2BIG, -errno.E2BIG],
    'only to the CPU that runs',
  );
  t.strictSame(machine.world.effects.take().events, [{ map: 'perf', cpu: 1, data }]);
  t.end();
});

t.test('perf_event_array without a size has a buffer for each CPU', (t) => {
  const machine = machineWith([mapSpec({ type: 'perf_event_array', valueBytes: 4, maxEntries: 0 })], { cpus: 3 });
  const perf = machine.maps.perfEventArray(machine.layout.maps[0]?.descriptor ?? 0);
  machine.memory.setWord(cells.cpu, 2);
  t.equal(perf.output(2, new Uint8Array(1)), 0);
  t.equal(perf.output(3, new Uint8Array(1)), -errno.E2BIG);
  t.end();
});
