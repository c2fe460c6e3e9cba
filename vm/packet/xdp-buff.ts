/**
 * The packet of an XDP program: an xdp_buff's geometry in cells, its bytes in a ring of slots, and `sync()`, the only
 * writer of the ctx fields that mirror it. Limits are those of a driver page as BPF_PROG_TEST_RUN sets it up.
 */
import { alignUp } from '../addr.js';
import type { Ptr } from '../addr.js';
import { cells } from '../memory/cells.js';
import { READ_WRITE } from '../memory/shadow.js';
import { errno } from '../spec/errno.js';
import { PacketBuff } from './packet-buff.js';

/** Room before the packet (XDP_PACKET_HEADROOM). */
export const XDP_HEADROOM_BYTES = 256;
/** Kept free behind it (skb_shared_info on x86_64). */
export const XDP_TAILROOM_BYTES = 320;
/** What the kernel keeps at the start of the headroom (struct xdp_frame). */
export const XDP_FRAME_BYTES = 40;
const PAGE_BYTES = 4096;
/** Most bytes of a packet that lie in one piece; programs that know of fragments find the rest in pages of their own. */
export const XDP_LINEAR_BYTES = PAGE_BYTES - XDP_HEADROOM_BYTES - XDP_TAILROOM_BYTES;
/** MAX_SKB_FRAGS */
const MAX_FRAGMENTS = 17;
/** Farthest that xdp_load_bytes and xdp_store_bytes reach, and most that they copy. */
const MAX_COPY_BYTES = 0xffff;
/** Ethernet header: no packet may become shorter. */
export const MIN_PACKET_BYTES = 14;
/** Most metadata in front of the packet, since Linux 6.3. */
const MAX_META_BYTES = 252;

/** ctx offsets of struct xdp_md that follow the geometry. */
const CTX_DATA = 0;
const CTX_DATA_END = 4;
const CTX_DATA_META = 8;
export const CTX_INGRESS_IFINDEX = 12;
const CTX_RX_QUEUE_INDEX = 16;
const CTX_EGRESS_IFINDEX = 20;

/** Bytes of a slot that holds packets of up to `packetBytes`. */
export function slotBytesFor(packetBytes: number): number {
  return alignUp(XDP_HEADROOM_BYTES + packetBytes + XDP_TAILROOM_BYTES, PAGE_BYTES);
}

/** Bytes behind the linear part, if so many fit in fragments. */
function fragmentBytesOf(totalBytes: number, linearBytes: number): number {
  const bytes = Math.max(0, totalBytes - linearBytes);
  return bytes > MAX_FRAGMENTS * PAGE_BYTES ? 0 : bytes;
}

export class XdpBuff extends PacketBuff {
  get maxBytes(): number {
    return this.ring.slotBytes - XDP_HEADROOM_BYTES - XDP_TAILROOM_BYTES;
  }

  protected override makeRoom(totalBytes: number, linearBytes: number): Ptr {
    const fragmentBytes = fragmentBytesOf(totalBytes, linearBytes);
    this.mustFit(totalBytes - fragmentBytes + alignUp(fragmentBytes, PAGE_BYTES));
    this.forget();
    return this.nextSlot() + XDP_HEADROOM_BYTES;
  }

  protected override arrive(totalBytes: number, ifindex: number, queue: number, linearBytes: number): void {
    const fragmentBytes = fragmentBytesOf(totalBytes, linearBytes);
    const bytes = totalBytes - fragmentBytes;
    const start = this.slot;
    const data = start + XDP_HEADROOM_BYTES;
    // A packet that fits a page gets a page; a larger one gets the pages it needs.
    const frameBytes = alignUp(XDP_HEADROOM_BYTES + bytes + XDP_TAILROOM_BYTES, PAGE_BYTES);
    this.place(start, data, data, data + bytes, start + frameBytes - XDP_TAILROOM_BYTES);
    this.memory.setWord(cells.packetLow, data);
    this.memory.setWord(cells.packetFragments, fragmentBytes);
    this.shadow.mark(data, bytes, READ_WRITE);
    this.memory.setWord(this.ctx + CTX_INGRESS_IFINDEX, ifindex);
    this.memory.setWord(this.ctx + CTX_RX_QUEUE_INDEX, queue);
    this.memory.setWord(this.ctx + CTX_EGRESS_IFINDEX, 0);
    this.sync();
  }

  /** Puts metadata in front of a packet that was just received; at most 252 bytes. */
  putMetadata(bytes: Uint8Array): void {
    const meta = this.data - bytes.length;
    this.memory.write(meta, bytes);
    this.memory.setWord(cells.packetMeta, meta);
    this.memory.setWord(cells.packetLow, meta);
    this.shadow.mark(meta, bytes.length, READ_WRITE);
    this.sync();
  }

  sync(): void {
    this.memory.setWord(this.ctx + CTX_DATA, this.data);
    this.memory.setWord(this.ctx + CTX_DATA_END, this.end);
    this.memory.setWord(this.ctx + CTX_DATA_META, this.meta);
  }

  /** bpf_xdp_adjust_head: moves the start by `delta`, and the metadata with it. */
  adjustHead(delta: number): number {
    const metaBytes = this.data - this.meta;
    const data = this.data + delta;
    if (data < this.start + XDP_FRAME_BYTES + metaBytes || data > this.end - MIN_PACKET_BYTES) return -errno.EINVAL;
    this.#reach(data - metaBytes);
    if (metaBytes > 0) this.memory.u8.copyWithin(data - metaBytes, this.meta, this.data);
    this.#changed(data - metaBytes, data, this.end);
    return 0;
  }

  /** bpf_xdp_adjust_tail: moves the end by `delta`; bytes gained are 0. */
  adjustTail(delta: number): number {
    if (this.fragmentBytes > 0) return delta < 0 ? this.#dropTail(-delta | 0) : this.#growFragment(delta);
    const end = this.end + delta;
    if (end > this.memory.word(cells.packetLimit) || end < this.data + MIN_PACKET_BYTES) return -errno.EINVAL;
    if (delta > 0) this.memory.u8.fill(0, this.end, end);
    this.#changed(this.meta, this.data, end);
    return 0;
  }

  /** Shortens the last fragments, and what is in front of them once they are gone. The one int without a negative drops nothing. */
  #dropTail(bytes: number): number {
    if (bytes < 0) return 0;
    if (bytes > this.totalBytes - MIN_PACKET_BYTES) return -errno.EINVAL;
    const rest = Math.max(0, bytes - this.fragmentBytes);
    this.memory.setWord(cells.packetFragments, Math.max(0, this.fragmentBytes - bytes));
    this.#changed(this.meta, this.data, this.end - rest);
    return 0;
  }

  /** Only the last fragment grows, up to its page's end. */
  #growFragment(bytes: number): number {
    const { fragmentBytes } = this;
    const used = fragmentBytes % PAGE_BYTES;
    if (bytes > (used === 0 ? 0 : PAGE_BYTES - used)) return -errno.EINVAL;
    const end = this.end + fragmentBytes;
    this.memory.u8.fill(0, end, end + bytes);
    this.memory.setWord(cells.packetFragments, fragmentBytes + bytes);
    this.#changed(this.meta, this.data, this.end);
    return 0;
  }

  /** bpf_xdp_load_bytes: from wherever they lie. */
  loadBytes(off: number, to: Ptr, bytes: number): number {
    const failed = this.#checkRange(off, bytes);
    if (failed === 0) this.memory.u8.copyWithin(to, this.data + off, this.data + off + bytes);
    return failed;
  }

  /** bpf_xdp_store_bytes */
  storeBytes(off: number, from: Ptr, bytes: number): number {
    const failed = this.#checkRange(off, bytes);
    if (failed === 0) this.memory.u8.copyWithin(this.data + off, from, from + bytes);
    return failed;
  }

  /** Where a range lies if it is in one piece, else 0 (bpf_xdp_pointer). */
  pieceAt(off: number, bytes: number): Ptr {
    if (this.#checkRange(off, bytes) !== 0) return 0;
    const linearBytes = this.lengthBytes;
    if (off < linearBytes) return off + bytes <= linearBytes ? this.data + off : 0;
    const within = (off - linearBytes) % PAGE_BYTES;
    return this.fragmentBytes > 0 && within + bytes <= PAGE_BYTES ? this.data + off : 0;
  }

  #checkRange(off: number, bytes: number): number {
    if (off > MAX_COPY_BYTES || bytes > MAX_COPY_BYTES) return -errno.EFAULT;
    return off + bytes > this.totalBytes ? -errno.EINVAL : 0;
  }

  /** bpf_xdp_adjust_meta: moves the start of the metadata by `delta`; it stays a multiple of 4 below 256. */
  adjustMeta(delta: number): number {
    const meta = this.meta + delta;
    const bytes = this.data - meta;
    if (meta < this.start + XDP_FRAME_BYTES || bytes < 0) return -errno.EINVAL;
    if (bytes % 4 !== 0 || bytes > MAX_META_BYTES) return -errno.EACCES;
    this.#reach(meta);
    this.#changed(meta, this.data, this.end);
    return 0;
  }

  /**
   * Makes the headroom usable down to `at`. What the program has not had yet is cleared, since replays must be
   * deterministic; what it gave up before is still there, as in the kernel.
   */
  #reach(at: Ptr): void {
    const lowest = this.memory.word(cells.packetLow);
    if (at >= lowest) return;
    this.memory.u8.fill(0, at, lowest);
    this.memory.setWord(cells.packetLow, at);
  }

  /** Applies new bounds. Where access is checked the packet moves to a fresh slot, so that stale pointers are caught. */
  #changed(meta: Ptr, data: Ptr, end: Ptr): void {
    const { start } = this;
    const limit = this.memory.word(cells.packetLimit);
    if (this.shadow.delta === 0) {
      this.place(start, meta, data, end, limit);
    } else {
      this.forget();
      const moved = this.nextSlot() - start;
      const low = this.memory.word(cells.packetLow);
      this.memory.u8.copyWithin(low + moved, low, end + this.fragmentBytes);
      this.memory.setWord(cells.packetLow, low + moved);
      this.place(start + moved, meta + moved, data + moved, end + moved, limit + moved);
      this.shadow.mark(meta + moved, end - meta, READ_WRITE);
    }
    this.sync();
  }
}
