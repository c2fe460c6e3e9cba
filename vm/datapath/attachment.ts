/**
 * A program on a hook. `deliver` is the hot path: numbers in cells, nothing allocated. `run` says in an object what came of
 * one packet.
 */
import type { Status } from '../engine/engine.js';
import type { Runner } from '../engine/engine.js';
import { must } from '../errors.js';
import type { Hook } from '../hooks/hook.js';
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import { putCtxFields } from '../packet/ctx-fields.js';
import type { CtxFields } from '../packet/ctx-fields.js';
import type { ProgramSpec } from '../object/object-spec.js';
import { XDP_LINEAR_BYTES } from '../packet/xdp-buff.js';
import { PROG_FLAGS } from '../spec/prog-types.js';
import { verdictName, verdictsOf } from '../spec/verdicts.js';
import type { VerdictRow } from '../spec/verdicts.js';
import { hiWord, mul, toNumber } from '../u64.js';
import type { MapEvent, PacketClone } from '../world/effects.js';
import { redirectOf } from './redirect.js';
import type { Redirect } from './redirect.js';
import { reportTrap } from './trap-report.js';
import type { TrapReport } from './trap-report.js';
import { tunnelOfPacket } from './tunnel.js';
import type { Tunnel } from './tunnel.js';

const NS_PER_SECOND = 1_000_000_000;

/** When and where a packet arrives. */
export interface Arrival {
  /** Seconds and nanoseconds since 1970; the program's clock never goes back. */
  readonly sec?: number;
  readonly nsec?: number;
  /** Default 1; the queue is 0 or what the attachment was given. */
  readonly ifindex?: number;
  readonly queue?: number;
  readonly cpu?: number;
}

/** What a program made of one packet. */
export interface Result {
  /** As in `XDP_DROP`. */
  readonly verdict: string;
  /** r0 as int32. */
  readonly code: number;
  readonly insns: number;
  /** The packet as the program left it. */
  readonly packet: Uint8Array;
  /** Metadata in front of the packet (bpf_xdp_adjust_meta). */
  readonly metadata: Uint8Array;
  /** Samples of ring buffers and perf buffers, and lines of bpf_trace_printk. */
  readonly events: readonly MapEvent[];
  readonly trace: readonly string[];
  /** Copies that bpf_clone_redirect sent, oldest first. */
  readonly clones: readonly PacketClone[];
  /** Set where the verdict is a redirect: where the packet goes. */
  readonly redirect?: Redirect;
  /** Set where the program said which tunnel the packet goes through (bpf_skb_set_tunnel_key). */
  readonly tunnel?: Tunnel;
  /** Set where the run did not end with `exit`; `verdict` is then what Linux does with such a packet. */
  readonly trap?: TrapReport;
}

/** How packets come in where nothing else is said. */
interface Initial {
  readonly ctx?: CtxFields;
  readonly queue?: number;
}

export class Attachment {
  readonly program: ProgramSpec;
  readonly #machine: Machine;
  readonly #runner: Runner;
  readonly #hook: Hook;
  readonly #verdicts: VerdictRow;
  #clockLo = 0;
  #clockHi = 0;

  readonly #ctx: CtxFields | undefined;
  readonly #queue: number;
  /** Where fragments begin, for a program that knows of them. */
  readonly #linearBytes: number | undefined;

  constructor(machine: Machine, runner: Runner, program: ProgramSpec, hook: Hook, options: Initial = {}) {
    this.program = program;
    this.#machine = machine;
    this.#runner = runner;
    this.#hook = hook;
    this.#ctx = options.ctx;
    this.#queue = options.queue ?? 0;
    this.#linearBytes = (program.flags & PROG_FLAGS.xdpHasFrags) === 0 ? undefined : XDP_LINEAR_BYTES;
    this.#verdicts = must(verdictsOf(hook.type, program.attachType), 'verdicts of a hook');
  }

  /** Runs one packet. The verdict, instructions and trap are then in the cells; effects wait in the world. */
  deliver(packet: Uint8Array, sec = 0, nsec = 0, ifindex = 1, queue = this.#queue): Status {
    const { world, layout, maps } = this.#machine;
    this.#machine.enter(this.#hook);
    this.#machine.memory.setWord(cells.redirectKind, 0);
    this.#advanceClock(sec, nsec);
    world.setClock(this.#clockLo, this.#clockHi);
    this.#machine.packet.receive(packet, ifindex, queue, this.#linearBytes);
    if (this.#ctx !== undefined && this.#hook.packet === 'skb') putCtxFields(this.#machine.skb, this.#ctx);
    const status = this.#runner.run(this.program.func, layout.ctx);
    maps.drain();
    return status;
  }

  /**
   * Runs one packet and tells everything about it.
   * @throws LoadError `load-memory` where the packet is longer than a slot
   */
  run(packet: Uint8Array, arrival: Arrival = {}): Result {
    const { world, memory } = this.#machine;
    if (arrival.cpu !== undefined) world.setCpu(arrival.cpu);
    const status = this.deliver(packet, arrival.sec, arrival.nsec, arrival.ifindex, arrival.queue);
    const { events, trace, clones } = world.effects.take();
    const { packet: buffer } = this.#machine;
    const trap = status === 'trap' ? this.trap() : undefined;
    const redirect = this.redirect();
    const tunnel = this.tunnel();
    return {
      verdict: this.verdict(),
      code: this.code(),
      insns: this.insns(),
      packet: buffer.bytes(),
      metadata: memory.read(buffer.meta, buffer.data - buffer.meta),
      events,
      trace,
      clones,
      ...(redirect === undefined ? {} : { redirect }),
      ...(tunnel === undefined ? {} : { tunnel }),
      ...(trap === undefined ? {} : { trap }),
    };
  }

  /** r0 of the last run as int32, or what a trap counts as. */
  code(): number {
    const { memory } = this.#machine;
    return memory.word(cells.trapCode) === 0 ? memory.word(cells.r0) | 0 : this.#hook.trapVerdict;
  }

  verdict(): string {
    return this.verdictName(this.code());
  }

  verdictName(code: number): string {
    return verdictName(this.#verdicts, code);
  }

  /** Where the last run's packet goes, if its verdict is a redirect. */
  redirect(): Redirect | undefined {
    return redirectOf(this.#machine, this.#hook, this.code());
  }

  /** Which tunnel the last run's packet is to go through, if the program said so. */
  tunnel(): Tunnel | undefined {
    return tunnelOfPacket(this.#machine, this.#hook);
  }

  /** Instructions of the last run. */
  insns(): number {
    const { memory } = this.#machine;
    return toNumber(memory.word(cells.insns), memory.word(cells.insns + 4));
  }

  /** Why the last run did not end with `exit`, if it did not. */
  trap(): TrapReport | undefined {
    const outcome = this.#runner.outcome();
    return outcome.kind === 'trap' ? reportTrap(this.#machine.object, outcome.trap) : undefined;
  }

  #advanceClock(sec: number, nsec: number): void {
    const product = mul(sec, Math.floor(sec / 2 ** 32), NS_PER_SECOND, 0);
    const lo = (product + nsec) | 0;
    const hi = ((hiWord[0] ?? 0) + (lo >>> 0 < product >>> 0 ? 1 : 0)) | 0;
    if (toNumber(lo, hi) < toNumber(this.#clockLo, this.#clockHi)) return;
    this.#clockLo = lo;
    this.#clockHi = hi;
  }
}
