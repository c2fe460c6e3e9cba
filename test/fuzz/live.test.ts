/**
 * The fuzz ladder against the running kernel, by loads and test runs: random bytes, instructions that exist, typed programs.
 * The same verdict, message and counts; and of typed programs that load, the same result, packet and maps.
 */
import t, { type Test } from 'tap';
import { toHex } from '../../vm/bytes.js';
import { verifyProgram } from '../../vm/verifier/verify.js';
import { whyNotRecordedKernel } from '../kernel/bpf-syscall.js';
import { FACTS_VERSION } from '../kernel/render-facts.js';
import { countOr, failWith, SEED, sayHow } from './fuzz-options.js';
import { judgeLive, verdictFault } from './judge-live.js';
import { LiveKernel } from './live-kernel.js';
import { Random, seedOf } from './random.js';
import { randomBytes, validInsns } from './raw-programs.js';
import { typedProgram } from './typed-program.js';

const skip = whyNotRecordedKernel(FACTS_VERSION) ?? false;

function testRaw(t: Test, make: (random: Random) => Uint8Array, usual: number): void {
  const kernel = new LiveKernel();
  const count = countOr(usual);
  sayHow(t, count);
  const types = ['xdp', 'sched_cls', 'socket_filter'] as const;
  let faults = 0;
  for (let i = 0; i < count && faults === 0; i++) {
    const random = new Random(seedOf(SEED, i));
    const type = random.pick(types);
    const insns = make(random);
    const own = { name: 'raw', type, flags: 0, license: 'GPL', insns, maps: [], refs: new Map() };
    const fault = verdictFault(verifyProgram(own, { logLevel: 0 }), kernel.judgeBytes(insns, type));
    if (fault === undefined) continue;
    faults++;
    t.fail(`${type} ${toHex(insns)}: ${fault}`);
  }
  kernel.close();
  t.equal(faults, 0, 'no difference');
  t.end();
}

t.test('random bytes', { skip }, (t) => {
  testRaw(t, randomBytes, 500);
});

t.test('instructions that exist', { skip }, (t) => {
  testRaw(t, validInsns, 500);
});

t.test('typed programs', { skip }, (t) => {
  const kernel = new LiveKernel();
  const count = countOr(150);
  sayHow(t, count);
  let [accepted, ran] = [0, 0];
  for (let i = 0; i < count; i++) {
    const seed = seedOf(SEED, i);
    const program = typedProgram(seed);
    const judged = judgeLive(kernel, program, seed);
    if (judged.verdict === 'accept') accepted++;
    if (judged.ran) ran++;
    if (judged.fault === undefined) continue;
    failWith(t, program, judged.fault, (smaller) => judgeLive(kernel, smaller, seed).fault);
    break;
  }
  kernel.close();
  t.comment(`${accepted} accepted, ${ran} run`);
  t.ok(ran > count / 5, 'many were run on both sides');
  t.end();
});
