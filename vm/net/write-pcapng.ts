/**
 * Writes pcapng captures block by block: section, interface and enhanced packet blocks with options; time in
 * nanoseconds. Knows nothing of files or programs.
 */
import { concatBytes, viewOf } from '../bytes.js';
import { encodeText } from '../host.js';
import {
  BLOCK_ENHANCED_PACKET,
  BLOCK_INTERFACE,
  BLOCK_SECTION,
  BYTE_ORDER_MAGIC,
  OPT_COMMENT,
  OPT_END,
  OPT_IF_NAME,
  OPT_IF_TSRESOL,
  OPT_PACKET_FLAGS,
  OPT_PACKET_ID,
  OPT_PACKET_VERDICT,
} from './pcapng.js';
import { timestampNs } from './packet.js';
import { type PacketToWrite } from './write-pcap.js';

/** A raw option: its value is padded on writing. At most 65,535 bytes. */
export interface PcapngOption {
  readonly code: number;
  readonly value: Uint8Array;
}

export interface PcapngInterface {
  readonly linkType: number;
  readonly name?: string;
  readonly snapBytes?: number;
}

export interface PcapngPacket extends PacketToWrite {
  /** Number of the interface in the section; 0 if not given. */
  readonly interfaceId?: number;
  readonly comment?: string | undefined;
  readonly options?: readonly PcapngOption[];
}

/** Starts a section; blocks after it must be of the same byte order. */
export function encodeSectionBlock(bigEndian = false): Uint8Array {
  const body = new Uint8Array(16).fill(0xff, 8);
  const view = viewOf(body);
  view.setUint32(0, BYTE_ORDER_MAGIC, !bigEndian);
  view.setUint16(4, 1, !bigEndian);
  return encodeBlock(BLOCK_SECTION, [body], bigEndian);
}

/** Describes the section's next interface; its packets count nanoseconds. */
export function encodeInterfaceBlock(description: PcapngInterface, bigEndian = false): Uint8Array {
  const body = new Uint8Array(8);
  const view = viewOf(body);
  view.setUint16(0, description.linkType, !bigEndian);
  view.setUint32(4, description.snapBytes ?? 0, !bigEndian);
  const options: PcapngOption[] = [{ code: OPT_IF_TSRESOL, value: Uint8Array.of(9) }];
  if (description.name !== undefined) options.unshift({ code: OPT_IF_NAME, value: encodeText(description.name) });
  return encodeBlock(BLOCK_INTERFACE, [body, encodeOptions(options, bigEndian)], bigEndian);
}

/** One packet with its options. */
export function encodePacketBlock(packet: PcapngPacket, bigEndian = false): Uint8Array {
  const little = !bigEndian;
  const dataBytes = packet.data.length;
  const body = new Uint8Array(20 + ((dataBytes + 3) & ~3));
  const view = viewOf(body);
  const ns = timestampNs(packet);
  view.setUint32(0, packet.interfaceId ?? 0, little);
  view.setUint32(4, Number(ns >> 32n), little);
  view.setUint32(8, Number(ns & 0xffff_ffffn), little);
  view.setUint32(12, dataBytes, little);
  view.setUint32(16, packet.origBytes ?? dataBytes, little);
  body.set(packet.data, 20);
  const options = [...(packet.options ?? [])];
  if (packet.comment !== undefined) options.unshift({ code: OPT_COMMENT, value: encodeText(packet.comment) });
  return encodeBlock(BLOCK_ENHANCED_PACKET, [body, encodeOptions(options, bigEndian)], bigEndian);
}

/** epb_flags with the direction alone. */
export function directionOption(direction: 'in' | 'out', bigEndian = false): PcapngOption {
  const value = new Uint8Array(4);
  viewOf(value).setUint32(0, direction === 'in' ? 1 : 2, !bigEndian);
  return { code: OPT_PACKET_FLAGS, value };
}

/** epb_packetid: says that packets, also of different interfaces, are the same one. */
export function packetIdOption(id: bigint, bigEndian = false): PcapngOption {
  const value = new Uint8Array(8);
  viewOf(value).setBigUint64(0, id, !bigEndian);
  return { code: OPT_PACKET_ID, value };
}

/** epb_verdict: what a program at the TC or XDP hook returned, sign-extended to 64 bits. */
export function verdictOption(hook: 'tc' | 'xdp', verdict: number, bigEndian = false): PcapngOption {
  const value = new Uint8Array(9);
  value[0] = hook === 'tc' ? 1 : 2;
  viewOf(value).setBigInt64(1, BigInt(verdict), !bigEndian);
  return { code: OPT_PACKET_VERDICT, value };
}

/** A whole capture of one section in memory. */
export function writePcapng(
  interfaces: readonly PcapngInterface[],
  packets: Iterable<PcapngPacket>,
  bigEndian = false,
): Uint8Array {
  const parts = [encodeSectionBlock(bigEndian)];
  for (const description of interfaces) parts.push(encodeInterfaceBlock(description, bigEndian));
  for (const packet of packets) parts.push(encodePacketBlock(packet, bigEndian));
  return concatBytes(parts);
}

/** Any block: adds type and both lengths. The parts together must be a multiple of four bytes long. */
export function encodeBlock(type: number, parts: readonly Uint8Array[], bigEndian = false): Uint8Array {
  const totalBytes = parts.reduce((sum, part) => sum + part.length, 12);
  const head = new Uint8Array(8);
  viewOf(head).setUint32(0, type, !bigEndian);
  viewOf(head).setUint32(4, totalBytes, !bigEndian);
  return concatBytes([head, ...parts, head.subarray(4)]);
}

/** Options with padding and end mark; nothing if there are none. */
export function encodeOptions(options: readonly PcapngOption[], bigEndian = false): Uint8Array {
  if (options.length === 0) return new Uint8Array(0);
  return concatBytes(
    [...options, { code: OPT_END, value: new Uint8Array(0) }].map(({ code, value }) => {
      const bytes = new Uint8Array(4 + ((value.length + 3) & ~3));
      viewOf(bytes).setUint16(0, code, !bigEndian);
      viewOf(bytes).setUint16(2, value.length, !bigEndian);
      bytes.set(value, 4);
      return bytes;
    }),
  );
}
