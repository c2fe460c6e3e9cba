/** Runs a capture's packets through an attached program and keeps the score. Knows no files and no terminal. */
import type { Attachment } from '../datapath/attachment.js';
import type { ReasonCounters } from '../datapath/reason-counters.js';
import type { TrapReport } from '../datapath/trap-report.js';
import type { Tunnel } from '../datapath/tunnel.js';
import type { Status } from '../engine/engine.js';
import type { Machine } from '../machine/machine.js';
import { PacketBatch } from '../machine/packet-batch.js';
import { ethernetFrameOf } from '../net/link-types.js';
import type { Packet } from '../net/packet.js';
import type { PacketSink } from '../net/record-decoder.js';
import { NO_DEVICE } from '../datapath/redirect.js';
import type { Redirect } from '../datapath/redirect.js';
import type { MapEvent, PacketClone } from '../world/effects.js';
import { lineAt } from '../datapath/trap-report.js';
import type { FuncId, LineInfo } from '../object/object-spec.js';
import { CostTally } from './cost.js';
import type { CostSummary } from './cost.js';
import type { DecisionRecorder, InsnPlace } from './decisions.js';

/** One verdict's row. */
export interface VerdictTotal {
  readonly verdict: string;
  readonly packets: number;
  readonly bytes: number;
  /** Instructions a packet. */
  readonly insns: CostSummary;
}

/** Runs that trapped, by what and where. */
export interface TrapTotal {
  readonly trap: TrapReport;
  readonly packets: number;
  /** Number of the first such packet in its capture, from 1. */
  readonly first: number;
}

/** A place in the program, for people. */
export interface CodePlace {
  readonly func: string;
  /** Slot from the function's start. */
  readonly pc: number;
  /** Undefined where the object was compiled without -g. */
  readonly line: LineInfo | undefined;
}

/** Packets that got the same verdict for the same reason. */
export interface ReasonTotal {
  readonly verdict: string;
  /** Undefined where the program gave none. */
  readonly reason: string | undefined;
  readonly packets: number;
  /** Number of the first such packet in its capture, from 1. */
  readonly first: number;
}

/** Packets that were redirected to a device that the world does not have. */
export interface MissingDevice {
  readonly ifindex: number;
  readonly packets: number;
  /** Number of the first such packet in its capture, from 1. */
  readonly first: number;
}

/** Packets that got the same verdict at the same C line (the same instruction, where there are no lines). */
export interface DecisionTotal {
  readonly verdict: string;
  /** Only where reasons are counted. */
  readonly reason?: string;
  readonly packets: number;
  /** Number of the first such packet in its capture, from 1. */
  readonly first: number;
  readonly place: CodePlace;
}

export interface ReplayOptions {
  /** What the attachment was given as probe; says where each verdict was decided. */
  readonly decisions?: DecisionRecorder;
  /** Says by which reason the program decided. */
  readonly reasons?: ReasonCounters;
  /** Device that all packets come in on; default: the capture's interface, from 1. */
  readonly ifindex?: number;
}

export interface ReplaySummary {
  /** Most frequent first. */
  readonly verdicts: readonly VerdictTotal[];
  readonly packets: number;
  readonly bytes: number;
  readonly insns: CostSummary | undefined;
  readonly traps: readonly TrapTotal[];
  /** Most frequent first within a verdict, verdicts in their order; only where a recorder was given. */
  readonly decisions?: readonly DecisionTotal[];
  /** Most frequent first within a verdict, verdicts in their order; only where reasons are counted. */
  readonly reasons?: readonly ReasonTotal[];
  /** Most frequent first; only where there are any. */
  readonly missingDevices?: readonly MissingDevice[];
  /** Samples that programs sent to user space, by map. */
  readonly events: ReadonlyMap<string, number>;
  readonly traceLines: number;
  /** Events and trace lines dropped because one packet made too many. */
  readonly lost: number;
}

/** One packet's outcome, for those who want a line a packet. */
export interface PacketOutcome {
  readonly packet: Packet;
  /** What came in: an Ethernet frame. */
  readonly frame: Uint8Array;
  readonly verdict: string;
  readonly code: number;
  readonly insns: number;
  readonly events: readonly MapEvent[];
  readonly trace: readonly string[];
  readonly trap: TrapReport | undefined;
  /** Which counter the program moved; only where reasons are counted. */
  readonly reason?: string;
  /** Where it goes, if the verdict is a redirect. */
  readonly redirect: Redirect | undefined;
  /** Which tunnel it is to go through, if the program said so. */
  readonly tunnel: Tunnel | undefined;
  /** Copies that bpf_clone_redirect sent. */
  readonly clones: readonly PacketClone[];
  /** The packet as the program left it. Read it at once: it costs a copy. */
  readonly left: () => Uint8Array;
  /** From what decided to where the verdict was set; only where a recorder was given. */
  readonly decided?: readonly CodePlace[];
}

/** Takes packets from a capture's reader (`CaptureReader.pushTo`) and runs them when there are enough. */
export interface ReplayBatch extends PacketSink {
  /** Packets added that have not run. */
  readonly waiting: number;
  /** Runs those. Must be called before the windows of the capture that they came in are written over, and at the end. */
  flush(): void;
}

interface Total {
  packets: number;
  bytes: number;
  readonly insns: CostTally;
}

/** More different traps than this are counted together with the last. */
const MAX_TRAP_ROWS = 100;
/** More missing devices than this are not told apart: one is a mistake, many are noise. */
const MAX_MISSING = 100;

export class Replay {
  readonly #machine: Machine;
  readonly #attachment: Attachment;
  readonly #totals = new Map<number, Total>();
  /** The total that was added to last. */
  #last: { readonly code: number; readonly total: Total } | undefined;
  readonly #traps = new Map<string, { trap: TrapReport; packets: number; first: number }>();
  readonly #events = new Map<string, number>();
  readonly #places = new Map<FuncId, Map<number, CodePlace>>();
  readonly #recorder: DecisionRecorder | undefined;
  readonly #decisions = new Map<string, DecisionTotal & { packets: number }>();
  readonly #reasonCounters: ReasonCounters | undefined;
  readonly #reasons = new Map<string, ReasonTotal & { packets: number }>();
  readonly #missing = new Map<number, MissingDevice & { packets: number }>();
  #traceLines = 0;
  #lost = 0;

  readonly #ifindex: number | undefined;

  /** @throws ConfigError `config-unsupported` where no frames come to programs of this type */
  constructor(machine: Machine, attachment: Attachment, options: ReplayOptions = {}) {
    attachment.mustTakeFrames();
    this.#machine = machine;
    this.#attachment = attachment;
    this.#recorder = options.decisions;
    this.#reasonCounters = options.reasons;
    this.#ifindex = options.ifindex;
  }

  /**
   * Runs one packet.
   * @param watch told of the outcome; leave it out where only the summary matters
   * @throws PcapError `pcap-linktype` where its link is not Ethernet and cannot be made to look so
   */
  packet(packet: Packet, watch?: (outcome: PacketOutcome) => void): void {
    const frame = ethernetFrameOf(packet);
    const attachment = this.#attachment;
    this.#recorder?.begin();
    this.#reasonCounters?.begin();
    const status = attachment.deliver(frame, packet.sec, packet.nsec, this.#ifindex ?? packet.interfaceId + 1);
    const code = attachment.code();
    const insns = attachment.insns();
    this.#count(code, frame.length, insns);
    const { events, trace, clones } = this.#takeEffects();
    const trap = status === 'trap' ? attachment.trap() : undefined;
    if (trap !== undefined) this.#countTrap(trap, packet.index + 1);
    const reason = this.#reasonCounters?.take();
    if (this.#reasonCounters !== undefined) this.#countReason(code, reason, packet.index + 1);
    const decided = this.#decide(code, trap, reason, packet.index + 1);
    const redirect = this.#redirect(packet.index + 1);
    watch?.({
      packet,
      frame,
      verdict: attachment.verdictName(code),
      code,
      insns,
      events,
      trace,
      trap,
      redirect,
      tunnel: attachment.tunnel(),
      clones,
      left: () => this.#machine.packet.frame(),
      ...(reason === undefined ? {} : { reason }),
      ...(decided === undefined ? {} : { decided }),
    });
  }

  /**
   * A faster way for packets that nobody watches: what is added runs in batches, copied once from the capture's window to
   * linear memory. Undefined where each packet must be looked at: with `decisions`, with `reasons`, and where the machine's
   * memory has no room for packets that wait.
   */
  batch(): ReplayBatch | undefined {
    if (this.#recorder !== undefined || this.#reasonCounters !== undefined) return undefined;
    const batch = PacketBatch.of(this.#machine);
    if (batch === undefined) return undefined;
    const attachment = this.#attachment;
    const { effects } = this.#machine.world;
    const watch = (index: number, status: Status): void => {
      this.#count(attachment.code(), batch.bytes[index] ?? 0, attachment.insns());
      if (!effects.isEmpty) this.#takeEffects();
      const trap = status === 'trap' ? attachment.trap() : undefined;
      if (trap !== undefined) this.#countTrap(trap, (batch.index[index] ?? 0) + 1);
      this.#redirect((batch.index[index] ?? 0) + 1);
    };
    const flush = (): void => {
      try {
        attachment.deliverBatch(batch, this.#ifindex, watch);
      } finally {
        batch.clear();
      }
    };
    return {
      get waiting() {
        return batch.count;
      },
      add: (record) => {
        if (batch.add(record)) return;
        flush();
        batch.add(record);
      },
      flush,
    };
  }

  /** Packets run so far. */
  get packets(): number {
    let packets = 0;
    for (const total of this.#totals.values()) packets += total.packets;
    return packets;
  }

  summary(): ReplaySummary {
    const verdicts = [...this.#totals].flatMap(([code, { packets, bytes, insns }]) => {
      const cost = insns.summary();
      return cost === undefined ? [] : [{ verdict: this.#attachment.verdictName(code), packets, bytes, insns: cost }];
    });
    const insns = new CostTally();
    for (const total of this.#totals.values()) insns.addAll(total.insns);
    return {
      verdicts: verdicts.sort((a, b) => b.packets - a.packets || (a.verdict < b.verdict ? -1 : 1)),
      packets: this.packets,
      bytes: verdicts.reduce((sum, { bytes }) => sum + bytes, 0),
      insns: insns.summary(),
      traps: [...this.#traps.values()].sort((a, b) => b.packets - a.packets),
      ...(this.#recorder === undefined ? {} : { decisions: this.#inOrder(this.#decisions.values()) }),
      ...(this.#reasonCounters === undefined ? {} : { reasons: this.#inOrder(this.#reasons.values()) }),
      ...(this.#missing.size === 0
        ? {}
        : { missingDevices: [...this.#missing.values()].sort((a, b) => b.packets - a.packets) }),
      events: this.#events,
      traceLines: this.#traceLines,
      lost: this.#lost,
    };
  }

  /** By verdict, the most frequent one first, then by frequency. */
  #inOrder<T extends ReasonTotal | DecisionTotal>(rows: Iterable<T>): readonly T[] {
    const packets = new Map(
      [...this.#totals].map(([code, each]) => [this.#attachment.verdictName(code), each.packets]),
    );
    const of = (verdict: string): number => packets.get(verdict) ?? 0;
    return [...rows].sort(
      (a, b) =>
        of(b.verdict) - of(a.verdict) ||
        (a.verdict === b.verdict ? b.packets - a.packets || a.first - b.first : a.verdict < b.verdict ? -1 : 1),
    );
  }

  #count(code: number, bytes: number, insns: number): void {
    let last = this.#last;
    if (last?.code !== code) {
      let total = this.#totals.get(code);
      if (total === undefined) {
        total = { packets: 0, bytes: 0, insns: new CostTally() };
        this.#totals.set(code, total);
      }
      this.#last = last = { code, total };
    }
    const { total } = last;
    total.packets++;
    total.bytes += bytes;
    total.insns.add(insns);
  }

  #takeEffects(): ReturnType<Machine['world']['effects']['take']> {
    const taken = this.#machine.world.effects.take();
    for (const { map } of taken.events) this.#events.set(map, (this.#events.get(map) ?? 0) + 1);
    this.#traceLines += taken.trace.length;
    this.#lost += taken.lost;
    return taken;
  }

  /** Where the packet goes; counts devices that are not there. */
  #redirect(packetNumber: number): Redirect | undefined {
    const redirect = this.#attachment.redirect();
    if (redirect?.problem === NO_DEVICE) this.#countMissing(redirect.ifindex ?? 0, packetNumber);
    return redirect;
  }

  #countReason(code: number, reason: string | undefined, first: number): void {
    const verdict = this.#attachment.verdictName(code);
    const key = `${verdict} ${reason ?? ''}`;
    const known = this.#reasons.get(key);
    if (known === undefined) this.#reasons.set(key, { verdict, reason, packets: 1, first });
    else known.packets++;
  }

  #countMissing(ifindex: number, first: number): void {
    const known = this.#missing.get(ifindex);
    if (known !== undefined) known.packets++;
    else if (this.#missing.size < MAX_MISSING) this.#missing.set(ifindex, { ifindex, packets: 1, first });
  }

  /** Counts where the verdict was decided, and says the way there. */
  #decide(
    code: number,
    trap: TrapReport | undefined,
    reason: string | undefined,
    first: number,
  ): readonly CodePlace[] | undefined {
    if (this.#recorder === undefined) return undefined;
    const path =
      trap === undefined
        ? this.#recorder
            .path()
            .map((place) => this.#codePlace(place))
            .reverse()
        : [trap];
    const [place] = path;
    if (place === undefined) return path;
    const verdict = this.#attachment.verdictName(code);
    const { func, pc, line } = place;
    const at = line === undefined ? `${func}+${String(pc)}` : `${line.file}:${String(line.line)}`;
    const key = `${verdict} ${reason ?? ''} ${at}`;
    const known = this.#decisions.get(key);
    if (known === undefined) {
      this.#decisions.set(key, {
        verdict,
        ...(reason === undefined ? {} : { reason }),
        packets: 1,
        first,
        place: { func, pc, line },
      });
    } else known.packets++;
    return path.map(({ func, pc, line }) => ({ func, pc, line }));
  }

  #codePlace({ func, insn }: InsnPlace): CodePlace {
    const places = this.#placesOf(func);
    let place = places.get(insn);
    if (place === undefined) {
      const spec = this.#machine.object.functions[func];
      const pc = spec?.insns[insn]?.pc ?? 0;
      place = { func: spec?.name ?? '?', pc, line: spec === undefined ? undefined : lineAt(spec, pc) };
      places.set(insn, place);
    }
    return place;
  }

  #placesOf(func: FuncId): Map<number, CodePlace> {
    let places = this.#places.get(func);
    if (places === undefined) this.#places.set(func, (places = new Map<number, CodePlace>()));
    return places;
  }

  #countTrap(trap: TrapReport, first: number): void {
    const key = `${trap.func}+${String(trap.pc)} ${trap.name}`;
    const known =
      this.#traps.get(key) ?? (this.#traps.size >= MAX_TRAP_ROWS ? [...this.#traps.values()].at(-1) : undefined);
    if (known === undefined) this.#traps.set(key, { trap, packets: 1, first });
    else known.packets++;
  }
}
