/**
 * What each packet costs, exactly: instructions, calls of helpers and kfuncs, operations on maps. From the counts of basic
 * blocks, so the run itself is not slowed by looking at it. Knows no clock.
 */
import type { Attachment } from '../datapath/attachment.js';
import { calleeNameOf } from '../engine/callee.js';
import { flowOf } from '../isa/flow.js';
import { ethernetFrameOf } from '../net/link-types.js';
import type { Packet } from '../net/packet.js';
import { counterPtr } from '../machine/layout.js';
import type { Machine } from '../machine/machine.js';
import type { Ptr } from '../addr.js';
import type { FuncId, FunctionSpec } from '../object/object-spec.js';
import { CostTally } from './cost.js';
import type { CostSummary } from './cost.js';

/** `helpers`: calls of helpers and kfuncs, tail calls included. `maps`: those of them that look up, change or walk a map. */
export const COST_NAMES = ['insns', 'helpers', 'maps'] as const;
export type CostName = (typeof COST_NAMES)[number];

/** Of one packet. */
export type PacketCost = Readonly<Record<CostName, number>>;

/** Of the packets with one verdict, or of all. */
export interface CostTotal {
  readonly packets: number;
  readonly costs: Readonly<Record<CostName, CostSummary & { readonly sum: number }>>;
}

const MAP_OPERATION = /^(map_|for_each_map_elem$)/;

/** A block that calls something. */
interface CallingBlock {
  readonly func: FuncId;
  readonly first: number;
  readonly last: number;
  readonly count: Ptr;
  /** The calls' instructions, and whether each is an operation on a map. */
  readonly calls: readonly { readonly insn: number; readonly isMap: boolean }[];
  readonly maps: number;
}

function callingBlocks(machine: Machine, spec: FunctionSpec, func: FuncId): CallingBlock[] {
  return flowOf(spec.insns, spec.name).blocks.flatMap(({ first, last }, block) => {
    const calls: { insn: number; isMap: boolean }[] = [];
    for (let insn = first; insn <= last; insn++) {
      const name = calleeNameOf(spec, insn);
      if (name !== undefined) calls.push({ insn, isMap: MAP_OPERATION.test(name) });
    }
    if (calls.length === 0) return [];
    const maps = calls.filter(({ isMap }) => isMap).length;
    return [{ func, first, last, count: counterPtr(machine.layout, func, block), calls, maps }];
  });
}

/** Costs of single packets. */
export class CostMeter {
  readonly #machine: Machine;
  readonly #attachment: Attachment;
  readonly #ifindex: number | undefined;
  readonly #blocks: readonly CallingBlock[];

  /**
   * @param machine of engine `interp`, whose datapath has the check `counters`
   * @param ifindex device that all packets come in on; default: the capture's interface, from 1
   * @throws ConfigError `config-unsupported` where no frames come to programs of this type
   */
  constructor(machine: Machine, attachment: Attachment, ifindex?: number) {
    attachment.mustTakeFrames();
    this.#machine = machine;
    this.#attachment = attachment;
    this.#ifindex = ifindex;
    this.#blocks = machine.object.functions.flatMap((spec, func) => callingBlocks(machine, spec, func));
  }

  /**
   * Runs a packet.
   * @throws PcapError `pcap-linktype` where its link is not Ethernet and cannot be made to look so
   */
  run(packet: Packet): { readonly verdict: string; readonly cost: PacketCost } {
    const attachment = this.#attachment;
    attachment.deliver(ethernetFrameOf(packet), packet.sec, packet.nsec, this.#ifindex ?? packet.interfaceId + 1);
    this.#machine.world.effects.take();
    return { verdict: attachment.verdict(), cost: this.#take() };
  }

  /** Of the packet that has just run; the next one starts from 0. Calls through registers (callx) are not among the helpers'. */
  #take(): PacketCost {
    const { memory } = this.#machine;
    let helpers = 0;
    let maps = 0;
    for (const block of this.#blocks) {
      const entered = memory.word(block.count);
      if (entered === 0) continue;
      helpers += entered * block.calls.length;
      maps += entered * block.maps;
      memory.setWord(block.count, 0);
    }
    // A trap keeps each frame that is open from the calls behind the place where it stands.
    for (const { func, insn } of this.#attachment.openFrames()) {
      const block = this.#blocks.find((each) => each.func === func && each.first <= insn && insn <= each.last);
      for (const call of block?.calls ?? []) {
        if (call.insn <= insn) continue;
        helpers--;
        if (call.isMap) maps--;
      }
    }
    return { insns: this.#attachment.insns(), helpers, maps };
  }
}

/** Costs of many packets. */
export class CostTable {
  readonly #tallies = new Map<string, { packets: number; readonly costs: Readonly<Record<CostName, SummedTally>> }>();

  add(verdict: string, cost: PacketCost): void {
    let row = this.#tallies.get(verdict);
    if (row === undefined) {
      row = { packets: 0, costs: { insns: new SummedTally(), helpers: new SummedTally(), maps: new SummedTally() } };
      this.#tallies.set(verdict, row);
    }
    row.packets++;
    for (const name of COST_NAMES) row.costs[name].add(cost[name]);
  }

  /** By verdict, most frequent first. */
  verdicts(): readonly (CostTotal & { readonly verdict: string })[] {
    return [...this.#tallies]
      .map(([verdict, { packets, costs }]) => ({ verdict, packets, costs: summaries(costs) }))
      .sort((a, b) => b.packets - a.packets || (a.verdict < b.verdict ? -1 : 1));
  }

  /** Of all packets. */
  total(): CostTotal {
    const costs = { insns: new SummedTally(), helpers: new SummedTally(), maps: new SummedTally() };
    let packets = 0;
    for (const row of this.#tallies.values()) {
      packets += row.packets;
      for (const name of COST_NAMES) costs[name].addAll(row.costs[name]);
    }
    return { packets, costs: summaries(costs) };
  }
}

class SummedTally extends CostTally {
  sum = 0;

  override add(value: number, times = 1): void {
    this.sum += value * times;
    super.add(value, times);
  }
}

const NOTHING: CostSummary = { min: 0, median: 0, p99: 0, max: 0 };

function summaries(costs: Readonly<Record<CostName, SummedTally>>): CostTotal['costs'] {
  const of = (name: CostName): CostSummary & { sum: number } => ({
    ...(costs[name].summary() ?? NOTHING),
    sum: costs[name].sum,
  });
  return { insns: of('insns'), helpers: of('helpers'), maps: of('maps') };
}
