/** Where the packets of a chain ended: by stage, verdict and, where it is counted, reason. Knows no terminal. */
import { Chain } from '../vm/index.js';
import type { ChainStage, Packet, PacketOutcome, Replay } from '../vm/index.js';

interface Named {
  readonly name: string;
  readonly replay: Replay;
  readonly lets?: readonly string[];
}

/** Packets that ended in one way. */
export interface End {
  readonly stage: string;
  readonly verdict: string;
  readonly packets: number;
}

export class ChainScore<T extends Named> {
  readonly #chain: Chain;
  readonly #stages: ReadonlyMap<ChainStage, T>;
  readonly #ends = new Map<string, End & { packets: number }>();
  #packets = 0;

  constructor(stages: readonly T[]) {
    const links = stages.map((stage): [ChainStage, T] => {
      const { name, replay, lets } = stage;
      return [{ name, replay, ...(lets === undefined ? {} : { goesOn: lets }) }, stage];
    });
    this.#stages = new Map(links);
    this.#chain = new Chain(links.map(([link]) => link));
  }

  packet(packet: Packet, watch: (stage: T, outcome: PacketOutcome) => void): void {
    const end = this.#chain.packet(packet, (link, outcome) => {
      const stage = this.#stages.get(link);
      if (stage !== undefined) watch(stage, outcome);
    });
    if (end === undefined) return;
    this.#packets++;
    const { stage, outcome } = end;
    const key = `${stage.name} ${outcome.verdict}`;
    const known = this.#ends.get(key);
    if (known !== undefined) known.packets++;
    else this.#ends.set(key, { stage: stage.name, verdict: outcome.verdict, packets: 1 });
  }

  get packets(): number {
    return this.#packets;
  }

  /** In the order of the stages, the most frequent first. */
  ends(): readonly End[] {
    const names = [...this.#stages.values()].map(({ name }) => name);
    return [...this.#ends.values()].sort(
      (a, b) =>
        names.indexOf(a.stage) - names.indexOf(b.stage) || b.packets - a.packets || (a.verdict < b.verdict ? -1 : 1),
    );
  }
}
