/** The pcap reader: magics, byte orders, times, limits, and every kind of broken file. */
import t from 'tap';
import { viewOf } from '../../vm/bytes.js';
import { type Packet } from '../../vm/net/packet.js';
import { encodePcapHeader, type PacketToWrite, type PcapOptions, writePcap } from '../../vm/net/write-pcap.js';
import { patternBytes, readAll } from '../support/captures.js';

const PACKETS: readonly PacketToWrite[] = [
  { data: patternBytes(60), sec: 1_700_000_000, nsec: 123_456_000 },
  { data: patternBytes(14, 2), origBytes: 1500, sec: 1_700_000_000, nsec: 999_999_000 },
  { data: new Uint8Array(0), origBytes: 9, sec: 0xffff_ffff, nsec: 0 },
  { data: patternBytes(9001, 3), sec: 0, nsec: 1000 },
];

function essence(packet: Packet | PacketToWrite) {
  const { sec, nsec, data } = packet;
  return { sec, nsec, data: [...data], origBytes: packet.origBytes ?? data.length };
}

const FORMATS: readonly { name: string; options: PcapOptions }[] = [
  { name: 'us, little', options: {} },
  { name: 'us, big', options: { bigEndian: true } },
  { name: 'ns, little', options: { nanoseconds: true } },
  { name: 'ns, big', options: { nanoseconds: true, bigEndian: true } },
];

for (const { name, options } of FORMATS) {
  void t.test(`reads what was written: ${name}`, (t) => {
    const { packets, interfaces, failure } = readAll(
      writePcap(PACKETS, { ...options, linkType: 101, snapBytes: 9216 }),
    );
    t.equal(failure, undefined);
    t.strictSame(packets.map(essence), PACKETS.map(essence));
    t.strictSame(
      packets.map((p) => [p.index, p.fileOff, p.linkType, p.interfaceId]),
      [
        [0, 24, 101, 0],
        [1, 24 + 76, 101, 0],
        [2, 24 + 76 + 30, 101, 0],
        [3, 24 + 76 + 30 + 16, 101, 0],
      ],
    );
    t.strictSame(interfaces, [
      { id: 0, linkType: 101, snapBytes: 9216, fcsBytes: undefined, name: undefined, section: 0 },
    ]);
    t.end();
  });
}

void t.test('nanoseconds are kept in a ns file and cut in a us file', (t) => {
  const packet = { data: patternBytes(20), sec: 5, nsec: 123_456_789 };
  t.equal(readAll(writePcap([packet], { nanoseconds: true })).packets[0]?.nsec, 123_456_789);
  t.equal(readAll(writePcap([packet])).packets[0]?.nsec, 123_456_000);
  t.end();
});

void t.test('a header alone is an empty capture', (t) => {
  const { packets, failure, interfaces } = readAll(encodePcapHeader());
  t.equal(failure, undefined);
  t.equal(packets.length, 0);
  t.equal(interfaces.length, 1);
  t.end();
});

void t.test('microseconds beyond a second carry over', (t) => {
  const bytes = writePcap([{ data: patternBytes(4), sec: 7, nsec: 0 }]);
  viewOf(bytes).setUint32(28, 2_500_000, true);
  const [packet] = readAll(bytes).packets;
  t.strictSame([packet?.sec, packet?.nsec], [9, 500_000_000]);
  t.end();
});

void t.test('frame check sequence bits are told apart from the link type', (t) => {
  const bytes = encodePcapHeader();
  viewOf(bytes).setUint32(20, 0x2400_0001, true);
  t.match(readAll(bytes).interfaces, [{ linkType: 1, fcsBytes: 4 }]);
  t.end();
});

void t.test('lengths of old versions are in the other order', (t) => {
  const cases = [
    { minor: 4, first: 4, second: 90, capBytes: 4 },
    { minor: 3, first: 90, second: 4, capBytes: 4 },
    { minor: 3, first: 4, second: 90, capBytes: 4 },
    { minor: 2, first: 90, second: 4, capBytes: 4 },
  ];
  for (const { minor, first, second, capBytes } of cases) {
    const bytes = writePcap([{ data: patternBytes(4), sec: 1, nsec: 0 }]);
    viewOf(bytes).setUint16(6, minor, true);
    viewOf(bytes).setUint32(32, first, true);
    viewOf(bytes).setUint32(36, second, true);
    const { packets, failure } = readAll(bytes);
    t.equal(failure, undefined);
    t.strictSame([packets[0]?.data.length, packets[0]?.origBytes], [capBytes, 90], `2.${minor}`);
  }
  t.end();
});

interface BrokenCase {
  readonly name: string;
  readonly bytes: () => Uint8Array;
  readonly code: string;
  readonly offset: number;
  readonly packets: number;
}

function patched(patch: (view: DataView) => void): Uint8Array {
  const bytes = writePcap(PACKETS);
  patch(viewOf(bytes));
  return bytes;
}
const SECOND_OFF = 24 + 76;

const BROKEN: readonly BrokenCase[] = [
  { name: 'no bytes at all', bytes: () => new Uint8Array(0), code: 'pcap-truncated', offset: 0, packets: 0 },
  { name: 'three bytes', bytes: () => writePcap([]).slice(0, 3), code: 'pcap-truncated', offset: 0, packets: 0 },
  { name: 'half a header', bytes: () => writePcap([]).slice(0, 23), code: 'pcap-truncated', offset: 0, packets: 0 },
  { name: 'text', bytes: () => patternBytes(100), code: 'pcap-magic', offset: 0, packets: 0 },
  {
    name: 'Kuznetzov magic',
    bytes: () =>
      patched((view) => {
        view.setUint32(0, 0xa1b2cd34, true);
      }),
    code: 'pcap-magic',
    offset: 0,
    packets: 0,
  },
  {
    name: 'gzip',
    bytes: () => Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0),
    code: 'pcap-magic',
    offset: 0,
    packets: 0,
  },
  {
    name: 'major version 3',
    bytes: () =>
      patched((view) => {
        view.setUint16(4, 3, true);
      }),
    code: 'pcap-version',
    offset: 4,
    packets: 0,
  },
  {
    name: 'minor version 5',
    bytes: () =>
      patched((view) => {
        view.setUint16(6, 5, true);
      }),
    code: 'pcap-version',
    offset: 4,
    packets: 0,
  },
  {
    name: 'captured length of 2 GB',
    bytes: () =>
      patched((view) => {
        view.setUint32(SECOND_OFF + 8, 0x7fff_fff0, true);
      }),
    code: 'pcap-length',
    offset: SECOND_OFF,
    packets: 1,
  },
  {
    name: 'captured length one above the limit',
    bytes: () =>
      patched((view) => {
        view.setUint32(SECOND_OFF + 8, 262_145, true);
      }),
    code: 'pcap-length',
    offset: SECOND_OFF,
    packets: 1,
  },
  {
    name: 'captured length at the limit, but not there',
    bytes: () =>
      patched((view) => {
        view.setUint32(SECOND_OFF + 8, 262_144, true);
      }),
    code: 'pcap-truncated',
    offset: SECOND_OFF,
    packets: 1,
  },
];

for (const { name, bytes, code, offset, packets } of BROKEN) {
  void t.test(`broken: ${name}`, (t) => {
    for (const chunkBytes of [1, 7, 1000, 1_000_000]) {
      const outcome = readAll(bytes(), chunkBytes);
      t.match(outcome.failure, { name: 'PcapError', code, where: { offset } }, `chunks of ${chunkBytes}`);
      t.equal(outcome.packets.length, packets);
    }
    t.end();
  });
}

void t.test('cut at every byte: the packets before the cut, then pcap-truncated', (t) => {
  const whole = writePcap(PACKETS.slice(0, 3));
  const ends = [24, 24 + 76, 24 + 76 + 30, 24 + 76 + 30 + 16];
  for (let size = 0; size < whole.length; size++) {
    for (const chunkBytes of [1, whole.length]) {
      const { packets, failure } = readAll(whole.slice(0, size), chunkBytes);
      const complete = ends.filter((end) => end <= size).length - 1;
      t.equal(packets.length, Math.max(0, complete), `${size} bytes`);
      if (ends.includes(size)) t.equal(failure, undefined);
      else t.match(failure, { code: 'pcap-truncated', where: { offset: ends[complete] ?? 0 } });
    }
  }
  t.end();
});
