/** The captures hold what pcaps/README.md says of them; a new recording must, too. */
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { toHex } from '../../vm/bytes.js';
import { checkChecksums } from '../../vm/net/checksum.js';
import type { Header } from '../../vm/net/headers.js';
import { parseFrame } from '../../vm/net/parse-frame.js';
import { type Packet } from '../../vm/net/packet.js';
import { readAll } from '../support/captures.js';

const FOLDER = new URL('../../pcaps/', import.meta.url);

function packetsOf(name: string): Packet[] {
  const { packets, failure } = readAll(readFileSync(new URL(name, FOLDER)));
  if (failure !== undefined) throw failure;
  return packets;
}

const headersOf = ({ data, linkType }: Packet): readonly Header[] => parseFrame(data, linkType).headers;

/** Addresses and ports of the packet, lesser end first, so that both directions are one flow. */
function flowOf(packet: Packet): string | undefined {
  const headers = headersOf(packet);
  const ip = headers.find((each) => each.kind === 'ipv4' || each.kind === 'ipv6');
  const transport = headers.find((each) => each.kind === 'tcp' || each.kind === 'udp');
  if (ip === undefined || transport === undefined) return undefined;
  const ends = [`${toHex(ip.src)}:${transport.srcPort}`, `${toHex(ip.dst)}:${transport.dstPort}`];
  return [transport.kind, ...ends.sort()].join(' ');
}

void t.test('the table of the README names every capture and counts its packets', (t) => {
  const readme = readFileSync(new URL('README.md', FOLDER), 'utf8');
  const rows = [...readme.matchAll(/^\| `([\w.-]+)` +\|[^|]+\| +([\d,]+) +\|/gm)];
  const said = Object.fromEntries(rows.map(([, name = '', count = '']) => [name, Number(count.replace(',', ''))]));
  const names = readdirSync(FOLDER).filter((name) => /\.pcap(ng)?$/.test(name));
  t.strictSame(said, Object.fromEntries(names.map((name) => [name, packetsOf(name).length])));
  t.end();
});

for (const name of ['http.pcap', 'dns.pcapng', 'http6.pcap', 'icmp.pcap', 'udp-flows.pcap', 'long-lived.pcap']) {
  void t.test(`${name}: recorded without offloads, so all checksums are right`, (t) => {
    const bad = packetsOf(name).flatMap(({ data, linkType }, i) => {
      const reports = checkChecksums(data, parseFrame(data, linkType));
      return reports.some(({ state }) => state.kind === 'bad') ? [i + 1] : [];
    });
    t.strictSame(bad, []);
    t.end();
  });
}

void t.test('http6.pcap is IPv6 alone', (t) => {
  const other = packetsOf('http6.pcap').filter((packet) => !headersOf(packet).some(({ kind }) => kind === 'ipv6'));
  t.equal(other.length, 0);
  t.end();
});

void t.test('icmp.pcap has every error', (t) => {
  const seen = new Set(
    packetsOf('icmp.pcap').flatMap((packet) =>
      headersOf(packet).flatMap((each) =>
        each.kind === 'icmp' || each.kind === 'icmpv6' ? [`${each.kind} ${each.type}/${each.code}`] : [],
      ),
    ),
  );
  const v4 = ['0/0', '8/0', '3/0', '3/1', '3/2', '3/3', '3/4', '3/13', '11/0', '11/1', '13/0', '14/0'];
  const v6 = ['128/0', '129/0', '1/0', '1/1', '1/3', '1/4', '2/0', '3/0', '3/1', '4/0', '4/1'];
  const expected = [...v4.map((each) => `icmp ${each}`), ...v6.map((each) => `icmpv6 ${each}`)];
  t.strictSame(
    expected.filter((each) => !seen.has(each)),
    [],
  );
  t.end();
});

void t.test('udp-flows.pcap has 10,000 flows', (t) => {
  const flows = packetsOf('udp-flows.pcap').flatMap((packet) => flowOf(packet) ?? []);
  t.equal(flows.length, 10_000, 'datagrams');
  t.equal(new Set(flows).size, 10_000, 'flows');
  t.end();
});

void t.test('long-lived.pcap has a connection that is silent for longer than 7,440 s and then goes on', (t) => {
  const last = new Map<string, number>();
  let longest = 0;
  for (const packet of packetsOf('long-lived.pcap')) {
    const flow = flowOf(packet);
    if (flow === undefined) continue;
    longest = Math.max(longest, packet.sec - (last.get(flow) ?? packet.sec));
    last.set(flow, packet.sec);
  }
  t.ok(longest > 7440, `${longest} s`);
  t.equal(last.size, 9, 'connections');
  t.end();
});
