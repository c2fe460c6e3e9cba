/**
 * The seam between the chunked reader and a file format: a decoder is shown a window of bytes and takes the whole
 * records from it. Knows neither format, nor where chunks come from.
 */
import { type CaptureInterface, type Packet } from './packet.js';

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
   * Takes whole records from `bytes`, from `from` on, and appends their packets to `out`. `fileOff` is the stream's
   * offset of `bytes[from]`. Returns how many bytes were taken.
   * @throws PcapError at the first broken record; the packets before it are in `out`.
   */
  decode(bytes: Uint8Array, from: number, fileOff: number, out: Packet[]): number;
}
