/** Traces one packet of many: those before it run plainly, so that maps hold what they should. Knows no files. */
import type { Attachment } from '../datapath/attachment.js';
import type { AttachOptions, Datapath } from '../datapath/datapath.js';
import type { TrapReport } from '../datapath/trap-report.js';
import { ethernetFrameOf } from '../net/link-types.js';
import type { Packet } from '../net/packet.js';
import type { ProgramSpec } from '../object/object-spec.js';
import { PROG_TYPE_ROWS } from '../spec/prog-types.js';
import { TraceRecorder } from './trace-recorder.js';
import type { TraceStep } from './trace-step.js';

export interface TraceOutcome {
  /** What the program saw: an Ethernet frame. */
  readonly frame: Uint8Array;
  readonly verdict: string;
  /** r0 as int32. */
  readonly code: number;
  readonly insns: number;
  /** Lines of bpf_trace_printk. */
  readonly printed: readonly string[];
  readonly events: number;
  /** The packet as the program left it. */
  readonly left: Uint8Array;
  readonly trap: TrapReport | undefined;
}

export interface TracerOptions extends Omit<AttachOptions, 'probe'> {
  /** Device that all packets come in on; default: the capture's interface, from 1. */
  readonly ifindex?: number | undefined;
}

export class PacketTracer {
  readonly #datapath: Datapath;
  readonly #plain: Attachment;
  readonly #traced: Attachment;
  readonly #recorder: TraceRecorder;
  readonly #ifindex: number | undefined;
  #emit: (step: TraceStep) => void = () => undefined;
  #sec = 0;
  #nsec = 0;

  /**
   * @param datapath of engine `interp`
   * @param program its name or section; may be left out where only one can be meant
   * @param options how it is attached
   * @throws ConfigError where no such program exists, several fit, its type is unsupported, or no frames come to it
   */
  constructor(datapath: Datapath, program?: string, { ifindex, ...attach }: TracerOptions = {}) {
    this.#datapath = datapath;
    this.#ifindex = ifindex;
    this.#plain = datapath.attach(program, attach);
    this.#plain.mustTakeFrames();
    const { type } = this.#plain.program;
    const ctx = type === 'unspec' ? undefined : PROG_TYPE_ROWS[type].ctx;
    this.#recorder = new TraceRecorder(datapath.machine, ctx, (step) => {
      this.#emit(step);
    });
    this.#traced = datapath.attach(program, { ...attach, probe: this.#recorder });
  }

  get program(): ProgramSpec {
    return this.#plain.program;
  }

  /** The program on its hook, untraced. */
  get attachment(): Attachment {
    return this.#plain;
  }

  /**
   * Runs a packet without telling of it.
   * @returns the verdict, whether the run trapped, and the packet as the program left it, to be read at once
   * @throws PcapError `pcap-linktype` where its link is not Ethernet and cannot be made to look so
   */
  skip(packet: Packet): { readonly verdict: string; readonly trapped: boolean; readonly left: () => Uint8Array } {
    const status = this.#deliver(this.#plain, packet, ethernetFrameOf(packet));
    this.#datapath.machine.world.effects.take();
    const left = (): Uint8Array => this.#datapath.machine.packet.frame();
    return { verdict: this.#plain.verdict(), trapped: status === 'trap', left };
  }

  /**
   * Runs a packet and tells of each instruction as it happens.
   * @throws PcapError `pcap-linktype` where its link is not Ethernet and cannot be made to look so
   */
  trace(packet: Packet, emit: (step: TraceStep) => void): TraceOutcome {
    const frame = ethernetFrameOf(packet);
    const attachment = this.#traced;
    this.#emit = emit;
    this.#recorder.begin();
    const status = this.#deliver(attachment, packet, frame);
    const trap = status === 'trap' ? attachment.trap() : undefined;
    this.#recorder.end(trap);
    const { events, trace } = this.#datapath.machine.world.effects.take();
    const verdict = attachment.verdict();
    const insns = attachment.insns();
    const left = this.#datapath.machine.packet.frame();
    return { frame, verdict, code: attachment.code(), insns, printed: trace, events: events.length, left, trap };
  }

  /** The clock never goes back, whichever attachment ran before. */
  #deliver(attachment: Attachment, { sec, nsec, interfaceId }: Packet, frame: Uint8Array) {
    if (sec > this.#sec || (sec === this.#sec && nsec > this.#nsec)) {
      this.#sec = sec;
      this.#nsec = nsec;
    }
    return attachment.deliver(frame, this.#sec, this.#nsec, this.#ifindex ?? interfaceId + 1);
  }
}
