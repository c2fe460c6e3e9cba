/**
 * Reading a capture: our reader against pcap-parser, on a microsecond pcap in memory, in the chunks that a file stream gives.
 * Alone: `npm run build:tools && node dist/bench/pcap.js [--smoke | MEGABYTES]`.
 */
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { add, cycle, suite } from 'benny';
import { concatBytes } from '../vm/bytes.js';
import { readCapture } from '../vm/net/capture.js';
import { fromPcapParser } from '../vm/net/from-pcap-parser.js';
import { type Packet } from '../vm/net/packet.js';
import { encodePcapHeader, encodePcapRecord } from '../vm/net/write-pcap.js';
import { parse } from './pcap-parser.js';

const CHUNK_BYTES = 64 * 1024;
/** The frame sizes of "simple IMIX", in its proportions. */
const IMIX = [64, 64, 64, 64, 64, 64, 64, 594, 594, 594, 594, 1518];

interface Capture {
  readonly chunks: readonly Buffer[];
  readonly packets: number;
}

/** A capture of about so many bytes. */
function makeCapture(wantBytes: number, frameSizes: readonly number[]): Capture {
  const frames = frameSizes.map((bytes) => Uint8Array.from({ length: bytes }, (_, i) => (i * 7) & 0xff));
  const parts = [encodePcapHeader()];
  let totalBytes = 0;
  while (totalBytes < wantBytes) {
    const data = frames[(parts.length * 5) % frames.length] ?? new Uint8Array(0);
    const record = encodePcapRecord({ data, sec: 1_700_000_000 + parts.length, nsec: 0 });
    parts.push(record);
    totalBytes += record.length;
  }
  const whole = Buffer.from(concatBytes(parts).buffer);
  const chunks: Buffer[] = [];
  for (let at = 0; at < whole.length; at += CHUNK_BYTES) chunks.push(whole.subarray(at, at + CHUNK_BYTES));
  return { chunks, packets: parts.length - 1 };
}

/** What any use of a packet does at least: look at a byte and its time. */
function touch(packets: readonly Packet[]): number {
  let sum = 0;
  for (const packet of packets) sum += (packet.data[0] ?? 0) + packet.sec;
  return sum;
}

async function drain(batches: AsyncIterable<Packet[]>, packets: number): Promise<void> {
  let seen = 0;
  let sum = 0;
  for await (const batch of batches) {
    seen += batch.length;
    sum += touch(batch);
  }
  if (seen !== packets || sum === 0) throw new Error(`read ${seen} of ${packets} packets`);
}

function parseRaw({ chunks, packets }: Capture): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = 0;
    let sum = 0;
    const parser = parse(Readable.from(chunks));
    parser.on('packet', ({ header, data }) => {
      seen++;
      sum += (data[0] ?? 0) + header.timestampSeconds;
    });
    parser.on('error', reject);
    parser.on('end', () => {
      if (seen === packets && sum !== 0) resolve();
      else reject(new Error(`read ${seen} of ${packets} packets`));
    });
  });
}

/** Runs the suites and prints packets per second and the ratios. */
export async function benchPcap(
  options: { readonly smoke?: boolean; readonly megabytes?: number } = {},
): Promise<void> {
  const bytes = (options.smoke === true ? 1 : (options.megabytes ?? 64)) * 1_000_000;
  const limits = options.smoke === true ? { minSamples: 1, maxTime: 0.05 } : { minSamples: 5, maxTime: 5 };
  const cases = [
    { name: '64-byte frames', sizes: [64] },
    { name: 'IMIX frames', sizes: IMIX },
    { name: '1,514-byte frames', sizes: [1514] },
  ];
  for (const { name, sizes } of cases) {
    const capture = makeCapture(bytes, sizes);
    const summary = await suite(
      `read pcap: ${name}, ${capture.packets} packets`,
      add('skep', async () => drain(readCapture(Readable.from(capture.chunks)), capture.packets), limits),
      add('pcap-parser', async () => parseRaw(capture), limits),
      add(
        'pcap-parser through fromPcapParser',
        async () => drain(fromPcapParser(parse(Readable.from(capture.chunks))), capture.packets),
        limits,
      ),
      cycle(),
    );
    // `ops` is rounded to whole passes; the mean is not.
    const rates = summary.results.map((result) => capture.packets / result.details.mean);
    const [ours = 0, theirs = 1] = rates;
    for (const [i, rate] of rates.entries()) {
      console.log(`  ${(summary.results[i]?.name ?? '').padEnd(36)} ${(rate / 1e6).toFixed(2)} M packets/s`);
    }
    console.log(`  skep is ${(ours / theirs).toFixed(1)} times as fast as pcap-parser`);
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [arg] = process.argv.slice(2);
  const megabytes = Number(arg);
  await benchPcap({ smoke: arg === '--smoke', ...(megabytes > 0 ? { megabytes } : {}) });
}
