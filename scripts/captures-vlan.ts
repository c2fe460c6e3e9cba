/**
 * The packets of pcaps/vlan.pcap: a trunk between two switches, with tagged, twice tagged and untagged traffic. Made
 * here, as a kernel without 802.1Q cannot. Knows nothing of files.
 */
import { IP_PROTOCOL } from '../vm/net/headers.js';
import { type PacketToWrite } from '../vm/net/write-pcap.js';
import {
  address,
  be16,
  be32,
  CLIENT_MAC,
  echoRequest,
  ends,
  type Flow,
  flow,
  frameOf,
  icmpPacket,
  ipPacket,
  join,
  filled,
  turned,
  turnedEnds,
  udpDatagram,
  type VlanTag,
} from './captures-frames.js';
import { answers, connection, numbersFrom, says, Timeline } from './captures-traffic.js';

const PAGE = answers(join(filled(2000), filled(1000)));

/** All the talk of one VLAN, from `us` on: who has, a web page, a name, a ping; by both versions. */
function addTalk(timeline: Timeline, us: number, tags: readonly VlanTag[], number: number): void {
  let at = us;
  const add = (packet: Uint8Array, fromServer = false, type?: number) => {
    timeline.add(at, frameOf(packet, { fromServer, tags, ...(type === undefined ? {} : { type }) }));
    at += 180;
  };
  const four = ends('192.0.2.10', '192.0.2.1');
  const six = ends('2001:db8:1::10', '2001:db8:1::1');
  add(
    join(be32(0x0001_0800), be16(0x0604), be16(1), CLIENT_MAC, four.src, [0, 0, 0, 0, 0, 0], four.dst),
    false,
    0x0806,
  );
  add(neighborSolicitation());
  for (const [i, { src, dst }] of [four, six].entries()) {
    const web: Flow = { src, dst, srcPort: 50_000 + number * 10 + i, dstPort: 80 };
    const isn = numbersFrom(web.srcPort)();
    for (const { packet, fromServer } of connection(web, [says('GET / HTTP/1.1\r\n\r\n'), PAGE], isn, 'fin')) {
      add(packet, fromServer);
    }
    const dns: Flow = { ...web, dstPort: 53 };
    add(ipPacket(dns, IP_PROTOCOL.udp, udpDatagram(dns, filled(33))));
    add(ipPacket(turned(dns), IP_PROTOCOL.udp, udpDatagram(turned(dns), filled(49))), true);
    add(echoRequest({ src, dst }, number, 1));
    add(
      icmpPacket(turnedEnds({ src, dst }), src.length === 16 ? 129 : 0, 0, [...be16(number), 0, 1], filled(56)),
      true,
    );
  }
}

function neighborSolicitation(): Uint8Array {
  const target = address('2001:db8:1::1');
  const asked = ends('2001:db8:1::10', 'ff02::1:ff00:1');
  return icmpPacket(asked, 135, 0, [0, 0, 0, 0], join(target, [1, 1], CLIENT_MAC));
}

export function vlanPackets(): PacketToWrite[] {
  const timeline = new Timeline();
  const kinds: (readonly VlanTag[])[] = [
    [{ vid: 100 }],
    [{ vid: 200, priority: 5 }],
    [],
    [{ vid: 0, priority: 7 }],
    [{ tpid: 0x88a8, vid: 300 }, { vid: 100 }],
    [
      { tpid: 0x88a8, vid: 300, priority: 3 },
      { vid: 4094, priority: 3 },
    ],
    [{ vid: 300 }, { vid: 100 }],
    [{ tpid: 0x88a8, vid: 400 }],
    [{ tpid: 0x88a8, vid: 500 }, { vid: 300 }, { vid: 100 }],
  ];
  kinds.forEach((tags, i) => {
    addTalk(timeline, i * 100_000, tags, i);
  });
  // The same flow on two VLANs at once is two flows to a switch and one to a program that forgets the tag.
  const same = flow('192.0.2.10', 51_000, '192.0.2.1', 80);
  for (const [i, vid] of [100, 200].entries()) {
    connection(same, [says('GET / HTTP/1.1\r\n\r\n')], 0x1111_1111 * (i + 1), 'reset').forEach(
      ({ packet, fromServer }, j) => {
        timeline.add(2_000_000 + j * 200 + i * 100, frameOf(packet, { fromServer, tags: [{ vid }] }));
      },
    );
  }
  return timeline.packets();
}
