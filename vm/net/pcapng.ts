/**
 * The pcapng capture format: blocks in sections, interfaces described in the file, time in units of the interface's
 * choice. Reads section, interface, enhanced, simple and obsolete packet blocks; checks and skips all others.
 * Layout: draft-ietf-opsawg-pcapng. Knows nothing of chunks, of pcap, or of what is in a packet.
 */
import { viewOf } from '../bytes.js';
import { PcapError } from '../errors.js';
import { decodeText } from '../host.js';
import { type CaptureInterface, MAX_PACKET_BYTES } from './packet.js';
import { capBytesError } from './pcap.js';
import { DEFAULT_TICKS, readTicks, type Ticks, ticksFromResolution, type Time } from './pcapng-time.js';
import { blankRecord } from './record-decoder.js';
import type { PacketSink, RecordDecoder } from './record-decoder.js';

export const BLOCK_SECTION = 0x0a0d0d0a;
export const BLOCK_INTERFACE = 1;
const BLOCK_PACKET_OBSOLETE = 2;
export const BLOCK_SIMPLE_PACKET = 3;
export const BLOCK_ENHANCED_PACKET = 6;

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
export const OPT_END = 0;
export const OPT_COMMENT = 1;
export const OPT_IF_NAME = 2;
export const OPT_PACKET_FLAGS = 2;
export const OPT_PACKET_ID = 5;
export const OPT_PACKET_VERDICT = 7;
export const OPT_IF_TSRESOL = 9;
export const OPT_IF_FCSLEN = 13;
export const OPT_IF_TSOFFSET = 14;

/** A block that has to be held whole may be this large; as in libpcap. Skipped blocks may be of any size. */
const MAX_BLOCK_BYTES = 16 * 1024 * 1024;
/** More interfaces than this in one capture are taken for a broken or hostile file. */
const MAX_INTERFACES = 65_536;
/** Type and length at the front, length again at the end. */
const FRAME_BYTES = 12;

const MIN_BYTES: Readonly<Record<number, number>> = {
  [BLOCK_SECTION]: 28,
  [BLOCK_INTERFACE]: 20,
  [BLOCK_PACKET_OBSOLETE]: 32,
  [BLOCK_SIMPLE_PACKET]: 16,
  [BLOCK_ENHANCED_PACKET]: 32,
};

interface InterfaceState {
  readonly description: CaptureInterface;
  readonly ticks: Ticks;
}

type OptionVisitor = (code: number, at: number, bytes: number) => void;

export class PcapngDecoder implements RecordDecoder {
  readonly format = 'pcapng';
  readonly interfaces: CaptureInterface[] = [];
  needBytes = FRAME_BYTES;
  skipBytes = 0;
  #little = false;
  #section = -1;
  /** Interfaces of the current section, by their number in it. */
  #local: InterfaceState[] = [];
  #count = 0;
  readonly #record = blankRecord();
  readonly #time: Time = { sec: 0, nsec: 0 };
  /** A block being skipped over: its trailing length is still to be checked. */
  #skipped: { totalBytes: number; fileOff: number } | undefined;

  get atBoundary(): boolean {
    return this.#section >= 0 && this.#skipped === undefined;
  }

  decode(bytes: Uint8Array, from: number, fileOff: number, out: PacketSink): number {
    const view = viewOf(bytes);
    const bias = fileOff - from;
    let at = from;
    this.skipBytes = 0;
    if (this.#skipped !== undefined) {
      if (bytes.length - at < 4) return 0;
      this.#checkTrailer(view, at, this.#skipped.totalBytes, this.#skipped.fileOff);
      this.#skipped = undefined;
      at += 4;
    }
    for (;;) {
      const rest = bytes.length - at;
      if (rest < FRAME_BYTES) {
        this.needBytes = FRAME_BYTES;
        return at - from;
      }
      // The section block's type reads the same in both byte orders; its byte order comes with it.
      if (view.getUint32(at, true) === BLOCK_SECTION) this.#readByteOrder(view, at, at + bias);
      const type = view.getUint32(at, this.#little);
      const totalBytes = view.getUint32(at + 4, this.#little);
      const known = MIN_BYTES[type];
      if (totalBytes < (known ?? FRAME_BYTES) || totalBytes % 4 !== 0) {
        throw blockLengthError(type, totalBytes, at + bias, 'is impossible for its type');
      }
      if (known !== undefined && totalBytes > MAX_BLOCK_BYTES) {
        throw blockLengthError(type, totalBytes, at + bias, 'is more than skep holds');
      }
      if (rest < totalBytes) {
        if (known !== undefined) {
          this.needBytes = totalBytes;
          return at - from;
        }
        // More than FRAME_BYTES long, as it is not all here: take those, drop the rest up to the trailing length.
        this.#skipped = { totalBytes, fileOff: at + bias };
        this.skipBytes = totalBytes - FRAME_BYTES - 4;
        this.needBytes = 4;
        return at + FRAME_BYTES - from;
      }
      this.#checkTrailer(view, at + totalBytes - 4, totalBytes, at + bias);
      if (known !== undefined) this.#readBlock(type, bytes, view, at, at + totalBytes - 4, at + bias, out);
      at += totalBytes;
    }
  }

  #readBlock(
    type: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    end: number,
    fileOff: number,
    out: PacketSink,
  ): void {
    switch (type) {
      case BLOCK_ENHANCED_PACKET:
        this.#readPacket(bytes, view, at, end, view.getUint32(at + 8, this.#little), fileOff, out);
        return;
      case BLOCK_PACKET_OBSOLETE:
        this.#readPacket(bytes, view, at, end, view.getUint16(at + 8, this.#little), fileOff, out);
        return;
      case BLOCK_SIMPLE_PACKET:
        this.#readSimplePacket(bytes, view, at, end, fileOff, out);
        return;
      case BLOCK_INTERFACE:
        this.#readInterface(bytes, view, at, end, fileOff);
        return;
      default:
        this.#readSection(view, at, fileOff);
    }
  }

  #readByteOrder(view: DataView, at: number, fileOff: number): void {
    const magic = view.getUint32(at + 8, true);
    if (magic === BYTE_ORDER_MAGIC) this.#little = true;
    else if (magic === 0x4d3c2b1a) this.#little = false;
    else {
      throw new PcapError('pcap-magic', 'the section header has no byte-order magic', {
        data: { magic },
        where: { offset: fileOff + 8 },
      });
    }
  }

  #checkTrailer(view: DataView, at: number, totalBytes: number, fileOff: number): void {
    const trailerBytes = view.getUint32(at, this.#little);
    if (trailerBytes === totalBytes) return;
    throw new PcapError(
      'pcap-block',
      `a block says it has ${totalBytes} bytes at its start and ${trailerBytes} at its end`,
      { data: { totalBytes, trailerBytes }, where: { offset: fileOff } },
    );
  }

  #readSection(view: DataView, at: number, fileOff: number): void {
    const major = view.getUint16(at + 12, this.#little);
    const minor = view.getUint16(at + 14, this.#little);
    // Minor 2 is what some writers say for the same format.
    if (major !== 1 || (minor !== 0 && minor !== 2)) {
      throw new PcapError('pcap-version', `pcapng version ${major}.${minor} is not known`, {
        data: { major, minor },
        where: { offset: fileOff + 12 },
      });
    }
    this.#section++;
    this.#local = [];
  }

  #readInterface(bytes: Uint8Array, view: DataView, at: number, end: number, fileOff: number): void {
    if (this.interfaces.length >= MAX_INTERFACES) {
      throw new PcapError('pcap-interface', `more than ${MAX_INTERFACES} interfaces`, {
        data: { interfaces: this.interfaces.length },
        where: { offset: fileOff },
      });
    }
    let name: string | undefined;
    let fcsBytes: number | undefined;
    let resolution: number | undefined;
    let offsetSec = 0n;
    this.#eachOption(view, at + 16, end, fileOff, (code, valueAt, valueBytes) => {
      if (code === OPT_IF_NAME) name = textAt(bytes, valueAt, valueBytes);
      else if (code === OPT_IF_TSRESOL && valueBytes >= 1) resolution = view.getUint8(valueAt);
      else if (code === OPT_IF_FCSLEN && valueBytes >= 1) fcsBytes = view.getUint8(valueAt);
      else if (code === OPT_IF_TSOFFSET && valueBytes >= 8) offsetSec = view.getBigInt64(valueAt, this.#little);
    });
    const offset = Number(offsetSec);
    if (!Number.isSafeInteger(offset)) {
      throw new PcapError('pcap-interface', `a time offset of ${offsetSec} s is no time`, {
        data: { offsetSec },
        where: { offset: fileOff },
      });
    }
    const description: CaptureInterface = {
      id: this.interfaces.length,
      linkType: view.getUint16(at + 8, this.#little),
      snapBytes: view.getUint32(at + 12, this.#little),
      fcsBytes,
      name,
      section: this.#section,
    };
    this.interfaces.push(description);
    const ticks =
      resolution === undefined && offset === 0 ? DEFAULT_TICKS : ticksFromResolution(resolution ?? 6, offset);
    this.#local.push({ description, ticks });
  }

  /** Enhanced and obsolete packet blocks differ only in how they say the interface. */
  #readPacket(
    bytes: Uint8Array,
    view: DataView,
    at: number,
    end: number,
    interfaceNumber: number,
    fileOff: number,
    out: PacketSink,
  ): void {
    const little = this.#little;
    const { description, ticks } = this.#interfaceOf(interfaceNumber, fileOff);
    const capBytes = view.getUint32(at + 20, little);
    if (capBytes > MAX_PACKET_BYTES) throw capBytesError(capBytes, fileOff);
    const dataAt = at + 28;
    const dataEnd = dataAt + capBytes;
    if (dataEnd > end) {
      throw new PcapError('pcap-length', `a packet of ${capBytes} bytes does not fit its block`, {
        data: { capBytes, roomBytes: end - dataAt },
        where: { offset: fileOff },
      });
    }
    readTicks(ticks, view.getUint32(at + 12, little), view.getUint32(at + 16, little), this.#time);
    const optionsAt = dataAt + ((capBytes + 3) & ~3);
    const record = this.#record;
    record.bytes = bytes;
    record.at = dataAt;
    record.capBytes = capBytes;
    record.origBytes = view.getUint32(at + 24, little);
    record.sec = this.#time.sec;
    record.nsec = this.#time.nsec;
    record.linkType = description.linkType;
    record.interfaceId = description.id;
    record.index = this.#count;
    record.fileOff = fileOff;
    record.comment = optionsAt < end ? this.#readComment(bytes, view, optionsAt, end, fileOff) : undefined;
    this.#count++;
    out.add(record);
  }

  #readSimplePacket(
    bytes: Uint8Array,
    view: DataView,
    at: number,
    end: number,
    fileOff: number,
    out: PacketSink,
  ): void {
    const { description } = this.#interfaceOf(0, fileOff);
    const origBytes = view.getUint32(at + 8, this.#little);
    const dataAt = at + 12;
    // The block does not say how much was captured: it is the whole packet or the snap length.
    const capBytes = description.snapBytes === 0 ? origBytes : Math.min(origBytes, description.snapBytes);
    if (capBytes > MAX_PACKET_BYTES) throw capBytesError(capBytes, fileOff);
    if (dataAt + capBytes > end) {
      throw new PcapError('pcap-length', `a packet of ${capBytes} bytes does not fit its block`, {
        data: { capBytes, roomBytes: end - dataAt },
        where: { offset: fileOff },
      });
    }
    const record = this.#record;
    record.bytes = bytes;
    record.at = dataAt;
    record.capBytes = capBytes;
    record.origBytes = origBytes;
    record.sec = 0;
    record.nsec = 0;
    record.linkType = description.linkType;
    record.interfaceId = description.id;
    record.index = this.#count++;
    record.fileOff = fileOff;
    record.comment = undefined;
    out.add(record);
  }

  #interfaceOf(interfaceNumber: number, fileOff: number): InterfaceState {
    const state = this.#local[interfaceNumber];
    if (state !== undefined) return state;
    throw new PcapError('pcap-interface', `a packet names interface ${interfaceNumber}, which is not described`, {
      data: { interfaceNumber, known: this.#local.length },
      where: { offset: fileOff },
    });
  }

  #readComment(bytes: Uint8Array, view: DataView, at: number, end: number, fileOff: number): string | undefined {
    let comment: string | undefined;
    this.#eachOption(view, at, end, fileOff, (code, valueAt, valueBytes) => {
      if (code !== OPT_COMMENT) return;
      const text = textAt(bytes, valueAt, valueBytes);
      comment = comment === undefined ? text : `${comment}\n${text}`;
    });
    return comment;
  }

  #eachOption(view: DataView, from: number, end: number, fileOff: number, visit: OptionVisitor): void {
    let at = from;
    while (end - at >= 4) {
      const code = view.getUint16(at, this.#little);
      const valueBytes = view.getUint16(at + 2, this.#little);
      if (code === OPT_END) return;
      const valueAt = at + 4;
      if (valueAt + valueBytes > end) {
        throw new PcapError('pcap-block', `an option of ${valueBytes} bytes runs over the end of its block`, {
          data: { code, valueBytes, roomBytes: end - valueAt },
          where: { offset: fileOff },
        });
      }
      visit(code, valueAt, valueBytes);
      at = valueAt + ((valueBytes + 3) & ~3);
    }
  }
}

function textAt(bytes: Uint8Array, at: number, textBytes: number): string {
  return decodeText(bytes.subarray(at, at + textBytes));
}

function blockLengthError(type: number, totalBytes: number, offset: number, why: string): PcapError {
  return new PcapError('pcap-length', `the length of a block (type ${type}, ${totalBytes} bytes) ${why}`, {
    data: { type, totalBytes },
    where: { offset },
  });
}
