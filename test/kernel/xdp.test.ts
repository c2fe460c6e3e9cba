/**
 * XDP packets in pieces, their helpers and BPF_PROG_TEST_RUN against Linux: answers of a live kernel are recorded in
 * `test/cases/kernel` (`BLESS=1` records again), the engines are held against the record, and the kernel where it can be
 * asked.
 */
import { assemble } from '../../vm/asm/assemble.js';
import { toHex, viewOf } from '../../vm/bytes.js';
import { ENGINES } from '../../vm/datapath/engines.js';
import type { Runner } from '../../vm/engine/engine.js';
import { must } from '../../vm/errors.js';
import { hookOf } from '../../vm/hooks/table.js';
import type { Machine } from '../../vm/machine/machine.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import type { ObjectSpec } from '../../vm/object/object-spec.js';
import { beginXdpTestRun, endXdpTestRun } from '../../vm/packet/test-run-xdp.js';
import { PROG_FLAGS } from '../../vm/spec/prog-types.js';
import { machineOf } from '../machine/harness.js';
import { Kernel } from './helpers-kernel.js';
import { hashBytes, testRecordedAnswers, type Mode } from './recorded-answers.js';
import { XDP_CASES, type XdpCase } from './xdp-cases.js';

const objects = new Map<string, ObjectSpec>();

function objectOf({ text }: XdpCase): ObjectSpec {
  let object = objects.get(text);
  if (object === undefined) {
    const bare = objectFromInsns(assemble(text).bytes, { type: 'xdp' });
    object = { ...bare, programs: bare.programs.map((each) => ({ ...each, flags: PROG_FLAGS.xdpHasFrags })) };
    objects.set(text, object);
  }
  return object;
}

/** r0, metadata and packet, and the words of the ctx. */
function answer(retval: number, data: Uint8Array, ctx: Uint8Array): string {
  const bytes = data.length <= 16 ? toHex(data) : `${data.length}:${hashBytes(data)}`;
  const view = viewOf(ctx);
  const words = Array.from({ length: ctx.length >> 2 }, (_, i) => view.getUint32(4 * i, true));
  return `${retval | 0} ${bytes} ${words.join(' ')}`.trimEnd();
}

/** Cases that share a machine, each a function of one object. */
const BATCH = 200;

function* askSkep({ engine, checks }: Mode): Generator<[each: XdpCase, answer: string]> {
  for (let from = 0; from < XDP_CASES.length; from += BATCH) {
    const batch = XDP_CASES.slice(from, from + BATCH);
    const parts = batch.map(objectOf);
    const object = { ...must(parts[0], 'an object'), functions: parts.flatMap(({ functions }) => functions) };
    const machine = machineOf(object, { packetBytes: 80_000, shadow: checks.memory });
    machine.enter(must(hookOf('xdp'), 'a hook'));
    const runner = ENGINES[engine].compile(object, machine.layout, checks).bind(machine);
    for (const [func, each] of batch.entries()) yield [each, runCase(machine, runner, func, each)];
  }
}

function runCase(machine: Machine, runner: Runner, func: number, { packet, ctx, flags }: XdpCase): string {
  const refused = beginXdpTestRun(machine.xdp, packet, ctx, flags);
  if (refused !== 0) return `errno ${refused}`;
  runner.run(func, machine.layout.ctx);
  const outcome = runner.outcome();
  if (outcome.kind === 'trap') return `trap ${outcome.trap.name}: ${outcome.trap.message}`;
  const { errno, data, context } = endXdpTestRun(machine.xdp, ctx);
  if (errno !== 0) return `errno ${errno}`;
  return answer(Number(BigInt.asIntN(32, outcome.r0)), data, context);
}

/** The kernel copies back what it has room for, the context's first bytes. */
function askKernel(kernel: Kernel, each: XdpCase): string {
  const machine = kernel.open(objectOf(each));
  try {
    const run = machine.run(each.packet, 0, each.ctx, each.flags);
    return run.errno === 0 ? answer(run.retval, run.data, run.ctx.subarray(0, 24)) : `errno ${run.errno}`;
  } finally {
    machine.close();
  }
}

testRecordedAnswers({
  file: 'test/cases/kernel/xdp.json',
  cases: XDP_CASES,
  moreThan: 1000,
  askSkep,
  openKernel: () => {
    const kernel = new Kernel();
    return (each) => askKernel(kernel, each);
  },
});
