/**
 * A replay as a pcapng capture: each packet with the verdict it got, as it came in and, where the program changed it, as it
 * left; a packet id links the two. One interface a hook. Gives bytes; knows no files.
 */
import { equalBytes } from '../bytes.js';
import type { ProgramSpec } from '../object/object-spec.js';
import { LINKTYPE_ETHERNET } from '../net/link-types.js';
import {
  directionOption,
  encodeInterfaceBlock,
  encodePacketBlock,
  encodeSectionBlock,
  packetIdOption,
  verdictOption,
} from '../net/write-pcapng.js';
import type { PcapngOption } from '../net/write-pcapng.js';
import type { PacketOutcome } from './replay.js';

export interface VerdictCaptureOptions {
  /** Write packets only as they left; those that were dropped or taken not at all. */
  readonly leftOnly?: boolean;
}

/** An option has 65,535 bytes at most, a UTF-16 unit 3 of UTF-8. */
const MAX_COMMENT_CHARS = 21_000;

/** The packet goes no further, here or elsewhere. */
export function endsPacket(verdict: string): boolean {
  return /^(XDP_(DROP|ABORTED)|TC_ACT_(SHOT|STOLEN|QUEUED|TRAP)|(TCX|NETKIT|BPF|SK|NF)_DROP|reject)/.test(verdict);
}

function hookOption(program: ProgramSpec, code: number): readonly PcapngOption[] {
  if (program.type === 'xdp') return [verdictOption('xdp', code)];
  return program.type === 'sched_cls' || program.type === 'sched_act' ? [verdictOption('tc', code)] : [];
}

export class VerdictCapture {
  readonly #interfaces = new Map<string, number>();
  readonly #leftOnly: boolean;

  constructor(options: VerdictCaptureOptions = {}) {
    this.#leftOnly = options.leftOnly === true;
  }

  /** What the capture starts with. */
  start(): readonly Uint8Array[] {
    return [encodeSectionBlock()];
  }

  /**
   * The blocks of one outcome of `program`; its interface is named by hook and program, as in `xdp/firewall`. To be asked
   * before the next packet runs.
   */
  packet(program: ProgramSpec, outcome: PacketOutcome): readonly Uint8Array[] {
    const { packet, frame, verdict, code, trap } = outcome;
    const blocks: Uint8Array[] = [];
    const interfaceId = this.#interfaceOf(program, blocks);
    const comments = [packet.comment, trap?.message].filter((text) => text !== undefined);
    const write = (data: Uint8Array, direction: 'in' | 'out'): void => {
      blocks.push(
        encodePacketBlock({
          data,
          // Bytes that the capture cut off went through with the rest.
          origBytes: data.length + packet.origBytes - packet.data.length,
          sec: packet.sec,
          nsec: packet.nsec,
          interfaceId,
          comment: comments.length === 0 ? undefined : comments.join('\n').slice(0, MAX_COMMENT_CHARS),
          options: [
            directionOption(direction),
            packetIdOption(BigInt(packet.index) + 1n),
            ...hookOption(program, code),
          ],
        }),
      );
    };
    if (!this.#leftOnly) write(frame, 'in');
    if (!endsPacket(verdict)) {
      const left = outcome.left();
      if (this.#leftOnly || !equalBytes(left, frame)) write(left, 'out');
    }
    return blocks;
  }

  #interfaceOf(program: ProgramSpec, blocks: Uint8Array[]): number {
    const hook = program.type === 'sched_cls' || program.type === 'sched_act' ? 'tc' : program.type;
    const name = `${hook}/${program.name}`;
    let id = this.#interfaces.get(name);
    if (id === undefined) {
      id = this.#interfaces.size;
      this.#interfaces.set(name, id);
      blocks.push(encodeInterfaceBlock({ linkType: LINKTYPE_ETHERNET, name }));
    }
    return id;
  }
}
