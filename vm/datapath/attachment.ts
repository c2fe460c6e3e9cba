/**
 * A program on a hook. `deliver` is the hot path: numbers in cells, nothing allocated. `run` says in an object what came of
 * one packet.
 */
import type { Status } from '../engine/engine.js';
import type { InsnPosition, Runner, SteppingRunner } from '../engine/engine.js';
import { ConfigError, must } from '../errors.js';
import type { Hook, HookInput } from '../hooks/hook.js';
import { takesFrames } from '../hooks/table.js';
import { readCtxValues } from '../hooks/ctx-values.js';
import type { CtxOutput } from '../hooks/ctx-values.js';
import type { Machine } from '../machine/machine.js';
import type { PacketBatch } from '../machine/packet-batch.js';
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
import type { HeldSocket } from '../world/socket-table.js';
import { retvalOf } from './retval.js';
import { redirectOf } from './redirect.js';
import type { Redirect } from './redirect.js';
import { runTimers } from './run-timers.js';
import { reportTrap } from './trap-report.js';
import type { TrapReport } from './trap-report.js';
import { tunnelOfPacket } from './tunnel.js';
import type { Tunnel } from './tunnel.js';

const NS_PER_SECOND = 1_000_000_000;

const NO_INPUT: HookInput = {};

/** When and where a packet arrives, or an event happens, and what it brings beside its data. */
export interface Arrival extends HookInput {
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
  /** The packet as the program left it, from where the program sees it; for other events the data that they brought. */
  readonly packet: Uint8Array;
  /** Fields of the ctx afterwards, by their C names. */
  readonly ctx: Readonly<Record<string, CtxOutput>>;
  /** Name of the socket that the program chose: assigned, selected, or redirected to. */
  readonly socket?: string;
  /** With which flags: BPF_F_INGRESS, BPF_SK_LOOKUP_F_... */
  readonly socketFlags?: number;
  /** How far a verdict on a message reaches, and how much has to be there before the program is asked again; 0: all. */
  readonly message?: { readonly applyBytes: number; readonly corkBytes: number };
  /** What the system call that a cgroup's program stands before answers: 0 or a negative errno. */
  readonly retval?: number;
  /** References to sockets that the program did not give back. Linux would not have loaded it. */
  readonly held?: readonly HeldSocket[];
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

  /**
   * Runs one packet. The verdict, instructions and trap are then in the cells; effects wait in the world.
   * @throws LoadError `load-memory`, ConfigError `config-value` where the input does not fit the hook
   */
  deliver(
    packet: Uint8Array,
    sec = 0,
    nsec = 0,
    ifindex = 1,
    queue = this.#queue,
    input: HookInput = NO_INPUT,
  ): Status {
    this.#begin(sec, nsec);
    this.#machine.packet.receive(packet, ifindex, queue, this.#linearBytes);
    this.#fill(input);
    const status = this.#runner.run(this.program.func, this.#machine.layout.ctx);
    this.#settle();
    return status;
  }

  /**
   * Runs all packets of a batch, as `deliver` does each.
   * @param ifindex device that they come in on; left out, that of their interface in the capture, from 1
   * @param watch told after each; verdict, instructions and trap are in the cells
   * @throws LoadError `load-memory` where a packet is longer than a slot
   */
  deliverBatch(
    { count, at, bytes, sec, nsec, interfaceId }: PacketBatch,
    ifindex: number | undefined,
    watch: (index: number, status: Status) => void,
  ): void {
    this.#runner.runBatch(this.program.func, this.#machine.layout.ctx, {
      count,
      arrive: (index) => {
        this.#begin(sec[index] ?? 0, nsec[index] ?? 0);
        const device = ifindex ?? 1 + (interfaceId[index] ?? 0);
        const linearBytes = this.#linearBytes ?? bytes[index];
        this.#machine.packet.receiveAt(at[index] ?? 0, bytes[index] ?? 0, device, this.#queue, linearBytes);
        this.#fill(NO_INPUT);
      },
      leave: (index, status) => {
        this.#settle();
        watch(index, status);
      },
    });
  }

  /** What comes before a packet. */
  #begin(sec: number, nsec: number): void {
    this.#machine.enter(this.#hook);
    this.#advanceClock(sec, nsec);
    this.#machine.world.setClock(this.#clockLo, this.#clockHi);
    runTimers(this.#machine, this.#runner);
    this.#machine.beginEvent();
  }

  /** What a packet that is there brings with it. */
  #fill(input: HookInput): void {
    if (this.#ctx !== undefined && this.#hook.packet === 'skb') putCtxFields(this.#machine.skb, this.#ctx);
    this.#machine.memory.setWord(cells.skbAtIngress, this.#hook.attach === 'tcx_egress' ? 0 : 1);
    this.#machine.fillCtx(input);
  }

  /** What comes after the program. */
  #settle(): void {
    this.#machine.settleCtx();
    this.#machine.maps.drain();
  }

  /**
   * Runs one packet, or one event, and tells everything about it.
   * @param packet an Ethernet frame; the payload for `sk_skb` and `sk_msg`, TCP or UDP header and payload for `sock_ops` and
   *   `sk_reuseport`, the option's bytes for `cgroup_sockopt`, the ctx for `syscall`; empty where there are no data
   * @throws LoadError `load-memory` where the packet is longer than a slot
   * @throws ConfigError `config-value` where the arrival does not fit the hook
   */
  run(packet: Uint8Array, arrival: Arrival = {}): Result {
    const { world, memory, layout } = this.#machine;
    if (arrival.cpu !== undefined) world.setCpu(arrival.cpu);
    const { sec, nsec, ifindex, queue } = arrival;
    const status = this.deliver(packet, sec, nsec, ifindex, queue, arrival);
    const { events, trace, clones } = world.effects.take();
    const { packet: buffer } = this.#machine;
    const trap = status === 'trap' ? this.trap() : undefined;
    const redirect = this.redirect();
    const tunnel = this.tunnel();
    const socket = world.sockets.at(memory.word(cells.chosenSock))?.name;
    const held = world.sockets.held();
    const retval = retvalOf(this.#machine, this.#hook, this.code());
    return {
      ctx: this.#hook.ctx === undefined ? {} : readCtxValues(memory, layout.ctx, this.#hook.ctx),
      ...(socket === undefined ? {} : { socket, socketFlags: memory.word(cells.chosenFlags) }),
      ...(this.#hook.type === 'sk_msg' ? { message: this.#messageVerdict() } : {}),
      ...(retval === undefined ? {} : { retval }),
      ...(held.length === 0 ? {} : { held }),
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

  /**
   * For those who have nothing but the packets of a capture.
   * @throws ConfigError `config-unsupported` where none of them would ever come to a program of this type
   */
  mustTakeFrames(): void {
    if (takesFrames(this.#hook)) return;
    const { type } = this.#hook;
    throw new ConfigError('config-unsupported', `program \`${this.program.name}\`: no packets come to type ${type}`, {
      data: { program: this.program.name, type },
      hint: 'the library runs it for the events that it is called for: `attachment.run(data, { sk, ctx })`',
    });
  }

  #messageVerdict(): { applyBytes: number; corkBytes: number } {
    const { memory } = this.#machine;
    return { applyBytes: memory.word(cells.msgApply), corkBytes: memory.word(cells.msgCork) };
  }

  /** r0 of the last run as int32, or what a trap counts as. */
  code(): number {
    const { memory } = this.#machine;
    return memory.word(cells.trapCode) === 0 ? memory.word(cells.r0) | 0 : this.#hook.trapVerdict;
  }

  verdict(): string {
    return this.verdictName(this.code());
  }

  /** Names that r0 may have on this hook. */
  get verdictNames(): readonly string[] {
    return Object.values(this.#verdicts.names);
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

  /** Where each frame stands that the last run's trap left open, the innermost first; engine `interp` only. */
  openFrames(): readonly InsnPosition[] {
    if (this.#machine.memory.word(cells.trapCode) === 0) return [];
    return (this.#runner as Partial<SteppingRunner>).openFrames?.() ?? [];
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
