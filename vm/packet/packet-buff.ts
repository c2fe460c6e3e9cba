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
import { copierFor } from './copy-bytes.js';
import type { CopyBytes } from './copy-bytes.js';

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
  #copy: CopyBytes | undefined;

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
   * @param linearBytes where the first fragment begins, for XDP programs that know of fragments; those lie behind the
   *   packet's end, a page each. A packet that needs too many is left in one piece.
   * @throws LoadError `load-memory` where it is longer than `maxBytes`
   */
  receive(packet: Uint8Array, ifindex = 1, queue = 0, linearBytes = packet.length): void {
    const data = this.makeRoom(packet.length, linearBytes);
    this.memory.write(data, packet);
    this.arrive(packet.length, ifindex, queue, linearBytes);
  }

  /** As `receive`, of a packet that lies elsewhere in the memory. Allocates nothing. */
  receiveAt(from: Ptr, bytes: number, ifindex = 1, queue = 0, linearBytes = bytes): void {
    this.#copy ??= copierFor(this.memory);
    this.#copy(this.makeRoom(bytes, linearBytes), from, bytes);
    this.arrive(bytes, ifindex, queue, linearBytes);
  }

  /** Gives up the current packet, takes the next slot and says where in it the new packet's bytes go. */
  protected abstract makeRoom(bytes: number, linearBytes: number): Ptr;

  /** Makes what lies there the current packet. */
  protected abstract arrive(bytes: number, ifindex: number, queue: number, linearBytes: number): void;

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
    return this.slot;
  }

  /** Where the slot begins that was taken last. */
  protected get slot(): Ptr {
    return this.ring.base + this.memory.word(cells.packetSlot) * this.ring.slotBytes;
  }

  /** Takes the rights to the current packet away. */
  protected forget(): void {
    const { meta, end, fragmentBytes } = this;
    // Slices may have let the program into fragments.
    if (end > meta) this.shadow.mark(meta, end + fragmentBytes - meta, NO_ACCESS);
  }
}
