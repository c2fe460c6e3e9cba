/**
 * The packet that a program runs on: its bounds in cells, its bytes in a ring of slots. What a program type adds (limits,
 * a ctx, metadata) is in the classes that extend this one; they share the cells and the ring, so one packet at a time is
 * there. Knows no hook.
 */
import type { Ptr } from '../addr.js';
import { LoadError } from '../errors.js';
import { cells } from '../memory/cells.js';
import type { Memory } from '../memory/memory.js';
import { NO_ACCESS } from '../memory/shadow.js';
import type { Shadow } from '../memory/shadow.js';

/** Where the packets live: `slots` slots of `slotBytes` from `base`. */
export interface PacketRing {
  readonly base: Ptr;
  readonly slotBytes: number;
  readonly slots: number;
}

export abstract class PacketBuff {
  readonly memory: Memory;
  protected readonly shadow: Shadow;
  protected readonly ring: PacketRing;
  /** Where the context lies. */
  readonly ctx: Ptr;

  constructor(memory: Memory, shadow: Shadow, ring: PacketRing, ctx: Ptr) {
    this.memory = memory;
    this.shadow = shadow;
    this.ring = ring;
    this.ctx = ctx;
  }

  /** Longest packet that fits. */
  abstract get maxBytes(): number;

  /**
   * Puts a packet in the next slot and fills the ctx.
   * @throws LoadError `load-memory` where it is longer than `maxBytes`
   */
  abstract receive(packet: Uint8Array, ifindex?: number, queue?: number, linearBytes?: number): void;

  /** Rewrites the ctx fields that mirror the packet. Nothing else writes them. */
  abstract sync(): void;

  get data(): Ptr {
    return this.memory.word(cells.packetData);
  }
  get end(): Ptr {
    return this.memory.word(cells.packetEnd);
  }
  get meta(): Ptr {
    return this.memory.word(cells.packetMeta);
  }
  /** Start of the slot that holds the packet. */
  get start(): Ptr {
    return this.memory.word(cells.packetStart);
  }
  get lengthBytes(): number {
    return this.end - this.data;
  }

  /** Bytes that lie in fragments behind `end`, out of the program's reach. Only XDP packets have some. */
  get fragmentBytes(): number {
    return this.memory.word(cells.packetFragments);
  }
  get totalBytes(): number {
    return this.lengthBytes + this.fragmentBytes;
  }

  /** A copy of the packet as it is now, without metadata. */
  bytes(): Uint8Array {
    return this.memory.read(this.data, this.totalBytes);
  }

  /** The packet with what of its frame the program does not see. */
  frame(): Uint8Array {
    return this.bytes();
  }

  protected mustFit(bytes: number): void {
    if (bytes <= this.maxBytes) return;
    throw new LoadError(
      'load-memory',
      `a packet of ${String(bytes)} bytes is longer than the ${String(this.maxBytes)} that a slot holds`,
      {
        data: { bytes, maxBytes: this.maxBytes },
        hint: 'raise packetBytes',
      },
    );
  }

  protected place(start: Ptr, meta: Ptr, data: Ptr, end: Ptr, limit: Ptr): void {
    this.memory.setWord(cells.packetStart, start);
    this.memory.setWord(cells.packetMeta, meta);
    this.memory.setWord(cells.packetData, data);
    this.memory.setWord(cells.packetEnd, end);
    this.memory.setWord(cells.packetLimit, limit);
  }

  protected nextSlot(): Ptr {
    const slot = (this.memory.word(cells.packetSlot) + 1) % this.ring.slots;
    this.memory.setWord(cells.packetSlot, slot);
    return this.ring.base + slot * this.ring.slotBytes;
  }

  /** Takes the rights to the current packet away. */
  protected forget(): void {
    const { meta, end, fragmentBytes } = this;
    // Slices may have let the program into fragments.
    if (end > meta) this.shadow.mark(meta, end + fragmentBytes - meta, NO_ACCESS);
  }
}
