/**
 * Dynptrs: 16 bytes of a program's stack that stand for a range of memory or of a packet. Laid out as struct bpf_dynptr_kern,
 * with the packet's own address left out: there is one. A model of kernel/bpf/helpers.c of Linux 6.18. Knows no helper.
 */
import type { Ptr } from '../addr.js';
import { NO_ACCESS, READ, READ_WRITE } from '../memory/shadow.js';
import { raiseTrap, WRITE_ACCESS } from '../memory/raise.js';
import { storeSkbBytes } from '../packet/skb-store.js';
import { errno } from '../spec/errno.js';
import type { Machine } from './machine.js';

export const DYNPTR = { local: 1, ringbuf: 2, skb: 3, xdp: 4, skbMeta: 5 } as const;
export type DynptrType = (typeof DYNPTR)[keyof typeof DYNPTR];

/** Where a dynptr has its data's address, its size with type and rights, its offset. */
const off = { data: 0, size: 8, offset: 12 } as const;
const SIZE_MASK = 0xff_ffff;
const MAX_BYTES = 0xff_ffff;
const TYPE_SHIFT = 28;
const READ_ONLY = 0x8000_0000;
/** Most that is copied between two dynptrs at a time where neither lies in one piece. */
const CHUNK_BYTES = 256;

/** Program types that may write the packet of a socket buffer. */
const WRITERS: readonly string[] = ['sched_cls', 'sched_act', 'sk_skb', 'lwt_xmit'];

export class Dynptrs {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  isNull(at: Ptr): boolean {
    return this.#word(at + off.data) === 0;
  }
  isReadOnly(at: Ptr): boolean {
    return (this.#word(at + off.size) & READ_ONLY) !== 0;
  }
  sizeOf(at: Ptr): number {
    return this.#word(at + off.size) & SIZE_MASK;
  }
  dataOf(at: Ptr): Ptr {
    return this.#word(at + off.data);
  }

  setNull(at: Ptr): void {
    this.#machine.memory.u8.fill(0, at, at + 16);
  }

  /** Over memory: 0, or the errno with which it is null. */
  init(at: Ptr, type: DynptrType, data: Ptr, bytes: number): number {
    this.#set(at + off.data, data);
    this.#set(at + off.data + 4, 0);
    this.#set(at + off.size, (type << TYPE_SHIFT) | bytes);
    this.#set(at + off.offset, 0);
    return 0;
  }

  /** 0, or -E2BIG. */
  checkSize(bytes: number): number {
    return bytes > MAX_BYTES ? -errno.E2BIG : 0;
  }

  /** Over the packet; `bytes` is what there is of it now. */
  initPacket(at: Ptr, type: DynptrType, bytes: number, flags: number): number {
    if (flags !== 0) {
      this.setNull(at);
      return -errno.EINVAL;
    }
    this.init(at, type, this.#machine.layout.ctx, bytes);
    const isSkb = type === DYNPTR.skb || type === DYNPTR.skbMeta;
    if (isSkb && !WRITERS.includes(this.#machine.hook?.type ?? ''))
      this.#set(at + off.size, this.#word(at + off.size) | READ_ONLY);
    return 0;
  }

  /** bpf_dynptr_adjust */
  adjust(at: Ptr, start: number, end: number): number {
    if (this.isNull(at) || start > end) return -errno.EINVAL;
    const size = this.sizeOf(at);
    if (start > size || end > size) return -errno.ERANGE;
    this.#set(at + off.offset, this.#word(at + off.offset) + start);
    this.#set(at + off.size, (this.#word(at + off.size) & ~SIZE_MASK) | (end - start));
    return 0;
  }

  clone(from: Ptr, to: Ptr): number {
    if (this.isNull(from)) {
      this.setNull(to);
      return -errno.EINVAL;
    }
    this.#machine.memory.u8.copyWithin(to, from, from + 16);
    return 0;
  }

  /** bpf_dynptr_read */
  read(to: Ptr, bytes: number, at: Ptr, offset: number, flags: number): number {
    if (this.isNull(at) || flags !== 0) return -errno.EINVAL;
    if (!this.#fits(at, offset, bytes)) return -errno.E2BIG;
    const { memory, xdp, skb } = this.#machine;
    const from = this.#word(at + off.offset) + offset;
    switch (this.#typeOf(at)) {
      case DYNPTR.xdp:
        return xdp.loadBytes(from, to, bytes);
      case DYNPTR.skb: {
        const there = from + bytes <= skb.lengthBytes;
        if (there) memory.u8.copyWithin(to, skb.data + from, skb.data + from + bytes);
        else memory.u8.fill(0, to, to + bytes);
        return there ? 0 : -errno.EFAULT;
      }
      default:
        memory.u8.copyWithin(to, this.#address(at, offset, bytes, false), this.#end);
        return 0;
    }
  }

  /** bpf_dynptr_write; flags are those of bpf_skb_store_bytes, for socket buffers. */
  write(at: Ptr, offset: number, from: Ptr, bytes: number, flags: number, flagsHi: number): number {
    if (this.isNull(at) || this.isReadOnly(at)) return -errno.EINVAL;
    if (!this.#fits(at, offset, bytes)) return -errno.E2BIG;
    const { memory, xdp, skb } = this.#machine;
    const to = this.#word(at + off.offset) + offset;
    if (this.#typeOf(at) === DYNPTR.skb) return storeSkbBytes(skb, to, from, bytes, flags, flagsHi);
    if ((flags | flagsHi) !== 0) return -errno.EINVAL;
    if (this.#typeOf(at) === DYNPTR.xdp) return xdp.storeBytes(to, from, bytes);
    memory.u8.copyWithin(this.#address(at, offset, bytes, true), from, from + bytes);
    return 0;
  }

  /** bpf_dynptr_data: the address of a range of memory, or 0. */
  data(at: Ptr, offset: number, bytes: number): Ptr {
    if (this.isNull(at) || !this.#fits(at, offset, bytes) || this.isReadOnly(at)) return 0;
    const type = this.#typeOf(at);
    return type === DYNPTR.local || type === DYNPTR.ringbuf ? this.#address(at, offset, bytes, false) : 0;
  }

  /** bpf_dynptr_slice: the range itself where it lies in one piece, else a copy in `buffer`, where there is one. */
  slice(at: Ptr, offset: number, buffer: Ptr, bytes: number): Ptr {
    if (this.isNull(at) || !this.#fits(at, offset, bytes)) return 0;
    const { skb, xdp, shadow } = this.#machine;
    const from = this.#word(at + off.offset) + offset;
    switch (this.#typeOf(at)) {
      case DYNPTR.skb:
        return from + bytes <= skb.lengthBytes ? skb.data + from : 0;
      case DYNPTR.xdp: {
        const piece = xdp.pieceAt(from, bytes);
        if (piece >= xdp.end && bytes > 0) shadow.mark(piece, bytes, READ_WRITE);
        if (piece !== 0 || buffer === 0) return piece;
        if (from + bytes <= xdp.totalBytes)
          this.#machine.memory.u8.copyWithin(buffer, xdp.data + from, xdp.data + from + bytes);
        return buffer;
      }
      default:
        return this.#address(at, offset, bytes, false);
    }
  }

  sliceToWrite(at: Ptr, offset: number, buffer: Ptr, bytes: number): Ptr {
    return this.isReadOnly(at) ? 0 : this.slice(at, offset, buffer, bytes);
  }

  /** bpf_dynptr_copy */
  copy(to: Ptr, toOffset: number, from: Ptr, fromOffset: number, bytes: number): number {
    const { memory, layout } = this.#machine;
    const source = this.slice(from, fromOffset, 0, bytes);
    const target = this.sliceToWrite(to, toOffset, 0, bytes);
    if (source !== 0 && target !== 0) {
      memory.u8.copyWithin(target, source, source + bytes);
      return 0;
    }
    if (source !== 0) return this.write(to, toOffset, source, bytes, 0, 0);
    if (target !== 0) return this.read(target, bytes, from, fromOffset, 0);
    if (!this.#fits(to, toOffset, bytes) || !this.#fits(from, fromOffset, bytes)) return -errno.E2BIG;
    for (let done = 0; done < bytes; done += CHUNK_BYTES) {
      const some = Math.min(CHUNK_BYTES, bytes - done);
      const failed =
        this.read(layout.dynptrChunk, some, from, fromOffset + done, 0) ||
        this.write(to, toOffset + done, layout.dynptrChunk, some, 0, 0);
      if (failed !== 0) return failed;
    }
    return 0;
  }

  /** bpf_dynptr_memset */
  fill(at: Ptr, offset: number, bytes: number, value: number): number {
    const { memory, layout } = this.#machine;
    if (this.isReadOnly(at)) return -errno.EINVAL;
    const target = this.sliceToWrite(at, offset, 0, bytes);
    if (target !== 0) {
      memory.u8.fill(value, target, target + bytes);
      return 0;
    }
    if (!this.#fits(at, offset, bytes)) return -errno.E2BIG;
    memory.u8.fill(value, layout.dynptrChunk, layout.dynptrChunk + CHUNK_BYTES);
    for (let done = 0; done < bytes; done += CHUNK_BYTES) {
      const failed = this.write(at, offset + done, layout.dynptrChunk, Math.min(CHUNK_BYTES, bytes - done), 0, 0);
      if (failed !== 0) return failed;
    }
    return 0;
  }

  #end: Ptr = 0;

  /** The address of a range of memory. A program that nothing has judged may have written over its dynptr: then a trap. */
  #address(at: Ptr, offset: number, bytes: number, writes: boolean): Ptr {
    const { memory, shadow } = this.#machine;
    const address = this.#word(at + off.data) + this.#word(at + off.offset) + offset;
    if (address + bytes > memory.bytes || !shadow.allows(address, bytes, writes ? READ_WRITE : READ)) {
      raiseTrap(memory, 'memory', address, 0, bytes + (writes ? WRITE_ACCESS : NO_ACCESS));
    }
    this.#end = address + bytes;
    return address;
  }

  #fits(at: Ptr, offset: number, bytes: number): boolean {
    const size = this.sizeOf(at);
    return bytes <= size && offset <= size - bytes;
  }

  #typeOf(at: Ptr): number {
    return (this.#word(at + off.size) >>> TYPE_SHIFT) & 7;
  }

  /** Stack slots of dynptrs are aligned where a verifier has looked; elsewhere they need not be. */
  #word(at: Ptr): number {
    return this.#machine.memory.view.getUint32(at, true);
  }
  #set(at: Ptr, value: number): void {
    this.#machine.memory.view.setUint32(at, value, true);
  }
}
