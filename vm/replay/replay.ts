/** Runs a capture's packets through an attached program and keeps the score. Knows no files and no terminal. */
import type { Attachment } from '../datapath/attachment.js';
import type { TrapReport } from '../datapath/trap-report.js';
import type { Machine } from '../machine/machine.js';
import { ethernetFrameOf } from '../net/link-types.js';
import type { Packet } from '../net/packet.js';
import type { MapEvent } from '../world/effects.js';
import { CostTally } from './cost.js';
import type { CostSummary } from './cost.js';

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
  /** Number of the first such packet, from 1. */
  readonly first: number;
}

export interface ReplaySummary {
  /** Most frequent first. */
  readonly verdicts: readonly VerdictTotal[];
  readonly packets: number;
  readonly bytes: number;
  readonly insns: CostSummary | undefined;
  readonly traps: readonly TrapTotal[];
  /** Samples that programs sent to user space, by map. */
  readonly events: ReadonlyMap<string, number>;
  readonly traceLines: number;
  /** Events and trace lines dropped because one packet made too many. */
  readonly lost: number;
}

/** One packet's outcome, for those who want a line a packet. */
export interface PacketOutcome {
  readonly packet: Packet;
  /** What the program saw: an Ethernet frame. */
  readonly frame: Uint8Array;
  readonly verdict: string;
  readonly code: number;
  readonly insns: number;
  readonly events: readonly MapEvent[];
  readonly trace: readonly string[];
  readonly trap: TrapReport | undefined;
}

interface Total {
  packets: number;
  bytes: number;
  readonly insns: CostTally;
}

/** More different traps than this are counted together with the last. */
const MAX_TRAP_ROWS = 100;

export class Replay {
  readonly #machine: Machine;
  readonly #attachment: Attachment;
  readonly #totals = new Map<number, Total>();
  readonly #all: Total = { packets: 0, bytes: 0, insns: new CostTally() };
  readonly #traps = new Map<string, { trap: TrapReport; packets: number; first: number }>();
  readonly #events = new Map<string, number>();
  #traceLines = 0;
  #lost = 0;

  constructor(machine: Machine, attachment: Attachment) {
    this.#machine = machine;
    this.#attachment = attachment;
  }

  /**
   * Runs one packet.
   * @param watch told of the outcome; leave it out where only the summary matters
   * @throws PcapError `pcap-linktype` where its link is not Ethernet and cannot be made to look so
   */
  packet(packet: Packet, watch?: (outcome: PacketOutcome) => void): void {
    const frame = ethernetFrameOf(packet);
    const attachment = this.#attachment;
    const status = attachment.deliver(frame, packet.sec, packet.nsec, packet.interfaceId + 1);
    const code = attachment.code();
    const insns = attachment.insns();
    let total = this.#totals.get(code);
    if (total === undefined) {
      total = { packets: 0, bytes: 0, insns: new CostTally() };
      this.#totals.set(code, total);
    }
    for (const each of [total, this.#all]) {
      each.packets++;
      each.bytes += frame.length;
      each.insns.add(insns);
    }
    const { events, trace, lost } = this.#machine.world.effects.take();
    for (const { map } of events) this.#events.set(map, (this.#events.get(map) ?? 0) + 1);
    this.#traceLines += trace.length;
    this.#lost += lost;
    const trap = status === 'trap' ? attachment.trap() : undefined;
    if (trap !== undefined) this.#countTrap(trap);
    watch?.({ packet, frame, verdict: attachment.verdictName(code), code, insns, events, trace, trap });
  }

  /** Packets run so far. */
  get packets(): number {
    return this.#all.packets;
  }

  summary(): ReplaySummary {
    const verdicts = [...this.#totals].flatMap(([code, { packets, bytes, insns }]) => {
      const cost = insns.summary();
      return cost === undefined ? [] : [{ verdict: this.#attachment.verdictName(code), packets, bytes, insns: cost }];
    });
    return {
      verdicts: verdicts.sort((a, b) => b.packets - a.packets || (a.verdict < b.verdict ? -1 : 1)),
      packets: this.#all.packets,
      bytes: this.#all.bytes,
      insns: this.#all.insns.summary(),
      traps: [...this.#traps.values()].sort((a, b) => b.packets - a.packets),
      events: this.#events,
      traceLines: this.#traceLines,
      lost: this.#lost,
    };
  }

  #countTrap(trap: TrapReport): void {
    const key = `${trap.func}+${String(trap.pc)} ${trap.name}`;
    const known =
      this.#traps.get(key) ?? (this.#traps.size >= MAX_TRAP_ROWS ? [...this.#traps.values()].at(-1) : undefined);
    if (known === undefined) this.#traps.set(key, { trap, packets: 1, first: this.#all.packets });
    else known.packets++;
  }
}
