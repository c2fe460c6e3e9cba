/**
 * Reads a capture, pcap or pcapng, from chunks of any size: by push, from bytes in memory, or from an async source.
 * Time and memory are linear in the bytes that arrived, whatever lengths a broken file claims.
 * Knows nothing of files, compression, or of what is in a packet.
 */
import { viewOf } from '../bytes.js';
import { PcapError } from '../errors.js';
import { type CaptureInterface, type Packet } from './packet.js';
import { PcapDecoder, sniffPcap } from './pcap.js';
import { BLOCK_SECTION, PcapngDecoder } from './pcapng.js';
import { packetOf } from './record-decoder.js';
import type { PacketSink, RecordDecoder } from './record-decoder.js';

/** Larger inputs are decoded in windows of this size, so that a batch stays small. */
const WINDOW_BYTES = 256 * 1024;
const MAGIC_BYTES = 4;

/**
 * A reader that is fed. Packets are views of the chunks pushed: a chunk must not be written to after it was pushed.
 */
export interface CaptureReader {
  /** Undefined until the first four bytes arrived. */
  readonly format: 'pcap' | 'pcapng' | undefined;
  /** Those seen so far. */
  readonly interfaces: readonly CaptureInterface[];
  /** Bytes pushed so far. */
  readonly bytesRead: number;
  /** What is wrong with the capture, once met. */
  readonly failure: PcapError | undefined;
  /**
   * Takes the next bytes and returns the packets that became complete. Does not throw on a broken capture: the packets
   * before the break are returned, `failure` is set, and what is pushed later is ignored.
   */
  push(chunk: Uint8Array): Packet[];
  /** As `push`, but the packets go to a sink, and nothing is allocated for one. */
  pushTo(chunk: Uint8Array, sink: PacketSink): void;
  /**
   * Says that no more bytes come.
   * @throws PcapError `failure`, or `pcap-truncated` if the capture ends inside a header, record or block.
   */
  end(): void;
}

export function createCaptureReader(): CaptureReader {
  return new ChunkedReader();
}

/** A chunk in pieces that a batch of packets does not grow large of; most chunks are one. */
export function* windowsOf(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < chunk.length; at += WINDOW_BYTES) yield chunk.subarray(at, at + WINDOW_BYTES);
}

/**
 * Reads a capture from chunks; each chunk's packets come as one batch, in order, never empty.
 * @param reader to look at `interfaces` and `format` while reading.
 * @throws PcapError after the packets before the break were yielded.
 */
export async function* readCapture(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  reader: CaptureReader = createCaptureReader(),
): AsyncGenerator<Packet[], void, undefined> {
  for await (const chunk of chunks) {
    for (const window of windowsOf(chunk)) {
      const packets = reader.push(window);
      if (packets.length > 0) yield packets;
      if (reader.failure !== undefined) throw reader.failure;
    }
  }
  reader.end();
}

/**
 * Reads a capture that is in memory, packet by packet.
 * @throws PcapError after the packets before the break were yielded.
 */
export function* readCaptureBytes(
  bytes: Uint8Array,
  reader: CaptureReader = createCaptureReader(),
): Generator<Packet, void, undefined> {
  for (const window of windowsOf(bytes)) {
    yield* reader.push(window);
    if (reader.failure !== undefined) throw reader.failure;
  }
  reader.end();
}

const NO_INTERFACES: readonly CaptureInterface[] = [];
const NO_BYTES = new Uint8Array(0);

class ChunkedReader implements CaptureReader {
  failure: PcapError | undefined;
  bytesRead = 0;
  #decoder: RecordDecoder | undefined;
  /** The start of one record whose end has not arrived: the first `#heldBytes` of `#held`. */
  #held = NO_BYTES;
  #heldBytes = 0;
  /** Bytes to drop before the next ones are looked at. */
  #skipBytes = 0;
  /** Stream offset of the first byte that is neither taken nor dropped. */
  #fileOff = 0;

  get format(): 'pcap' | 'pcapng' | undefined {
    return this.#decoder?.format;
  }

  get interfaces(): readonly CaptureInterface[] {
    return this.#decoder?.interfaces ?? NO_INTERFACES;
  }

  push(chunk: Uint8Array): Packet[] {
    const out: Packet[] = [];
    this.pushTo(chunk, { add: (record) => void out.push(packetOf(record)) });
    return out;
  }

  pushTo(chunk: Uint8Array, out: PacketSink): void {
    if (this.failure !== undefined) return;
    this.bytesRead += chunk.length;
    try {
      // A plain view: a subclass such as Node's Buffer makes each subarray dearer.
      this.#take(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length), out);
    } catch (error) {
      if (!(error instanceof PcapError)) throw error;
      this.failure = error;
      this.#held = NO_BYTES;
    }
  }

  end(): void {
    if (this.failure === undefined) {
      if (this.#decoder?.atBoundary === true && this.#heldBytes === 0) return;
      this.failure = this.#truncated();
    }
    throw this.failure;
  }

  #take(bytes: Uint8Array, out: PacketSink): void {
    let at = 0;
    while (at < bytes.length) {
      const rest = bytes.length - at;
      const needBytes = this.#decoder?.needBytes ?? MAGIC_BYTES;
      if (this.#skipBytes > 0) {
        const dropBytes = Math.min(this.#skipBytes, rest);
        this.#skipBytes -= dropBytes;
        this.#fileOff += dropBytes;
        at += dropBytes;
      } else if (this.#heldBytes > 0 || rest < needBytes) {
        at += this.#hold(bytes, at, needBytes);
        if (this.#heldBytes < needBytes) return;
        // No more than one record is held, so the decoder takes all of it, or nothing and then needs more.
        if (this.#decode(this.#held.subarray(0, this.#heldBytes), 0, out) > 0) {
          this.#held = NO_BYTES;
          this.#heldBytes = 0;
        }
      } else {
        at += this.#decode(bytes, at, out);
      }
    }
  }

  #decode(bytes: Uint8Array, at: number, out: PacketSink): number {
    if (this.#decoder === undefined) {
      this.#decoder = decoderFor(bytes, at);
      return 0;
    }
    const takenBytes = this.#decoder.decode(bytes, at, this.#fileOff, out);
    this.#fileOff += takenBytes;
    this.#skipBytes = this.#decoder.skipBytes;
    return takenBytes;
  }

  /** Keeps bytes until `needBytes` are there. Grows with what has arrived, not with what a length field claims. */
  #hold(bytes: Uint8Array, at: number, needBytes: number): number {
    const addBytes = Math.min(needBytes - this.#heldBytes, bytes.length - at);
    const fullBytes = this.#heldBytes + addBytes;
    if (fullBytes > this.#held.length) {
      const larger = new Uint8Array(Math.min(needBytes, Math.max(fullBytes, 2 * this.#held.length)));
      larger.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = larger;
    }
    this.#held.set(bytes.subarray(at, at + addBytes), this.#heldBytes);
    this.#heldBytes = fullBytes;
    return addBytes;
  }

  #truncated(): PcapError {
    const needBytes = (this.#decoder?.needBytes ?? MAGIC_BYTES) + this.#skipBytes;
    const what = this.#decoder === undefined || this.#fileOff === 0 ? 'its header' : 'a packet or block';
    return new PcapError('pcap-truncated', `the capture ends inside ${what}`, {
      data: { heldBytes: this.#heldBytes, needBytes },
      where: { offset: this.#fileOff },
      hint: 'the file was cut off; the packets before this offset are good',
    });
  }
}

function decoderFor(bytes: Uint8Array, at: number): RecordDecoder {
  const magic = viewOf(bytes).getUint32(at, false);
  if (magic === BLOCK_SECTION) return new PcapngDecoder();
  const pcap = sniffPcap(magic);
  if (pcap !== undefined) return new PcapDecoder(pcap.little, pcap.nanoseconds);
  const foreign = FOREIGN_MAGICS.find((row) => (magic & row.mask) >>> 0 === row.magic);
  throw new PcapError('pcap-magic', `this is ${foreign?.what ?? 'neither pcap nor pcapng'}`, {
    data: { magic },
    where: { offset: 0 },
    ...(foreign === undefined ? {} : { hint: foreign.hint }),
  });
}

/** What people hand in by mistake, by the first four bytes. */
const FOREIGN_MAGICS: readonly { magic: number; mask: number; what: string; hint: string }[] = [
  ...[0xa1b2cd34, 0x34cdb2a1].map((magic) => ({
    magic,
    mask: 0xffff_ffff,
    what: 'a modified pcap (Kuznetzov), which skep does not read',
    hint: 'convert it: editcap -F pcap IN OUT',
  })),
  { magic: 0x1f8b_0000, mask: 0xffff_0000, what: 'gzip, not a capture', hint: 'decompress it first' },
  { magic: 0x28b5_2ffd, mask: 0xffff_ffff, what: 'zstd, not a capture', hint: 'decompress it first' },
  { magic: 0x7f45_4c46, mask: 0xffff_ffff, what: 'an ELF object, not a capture', hint: 'give the capture here' },
  { magic: 0x736e_6f6f, mask: 0xffff_ffff, what: 'a snoop capture', hint: 'convert it: editcap -F pcapng IN OUT' },
];
