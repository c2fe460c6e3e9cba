/** policy.bpf.o on the live kernel: loaded and run by BPF_PROG_TEST_RUN, attached nowhere. */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import t from 'tap';
import { IDENTITY_WORLD } from '../../bpf/control/policy.js';
import type { PolicyRule } from '../../bpf/control/policy.js';
import { viewOf } from '../../vm/bytes.js';
import { must } from '../../vm/errors.js';
import { readCaptureBytes } from '../../vm/net/capture.js';
import { openSkep } from '../bpf/policy-runner.js';
import { Judge, testAgainstModel, testOrder, testScenarios } from '../control/policy-suite.js';
import type { OpenRunner } from '../control/policy-suite.js';
import { whyNotRecordedKernel } from './bpf-syscall.js';
import { Kernel } from './helpers-kernel.js';
import { FACTS_VERSION } from './render-facts.js';

const skip = whyNotRecordedKernel(FACTS_VERSION) ?? false;
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
t.comment(`SEED=${seed}`);

const POLICIES = 25;
const CAPTURES = 'pcaps';
/** Rules that say both yes and no to what the captures hold. */
const CAPTURE_RULES: readonly PolicyRule[] = (['ingress', 'egress'] as const).flatMap((direction): PolicyRule[] => [
  { direction, action: 'allow', protocol: 'tcp', ports: { from: 1, to: 1023 } },
  { direction, action: 'allow', protocol: 'udp', ports: 53 },
  { direction, action: 'allow', protocol: 'icmp', ports: 8 },
  { direction, action: 'allow', protocol: 'icmpv6' },
  { direction, action: 'deny', protocol: 'tcp', ports: { from: 20, to: 25 } },
]);
/** CPUs that may count; one that does not exist counts nothing. */
const CPUS = Array.from({ length: 2 * availableParallelism() }, (_, cpu) => cpu);

/** BPF_PROG_TEST_RUN takes no frame whose network header is cut short. */
class KernelRefusesPacket extends Error {}

const open: OpenRunner = (object) => {
  const machine = new Kernel().open(object);
  const funcs = new Map(object.programs.map(({ name, func }) => [name, func]));
  return {
    update: (map, key, value) => {
      machine.update(map, key, value);
    },
    run: (program, frame) => {
      const { errno, retval } = machine.run(frame, must(funcs.get(program), program));
      if (errno !== 0) throw new KernelRefusesPacket(`${program}: errno ${errno} for ${frame.length} bytes`);
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

/** The kernel's clock goes on while the test runs and skep's does not: on a slow machine connections would expire in one. */
const NEVER = 1_000_000;
const PATIENT = { opening_seconds: NEVER, open_seconds: NEVER, closing_seconds: NEVER, other_seconds: NEVER };

/** More than any capture has connections: which one a full table forgets depends on the CPU that the kernel ran on. */
const ROOM = 32_768;

t.test('the captures: the kernel decides as skep does', { skip }, (t) => {
  for (const name of readdirSync(CAPTURES).filter((file) => /\.pcap(ng)?$/.test(file))) {
    // Both ways, so that each packet is once a beginning and once an answer.
    const asked = [...readCaptureBytes(readFileSync(`${CAPTURES}/${name}`))].flatMap(({ data }) =>
      (['egress', 'ingress'] as const).map((direction) => ({ direction, frame: data })),
    );
    const told = [open, openSkep('interp'), openSkep('wasm')].map((each) => {
      const judge = new Judge(each, { identities: [], rules: CAPTURE_RULES }, PATIENT, ROOM);
      t.teardown(() => {
        judge.close();
      });
      return judge;
    });
    let refused = 0;
    for (const [index, { direction, frame }] of asked.entries()) {
      const [kernel, ...engines] = told.map((judge) => {
        try {
          return `${judge.ask(direction, frame)} ${judge.match(IDENTITY_WORLD)}`;
        } catch (error) {
          if (error instanceof KernelRefusesPacket) return undefined;
          throw error;
        }
      });
      if (kernel === undefined) refused++;
      else {
        for (const skep of engines) {
          if (kernel !== skep) t.equal(skep, kernel, `${name}, packet ${(index >> 1) + 1}, ${direction}`);
        }
      }
    }
    t.ok(refused < asked.length, `${name}: ${asked.length - refused} runs equal, ${refused} too short for the kernel`);
  }
  t.end();
});

t.test('scenarios', { skip }, (t) => {
  testScenarios(t, open);
  t.end();
});

t.test('the documented order, every way to fill it', { skip }, (t) => {
  t.equal(testOrder(t, open), 729);
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
