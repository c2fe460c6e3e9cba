/**
 * Runs programs as the command BPF_PROG_TEST_RUN of bpf(2) does: data and a context in, r0, data and context out. What that
 * command does to a packet is modelled in `packet/test-run*.ts`; this file puts programs to it. Knows no tests.
 */
import type { Runner } from '../engine/engine.js';
import { must } from '../errors.js';
import type { Hook } from '../hooks/hook.js';
import { hookOf } from '../hooks/table.js';
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import type { ProgramSpec } from '../object/object-spec.js';
import { beginXdpTestRun, endXdpTestRun } from '../packet/test-run-xdp.js';
import { beginTestRun, endTestRun } from '../packet/test-run.js';
import { toNumber } from '../u64.js';
import type { MapEvent } from '../world/effects.js';
import { reportTrap } from './trap-report.js';
import type { TrapReport } from './trap-report.js';

export interface TestRunInput {
  readonly data: Uint8Array;
  /** struct __sk_buff or struct xdp_md; longer ones must end in zeros. Without it none comes back. */
  readonly ctx?: Uint8Array;
  /** BPF_F_TEST_SKB_CHECKSUM_COMPLETE, of socket buffers. */
  readonly flags?: number;
}

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
    const hook = must(hookOf(program.type), 'a hook');
    machine.enter(hook);
    memory.setWord(cells.redirectKind, 0);
    const refused = this.#begin(hook, input);
    if (refused !== 0) return failed(refused);
    const status = this.#runner.run(program.func, layout.ctx);
    maps.drain();
    const { events, trace } = world.effects.take();
    const outcome = status === 'trap' ? this.#runner.outcome() : undefined;
    const { errno, data, ctx } = this.#end(hook, input);
    return {
      errno,
      retval: outcome === undefined ? memory.word(cells.r0) >>> 0 : hook.trapVerdict,
      data,
      ctx,
      insns: toNumber(memory.word(cells.insns), memory.word(cells.insns + 4)),
      trace,
      events,
      ...(outcome?.kind === 'trap' ? { trap: reportTrap(machine.object, outcome.trap) } : {}),
    };
  }

  #begin({ packet }: Hook, { data, ctx, flags }: TestRunInput): number {
    const { skb, xdp } = this.#machine;
    return packet === 'skb' ? beginTestRun(skb, data, ctx, flags) : beginXdpTestRun(xdp, data, ctx, flags);
  }

  #end({ packet }: Hook, input: TestRunInput): Pick<TestRunResult, 'errno' | 'data' | 'ctx'> {
    const { skb, xdp } = this.#machine;
    if (packet === 'skb') {
      const { errno, context } = endTestRun(skb, input.ctx, input.flags);
      return { errno, data: skb.bytes(), ctx: input.ctx === undefined ? new Uint8Array(0) : context };
    }
    const { errno, data, context } = endXdpTestRun(xdp, input.ctx);
    return { errno, data, ctx: context };
  }
}

function failed(errno: number): TestRunResult {
  const nothing = new Uint8Array(0);
  return { errno, retval: 0, data: nothing, ctx: nothing, insns: 0, trace: [], events: [] };
}
