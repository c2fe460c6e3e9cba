/**
 * Socket buffers, their helpers and BPF_PROG_TEST_RUN against Linux: answers of a live kernel are recorded in
 * `test/cases/kernel` (`BLESS=1` records again), both engines are held against the record, and the kernel where it can be
 * asked.
 */
import { assemble } from '../../vm/asm/assemble.js';
import { toHex, viewOf } from '../../vm/bytes.js';
import { ENGINES } from '../../vm/datapath/engines.js';
import { must } from '../../vm/errors.js';
import type { Runner } from '../../vm/engine/engine.js';
import { hookOf } from '../../vm/hooks/table.js';
import type { Machine } from '../../vm/machine/machine.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import type { ObjectSpec } from '../../vm/object/object-spec.js';
import { beginTestRun, endTestRun } from '../../vm/packet/test-run.js';
import { machineOf } from '../machine/harness.js';
import { Kernel } from './helpers-kernel.js';
import { hashBytes, testRecordedAnswers, type Mode } from './recorded-answers.js';
import type { SkbCase } from './skb-case.js';
import { SKB_CASES } from './skb-cases.js';

const objects = new Map<string, ObjectSpec>();

function objectOf({ text }: SkbCase): ObjectSpec {
  let object = objects.get(text);
  if (object === undefined) {
    object = objectFromInsns(assemble(text).bytes, { type: 'sched_cls' });
    objects.set(text, object);
  }
  return object;
}

/** r0, length and hash of the packet, and the words of the ctx that are not 0. */
function answer(retval: number, data: Uint8Array, ctx: Uint8Array): string {
  const view = viewOf(ctx);
  const words: string[] = [];
  for (let off = 0; off + 4 <= ctx.length; off += 4) {
    const word = view.getUint32(off, true);
    if (word !== 0) words.push(`${off}=${word.toString(16)}`);
  }
  const bytes = data.length <= 16 ? toHex(data) : `${data.length}:${hashBytes(data)}`;
  return `${retval | 0} ${bytes} ${words.join(' ')}`;
}

const CTX_BYTES = 192;

/** Cases that share a machine, each a function of one object. */
const BATCH = 200;

function* askSkep({ engine, checks }: Mode): Generator<[each: SkbCase, answer: string]> {
  for (let from = 0; from < SKB_CASES.length; from += BATCH) {
    const batch = SKB_CASES.slice(from, from + BATCH);
    const objects = batch.map(objectOf);
    const object = { ...must(objects[0], 'an object'), functions: objects.flatMap(({ functions }) => functions) };
    const machine = machineOf(object, { packetBytes: 20000, shadow: checks.memory });
    machine.enter(must(hookOf('sched_cls'), 'a hook'));
    const runner = ENGINES[engine].compile(object, machine.layout, checks).bind(machine);
    for (const [func, each] of batch.entries()) yield [each, runCase(machine, runner, func, each)];
  }
}

function runCase(machine: Machine, runner: Runner, func: number, { packet, ctx, flags }: SkbCase): string {
  const refused = beginTestRun(machine.skb, packet, ctx ?? new Uint8Array(CTX_BYTES), flags);
  if (refused !== 0) return `errno ${refused}`;
  runner.run(func, machine.layout.ctx);
  const outcome = runner.outcome();
  if (outcome.kind === 'trap') return `trap ${outcome.trap.name}: ${outcome.trap.message}`;
  const { errno, context } = endTestRun(machine.skb, ctx, flags);
  if (errno !== 0) return `errno ${errno}`;
  const r0 = Number(BigInt.asIntN(32, outcome.r0));
  return answer(r0, machine.skb.bytes(), context.subarray(0, ctx?.length ?? CTX_BYTES));
}

function askKernel(kernel: Kernel, each: SkbCase): string {
  const machine = kernel.open(objectOf(each));
  try {
    const run = machine.run(each.packet, 0, each.ctx ?? new Uint8Array(CTX_BYTES), each.flags);
    return run.errno === 0 ? answer(run.retval, run.data, run.ctx) : `errno ${run.errno}`;
  } finally {
    machine.close();
  }
}

testRecordedAnswers({
  file: 'test/cases/kernel/skb.json',
  cases: SKB_CASES,
  moreThan: 1600,
  askSkep,
  openKernel: () => {
    const kernel = new Kernel();
    return (each) => askKernel(kernel, each);
  },
});
