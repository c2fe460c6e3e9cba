/**
 * Turns the event stream of the npm package `pcap-parser` into our packets, for people who have one. Takes its shape,
 * not the package. Its limits stay: microsecond pcap only, and a file that is cut off ends without an error.
 */
import { PcapError } from '../errors.js';
import { type Packet } from './packet.js';
import { PCAP_HEADER_BYTES, PCAP_RECORD_BYTES } from './pcap.js';

/** A packet as `pcap-parser` tells it. */
export interface PcapParserPacket {
  readonly header: {
    readonly timestampSeconds: number;
    readonly timestampMicroseconds: number;
    readonly originalLength: number;
  };
  readonly data: Uint8Array;
}

/** What is used of a parser. With `stream` it is paused while packets wait to be taken. */
export interface PcapParserEmitter {
  on(event: 'globalHeader', listener: (header: { readonly linkLayerType: number }) => void): unknown;
  on(event: 'packet', listener: (packet: PcapParserPacket) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  readonly stream?: { pause(): unknown; resume(): unknown };
}

/** So many packets may wait before the stream is paused. */
const HIGH_WATER_PACKETS = 4096;

/**
 * Packets in batches, as `readCapture` gives them. Call it in the same turn in which the parser was made, or its first
 * events are missed.
 * @throws PcapError `pcap-block` with the parser's error as `cause`, after the packets before it.
 */
export function fromPcapParser(parser: PcapParserEmitter): AsyncGenerator<Packet[], void, undefined> {
  let waiting: Packet[] = [];
  let linkType = 0;
  let index = 0;
  let fileOff = PCAP_HEADER_BYTES;
  let failure: PcapError | undefined;
  let isOver = false;
  let wake: () => void = () => undefined;

  parser.on('globalHeader', (header) => {
    linkType = header.linkLayerType & 0x03ff_ffff;
  });
  parser.on('packet', ({ header, data }) => {
    waiting.push({
      data: new Uint8Array(data.buffer, data.byteOffset, data.length),
      origBytes: header.originalLength,
      sec: header.timestampSeconds + Math.floor(header.timestampMicroseconds / 1e6),
      nsec: (header.timestampMicroseconds % 1e6) * 1000,
      linkType,
      interfaceId: 0,
      index: index++,
      fileOff,
      comment: undefined,
    });
    fileOff += PCAP_RECORD_BYTES + data.length;
    if (waiting.length === HIGH_WATER_PACKETS) parser.stream?.pause();
    wake();
  });
  parser.on('end', () => {
    isOver = true;
    wake();
  });
  parser.on('error', (error) => {
    failure = new PcapError('pcap-block', `pcap-parser: ${error.message}`, {
      where: { offset: fileOff },
      cause: error,
    });
    wake();
  });

  async function* drain(): AsyncGenerator<Packet[], void, undefined> {
    for (;;) {
      if (waiting.length > 0) {
        const batch = waiting;
        waiting = [];
        yield batch;
        parser.stream?.resume();
      } else if (failure !== undefined) {
        throw failure;
      } else if (isOver) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  return drain();
}
