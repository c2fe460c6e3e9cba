/** policy.bpf.o on the live kernel: loaded and run by BPF_PROG_TEST_RUN, attached nowhere. */
import { availableParallelism } from 'node:os';
import t from 'tap';
import { viewOf } from '../../vm/bytes.js';
import { must } from '../../vm/errors.js';
import { testAgainstModel, testScenarios } from '../control/policy-suite.js';
import type { OpenRunner } from '../control/policy-suite.js';
import { whyNotRecordedKernel } from './bpf-syscall.js';
import { Kernel } from './helpers-kernel.js';
import { FACTS_VERSION } from './render-facts.js';

const skip = whyNotRecordedKernel(FACTS_VERSION) ?? false;
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
t.comment(`SEED=${seed}`);

const POLICIES = 25;
/** CPUs that may count; one that does not exist counts nothing. */
const CPUS = Array.from({ length: 2 * availableParallelism() }, (_, cpu) => cpu);

const open: OpenRunner = (object) => {
  const machine = new Kernel().open(object);
  const funcs = new Map(object.programs.map(({ name, func }) => [name, func]));
  return {
    update: (map, key, value) => {
      machine.update(map, key, value);
    },
    run: (program, frame) => {
      const { errno, retval } = machine.run(frame, must(funcs.get(program), program));
      if (errno !== 0) throw new Error(`${program}: errno ${errno} for ${frame.length} bytes`);
      return retval;
    },
    count: (map, key, off) =>
      CPUS.reduce((sum, cpu) => {
        const value = machine.lookup(map, key, cpu);
        return sum + (value === undefined ? 0 : Number(viewOf(value).getBigUint64(off, true)));
      }, 0),
    close: () => {
      machine.close();
    },
  };
};

t.test('scenarios', { skip }, (t) => {
  testScenarios(t, open);
  t.end();
});

t.test('random policies and packets: the program decides as the model does', { skip }, (t) => {
  const seen = testAgainstModel(open, seed, POLICIES);
  const packets = [...seen.values()].reduce((sum, count) => sum + count, 0);
  t.comment(`${packets} packets: ${[...seen].map(([what, count]) => `${what} ${count}`).join(', ')}`);
  t.ok(packets >= 200, 'enough packets');
  t.ok(seen.size >= 10, 'of most kinds');
  t.end();
});
