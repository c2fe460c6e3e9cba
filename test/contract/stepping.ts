/** What an engine must do that steps: pause anywhere, go on from a checkpoint, tell a probe of every instruction. */
import type { Test } from 'tap';
import type { Engine, Outcome, SteppingRunner } from '../../vm/engine/engine.js';
import { makeBench, steppingOf } from './bench.js';
import type { Bench } from './bench.js';
import type { CheckMode } from './check-modes.js';
import { describeOutcome } from './data-cases.js';
import type { ProgramCase } from './program-case.js';
import { applies, benchFor, PROGRAMS } from './run-programs.js';

interface Stepper {
  readonly bench: Bench;
  readonly runner: SteppingRunner;
}

function beginCase(each: ProgramCase, engine: Engine, mode: CheckMode): Stepper | undefined {
  const bench = benchFor(each, engine, mode);
  const runner = typeof bench === 'string' ? undefined : steppingOf(bench.runner);
  if (typeof bench === 'string' || runner === undefined) return undefined;
  bench.machine.packet.receive(each.packet ?? new Uint8Array(64));
  runner.begin(0, bench.machine.layout.ctx);
  return { bench, runner };
}

/** Steps to the end. Bounded, so that a runner that makes no progress fails. */
function finish(runner: SteppingRunner, insns: number): Outcome {
  for (let steps = 0; steps < 200_000; steps++) if (runner.step(insns) !== 'paused') return runner.outcome();
  throw new Error('the runner does not come to an end');
}

const CALLBACK = `
  r6 = 5
  r1 = 3
  r2 = round ll
  r3 = 0
  r4 = 0
  call loop
  exit
round:
  r6 = r1
  r0 = 0
  exit`;

export function testStepping(t: Test, engine: Engine, mode: CheckMode): void {
  const cases = PROGRAMS.filter((each) => applies(each, mode));

  for (const insns of [1, 3]) {
    t.test(`steps of ${String(insns)} come to what a run comes to`, (t) => {
      for (const each of cases) {
        const stepper = beginCase(each, engine, mode);
        if (stepper === undefined) continue;
        t.equal(describeOutcome(finish(stepper.runner, insns)), each.want, each.name);
        each.verify?.(t, stepper.bench);
      }
      t.end();
    });
  }

  t.test('a checkpoint in the middle', (t) => {
    for (const each of cases) {
      const total = Number(/after (\d+) insns/.exec(each.want)?.[1]);
      const stepper = beginCase(each, engine, mode);
      if (stepper === undefined || total < 2) continue;
      const { bench, runner } = stepper;
      const { machine } = bench;
      t.equal(runner.step(Math.floor(total / 2)), 'paused', each.name);
      const place = runner.position();
      const checkpoint = machine.save();
      t.equal(describeOutcome(finish(runner, 1000)), each.want, `${each.name}: goes on`);
      machine.restore(checkpoint);
      t.strictSame(runner.position(), place, `${each.name}: is back`);
      t.equal(describeOutcome(finish(runner, 1000)), each.want, `${each.name}: goes on again`);
      machine.restore(checkpoint);
      const other = steppingOf(engine.compile(bench.object, machine.layout, mode.checks).bind(machine));
      if (other === undefined) throw new Error('an engine that steps does so always');
      t.equal(describeOutcome(finish(other, 1000)), each.want, `${each.name}: goes on in another runner`);
    }
    t.end();
  });

  t.test('a probe is told of every instruction, before and after', (t) => {
    for (const each of cases) {
      const calls: string[] = [];
      const probe = {
        before: (func: number, insn: number): void => void calls.push(`${String(func)}:${String(insn)}`),
        after: (func: number, insn: number): void => void calls.push(`${String(func)}:${String(insn)}`),
      };
      const bench = benchFor(each, engine, mode, probe);
      if (typeof bench === 'string') continue;
      const outcome = bench.runXdp(each.packet);
      t.equal(describeOutcome(outcome), each.want, each.name);
      t.equal(calls.length, 2 * outcome.insns, `${each.name}: as often as there were instructions`);
      t.notOk(
        calls.some((call, i) => i % 2 === 1 && call !== calls[i - 1]),
        `${each.name}: after is about the same instruction as before`,
      );
    }
    t.end();
  });

  t.test('position and registers', (t) => {
    const bench = makeBench(CALLBACK, { engine, checks: mode.checks });
    const runner = steppingOf(bench.runner);
    if (runner === undefined) throw new Error('an engine that steps does so always');
    runner.begin(0, 0x1234, 0x56);
    t.strictSame(runner.position(), { func: 0, insn: 0, depth: 0 });
    t.equal(runner.register(1), 0x1234n);
    t.equal(runner.register(2), 0x56n);
    t.equal(runner.register(10), BigInt(bench.machine.framePointer(0)));
    t.equal(runner.step(0), 'paused', 'no instruction is a step, too');
    t.strictSame(runner.position(), { func: 0, insn: 0, depth: 0 });
    t.equal(runner.step(6), 'paused');
    t.strictSame(runner.position(), { func: 1, insn: 0, depth: 1 }, 'in the callback');
    t.equal(runner.register(10), BigInt(bench.machine.framePointer(1)));
    t.equal(runner.step(4), 'paused');
    t.strictSame(runner.position(), { func: 1, insn: 1, depth: 1 }, 'in its second round');
    t.equal(runner.register(6), 1n);
    t.equal(runner.step(1000), 'exit');
    t.equal(describeOutcome(runner.outcome()), 'r0 = 0x3 after 16 insns');
    t.equal(runner.register(6), 5n);
    t.end();
  });
}
