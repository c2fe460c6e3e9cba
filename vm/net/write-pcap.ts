/**
 * Writes pcap captures, microseconds or nanoseconds, in either byte order, record by record so that they can be
 * streamed. Knows nothing of files.
 */
import { concatBytes, viewOf } from '../bytes.js';
import { MAX_PACKET_BYTES, type Packet } from './packet.js';
import { PCAP_HEADER_BYTES, PCAP_MAGIC_NS, PCAP_MAGIC_US, PCAP_RECORD_BYTES } from './pcap.js';

/** What a writer takes of a packet; a `Packet` is one. `origBytes` is the length of `data` if not given. */
export type PacketToWrite = Pick<Packet, 'data' | 'sec' | 'nsec'> & Partial<Pick<Packet, 'origBytes'>>;

export interface PcapOptions {
  /** Nanosecond file; else microseconds, and the rest of the time is dropped. */
  readonly nanoseconds?: boolean;
  readonly bigEndian?: boolean;
  /** LINKTYPE number; 1 (Ethernet) if not given. */
  readonly linkType?: number;
  readonly snapBytes?: number;
}

/** The 24 bytes at the start of a file. */
export function encodePcapHeader(options: PcapOptions = {}): Uint8Array {
  const little = options.bigEndian !== true;
  const bytes = new Uint8Array(PCAP_HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, options.nanoseconds === true ? PCAP_MAGIC_NS : PCAP_MAGIC_US, little);
  view.setUint16(4, 2, little);
  view.setUint16(6, 4, little);
  view.setUint32(16, options.snapBytes ?? MAX_PACKET_BYTES, little);
  view.setUint32(20, options.linkType ?? 1, little);
  return bytes;
}

/** A packet's record: 16 bytes, then its bytes. `options` are those of the header. */
export function encodePcapRecord(packet: PacketToWrite, options: PcapOptions = {}): Uint8Array {
  const little = options.bigEndian !== true;
  const bytes = new Uint8Array(PCAP_RECORD_BYTES + packet.data.length);
  const view = viewOf(bytes);
  view.setUint32(0, packet.sec, little);
  view.setUint32(4, options.nanoseconds === true ? packet.nsec : Math.floor(packet.nsec / 1000), little);
  view.setUint32(8, packet.data.length, little);
  view.setUint32(12, packet.origBytes ?? packet.data.length, little);
  bytes.set(packet.data, PCAP_RECORD_BYTES);
  return bytes;
}

/** A whole capture in memory. */
export function writePcap(packets: Iterable<PacketToWrite>, options: PcapOptions = {}): Uint8Array {
  const parts = [encodePcapHeader(options)];
  for (const packet of packets) parts.push(encodePcapRecord(packet, options));
  return concatBytes(parts);
}
