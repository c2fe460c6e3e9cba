/**
 * The seam between the chunked reader and a file format: a decoder is shown a window of bytes, takes the whole records from
 * it and hands each packet to a sink, allocating nothing. Knows neither format, nor where chunks come from.
 */
import type { CaptureInterface, Packet } from './packet.js';

/** A packet that a decoder has found: the fields of `Packet`, its bytes still in their window. The decoder writes the next one over it. */
export interface PacketRecord extends Omit<{ -readonly [field in keyof Packet]: Packet[field] }, 'data'> {
  /** The window, and where in it the packet lies. */
  bytes: Uint8Array;
  at: number;
  capBytes: number;
}

export interface PacketSink {
  /** Takes what it wants of a packet; the record is only good for this call. */
  add(record: PacketRecord): void;
}

/** For a decoder to write to. */
export function blankRecord(): PacketRecord {
  return {
    bytes: new Uint8Array(0),
    at: 0,
    capBytes: 0,
    origBytes: 0,
    sec: 0,
    nsec: 0,
    linkType: 0,
    interfaceId: 0,
    index: 0,
    fileOff: 0,
    comment: undefined,
  };
}

/** The record as a packet of its own, whose bytes are a view of the window. */
export function packetOf(record: PacketRecord): Packet {
  const { bytes, at, capBytes, origBytes, sec, nsec, linkType, interfaceId, index, fileOff, comment } = record;
  const data = bytes.subarray(at, at + capBytes);
  return { data, origBytes, sec, nsec, linkType, interfaceId, index, fileOff, comment };
}

export interface RecordDecoder {
  readonly format: 'pcap' | 'pcapng';
  readonly interfaces: readonly CaptureInterface[];
  /** After `decode`: the fewest bytes, counted from where it stopped, with which it gets further: up to the end of one header or record. */
  readonly needBytes: number;
  /** After `decode`: bytes following those taken that are of no interest; the reader drops them unseen. */
  readonly skipBytes: number;
  /** Whether the capture may end after the bytes taken so far. */
  readonly atBoundary: boolean;
  /**
   * Takes whole records from `bytes`, from `from` on, and gives their packets to `out`. `fileOff` is the stream's offset of
   * `bytes[from]`. Returns how many bytes were taken.
   * @throws PcapError at the first broken record; `out` has the packets before it.
   */
  decode(bytes: Uint8Array, from: number, fileOff: number, out: PacketSink): number;
}
