/** The packets of pcaps/fragments.pcap: fragments of IPv4 and IPv6, in all orders and with all faults. Knows nothing of files. */
import { encodeText } from '../vm/host.js';
import { IP_PROTOCOL } from '../vm/net/headers.js';
import { type PacketToWrite } from '../vm/net/write-pcap.js';
import {
  type Ends,
  filled,
  type Flow,
  flow,
  fragment,
  fragments,
  frameOf,
  icmpMessage,
  ipPacket,
  TCP_FLAGS,
  tcpSegment,
  udpDatagram,
} from './captures-frames.js';
import { Timeline } from './captures-traffic.js';

const { udp, tcp, icmp, icmpv6 } = IP_PROTOCOL;

/** Groups of packets that belong together; each group has an identification of its own. */
export function fragmentGroups(): { name: string; packets: Uint8Array[] }[] {
  return [
    ...groupsOf('IPv4', flow('192.0.2.10', 40_000, '192.0.2.1', 53)),
    ...groupsOf('IPv6', flow('2001:db8:1::10', 40_000, '2001:db8:1::1', 53)),
    { name: 'IPv4: "don\'t fragment" and "more fragments" at once', packets: [bothFlags()] },
    { name: 'IPv6: atomic fragment', packets: [atomic()] },
  ];
}

function groupsOf(version: string, client: Flow): { name: string; packets: Uint8Array[] }[] {
  const v6 = client.src.length === 16;
  const base = v6 ? 0xcafe_0000 : 0x1000;
  const datagram = (bytes: number) => udpDatagram(client, filled(bytes));
  const cut = (bytes: number, mtu: number, number: number) =>
    fragments(client, udp, datagram(bytes), mtu, base + number);
  const three = (number: number) => cut(3000, 1500, number);
  const part = (payload: Uint8Array, off: number, more: boolean, number: number, ends: Ends = client) =>
    fragment(ends, udp, payload, { off, more, id: base + number });
  const small = datagram(120);
  const http = { ...client, dstPort: 80 };
  const request = encodeText(
    'GET /a-long-name-so-that-this-is-not-all-in-one-packet HTTP/1.1\r\nHost: hive.example\r\n\r\n',
  );
  const push = tcpSegment(http, { flags: TCP_FLAGS.push | TCP_FLAGS.ack, seq: 1000, ack: 2000, payload: request });
  const syn = tcpSegment({ ...client, dstPort: 23 }, { flags: TCP_FLAGS.syn, seq: 1000 });
  const ping = icmpMessage(client, v6 ? 128 : 8, 0, [0, 7, 0, 1], filled(4000));
  const other = { ...client, src: v6 ? client.src.with(15, 0x11) : client.src.with(3, 11) };

  return [
    { name: `${version}: UDP in three`, packets: three(1) },
    { name: `${version}: UDP in many small ones`, packets: cut(1200, 280, 2) },
    { name: `${version}: the last first`, packets: three(3).reverse() },
    { name: `${version}: the middle one missing`, packets: three(4).filter((_, i) => i !== 1) },
    { name: `${version}: the first one missing`, packets: three(5).slice(1) },
    { name: `${version}: each twice`, packets: three(6).flatMap((packet) => [packet, packet]) },
    { name: `${version}: two datagrams interleaved`, packets: interleaved(three(7), three(8)) },
    {
      name: `${version}: one identification, two senders`,
      packets: interleaved(
        three(9),
        fragments(other, udp, udpDatagram({ ...other, srcPort: 40_000, dstPort: 53 }, filled(3000)), 1500, base + 9),
      ),
    },
    {
      name: `${version}: the second writes over the first`,
      packets: [part(small.slice(0, 64), 0, true, 10), part(small.slice(56, 128), 56, false, 10)],
    },
    {
      name: `${version}: the second lies within the first`,
      packets: [
        part(small, 0, true, 11),
        part(small.slice(24, 48), 24, true, 11),
        part(small.slice(120), 120, false, 11),
      ],
    },
    { name: `${version}: beyond 65,535 bytes`, packets: [part(filled(64), 65_528, false, 12)] },
    { name: `${version}: TCP data in two`, packets: fragments(http, tcp, push, v6 ? 112 : 84, base + 13) },
    {
      name: `${version}: TCP header in two, 8 bytes first`,
      packets: [0, 8, 16].map((off) =>
        fragment(client, tcp, syn.slice(off, off + 8), { off, more: off < 16, id: base + 14 }),
      ),
    },
    {
      name: `${version}: echo request of 4,000 bytes`,
      packets: fragments(client, v6 ? icmpv6 : icmp, ping, 1500, base + 15),
    },
    { name: `${version}: no bytes in the first`, packets: [part(new Uint8Array(0), 0, true, 16)] },
    { name: `${version}: not a multiple of 8, more to come`, packets: [part(small.slice(0, 61), 0, true, 17)] },
  ];
}

function interleaved(a: readonly Uint8Array[], b: readonly Uint8Array[]): Uint8Array[] {
  return a.flatMap((packet, i) => [packet, b[i] ?? packet]);
}

function bothFlags(): Uint8Array {
  const client = flow('192.0.2.10', 40_000, '192.0.2.1', 53);
  return ipPacket(client, udp, udpDatagram(client, filled(40)), { id: 0x1100, fragment: 0x6000 });
}

function atomic(): Uint8Array {
  const client = flow('2001:db8:1::10', 40_000, '2001:db8:1::1', 53);
  return fragment(client, udp, udpDatagram(client, filled(40)), { off: 0, more: false, id: 0xcafe_1100 });
}

export function fragmentPackets(): PacketToWrite[] {
  const timeline = new Timeline();
  fragmentGroups().forEach(({ packets }, group) => {
    packets.forEach((packet, i) => {
      timeline.add(group * 100_000 + i * 20, frameOf(packet));
    });
  });
  return timeline.packets();
}
