/**
 * Packets of a capture that wait for their turn in linear memory. A window of the capture is copied there as a whole, so a
 * packet costs no copy and no allocation before the ring's. Knows no program.
 */
import type { Ptr } from '../addr.js';
import { LINKTYPE_ETHERNET, ethernetFrameOf } from '../net/link-types.js';
import { packetOf } from '../net/record-decoder.js';
import type { PacketRecord } from '../net/record-decoder.js';
import type { Layout } from './layout.js';
import type { Machine } from './machine.js';

const MAX_PACKETS = 8192;

export class PacketBatch {
  /** How many wait. */
  count = 0;
  /** By place in the batch: where the packet's Ethernet frame lies, its bytes, time, interface, number in the capture. */
  readonly at = new Uint32Array(MAX_PACKETS);
  readonly bytes = new Uint32Array(MAX_PACKETS);
  readonly sec = new Float64Array(MAX_PACKETS);
  readonly nsec = new Uint32Array(MAX_PACKETS);
  readonly interfaceId = new Uint32Array(MAX_PACKETS);
  readonly index = new Float64Array(MAX_PACKETS);
  readonly #u8: Uint8Array;
  readonly #room: Layout['waiting'];
  #usedBytes = 0;
  /** The window that lies in memory from `#copyAt` on, but for its first `#copyFrom` bytes. */
  #window: Uint8Array | undefined;
  #copyAt: Ptr = 0;
  #copyFrom = 0;

  /** Undefined where the machine has no room for packets that wait. */
  static of({ layout, memory }: Machine): PacketBatch | undefined {
    return layout.waiting.bytes === 0 ? undefined : new PacketBatch(memory.u8, layout.waiting);
  }

  private constructor(u8: Uint8Array, room: Layout['waiting']) {
    this.#u8 = u8;
    this.#room = room;
  }

  /**
   * Adds a packet; false where the batch is full and must be run and cleared first. An empty one takes any packet.
   * @throws PcapError `pcap-linktype` where its link is not Ethernet and cannot be made to look so
   */
  add(record: PacketRecord): boolean {
    if (this.count === MAX_PACKETS) return false;
    let { capBytes } = record;
    let at: Ptr;
    if (record.linkType === LINKTYPE_ETHERNET) {
      if (record.bytes !== this.#window && !this.#copyWindow(record)) return false;
      at = this.#copyAt + record.at - this.#copyFrom;
    } else {
      const frame = ethernetFrameOf(packetOf(record));
      if (!this.#copy(frame)) return false;
      capBytes = frame.length;
      at = this.#copyAt;
      this.#window = undefined;
    }
    const { count } = this;
    this.at[count] = at;
    this.bytes[count] = capBytes;
    this.sec[count] = record.sec;
    this.nsec[count] = record.nsec;
    this.interfaceId[count] = record.interfaceId;
    this.index[count] = record.index;
    this.count = count + 1;
    return true;
  }

  /** Forgets all packets. */
  clear(): void {
    this.count = 0;
    this.#usedBytes = 0;
    this.#window = undefined;
  }

  /** The rest of the record's window, or, where that is too much for an empty batch, the packet. */
  #copyWindow({ bytes, at, capBytes }: PacketRecord): boolean {
    if (this.#copy(bytes.subarray(at))) {
      this.#window = bytes;
      this.#copyFrom = at;
      return true;
    }
    if (this.count > 0 || !this.#copy(bytes.subarray(at, at + capBytes))) return false;
    this.#window = undefined;
    this.#copyFrom = at;
    return true;
  }

  #copy(bytes: Uint8Array): boolean {
    if (bytes.length > this.#room.bytes - this.#usedBytes) return false;
    this.#copyAt = this.#room.base + this.#usedBytes;
    this.#u8.set(bytes, this.#copyAt);
    this.#usedBytes += bytes.length;
    return true;
  }
}
