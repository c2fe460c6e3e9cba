/**
 * The packets of pcaps/mixed.pcapng: what a load balancer with a policy behind it sees on a busy morning, from the
 * clients' side only, as where backends answer clients directly. Knows nothing of files.
 */
import { encodeText } from '../vm/host.js';
import { IP_PROTOCOL } from '../vm/net/headers.js';
import { type PcapngPacket } from '../vm/net/write-pcapng.js';
import {
  address,
  be16,
  be32,
  CLIENT_MAC,
  echoRequest,
  ends,
  filled,
  type Flow,
  flow,
  fragments,
  frameOf,
  icmpError,
  icmpPacket,
  ipPacket,
  join,
  padded,
  patched,
  TCP_FLAGS,
  tcpSegment,
  turned,
  udpDatagram,
  type VlanTag,
} from './captures-frames.js';
import { answers, connection, numbersFrom, type Saying, says, synOptions, Timeline } from './captures-traffic.js';

export const MIXED_VIP4 = '198.51.100.10';
export const MIXED_VIP6 = '2001:db8:ff::10';
/** Denied: the networks that the firewall's deny list has, too. */
const DENIED4 = '198.51.100.66';
const DENIED6 = '2001:db8:bad0::66';
const ROUTER4 = '203.0.113.254';
const ROUTER6 = '2001:db8:3::254';

const { udp, tcp } = IP_PROTOCOL;
const client4 = (i: number) => `192.0.2.${10 + (i % 200)}`;
const client6 = (i: number) => `2001:db8:1::${(0x10 + (i % 200)).toString(16)}`;
const toVip = (v6: boolean, client: number, srcPort: number, dstPort: number): Flow =>
  v6 ? flow(client6(client), srcPort, MIXED_VIP6, dstPort) : flow(client4(client), srcPort, MIXED_VIP4, dstPort);
const synTo = (to: Flow, seq = 1000) =>
  ipPacket(to, tcp, tcpSegment(to, { flags: TCP_FLAGS.syn, seq, options: synOptions(to.src.length === 16) }));
const datagramTo = (to: Flow, payload: Uint8Array = filled(40)) => ipPacket(to, udp, udpDatagram(to, payload));

const web = (path: string): Saying[] => [
  says(`GET ${path} HTTP/1.1\r\nHost: www.hive.example\r\nUser-Agent: skep\r\n\r\n`),
  answers(join(encodeText('HTTP/1.1 200 OK\r\nContent-Length: 1900\r\n\r\n'), filled(1900))),
];
/** TLS records of application data. */
const tls: Saying[] = [
  { fromServer: false, data: join([23, 3, 3], be16(200), filled(200)) },
  answers(join([23, 3, 3], be16(1200), filled(1200))),
];

/** The question for the address of www.hive.example. */
function dnsQuestion(id: number, v6: boolean): Uint8Array {
  const labels = ['www', 'hive', 'example'].map((label) => join([label.length], encodeText(label)));
  return join(be16(id), be16(0x100), be16(1), [0, 0, 0, 0, 0, 0], ...labels, [0], be16(v6 ? 28 : 1), be16(1));
}

const SPAN_US = 60_000_000;

class Mix {
  readonly timeline = new Timeline();
  readonly next = numbersFrom(0xbee5);

  /** Some moment of the minute. */
  moment(): number {
    return this.next() % SPAN_US;
  }

  add(packet: Uint8Array, comment: string, us = this.moment(), tags: readonly VlanTag[] = []): void {
    this.timeline.add(us, frameOf(packet, { tags }), { comment });
  }

  /** The client's half of a connection. */
  addClientHalf(client: Flow, sayings: readonly Saying[], us = this.moment(), comment?: string): void {
    const end = this.next() % 10 === 0 ? 'reset' : 'fin';
    const more = comment === undefined ? {} : { comment };
    let at = us;
    for (const { packet, fromServer } of connection(client, sayings, this.next(), end)) {
      at += 500 + (this.next() % 4000);
      if (!fromServer) this.timeline.add(at, frameOf(packet), more);
    }
  }
}

export function mixedPackets(): PcapngPacket[] {
  const mix = new Mix();
  addServices(mix);
  addPings(mix);
  addFragments(mix);
  addErrors(mix);
  addDenied(mix);
  addUnknownPorts(mix);
  addOddFrames(mix);
  return mix.timeline.packets();
}

function addServices(mix: Mix): void {
  for (let i = 0; i < 400; i++) {
    const v6 = i % 5 >= 3;
    mix.addClientHalf(
      toVip(v6, i, 32_768 + (mix.next() % 28_000), i % 3 === 2 ? 443 : 80),
      i % 3 === 2 ? tls : web(`/page-${i}`),
    );
  }
  for (let i = 0; i < 40; i++) {
    mix.addClientHalf(toVip(false, 199, 40_000 + i, 80), web('/again'), undefined, 'one client, many connections');
  }
  for (let i = 0; i < 400; i++) {
    const v6 = i % 4 === 3;
    const from = toVip(v6, mix.next() % 200, 32_768 + (mix.next() % 28_000), 53);
    mix.timeline.add(mix.moment(), frameOf(datagramTo(from, dnsQuestion(i, v6))));
  }
  const slow = toVip(false, 150, 41_000, 80);
  const early = connection(slow, web('/slow'), 0x7000_0000, 'fin').filter(({ fromServer }) => !fromServer);
  early.forEach(({ packet }, i) => {
    mix.add(packet, 'one connection over the whole minute', i * 10_000_000 + 77);
  });
  for (let i = 0; i < 5; i++) {
    const lost = toVip(i % 2 === 1, 160 + i, 42_000, 80);
    const middle = tcpSegment(lost, { flags: TCP_FLAGS.ack, seq: 5000 + i, ack: 6000, payload: filled(100) });
    mix.add(ipPacket(lost, tcp, middle), 'middle of a connection whose start was not seen');
  }
}

function addPings(mix: Mix): void {
  for (let i = 0; i < 30; i++) {
    const pair = i % 3 === 2 ? ends(client6(i), MIXED_VIP6) : ends(client4(i), MIXED_VIP4);
    mix.add(echoRequest(pair, 100 + i, 1), 'echo request to the VIP');
  }
  mix.add(
    icmpPacket(ends(client4(1), MIXED_VIP4), 13, 0, [0, 1, 0, 1], new Uint8Array(12)),
    'timestamp request to the VIP',
  );
}

function addFragments(mix: Mix): void {
  for (let i = 0; i < 16; i++) {
    const v6 = i % 3 === 2;
    const from = toVip(v6, 20 + i, 43_000 + i, 53);
    const parts = fragments(from, udp, udpDatagram(from, filled(2000 + 100 * i)), 1500, 0x2000 + i);
    const isReversed = i >= 12;
    const isHeadless = i === 11;
    const packets = isReversed ? parts.reverse() : isHeadless ? parts.slice(1) : parts;
    const comment = isReversed
      ? 'fragments, the last first'
      : isHeadless
        ? 'fragment, the first is missing'
        : 'fragments in order';
    const at = mix.moment();
    packets.forEach((packet, j) => {
      mix.add(packet, comment, at + j * 30);
    });
  }
}

/** Each is about a packet that the VIP sent to a client, the reply of a connection opened just before. */
function addErrors(mix: Mix): void {
  for (let i = 0; i < 6; i++) {
    const v6 = i % 2 === 1;
    const from = toVip(v6, 50 + i, 44_000 + i, 80);
    const at = 5_000_000 + i * 7_000_000;
    mix.addClientHalf(from, web('/big'), at, 'the replies to this one are too big for a link on their way');
    const reply = tcpSegment(turned(from), { flags: TCP_FLAGS.ack, seq: 1, ack: 1, payload: filled(1400) });
    const about = ipPacket(turned(from), tcp, reply, { hops: 60 });
    const router = v6 ? ends(ROUTER6, MIXED_VIP6) : ends(ROUTER4, MIXED_VIP4);
    const error = v6
      ? icmpError(router, 2, 0, be32(1280), about)
      : icmpError(router, 3, 4, [0, 0, ...be16(1400)], about);
    mix.add(error, v6 ? 'packet too big, about a reply' : 'fragmentation needed, about a reply', at + 9000);
  }
  for (let i = 0; i < 4; i++) {
    const v6 = i % 2 === 1;
    const from = toVip(v6, 60 + i, 45_000 + i, 53);
    const at = 8_000_000 + i * 9_000_000;
    mix.add(datagramTo(from, dnsQuestion(900 + i, v6)), 'a question whose asker goes away', at);
    const error = icmpError(from, v6 ? 1 : 3, v6 ? 4 : 3, [0, 0, 0, 0], datagramTo(turned(from), filled(60)));
    mix.add(error, 'port unreachable, about a reply', at + 4000);
  }
  const stranger = toVip(false, 70, 46_000, 8080);
  mix.add(
    icmpError(ends(ROUTER4, MIXED_VIP4), 11, 0, [0, 0, 0, 0], synTo(turned(stranger))),
    'time exceeded, about a packet of no service',
  );
}

function addDenied(mix: Mix): void {
  for (let i = 0; i < 10; i++) {
    for (const [source, vip] of [
      [DENIED4, MIXED_VIP4],
      [DENIED6, MIXED_VIP6],
    ] as const) {
      mix.add(synTo(flow(source, 47_000 + i, vip, i % 2 === 0 ? 80 : 443)), 'denied client, TCP');
      if (i < 5)
        mix.add(datagramTo(flow(source, 47_100 + i, vip, 53), dnsQuestion(1000 + i, false)), 'denied client, UDP');
      if (i < 2) mix.add(echoRequest(ends(source, vip), 200 + i, 1), 'denied client, echo request');
    }
  }
  for (let i = 0; i < 6; i++) mix.add(synTo(flow(`203.0.113.${7 + i}`, 47_200, MIXED_VIP4, 80)), 'client from outside');
}

function addUnknownPorts(mix: Mix): void {
  [21, 22, 23, 25, 445, 3306, 8080, 8443].forEach((port, i) => {
    mix.add(synTo(toVip(false, 90, 48_000 + i, port)), `TCP port ${port}, which the VIP does not have`);
    mix.add(synTo(toVip(true, 90, 48_000 + i, port)), `TCP port ${port}, which the VIP does not have`);
  });
  for (const port of [19, 80, 123, 161, 443, 1900]) {
    mix.add(datagramTo(toVip(false, 91, 48_100, port)), `UDP port ${port}, which the VIP does not have`);
    mix.add(datagramTo(toVip(true, 91, 48_100, port)), `UDP port ${port}, which the VIP does not have`);
  }
  mix.add(synTo(toVip(false, 92, 48_200, 53)), 'TCP port 53, which the VIP does not have');
  mix.add(synTo(flow(client4(93), 48_300, '198.51.100.11', 80)), 'no VIP, IPv4');
  mix.add(synTo(flow(client6(93), 48_300, '2001:db8:ff::11', 80)), 'no VIP, IPv6');
  const sctp = join(be16(5000), be16(80), be32(0), be32(0), [1, 0, 0, 4]);
  mix.add(ipPacket(ends(client4(94), MIXED_VIP4), IP_PROTOCOL.sctp, sctp), 'SCTP to the VIP');
  mix.add(
    ipPacket(ends(client4(94), MIXED_VIP4), IP_PROTOCOL.gre, join([0, 0, 8, 0], synTo(toVip(false, 94, 1, 80)))),
    'GRE to the VIP',
  );
}

function addOddFrames(mix: Mix): void {
  const good = frameOf(synTo(toVip(false, 95, 49_000, 80)));
  const odd = (frame: Uint8Array, comment: string) => {
    mix.timeline.add(mix.moment(), frame, { comment });
  };
  odd(patched(good, 16, be16(1500)), 'total length above the frame');
  odd(patched(good, 14, [0x44]), 'IP header of four words');
  odd(good.slice(0, 14 + 20 + 10), 'ends in the TCP header');
  odd(patched(good, 14 + 20 + 12, [0xf0]), 'TCP header beyond the packet');
  const six = frameOf(synTo(toVip(true, 95, 49_000, 80)));
  odd(six.slice(0, 14 + 30), 'ends in the IPv6 header');
  mix.add(synTo(toVip(false, 96, 49_100, 80)), 'with a VLAN tag', undefined, [{ vid: 100 }]);
  const options = toVip(false, 97, 49_200, 80);
  const syn = tcpSegment(options, { flags: TCP_FLAGS.syn, seq: 1 });
  mix.add(ipPacket(options, tcp, syn, { options: [148, 4, 0, 0] }), 'with an IPv4 option');
  const extended = toVip(true, 97, 49_200, 80);
  const padding = [0, 1, 4, 0, 0, 0, 0];
  mix.add(
    ipPacket(extended, tcp, tcpSegment(extended, { flags: TCP_FLAGS.syn, seq: 1 }), {
      extensions: [{ type: IP_PROTOCOL.destination, rest: padding }],
    }),
    'with IPv6 destination options',
  );
  const arp = join(
    be32(0x0001_0800),
    be16(0x0604),
    be16(1),
    CLIENT_MAC,
    address(client4(0)),
    [0, 0, 0, 0, 0, 0],
    address(MIXED_VIP4),
  );
  odd(frameOf(arp, { type: 0x0806 }), 'ARP: who has the VIP?');
  const sought = join(address(MIXED_VIP6), [1, 1], CLIENT_MAC);
  mix.add(
    icmpPacket(ends(client6(0), 'ff02::1:ff00:10'), 135, 0, [0, 0, 0, 0], sought),
    'neighbour solicitation for the VIP',
  );
  odd(padded(join([1, 0x80, 0xc2, 0, 0, 14], CLIENT_MAC, be16(0x88cc), [2, 7, 4, ...CLIENT_MAC, 0, 0])), 'LLDP');
}
