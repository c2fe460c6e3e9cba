/**
 * Runs programs as the command BPF_PROG_TEST_RUN of bpf(2) does: data and a context in, r0, data and context out. What that
 * command does to a packet is modelled in `packet/test-run*.ts`, what it does for each type in `hooks/test-run.ts`; this file puts programs to it. Knows no tests.
 */
import type { Runner } from '../engine/engine.js';
import { must } from '../errors.js';
import { hookOf } from '../hooks/table.js';
import { refused, testRunOf } from '../hooks/test-run.js';
import type { TestRunRequest } from '../hooks/test-run.js';
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import type { ProgramSpec } from '../object/object-spec.js';
import { errno } from '../spec/errno.js';
import { ATTACH_TYPES } from '../spec/prog-types.js';
import { toNumber } from '../u64.js';
import type { MapEvent } from '../world/effects.js';
import { runTimers } from './run-timers.js';
import { reportTrap } from './trap-report.js';
import type { TrapReport } from './trap-report.js';

/** `union bpf_attr.test`: data, context, and what there is room for. */
export type TestRunInput = TestRunRequest;

export interface TestRunResult {
  /** 0, or why the command itself fails; then nothing ran, or what came of it cannot be handed back. */
  readonly errno: number;
  /** r0 as u32. */
  readonly retval: number;
  readonly data: Uint8Array;
  readonly ctx: Uint8Array;
  readonly insns: number;
  /** Lines of bpf_trace_printk. */
  readonly trace: readonly string[];
  readonly events: readonly MapEvent[];
  /** Set where the run did not end with `exit`; `retval` is then what Linux makes of such a program. */
  readonly trap?: TrapReport;
}

const NS_PER_WORD = 2 ** 32;

export class TestRun {
  readonly #machine: Machine;
  readonly #runner: Runner;

  /** @param runner of the same machine */
  constructor(machine: Machine, runner: Runner) {
    this.#machine = machine;
    this.#runner = runner;
  }

  /** Sets the clock that programs read: nanoseconds since the machine began. */
  setClock(ns: number): void {
    this.#machine.world.setClock(ns % NS_PER_WORD, Math.floor(ns / NS_PER_WORD));
  }

  /** @param program of a type that has a hook */
  run(program: ProgramSpec, input: TestRunInput): TestRunResult {
    const machine = this.#machine;
    const { memory, maps, world, layout } = machine;
    runTimers(machine, this.#runner);
    const hook = must(hookOf(program.type, program.attachType), 'a hook');
    const model = testRunOf(hook.type);
    if (model === undefined) return failed(errno.ENOTSUPP);
    machine.enter(hook);
    machine.beginEvent();
    for (const storage of maps.cgroupStorages())
      storage.clear(0, hook.attach === undefined ? 0 : ATTACH_TYPES[hook.attach]);
    const env = must(machine.hookEnv, 'the hook that was entered');
    const refusal = model.begin(env, input);
    if (refusal !== 0) return failed(refusal);
    const status = this.#runner.run(program.func, layout.ctx);
    machine.settleCtx();
    maps.drain();
    const { events, trace } = world.effects.take();
    const outcome = status === 'trap' ? this.#runner.outcome() : undefined;
    const r0 = outcome === undefined ? memory.word(cells.r0) >>> 0 : hook.trapVerdict;
    return {
      ...model.end(env, input, r0),
      insns: toNumber(memory.word(cells.insns), memory.word(cells.insns + 4)),
      trace,
      events,
      ...(outcome?.kind === 'trap' ? { trap: reportTrap(machine.object, outcome.trap) } : {}),
    };
  }
}

function failed(errno: number): TestRunResult {
  return { ...refused(errno), insns: 0, trace: [], events: [] };
}
