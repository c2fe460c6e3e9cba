/** The pcapng reader: every packet block, sections, interfaces, units of time, options, and what can be broken. */
import t from 'tap';
import { concatBytes, viewOf } from '../../vm/bytes.js';
import { encodeText } from '../../vm/host.js';
import { timestampNs } from '../../vm/net/packet.js';
import {
  encodeBlock,
  encodeInterfaceBlock,
  encodeOptions,
  encodePacketBlock,
  encodeSectionBlock,
  type PcapngOption,
  type PcapngPacket,
  writePcapng,
} from '../../vm/net/write-pcapng.js';
import { patternBytes, readAll } from '../support/captures.js';

const PACKETS: readonly PcapngPacket[] = [
  { data: patternBytes(60), sec: 1_700_000_000, nsec: 123_456_789 },
  {
    data: patternBytes(13, 2),
    origBytes: 1500,
    sec: 4_294_967_295,
    nsec: 999_999_999,
    interfaceId: 1,
    comment: 'bees',
  },
  { data: new Uint8Array(0), sec: 0, nsec: 1, comment: 'ünïcode 🐝', options: [{ code: 2, value: patternBytes(5) }] },
  { data: patternBytes(9001, 3), sec: 18_446_744_073, nsec: 709_551_615 },
];
const INTERFACES = [
  { linkType: 1, name: 'eth0', snapBytes: 262_144 },
  { linkType: 101, name: 'tun0' },
];

for (const bigEndian of [false, true]) {
  void t.test(`reads what was written: ${bigEndian ? 'big' : 'little'} endian`, (t) => {
    const { packets, interfaces, failure } = readAll(writePcapng(INTERFACES, PACKETS, bigEndian));
    t.equal(failure, undefined);
    t.strictSame(
      packets.map(({ data, origBytes, sec, nsec, interfaceId, linkType, comment, index }) => ({
        data: [...data],
        origBytes,
        sec,
        nsec,
        interfaceId,
        linkType,
        comment,
        index,
      })),
      PACKETS.map(({ data, origBytes, sec, nsec, interfaceId = 0, comment }, index) => ({
        data: [...data],
        origBytes: origBytes ?? data.length,
        sec,
        nsec,
        interfaceId,
        linkType: INTERFACES[interfaceId]?.linkType,
        comment,
        index,
      })),
    );
    t.strictSame(interfaces, [
      { id: 0, linkType: 1, snapBytes: 262_144, fcsBytes: undefined, name: 'eth0', section: 0 },
      { id: 1, linkType: 101, snapBytes: 0, fcsBytes: undefined, name: 'tun0', section: 0 },
    ]);
    t.end();
  });
}

/** An interface with raw options. */
function interfaceWith(options: readonly PcapngOption[], snapBytes = 0, linkType = 1): Uint8Array {
  const body = new Uint8Array(8);
  viewOf(body).setUint16(0, linkType, true);
  viewOf(body).setUint32(4, snapBytes, true);
  return encodeBlock(1, [body, encodeOptions(options)]);
}

/** An enhanced packet block with a raw count of time and four bytes of data. */
function rawPacket(count: bigint, interfaceNumber = 0): Uint8Array {
  const body = new Uint8Array(24);
  const view = viewOf(body);
  view.setUint32(0, interfaceNumber, true);
  view.setUint32(4, Number(count >> 32n), true);
  view.setUint32(8, Number(count & 0xffff_ffffn), true);
  view.setUint32(12, 4, true);
  view.setUint32(16, 4, true);
  return encodeBlock(6, [body]);
}

const resolution = (value: number): PcapngOption => ({ code: 9, value: Uint8Array.of(value) });
function timeOffset(sec: bigint): PcapngOption {
  const value = new Uint8Array(8);
  viewOf(value).setBigInt64(0, sec, true);
  return { code: 14, value };
}

void t.test('units of time are exact', (t) => {
  const counts = [
    0n,
    1n,
    999_999n,
    1_700_000_000_123_456n,
    1_700_000_000_123_456_789n,
    (1n << 53n) + 1n,
    (1n << 64n) - 1n,
  ];
  const decimal = [0, 1, 3, 6, 7, 9, 10, 12, 19, 20, 127];
  const binary = [0, 1, 10, 20, 21, 32, 63, 127];
  const units: readonly (readonly [number, bigint])[] = [
    ...decimal.map((n) => [n, 10n ** BigInt(n)] as const),
    ...binary.map((n) => [0x80 | n, 1n << BigInt(n)] as const),
  ];
  for (const [value, perSec] of units) {
    for (const offsetSec of [0n, 1_600_000_000n, -5n]) {
      const bytes = concatBytes([
        encodeSectionBlock(),
        interfaceWith([resolution(value), timeOffset(offsetSec)]),
        ...counts.map((count) => rawPacket(count)),
      ]);
      const { packets, failure } = readAll(bytes);
      t.equal(failure, undefined);
      for (const [i, count] of counts.entries()) {
        const packet = packets[i];
        if (packet === undefined) {
          t.fail('a packet is missing');
          break;
        }
        const wholeSec = count / perSec + offsetSec;
        // Beyond 2^53 seconds there is no telling; nobody was there.
        if (count / perSec >= 1n << 53n) continue;
        const nsec = ((count % perSec) * 1_000_000_000n) / perSec;
        t.equal(timestampNs(packet), wholeSec * 1_000_000_000n + nsec, `${count} / ${perSec} + ${offsetSec}`);
        t.equal(packet.nsec, Number(nsec));
      }
    }
  }
  t.end();
});

void t.test('an interface without options counts microseconds', (t) => {
  const { packets } = readAll(concatBytes([encodeSectionBlock(), interfaceWith([]), rawPacket(5_000_001n)]));
  t.match(packets, [{ sec: 5, nsec: 1000 }]);
  t.end();
});

void t.test('interface options', (t) => {
  const options = [
    { code: 1, value: encodeText('a comment') },
    { code: 2, value: encodeText('lo') },
    { code: 13, value: Uint8Array.of(4) },
    { code: 0x7fff, value: patternBytes(7) },
  ];
  const { interfaces, failure } = readAll(concatBytes([encodeSectionBlock(), interfaceWith(options, 96, 228)]));
  t.equal(failure, undefined);
  t.strictSame(interfaces, [{ id: 0, linkType: 228, snapBytes: 96, fcsBytes: 4, name: 'lo', section: 0 }]);
  t.end();
});

void t.test('sections may differ in byte order, and number their interfaces anew', (t) => {
  const bytes = concatBytes([
    writePcapng([{ linkType: 1, name: 'a' }], [{ data: patternBytes(5), sec: 1, nsec: 0 }]),
    writePcapng([{ linkType: 101, name: 'b' }], [{ data: patternBytes(6), sec: 2, nsec: 0 }], true),
    writePcapng([{ linkType: 1, name: 'c' }], [{ data: patternBytes(7), sec: 3, nsec: 0 }]),
  ]);
  const { packets, interfaces, failure } = readAll(bytes);
  t.equal(failure, undefined);
  t.strictSame(
    packets.map((p) => [p.sec, p.interfaceId, p.linkType, p.data.length]),
    [
      [1, 0, 1, 5],
      [2, 1, 101, 6],
      [3, 2, 1, 7],
    ],
  );
  t.strictSame(
    interfaces.map((i) => [i.name, i.section]),
    [
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ],
  );
  t.end();
});

function simplePacket(origBytes: number, data: Uint8Array): Uint8Array {
  const body = new Uint8Array(4 + ((data.length + 3) & ~3));
  viewOf(body).setUint32(0, origBytes, true);
  body.set(data, 4);
  return encodeBlock(3, [body]);
}

void t.test('simple packet blocks: whole or cut at the snap length, without time', (t) => {
  const read = (snapBytes: number, origBytes: number, dataBytes: number) =>
    readAll(
      concatBytes([
        encodeSectionBlock(),
        interfaceWith([], snapBytes),
        simplePacket(origBytes, patternBytes(dataBytes)),
      ]),
    );
  t.match(read(0, 10, 10).packets, [{ origBytes: 10, sec: 0, nsec: 0, data: patternBytes(10) }]);
  t.match(read(16, 1500, 16).packets, [{ origBytes: 1500, data: patternBytes(16) }]);
  t.match(read(0, 1500, 16).failure, { code: 'pcap-length', data: { capBytes: 1500, roomBytes: 16 } });
  t.match(read(0, 0xffff_ffff, 16).failure, { code: 'pcap-length', data: { capBytes: 0xffff_ffff } });
  t.end();
});

void t.test('obsolete packet blocks', (t) => {
  const body = new Uint8Array(20 + 8);
  const view = viewOf(body);
  view.setUint16(0, 1, true);
  view.setUint16(2, 77, true);
  view.setUint32(8, 3_000_000, true);
  view.setUint32(12, 6, true);
  view.setUint32(16, 99, true);
  body.set(patternBytes(6), 20);
  const { packets, failure } = readAll(
    concatBytes([
      encodeSectionBlock(),
      interfaceWith([]),
      interfaceWith([]),
      encodeBlock(2, [body, encodeOptions([{ code: 1, value: encodeText('old') }])]),
    ]),
  );
  t.equal(failure, undefined);
  t.match(packets, [{ interfaceId: 1, sec: 3, nsec: 0, origBytes: 99, data: patternBytes(6), comment: 'old' }]);
  t.end();
});

void t.test('other blocks are skipped, of any size and in any chunks', (t) => {
  const packet = encodePacketBlock({ data: patternBytes(30), sec: 1, nsec: 2 });
  const bytes = concatBytes([
    encodeSectionBlock(),
    encodeBlock(4, [new Uint8Array(4)]),
    encodeInterfaceBlock({ linkType: 1 }),
    encodeBlock(5, [patternBytes(16)]),
    packet,
    encodeBlock(0x0bad, []),
    encodeBlock(0x8000_0001, [new Uint8Array(20 * 1024 * 1024)]),
    packet,
  ]);
  for (const chunkBytes of [65_536, bytes.length, 65_537]) {
    const { packets, failure } = readAll(bytes, chunkBytes);
    t.equal(failure, undefined);
    t.equal(packets.length, 2);
  }
  t.end();
});

void t.test('several comments become lines', (t) => {
  const options = ['one', 'two'].map((text) => ({ code: 1, value: encodeText(text) }));
  const { packets } = readAll(writePcapng([{ linkType: 1 }], [{ data: patternBytes(4), sec: 0, nsec: 0, options }]));
  t.equal(packets[0]?.comment, 'one\ntwo');
  t.end();
});

const HEAD = concatBytes([encodeSectionBlock(), encodeInterfaceBlock({ linkType: 1 })]);
const GOOD = encodePacketBlock({ data: patternBytes(20), sec: 1, nsec: 0 });
const PATCH_OFF = HEAD.length + GOOD.length;

/** A good packet, then the block with 32-bit words replaced. */
function broken(block: Uint8Array, patches: readonly (readonly [off: number, value: number])[]): Uint8Array {
  const bytes = concatBytes([HEAD, GOOD, block]);
  for (const [off, value] of patches) viewOf(bytes).setUint32(PATCH_OFF + off, value, true);
  return bytes;
}

const commented = encodePacketBlock({ data: patternBytes(20), sec: 1, nsec: 0, comment: 'seven..' });
const section = encodeSectionBlock();

const BROKEN: readonly { name: string; bytes: Uint8Array; code: string; offset?: number; data?: object }[] = [
  { name: 'length 0', bytes: broken(GOOD, [[4, 0]]), code: 'pcap-length', data: { totalBytes: 0 } },
  { name: 'length not a multiple of four', bytes: broken(GOOD, [[4, 53]]), code: 'pcap-length' },
  { name: 'length below the least', bytes: broken(GOOD, [[4, 28]]), code: 'pcap-length' },
  { name: 'length of 2 GB', bytes: broken(GOOD, [[4, 0x8000_0000]]), code: 'pcap-length' },
  { name: 'length of 16 MB that is not there', bytes: broken(GOOD, [[4, 0x0100_0000]]), code: 'pcap-truncated' },
  {
    name: 'unknown block of 4 GB',
    bytes: broken(encodeBlock(99, [new Uint8Array(40)]), [[4, 0xffff_fffc]]),
    code: 'pcap-truncated',
    offset: PATCH_OFF + 52,
  },
  { name: 'unknown block with length 8', bytes: broken(encodeBlock(99, []), [[4, 8]]), code: 'pcap-length' },
  { name: 'lengths differ', bytes: broken(GOOD, [[GOOD.length - 4, 56]]), code: 'pcap-block' },
  { name: 'lengths of a skipped block differ', bytes: broken(encodeBlock(99, []), [[8, 16]]), code: 'pcap-block' },
  {
    name: 'interface not described',
    bytes: broken(GOOD, [[8, 1]]),
    code: 'pcap-interface',
    data: { interfaceNumber: 1 },
  },
  {
    name: 'packet before any interface',
    bytes: concatBytes([HEAD, GOOD, section, GOOD]),
    code: 'pcap-interface',
    offset: PATCH_OFF + 28,
  },
  {
    name: 'captured length above the block',
    bytes: broken(GOOD, [[20, 24]]),
    code: 'pcap-length',
    data: { capBytes: 24, roomBytes: 20 },
  },
  { name: 'captured length above the limit', bytes: broken(GOOD, [[20, 262_145]]), code: 'pcap-length' },
  { name: 'captured length of -1', bytes: broken(GOOD, [[20, 0xffff_ffff]]), code: 'pcap-length' },
  { name: 'option longer than its block', bytes: broken(commented, [[28 + 20, 0xffff_0001]]), code: 'pcap-block' },
  { name: 'section of version 2', bytes: broken(section, [[12, 2]]), code: 'pcap-version', offset: PATCH_OFF + 12 },
  {
    name: 'section without byte-order magic',
    bytes: broken(section, [[8, 7]]),
    code: 'pcap-magic',
    offset: PATCH_OFF + 8,
  },
];

for (const { name, bytes, code, offset = PATCH_OFF, data } of BROKEN) {
  void t.test(`broken: ${name}`, (t) => {
    for (const chunkBytes of [1, 7, 1000]) {
      const outcome = readAll(bytes, chunkBytes);
      t.match(outcome.failure, { name: 'PcapError', code, where: { offset }, ...(data === undefined ? {} : { data }) });
      t.equal(outcome.packets.length, 1);
    }
    t.end();
  });
}

void t.test('a section alone is an empty capture; a time offset of 2^60 s is refused', (t) => {
  t.equal(readAll(section).failure, undefined);
  t.match(readAll(concatBytes([section, interfaceWith([timeOffset(1n << 60n)])])).failure, { code: 'pcap-interface' });
  t.end();
});

void t.test('cut at every byte: the packets before the cut, then pcap-truncated', (t) => {
  const blocks = [
    encodeSectionBlock(),
    encodeInterfaceBlock({ linkType: 1, name: 'eth0' }),
    GOOD,
    encodeBlock(5, [patternBytes(24)]),
    commented,
  ];
  const whole = concatBytes(blocks);
  const ends = blocks.map((_, i) => concatBytes(blocks.slice(0, i + 1)).length);
  for (let size = 0; size < whole.length; size++) {
    for (const chunkBytes of [1, whole.length]) {
      const { packets, failure } = readAll(whole.slice(0, size), chunkBytes);
      t.equal(packets.length, size >= (ends[2] ?? 0) ? 1 : 0, `${size} bytes`);
      if (ends.includes(size)) t.equal(failure, undefined);
      else t.match(failure, { code: 'pcap-truncated' });
    }
  }
  t.end();
});

void t.test('more interfaces than anybody has are refused', (t) => {
  const one = encodeInterfaceBlock({ linkType: 1 });
  const many = new Uint8Array(28 + 65_537 * one.length);
  many.set(section);
  for (let i = 0; i < 65_537; i++) many.set(one, 28 + i * one.length);
  t.match(readAll(many).failure, { code: 'pcap-interface', where: { offset: 28 + 65_536 * one.length } });
  t.end();
});
