/**
 * What holds for any capture: chunks make no difference, a break costs nothing that came before it, and no bytes
 * whatsoever crash the reader, make it hang, or make it hold more than has arrived.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { PcapError } from '../../vm/errors.js';
import { createCaptureReader, readCapture, readCaptureBytes } from '../../vm/net/capture.js';
import { parseFrame } from '../../vm/net/parse-frame.js';
import { checkChecksums } from '../../vm/net/checksum.js';
import { summarizeFrame } from '../../vm/net/summary.js';
import { type Packet } from '../../vm/net/packet.js';
import { writePcap } from '../../vm/net/write-pcap.js';
import { type PcapngPacket, writePcapng } from '../../vm/net/write-pcapng.js';
import { patternBytes, readAll } from '../support/captures.js';

const seed = Number(process.env.SEED ?? 20_260_101);
t.comment(`seed ${seed} (set SEED to change it)`);

const NG_INTERFACES = [{ linkType: 1, name: 'eth0' }, { linkType: 101 }];

const anyPacket: fc.Arbitrary<PcapngPacket> = fc.record(
  {
    data: fc.uint8Array({ maxLength: 200 }),
    origBytes: fc.nat(0xffff),
    sec: fc.nat(0xffff_ffff),
    nsec: fc.nat(999_999).map((us) => us * 1000),
    interfaceId: fc.nat(1),
    comment: fc.option(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), { nil: undefined }),
  },
  { requiredKeys: ['data', 'sec', 'nsec'] },
);

const anyCapture = fc
  .record({
    packets: fc.array(anyPacket, { maxLength: 12 }),
    format: fc.constantFrom('pcap', 'pcapng'),
    bigEndian: fc.boolean(),
    nanoseconds: fc.boolean(),
  })
  .map(({ packets, format, bigEndian, nanoseconds }) =>
    format === 'pcap' ? writePcap(packets, { bigEndian, nanoseconds }) : writePcapng(NG_INTERFACES, packets, bigEndian),
  );

const essence = (packets: readonly Packet[]) => packets.map((packet) => ({ ...packet, data: [...packet.data] }));

void t.test('what was written is read', (t) => {
  fc.assert(
    fc.property(fc.array(anyPacket, { maxLength: 20 }), fc.boolean(), (packets, bigEndian) => {
      for (const bytes of [writePcap(packets, { bigEndian }), writePcapng(NG_INTERFACES, packets, bigEndian)]) {
        const { packets: got, failure } = readAll(bytes);
        t.equal(failure, undefined);
        const same = got.every((packet, i) => {
          const want = packets[i];
          return (
            want !== undefined &&
            Buffer.compare(packet.data, want.data) === 0 &&
            packet.sec === want.sec &&
            packet.nsec === want.nsec &&
            packet.origBytes === (want.origBytes ?? want.data.length)
          );
        });
        if (!same || got.length !== packets.length) return false;
      }
      return true;
    }),
    { seed, numRuns: 200 },
  );
  t.end();
});

void t.test('chunks of 1, 7, 1000 and random bytes give what the whole gives', (t) => {
  fc.assert(
    fc.property(anyCapture, fc.integer({ min: 2, max: 300 }), fc.nat(40), (bytes, chunkBytes, cutBytes) => {
      const cut = bytes.slice(0, Math.max(0, bytes.length - cutBytes));
      for (const capture of [bytes, cut]) {
        const whole = readAll(capture);
        for (const size of [1, 7, 1000, chunkBytes]) {
          const outcome = readAll(capture, size);
          t.strictSame(essence(outcome.packets), essence(whole.packets));
          t.strictSame(outcome.interfaces, whole.interfaces);
          t.equal(outcome.failure?.code, whole.failure?.code);
          t.strictSame(outcome.failure?.where, whole.failure?.where);
        }
      }
    }),
    { seed, numRuns: 100 },
  );
  t.end();
});

const CORPUS = ['edge-cases.pcap', 'dns.pcapng'].map(
  (name) => new Uint8Array(readFileSync(new URL(`../../pcaps/${name}`, import.meta.url)).subarray(0, 20_000)),
);

/** Bytes with a few of them changed, and perhaps some cut out or put in. */
const anyMutant = fc
  .record({
    base: fc.constantFrom(...CORPUS, writePcapng(NG_INTERFACES, [{ data: patternBytes(40), sec: 1, nsec: 1 }], true)),
    changes: fc.array(fc.record({ at: fc.nat(), value: fc.constantFrom(0, 1, 4, 0x7f, 0x80, 0xff) }), { maxLength: 8 }),
    early: fc.boolean(),
    splice: fc.option(fc.record({ at: fc.nat(), bytes: fc.nat(40) }), { nil: undefined }),
  })
  .map(({ base, changes, early, splice }) => {
    const bytes = base.slice();
    const within = early ? Math.min(400, bytes.length) : bytes.length;
    for (const { at, value } of changes) bytes[at % within] = value;
    if (splice === undefined) return bytes;
    const at = splice.at % within;
    return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + splice.bytes)]);
  });

void t.test('mutated captures: packets, or packets and a PcapError; and their frames can be summed up', (t) => {
  let broken = 0;
  let whole = 0;
  fc.assert(
    fc.property(anyMutant, fc.constantFrom(61, 4096, 100_000), (bytes, chunkBytes) => {
      // Anything but a PcapError escapes from readAll and fails the property.
      const { packets, failure } = readAll(bytes, chunkBytes);
      if (failure === undefined) whole++;
      else broken++;
      for (const { data, linkType } of packets) {
        const frame = parseFrame(data, linkType);
        checkChecksums(data, frame);
        if (/[\n\r]/.test(summarizeFrame(data, frame))) return false;
      }
      return packets.every((packet) => packet.data.length <= bytes.length);
    }),
    { seed, numRuns: 1500 },
  );
  t.ok(broken > 100 && whole > 100, `${broken} broken, ${whole} whole`);
  t.end();
});

void t.test('random bytes as frames of any link', (t) => {
  const headed = fc
    .tuple(
      fc.constantFrom([0x08, 0x00, 0x45], [0x86, 0xdd, 0x60], [0x81, 0x00], [0x08, 0x06], [0x08, 0x00]),
      fc.uint8Array({ maxLength: 120 }),
    )
    .map(([start, rest]) => Uint8Array.from([...new Uint8Array(12), ...start, ...rest]));
  fc.assert(
    fc.property(
      fc.oneof(headed, fc.uint8Array({ maxLength: 80 })),
      fc.constantFrom(1, 101, 228, 229, 113),
      (data, link) => {
        const frame = parseFrame(data, link);
        checkChecksums(data, frame);
        const inside = frame.headers.every((header) => header.off + header.headerBytes <= data.length);
        return (
          inside &&
          frame.payloadOff <= frame.endOff &&
          frame.endOff <= data.length &&
          summarizeFrame(data, frame) !== ''
        );
      },
    ),
    { seed, numRuns: 5000 },
  );
  t.end();
});

void t.test('a packet of the largest size in single bytes takes no quadratic time', (t) => {
  const capture = writePcap([{ data: patternBytes(262_144), sec: 0, nsec: 0 }]);
  const { packets, failure } = readAll(capture, 1);
  t.equal(failure, undefined);
  t.equal(packets[0]?.data.length, 262_144);
  t.end();
});

void t.test('a length that is only claimed takes no memory', (t) => {
  // 64 readers, each told of a block of 16 MB of which a few bytes arrive.
  const bytes = writePcapng(NG_INTERFACES, [{ data: patternBytes(64), sec: 0, nsec: 0 }]);
  const blockOff = bytes.length - 96;
  new DataView(bytes.buffer).setUint32(blockOff + 4, 16 * 1024 * 1024, true);
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 64 }, () => {
    const reader = createCaptureReader();
    t.equal(reader.push(bytes).length, 0);
    t.equal(reader.failure, undefined);
    return reader;
  });
  t.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024, 'less than one such block');
  for (const reader of readers) t.throws(() => reader.end(), { code: 'pcap-truncated' });
  t.end();
});

void t.test('both generators give the packets before the break, then throw', async (t) => {
  const whole = writePcap(Array.from({ length: 9000 }, (_, i) => ({ data: patternBytes(70, i), sec: i, nsec: 0 })));
  const cut = whole.subarray(0, whole.length - 3);
  let packets = 0;
  const sync = () => {
    for (const packet of readCaptureBytes(cut)) t.equal(packet.index, packets++);
  };
  t.throws(sync, { code: 'pcap-truncated', where: { offset: 24 + 8999 * 86 } });
  t.equal(packets, 8999);

  const sizes: number[] = [];
  const reader = createCaptureReader();
  let error: unknown;
  try {
    for await (const batch of readCapture([cut.subarray(0, 300_000), cut.subarray(300_000)], reader)) {
      sizes.push(batch.length);
    }
  } catch (thrown) {
    error = thrown;
  }
  t.type(error, PcapError);
  t.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    8999,
  );
  t.ok(
    sizes.every((size) => size > 0 && size < 4000),
    'batches of bounded size',
  );
  t.equal(reader.format, 'pcap');
  t.equal(reader.bytesRead, cut.length);
});

void t.test('after a break the reader stays broken', (t) => {
  const reader = createCaptureReader();
  reader.push(patternBytes(10));
  t.match(reader.failure, { code: 'pcap-magic' });
  t.strictSame(reader.push(writePcap([])), []);
  t.throws(() => reader.end(), { code: 'pcap-magic' });
  t.end();
});
