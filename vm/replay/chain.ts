/**
 * Programs one behind the other, as a packet meets them: what leaves one stage with a verdict that lets it go on comes in at
 * the next. Each stage keeps its own score. Knows no files and no terminal.
 */
import { LINKTYPE_ETHERNET } from '../net/link-types.js';
import type { Packet } from '../net/packet.js';
import type { PacketOutcome, Replay } from './replay.js';
import { endsPacket } from './verdict-capture.js';

export interface ChainStage {
  /** As in `lb`; for people. */
  readonly name: string;
  readonly replay: Replay;
  /**
   * Verdicts, or reasons where the replay counts them, after which the packet, as the program left it, comes in at the next
   * stage. Left out: all verdicts but those that end a packet's way.
   */
  readonly goesOn?: readonly string[];
}

/** Where a packet's way ended. */
export interface ChainOutcome {
  readonly stage: ChainStage;
  readonly outcome: PacketOutcome;
}

export class Chain {
  readonly #stages: readonly ChainStage[];

  constructor(stages: readonly ChainStage[]) {
    this.#stages = stages;
  }

  /**
   * Sends one packet along the chain until a stage keeps it.
   * @param watch told of each stage's outcome, in order
   * @throws what `Replay.packet` throws
   */
  packet(packet: Packet, watch?: (stage: ChainStage, outcome: PacketOutcome) => void): ChainOutcome | undefined {
    let next: Packet | undefined = packet;
    let last: ChainOutcome | undefined;
    for (const stage of this.#stages) {
      if (next === undefined) break;
      const arriving: Packet = next;
      next = undefined;
      stage.replay.packet(arriving, (outcome) => {
        last = { stage, outcome };
        watch?.(stage, outcome);
        if (!goesOn(stage.goesOn, { ...outcome, trapped: outcome.trap !== undefined })) return;
        const data = outcome.left();
        next = { ...arriving, data, origBytes: data.length, linkType: LINKTYPE_ETHERNET };
      });
    }
    return last;
  }
}

/**
 * Whether a packet comes in at the next stage.
 * @param wanted as `ChainStage.goesOn`
 */
export function goesOn(
  wanted: readonly string[] | undefined,
  {
    verdict,
    reason,
    trapped,
  }: { readonly verdict: string; readonly reason?: string | undefined; readonly trapped: boolean },
): boolean {
  if (trapped) return false;
  if (wanted === undefined) return !endsPacket(verdict);
  return wanted.includes(verdict) || (reason !== undefined && wanted.includes(reason));
}
