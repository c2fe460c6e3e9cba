/** How long programs take over the same packets: short rounds in turn, so that a machine that drifts drifts for all. Knows no report. */
import type { Attachment } from '../vm/datapath/attachment.js';
import { LoadError } from '../vm/errors.js';
import type { Machine } from '../vm/machine/machine.js';
import { PacketBatch } from '../vm/machine/packet-batch.js';
import type { Packet } from '../vm/net/packet.js';

/** Packets whose time is taken: the first ones of a capture, as far as they fit in memory together. */
export const TIMED_PACKETS = 4096;
/** A round of one program takes this long at least. */
const ROUND_NS = 4e6;
const WARM_UP_ROUNDS = 3;

export interface TimedProgram {
  readonly machine: Machine;
  readonly attachment: Attachment;
  /** Device that packets come in on; left out, that of their interface in the capture. */
  readonly ifindex: number | undefined;
}

export interface BatchTimes {
  /** Packets of a pass. */
  readonly packets: number;
  /** Nanoseconds of CPU time a packet, round by round, their arrival included. */
  readonly ns: readonly number[];
}

/** @throws LoadError `load-memory` where a machine has no room for the packets */
export function timeBatches(
  programs: readonly TimedProgram[],
  packets: readonly Packet[],
  rounds: number,
): readonly BatchTimes[] {
  const plans = programs.map((program) => ({ pass: passOver(program, packets), ns: [] as number[] }));
  // As many passes for all, and as few packets as fit for each.
  const fitting = Math.min(...plans.map(({ pass }) => pass.packets));
  let passes = 1;
  for (const { pass } of plans) while (timeOf(pass, passes) < ROUND_NS && passes < 1e6) passes *= 2;
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    // Who goes first alternates.
    for (const plan of round % 2 === 0 ? plans : plans.toReversed()) {
      const ns = timeOf(plan.pass, passes) / (passes * plan.pass.packets);
      if (round >= 0) plan.ns.push(ns);
    }
  }
  return plans.map(({ ns }) => ({ packets: fitting, ns }));
}

interface Pass {
  readonly packets: number;
  run(): void;
}

/** Nanoseconds of CPU time: what other processes do meanwhile does not count. */
function timeOf(pass: Pass, passes: number): number {
  const start = process.cpuUsage();
  for (let done = 0; done < passes; done++) pass.run();
  const { user, system } = process.cpuUsage(start);
  return 1000 * (user + system);
}

function passOver({ machine, attachment, ifindex }: TimedProgram, packets: readonly Packet[]): Pass {
  const batch = PacketBatch.of(machine);
  if (batch === undefined) {
    throw new LoadError('load-memory', 'there is no room for packets whose time is to be taken', {
      hint: 'raise --memory, or count only (--no-time)',
    });
  }
  for (const { data, ...packet } of packets) {
    if (!batch.add({ ...packet, bytes: data, at: 0, capBytes: data.length })) break;
  }
  const { effects } = machine.world;
  const forget = (): void => {
    if (!effects.isEmpty) effects.take();
  };
  return {
    packets: batch.count,
    run: () => {
      attachment.deliverBatch(batch, ifindex, forget);
    },
  };
}
