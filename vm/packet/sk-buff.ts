/**
 * The packet of a socket buffer program: an sk_buff's bounds, headers and metadata in cells, its bytes in the ring, and
 * `sync()`, which shows them in struct __sk_buff. All bytes are linear. Fields of the ctx that a program stores to live in
 * the ctx alone. Knows no helper: those are built from the few moves here.
 */
import type { Ptr } from '../addr.js';
import { concatBytes, viewOf } from '../bytes.js';
import { cells } from '../memory/cells.js';
import { NO_ACCESS, READ_WRITE } from '../memory/shadow.js';
import { CTX_LAYOUTS } from '../spec/ctx.js';
import { ETH_HEADER_BYTES, etherProtocol } from './ether-type.js';
import { flowHash } from './flow-hash.js';
import { PacketBuff } from './packet-buff.js';

/**
 * Room in front of a packet that was placed anew. What a program can do never depends on it; but one that looks at the low
 * byte of a packet's address sees the kernel's: 64 (NET_SKB_PAD).
 */
const HEADROOM_BYTES = 256 + 64;
/** Room in front of a packet of BPF_PROG_TEST_RUN (NET_SKB_PAD). */
const TEST_HEADROOM_BYTES = 64;
/** Longest socket buffer that a helper makes (BPF_SKB_MAX_LEN on 4 KiB pages). */
export const SKB_MAX_BYTES = 16064;

/** ip_summed. */
export const CHECKSUM_NONE = 0;
export const CHECKSUM_UNNECESSARY = 1;
export const CHECKSUM_COMPLETE = 2;

/** What a large buffer's segments are (gso_type): nobody said, TCP, or UDP datagrams (SKB_GSO_UDP_L4). */
export const GSO_OTHER = 0;
export const GSO_TCP = 1;
export const GSO_UDP = 2;

/** pkt_type. */
const PACKET_MULTICAST = 2;
export const PACKET_OTHERHOST = 3;

/** Where struct __sk_buff has what this file writes. */
export const ctxOff = {
  len: 0,
  pktType: 4,
  mark: 8,
  queueMapping: 12,
  protocol: 16,
  vlanPresent: 20,
  vlanTci: 24,
  vlanProto: 28,
  priority: 32,
  ingressIfindex: 36,
  ifindex: 40,
  tcIndex: 44,
  cb: 48,
  hash: 68,
  tcClassid: 72,
  data: 76,
  dataEnd: 80,
  dataMeta: 140,
  tstamp: 152,
  wireLen: 160,
  gsoSegs: 164,
  gsoSize: 176,
  tstampType: 180,
  hwtstamp: 184,
} as const;

export class SkBuff extends PacketBuff {
  /** Where the data of a frame begin for the program; the machine sets it when it enters a hook. */
  begins: 'mac' | 'network' | 'payload' = 'mac';

  get maxBytes(): number {
    return this.ring.slotBytes - HEADROOM_BYTES;
  }

  protected override makeRoom(bytes: number): Ptr {
    this.mustFit(bytes);
    this.forget();
    return this.nextSlot() + HEADROOM_BYTES;
  }

  /** As a frame that came in on a device: the MAC header is parsed, and the program may see it again (eth_type_trans, push). */
  protected override arrive(bytes: number, ifindex: number): void {
    const { memory, ctx, slot: start } = this;
    const data = start + HEADROOM_BYTES;
    this.place(start, data, data, data + bytes, start + this.ring.slotBytes);
    this.shadow.mark(data, bytes, READ_WRITE);
    memory.u8.fill(0, ctx, ctx + CTX_LAYOUTS.__sk_buff.bytes);
    memory.setWord(cells.skbMac, data);
    memory.setWord(cells.skbNetwork, data + ETH_HEADER_BYTES);
    // As the stack leaves it where nobody has looked at what is behind the network header.
    memory.setWord(cells.skbTransport, data + ETH_HEADER_BYTES);
    memory.setWord(cells.skbProtocol, bytes < ETH_HEADER_BYTES ? 0 : etherProtocol(memory, data + 12, data + bytes));
    memory.setWord(cells.skbVlanProto, 0);
    memory.setWord(cells.skbVlanTci, 0);
    memory.setWord(cells.skbType, this.#typeOf(data));
    memory.setWord(cells.skbHash, 0);
    memory.setWord(cells.skbHasHash, 0);
    memory.setWord(cells.skbSummed, CHECKSUM_NONE);
    memory.setWord(cells.skbCsumLevel, 0);
    memory.setWord(cells.skbCsum, 0);
    memory.setWord(cells.skbEncapsulated, 0);
    memory.setWord(cells.tunnelMode, 0);
    memory.setWord(cells.packetFragments, 0);
    memory.setWord(cells.skbGsoType, GSO_OTHER);
    memory.setWord(ctx + ctxOff.ifindex, ifindex);
    memory.setWord(ctx + ctxOff.ingressIfindex, ifindex);
    memory.setWord(ctx + ctxOff.wireLen, bytes);
    if (this.begins === 'network') this.#hideMac();
    if (this.begins === 'payload') this.#clearHeaders();
    this.sync();
  }

  override frame(): Uint8Array {
    if (this.begins !== 'network') return this.bytes();
    const header = this.memory.read(cells.skbHiddenMac, ETH_HEADER_BYTES);
    viewOf(header).setUint16(ETH_HEADER_BYTES - 2, this.protocol, true);
    return concatBytes([header, this.bytes()]);
  }

  /** The data begin behind the Ethernet header. */
  #hideMac(): void {
    const { memory, data } = this;
    const bytes = Math.min(ETH_HEADER_BYTES, this.lengthBytes);
    memory.u8.fill(0, cells.skbHiddenMac, cells.skbHiddenMac + ETH_HEADER_BYTES);
    memory.u8.copyWithin(cells.skbHiddenMac, data, data + bytes);
    this.shadow.mark(data, bytes, NO_ACCESS);
    this.pull(bytes);
  }

  /** There is no frame: the data are what the headers have been taken from. */
  #clearHeaders(): void {
    const { memory } = this;
    for (const header of [cells.skbMac, cells.skbNetwork, cells.skbTransport] as const)
      memory.setWord(header, this.data);
    memory.setWord(cells.skbProtocol, 0);
    memory.setWord(cells.skbType, 0);
  }

  sync(): void {
    const { memory, ctx } = this;
    const tci = memory.word(cells.skbVlanTci);
    const vlanProto = memory.word(cells.skbVlanProto);
    memory.setWord(ctx + ctxOff.len, this.lengthBytes);
    memory.setWord(ctx + ctxOff.pktType, memory.word(cells.skbType));
    memory.setWord(ctx + ctxOff.protocol, this.protocol);
    memory.setWord(ctx + ctxOff.vlanPresent, (tci | vlanProto) === 0 ? 0 : 1);
    memory.setWord(ctx + ctxOff.vlanTci, tci);
    memory.setWord(ctx + ctxOff.vlanProto, vlanProto);
    memory.setWord(ctx + ctxOff.hash, memory.word(cells.skbHash));
    memory.setWord(ctx + ctxOff.data, this.data);
    memory.setWord(ctx + ctxOff.dataEnd, this.end);
    memory.setWord(ctx + ctxOff.dataMeta, this.meta);
  }

  /** Network order, as the ctx shows it. */
  get protocol(): number {
    return this.memory.word(cells.skbProtocol);
  }
  set protocol(value: number) {
    this.memory.setWord(cells.skbProtocol, value);
  }

  /** From `data`; negative where the data begins behind it. */
  get networkOff(): number {
    return this.memory.word(cells.skbNetwork) - this.data;
  }
  get macHeaderBytes(): number {
    return this.memory.word(cells.skbNetwork) - this.memory.word(cells.skbMac);
  }

  get isGso(): boolean {
    return this.field(ctxOff.gsoSize) !== 0;
  }

  get gsoType(): number {
    return this.memory.word(cells.skbGsoType);
  }

  /** Bytes of a segment from the network header on (skb_gso_network_seglen). */
  get segmentBytes(): number {
    const { memory } = this;
    const transport = memory.word(cells.skbTransport);
    // An offset of all ones where it was never set.
    const headerBytes =
      transport === 0 ? 0xffff - this.networkOff - TEST_HEADROOM_BYTES : transport - this.networkStart;
    const own =
      this.gsoType === GSO_TCP ? 4 * (memory.view.getUint8(transport + 12) >> 4) : 8 * +(this.gsoType === GSO_UDP);
    return headerBytes + own + this.field(ctxOff.gsoSize);
  }

  /** A 4-byte field of the ctx. */
  field(off: number): number {
    return this.memory.word(this.ctx + off);
  }
  setField(off: number, value: number): void {
    this.memory.setWord(this.ctx + off, value);
  }

  /** Makes room for `bytes` in front of the data; they are 0. False where the packet would not fit any more. */
  push(bytes: number): boolean {
    if (this.data - bytes < this.start && !this.#relocate(bytes, 0)) return false;
    const data = this.data - bytes;
    this.memory.u8.fill(0, data, this.data);
    this.#setData(data);
    return true;
  }

  /** Drops bytes in front. */
  pull(bytes: number): void {
    this.#setData(this.data + bytes);
  }

  /** Moves the end; bytes gained are 0. False where the packet would not fit any more. */
  resize(bytes: number): boolean {
    const more = bytes - this.lengthBytes;
    if (more > 0) {
      if (this.end + more > this.start + this.ring.slotBytes && !this.#relocate(0, more)) return false;
      this.memory.u8.fill(0, this.end, this.end + more);
    }
    this.memory.setWord(cells.packetEnd, this.data + bytes);
    return true;
  }

  /** Ends a helper that may have moved the packet: where access is checked it gets a fresh slot, so that stale pointers are caught. */
  settle(): void {
    const { memory, ctx, shadow } = this;
    if (shadow.delta !== 0) {
      // The ctx still says where the program was let.
      const from = memory.word(ctx + ctxOff.dataMeta);
      shadow.mark(from, memory.word(ctx + ctxOff.dataEnd) - from, NO_ACCESS);
      this.#relocate(0, 0);
      shadow.mark(this.data, this.lengthBytes, READ_WRITE);
    }
    this.sync();
  }

  /** The flow's hash, computed where it is not known (skb_get_hash). */
  hash(): number {
    const { memory } = this;
    if (memory.word(cells.skbHasHash) === 0) this.setHash(flowHash(memory, this.protocol, this.networkStart, this.end));
    return memory.word(cells.skbHash) | 0;
  }

  setHash(hash: number): void {
    this.memory.setWord(cells.skbHash, hash);
    this.memory.setWord(cells.skbHasHash, 1);
    this.sync();
  }

  clearHash(): void {
    this.memory.setWord(cells.skbHash, 0);
    this.memory.setWord(cells.skbHasHash, 0);
    this.sync();
  }

  get networkStart(): Ptr {
    return this.memory.word(cells.skbNetwork);
  }

  /** Puts the packet into the next slot with room on both sides; false, and nothing moves, where it is too long for one. */
  #relocate(headBytes: number, tailBytes: number): boolean {
    const { memory } = this;
    const bytes = this.lengthBytes;
    const { slotBytes } = this.ring;
    const spare = slotBytes - headBytes - bytes - tailBytes;
    if (spare < 0) return false;
    const from = this.data;
    const start = this.nextSlot();
    const data = start + headBytes + Math.min(HEADROOM_BYTES, spare);
    // A MAC header that the program does not see stays in front.
    const lead = this.begins === 'network' ? Math.max(0, Math.min(from - memory.word(cells.skbMac), data - start)) : 0;
    memory.u8.copyWithin(data - lead, from - lead, from + bytes);
    for (const header of [cells.skbMac, cells.skbNetwork, cells.skbTransport] as const) {
      const at = memory.word(header);
      if (at !== 0) memory.setWord(header, at + data - from);
    }
    this.place(start, data, data, data + bytes, start + slotBytes);
    return true;
  }

  #setData(data: Ptr): void {
    this.memory.setWord(cells.packetData, data);
    this.memory.setWord(cells.packetMeta, data);
  }

  /** Whom the frame is for, as a device without addresses sees it (lo in BPF_PROG_TEST_RUN): no address is its broadcast. */
  #typeOf(data: Ptr): number {
    const { view } = this.memory;
    if (this.end - data < 6) return 0;
    const first = view.getUint32(data, true);
    const rest = view.getUint16(data + 4, true);
    if (first === 0 && rest === 0) return 0;
    if ((first & 1) === 0) return PACKET_OTHERHOST;
    return PACKET_MULTICAST;
  }
}
