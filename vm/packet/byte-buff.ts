/**
 * The data of a program whose context is no packet's: bytes that it may read (of a message, a socket option, a header), with
 * 64-bit pointers to them in the ctx, or none at all. Knows no hook: it is told where the pointers go.
 */
import type { Ptr } from '../addr.js';
import { concatBytes } from '../bytes.js';
import { cells } from '../memory/cells.js';
import { READ, READ_WRITE } from '../memory/shadow.js';
import { PacketBuff } from './packet-buff.js';

/** Offsets in the ctx of the pointers to the first byte and behind the last one. */
export interface DataPointers {
  readonly start: number;
  readonly end: number;
  /** Whether programs may write there. */
  readonly writable: boolean;
}

/** Kept free in front of the bytes and behind them, so that an access that misses them by little is seen to miss them. */
const MARGIN_BYTES = 64;

export class ByteBuff extends PacketBuff {
  /** Set by the machine when it enters a hook; undefined where the ctx has no data. */
  pointers: DataPointers | undefined;
  ctxBytes = 0;

  get maxBytes(): number {
    return this.ring.slotBytes - 2 * MARGIN_BYTES;
  }

  protected override makeRoom(bytes: number): Ptr {
    this.mustFit(bytes);
    this.forget();
    return this.nextSlot() + MARGIN_BYTES;
  }

  /** Clears the ctx, and points it to the bytes. */
  protected override arrive(bytes: number): void {
    this.memory.u8.fill(0, this.ctx, this.ctx + this.ctxBytes);
    this.#put(bytes);
    for (const header of [cells.skbMac, cells.skbNetwork, cells.skbTransport] as const) {
      this.memory.setWord(header, this.data);
    }
  }

  sync(): void {
    if (this.pointers === undefined) return;
    this.#setPointer(this.pointers.start, this.data);
    this.#setPointer(this.pointers.end, this.end);
  }

  /** Puts other bytes there, for helpers that push, pop or pull; where access is checked, old pointers are caught. */
  replace(bytes: Uint8Array): void {
    this.memory.write(this.makeRoom(bytes.length), bytes);
    this.#put(bytes.length);
  }

  /** Makes what lies in the slot the data. */
  #put(bytes: number): void {
    const { slot: start } = this;
    const data = start + MARGIN_BYTES;
    this.memory.setWord(cells.packetFragments, 0);
    // What was received lies from `meta` to the limit; the program sees what is between `data` and `end`.
    this.place(start, data, data, data + bytes, data + bytes);
    if (this.pointers !== undefined) this.shadow.mark(data, bytes, this.pointers.writable ? READ_WRITE : READ);
    this.sync();
  }

  /** All bytes, whatever the program sees of them. */
  get wholeBytes(): number {
    return this.memory.word(cells.packetLimit) - this.meta;
  }

  override bytes(): Uint8Array {
    return this.memory.read(this.meta, this.wholeBytes);
  }

  /** Lets the program see the bytes from `from` to `to` alone; where access is checked, old pointers are caught. */
  show(from: number, to: number): void {
    this.replace(this.bytes());
    this.forget();
    const { meta } = this;
    this.memory.setWord(cells.packetData, meta + from);
    this.memory.setWord(cells.packetEnd, meta + to);
    if (this.pointers !== undefined) {
      this.shadow.mark(meta + from, to - from, this.pointers.writable ? READ_WRITE : READ);
    }
    this.sync();
  }

  /** Puts bytes in at an offset; the program then sees what it saw, and they. */
  insert(at: number, more: Uint8Array): void {
    const seen = this.lengthBytes;
    const whole = this.bytes();
    this.replace(concatBytes([whole.subarray(0, at), more, whole.subarray(at)]));
    this.show(0, seen + more.length);
  }

  #setPointer(off: number, at: number): void {
    this.memory.setWord(this.ctx + off, at);
    this.memory.setWord(this.ctx + off + 4, 0);
  }
}
