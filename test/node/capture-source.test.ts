/** Opening captures: plain, gzip by content, standard input, and what cannot be opened. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { openCaptureSource } from '../../node/capture-source.js';
import { ConfigError, PcapError } from '../../vm/errors.js';
import { readCapture } from '../../vm/net/capture.js';
import { writePcap } from '../../vm/net/write-pcap.js';
import { patternBytes } from '../support/captures.js';

const CAPTURE = writePcap(
  Array.from({ length: 5000 }, (_, i) => ({ data: patternBytes(100 + (i % 300), i), sec: i, nsec: 0 })),
);

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

async function failureOf(action: () => Promise<unknown>): Promise<unknown> {
  try {
    await action();
  } catch (error) {
    return error;
  }
  return undefined;
}

void t.test('files: plain, gzip under any name, gzip in several members', async (t) => {
  const half = CAPTURE.length >> 1;
  const members = Buffer.concat([gzipSync(CAPTURE.subarray(0, half)), gzipSync(CAPTURE.subarray(half))]);
  const padded = Buffer.concat([gzipSync(CAPTURE), Buffer.alloc(300_000)]);
  const cases = {
    'plain.gz': CAPTURE,
    'packed.pcap': gzipSync(CAPTURE),
    'members.pcap.gz': members,
    'padded.gz': padded,
  };
  for (const [name, content] of Object.entries(cases)) {
    const path = join(t.testdir({}), name);
    writeFileSync(path, content);
    const progress: number[] = [];
    const source = await openCaptureSource(path, { onProgress: (bytes) => progress.push(bytes) });
    t.equal(source.fileBytes, content.length);
    t.equal(source.name, path);
    t.ok((await collect(source.chunks)).equals(CAPTURE), name);
    if (content !== padded) t.equal(progress.at(-1), content.length, 'progress counts the bytes of the file');
    t.strictSame(
      progress,
      [...progress].sort((a, b) => a - b),
    );
  }
});

void t.test('standard input, in single bytes and packed', async (t) => {
  const packed = gzipSync(CAPTURE.subarray(0, 24));
  const source = await openCaptureSource('-', { stdin: Readable.from([...packed].map((byte) => Buffer.of(byte))) });
  t.equal(source.name, 'stdin');
  t.equal(source.fileBytes, undefined);
  t.ok((await collect(source.chunks)).equals(CAPTURE.subarray(0, 24)));
  const empty = await openCaptureSource('-', { stdin: Readable.from([]) });
  t.equal((await collect(empty.chunks)).length, 0);
});

void t.test('what cannot be opened', async (t) => {
  const dir = t.testdir({});
  for (const path of [dir, join(dir, 'missing.pcap'), join(dir, 'x'.repeat(300))]) {
    const error = await failureOf(() => openCaptureSource(path));
    t.type(error, ConfigError);
    t.match(error, { code: 'config-file', where: { file: path } });
  }
});

void t.test('broken gzip: what could be unpacked, then a PcapError', async (t) => {
  const packed = gzipSync(CAPTURE);
  const corrupt = Buffer.from(packed);
  corrupt.fill(0xff, packed.length >> 1, (packed.length >> 1) + 64);
  const cases = [
    { name: 'cut', content: packed.subarray(0, packed.length - 500), code: 'pcap-truncated' },
    { name: 'corrupt', content: corrupt, code: 'pcap-block' },
  ];
  for (const { name, content, code } of cases) {
    const path = join(t.testdir({}), name);
    writeFileSync(path, content);
    const source = await openCaptureSource(path);
    const parts: Uint8Array[] = [];
    const error = await failureOf(async () => {
      for await (const chunk of source.chunks) parts.push(chunk);
    });
    t.type(error, PcapError);
    t.match(error, { code }, name);
    const got = Buffer.concat(parts);
    t.ok(got.length > 1000 && got.subarray(0, 1000).equals(CAPTURE.subarray(0, 1000)), 'the bytes before the break');
  }
});

void t.test('a capture cut inside its gzip gives the packets before the cut', async (t) => {
  const packed = gzipSync(CAPTURE);
  const path = join(t.testdir({}), 'cut.pcap.gz');
  writeFileSync(path, packed.subarray(0, packed.length - 500));
  let packets = 0;
  const error = await failureOf(async () => {
    for await (const batch of readCapture((await openCaptureSource(path)).chunks)) packets += batch.length;
  });
  t.match(error, { code: 'pcap-truncated' });
  t.ok(packets > 4000, `${packets} packets`);
});

void t.test('closing without reading leaves nothing open', async (t) => {
  const path = join(t.testdir({}), 'a.pcap');
  writeFileSync(path, CAPTURE);
  (await openCaptureSource(path)).close();
});
