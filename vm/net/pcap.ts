/**
 * The classic capture format (libpcap savefile): a 24-byte header, then records. Microsecond and nanosecond files in
 * both byte orders, versions 2.0 to 2.4. Layout: draft-ietf-opsawg-pcap and pcap-savefile(5).
 * Knows nothing of chunks, of pcapng, or of what is in a packet.
 */
import { viewOf } from '../bytes.js';
import { PcapError } from '../errors.js';
import { type CaptureInterface, MAX_PACKET_BYTES } from './packet.js';
import { blankRecord } from './record-decoder.js';
import type { PacketSink, RecordDecoder } from './record-decoder.js';

export const PCAP_HEADER_BYTES = 24;
export const PCAP_RECORD_BYTES = 16;

/** Magic numbers as read in the file's own byte order. */
export const PCAP_MAGIC_US = 0xa1b2c3d4;
export const PCAP_MAGIC_NS = 0xa1b23c4d;

/** How a file says its byte order and time unit; undefined if the first four bytes are no pcap magic. */
export function sniffPcap(magicBigEndian: number): { little: boolean; nanoseconds: boolean } | undefined {
  switch (magicBigEndian) {
    case 0xa1b2c3d4:
      return { little: false, nanoseconds: false };
    case 0xd4c3b2a1:
      return { little: true, nanoseconds: false };
    case 0xa1b23c4d:
      return { little: false, nanoseconds: true };
    case 0x4d3cb2a1:
      return { little: true, nanoseconds: true };
    default:
      return undefined;
  }
}

export class PcapDecoder implements RecordDecoder {
  readonly format = 'pcap';
  readonly interfaces: CaptureInterface[] = [];
  needBytes = PCAP_HEADER_BYTES;
  readonly skipBytes = 0;
  readonly #little: boolean;
  readonly #nsPerTick: number;
  readonly #ticksPerSec: number;
  #minor = 4;
  #linkType = 0;
  #count = 0;
  readonly #record = blankRecord();

  constructor(little: boolean, nanoseconds: boolean) {
    this.#little = little;
    this.#nsPerTick = nanoseconds ? 1 : 1000;
    this.#ticksPerSec = nanoseconds ? 1_000_000_000 : 1_000_000;
  }

  get atBoundary(): boolean {
    return this.interfaces.length > 0;
  }

  decode(bytes: Uint8Array, from: number, fileOff: number, out: PacketSink): number {
    const view = viewOf(bytes);
    let at = from;
    if (this.interfaces.length === 0) {
      if (bytes.length - at < PCAP_HEADER_BYTES) return 0;
      this.#readHeader(view, at, fileOff);
      at += PCAP_HEADER_BYTES;
    }
    const little = this.#little;
    const nsPerTick = this.#nsPerTick;
    const ticksPerSec = this.#ticksPerSec;
    const linkType = this.#linkType;
    const bias = fileOff - from;
    const record = this.#record;
    record.bytes = bytes;
    record.linkType = linkType;
    for (;;) {
      const rest = bytes.length - at;
      if (rest < PCAP_RECORD_BYTES) {
        this.needBytes = PCAP_RECORD_BYTES;
        return at - from;
      }
      let capBytes = view.getUint32(at + 8, little);
      let origBytes = view.getUint32(at + 12, little);
      if (this.#minor < 4 && (this.#minor < 3 || capBytes > origBytes)) {
        [capBytes, origBytes] = [origBytes, capBytes];
      }
      if (capBytes > MAX_PACKET_BYTES) throw capBytesError(capBytes, at + bias);
      const recordBytes = PCAP_RECORD_BYTES + capBytes;
      if (rest < recordBytes) {
        this.needBytes = recordBytes;
        return at - from;
      }
      let sec = view.getUint32(at, little);
      let ticks = view.getUint32(at + 4, little);
      if (ticks >= ticksPerSec) {
        sec += Math.floor(ticks / ticksPerSec);
        ticks %= ticksPerSec;
      }
      record.at = at + PCAP_RECORD_BYTES;
      record.capBytes = capBytes;
      record.origBytes = origBytes;
      record.sec = sec;
      record.nsec = ticks * nsPerTick;
      record.index = this.#count++;
      record.fileOff = at + bias;
      out.add(record);
      at += recordBytes;
    }
  }

  #readHeader(view: DataView, at: number, fileOff: number): void {
    const little = this.#little;
    const major = view.getUint16(at + 4, little);
    const minor = view.getUint16(at + 6, little);
    if (major !== 2 || minor > 4) {
      throw new PcapError('pcap-version', `pcap version ${major}.${minor} is not known`, {
        data: { major, minor },
        where: { offset: fileOff + 4 },
        hint: 'versions 2.0 to 2.4 are; convert others with editcap',
      });
    }
    const snapBytes = view.getUint32(at + 16, little);
    const network = view.getUint32(at + 20, little);
    this.#minor = minor;
    // Bits 28-31: frame check sequence in 16-bit units, if bit 26 says so.
    this.#linkType = network & 0x03ff_ffff;
    this.interfaces.push({
      id: 0,
      linkType: this.#linkType,
      // libpcap reads 0 and what does not fit an int as "no limit".
      snapBytes: snapBytes > 0x7fff_ffff ? 0 : snapBytes,
      fcsBytes: (network & 0x0400_0000) !== 0 ? (network >>> 28) * 2 : undefined,
      name: undefined,
      section: 0,
    });
  }
}

/** A captured length that no capture tool writes: the record header is broken. */
export function capBytesError(capBytes: number, offset: number): PcapError {
  return new PcapError('pcap-length', `a packet of ${capBytes} bytes is larger than any capture holds`, {
    data: { capBytes, maxBytes: MAX_PACKET_BYTES },
    where: { offset },
    hint: 'the file is broken here; the packets before this offset are good',
  });
}
