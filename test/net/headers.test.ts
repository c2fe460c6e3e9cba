/** Fields of headers, addresses as text, checksums, link types: values known from the RFCs or from other tools. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { fromHex } from '../../vm/bytes.js';
import { must } from '../../vm/errors.js';
import { formatIpv4, formatIpv6, formatMac } from '../../vm/address-text.js';
import { checkChecksums, foldChecksum, internetChecksum, sumWords } from '../../vm/net/checksum.js';
import type { Header } from '../../vm/net/headers.js';
import { parseFrame } from '../../vm/net/parse-frame.js';
import { canonicalLinkType, ethernetFrameOf, linkTypeName } from '../../vm/net/link-types.js';
import { summarizePacket } from '../../vm/net/summary.js';
import { readAll } from '../support/captures.js';

const bytesOf = (hex: string) => must(fromHex(hex), 'hex');

void t.test('addresses', (t) => {
  const v6: readonly (readonly [hex: string, text: string])[] = [
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['20010db8000000000000000000000001', '2001:db8::1'],
    ['20010db8000000010000000000000001', '2001:db8:0:1::1'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['20010db8000100020003000400050000', '2001:db8:1:2:3:4:5:0'],
    ['fe800000000000000000000000000000', 'fe80::'],
    ['00000000000000000000ffffc0000201', '::ffff:192.0.2.1'],
    ['20010db80000000100020003000400ff', '2001:db8:0:1:2:3:4:ff'],
  ];
  for (const [hex, text] of v6) t.equal(formatIpv6(bytesOf(hex)), text);
  t.equal(formatIpv4(bytesOf('00c0000201'), 1), '192.0.2.1');
  t.equal(formatMac(bytesOf('020a00ff0001')), '02:0a:00:ff:00:01');
  t.end();
});

void t.test('every field of a VLAN, IPv4 and TCP header', (t) => {
  const data = bytesOf(`
    020000000001 020000000002 8100 b064 0800
    46b8003c 1234 a000 40 06 beef c000020a c0000201 94040000
    c350 0050 000003e8 000007d0 5 112 faf0 cafe 0007 6869`);
  const { headers, stop, payloadOff, endOff } = parseFrame(data);
  const [, vlan, ip, tcp] = headers;
  t.match(headers[0], {
    kind: 'ethernet',
    etherType: 0x8100,
    dst: bytesOf('020000000001'),
    src: bytesOf('020000000002'),
  });
  t.strictSame(vlan, {
    kind: 'vlan',
    off: 14,
    headerBytes: 4,
    vid: 100,
    priority: 5,
    dropEligible: true,
    etherType: 0x800,
  });
  t.strictSame(ip, {
    kind: 'ipv4',
    off: 18,
    headerBytes: 24,
    src: bytesOf('c000020a'),
    dst: bytesOf('c0000201'),
    protocol: 6,
    ttl: 64,
    tos: 0xb8,
    id: 0x1234,
    totalBytes: 60,
    dontFragment: false,
    moreFragments: true,
    fragmentOff: 0,
    checksum: 0xbeef,
  } satisfies Header);
  t.strictSame(tcp, {
    kind: 'tcp',
    off: 42,
    headerBytes: 20,
    srcPort: 50_000,
    dstPort: 80,
    seq: 1000,
    ack: 2000,
    flags: 0x112,
    window: 64_240,
    checksum: 0xcafe,
    urgent: 7,
  } satisfies Header);
  t.strictSame([stop, payloadOff, endOff], [{ kind: 'payload' }, 62, 64]);
  t.end();
});

void t.test('every field of an IPv6, fragment and UDP header', (t) => {
  const data = bytesOf(`
    020000000001 020000000002 86dd
    6ab12345 0012 2c 3f 20010db8000000000000000000000001 20010db8000000000000000000000002
    11 00 0001 0000cafe  9c40 0007 000a 1234 6869 000000`);
  const { headers, stop, payloadOff, endOff } = parseFrame(data);
  t.match(headers[1], {
    kind: 'ipv6',
    nextHeader: 44,
    hopLimit: 63,
    trafficClass: 0xab,
    flowLabel: 0x12345,
    payloadBytes: 18,
    src: bytesOf('20010db8000000000000000000000001'),
  });
  t.match(headers[2], {
    kind: 'ipv6-extension',
    type: 44,
    nextHeader: 17,
    fragment: { off: 0, more: true, id: 0xcafe },
  });
  t.match(headers[3], { kind: 'udp', srcPort: 40_000, dstPort: 7, totalBytes: 10, checksum: 0x1234 });
  t.strictSame([stop, payloadOff, endOff], [{ kind: 'payload' }, 70, 72], 'padding is not payload');
  t.end();
});

void t.test('nesting without end is cut short', (t) => {
  const ip = '450000140000000040040000c000020ac0000201';
  const { headers, stop } = parseFrame(bytesOf(`0200000000010200000000020800${ip.replace('0014', 'ffff').repeat(60)}`));
  t.equal(headers.length, 32);
  t.strictSame(stop, { kind: 'too-deep' });
  const tags = parseFrame(bytesOf(`020000000001020000000002${'81000001'.repeat(100)}`));
  t.strictSame(tags.stop, { kind: 'too-deep' });
  t.end();
});

void t.test('checksums of known packets', (t) => {
  // The worked example of RFC 1071, section 3.
  t.equal(sumWords(bytesOf('0001f203f4f5f6f7')), 0x2ddf0);
  t.equal(internetChecksum(bytesOf('0001f203f4f5f6f7')), 0x220d);
  t.equal(foldChecksum(0xffff), 0);
  t.equal(internetChecksum(bytesOf('01')), 0xfeff, 'an odd byte is the high one');
  t.end();
});

void t.test('the captures of this repository have good checksums throughout', (t) => {
  for (const name of ['http.pcap', 'dns.pcapng']) {
    const states = new Map<string, number>();
    for (const { data, linkType } of readAll(readFileSync(new URL(`../../pcaps/${name}`, import.meta.url))).packets) {
      for (const { header, state } of checkChecksums(data, parseFrame(data, linkType))) {
        states.set(`${header} ${state.kind}`, (states.get(`${header} ${state.kind}`) ?? 0) + 1);
      }
    }
    t.ok(
      [...states.keys()].every((key) => key.endsWith('good')),
      `${name}: ${JSON.stringify([...states])}`,
    );
    t.ok([...states.values()].reduce((sum, count) => sum + count, 0) > 500);
  }
  t.end();
});

void t.test('links: which are given to programs, and how', (t) => {
  const packet = (linkType: number, hex: string) => ({ data: bytesOf(hex), linkType, fileOff: 24, index: 0 });
  t.strictSame(ethernetFrameOf(packet(1, '0102')), bytesOf('0102'));
  const cases: readonly (readonly [linkType: number, hex: string, etherType: string])[] = [
    [101, '45aa', '0800'],
    [12, '60bb', '86dd'],
    [228, '45cc', '0800'],
    [229, '60dd', '86dd'],
    [101, '', '0800'],
  ];
  for (const [linkType, hex, etherType] of cases) {
    t.strictSame(ethernetFrameOf(packet(linkType, hex)), bytesOf(`020000000002020000000001${etherType}${hex}`));
  }
  for (const linkType of [0, 113, 276, 105, 4711]) {
    t.throws(() => ethernetFrameOf(packet(linkType, '00')), {
      code: 'pcap-linktype',
      data: { linkType },
      where: { offset: 24 },
    });
  }
  t.equal(linkTypeName(113), 'Linux cooked v1 (SLL)');
  t.equal(linkTypeName(4711), 'linktype 4711');
  t.equal(canonicalLinkType(12), 101);
  t.equal(summarizePacket(bytesOf('00'), 276), 'Linux cooked v2 (SLL2), length 1');
  t.end();
});
