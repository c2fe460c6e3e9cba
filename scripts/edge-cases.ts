/**
 * The frames of pcaps/edge-cases.pcap: one of each thing that a datapath program gets wrong. Always the same bytes.
 * Addresses are those for documentation (RFC 5737, RFC 3849). Knows nothing of files.
 */
import { encodeText } from '../vm/host.js';
import { internetChecksum, transportChecksum } from '../vm/net/checksum.js';
import { IP_PROTOCOL } from '../vm/net/headers.js';
import { type PacketToWrite, writePcap } from '../vm/net/write-pcap.js';
import { be16, be32, CLIENT_MAC, cutTo, filled, join, padded, patched, SERVER_MAC } from './captures-frames.js';

/** A frame and what is odd about it. */
export interface EdgeCase {
  readonly name: string;
  readonly frame: Uint8Array;
  /** Length on the wire, if the capture cut the frame. */
  readonly origBytes?: number;
}

const CLIENT4 = [192, 0, 2, 10];
const SERVER4 = [192, 0, 2, 1];
const CLIENT6 = [0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10];
const SERVER6 = [0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01];

function ethernet(etherType: number, payload: Uint8Array): Uint8Array {
  return join(SERVER_MAC, CLIENT_MAC, be16(etherType), payload);
}

interface Ipv4Fields {
  readonly protocol: number;
  readonly src?: readonly number[];
  readonly dst?: readonly number[];
  readonly options?: readonly number[];
  readonly ttl?: number;
  readonly tos?: number;
  readonly id?: number;
  /** Flags and offset as in the header. */
  readonly fragment?: number;
  readonly version?: number;
  readonly headerWords?: number;
  readonly totalBytes?: number;
  readonly checksum?: number;
}

function ipv4(fields: Ipv4Fields, payload: Uint8Array): Uint8Array {
  const options = fields.options ?? [];
  const words = fields.headerWords ?? 5 + options.length / 4;
  const header = join(
    [((fields.version ?? 4) << 4) | words, fields.tos ?? 0],
    be16(fields.totalBytes ?? 20 + options.length + payload.length),
    be16(fields.id ?? 1),
    be16(fields.fragment ?? 0x4000),
    [fields.ttl ?? 64, fields.protocol, 0, 0],
    fields.src ?? CLIENT4,
    fields.dst ?? SERVER4,
    options,
  );
  header.set(be16(fields.checksum ?? internetChecksum(header)), 10);
  return join(header, payload);
}

function ipv6(nextHeader: number, payload: Uint8Array, payloadBytes = payload.length): Uint8Array {
  return join(be32(0x6000_0000), be16(payloadBytes), [nextHeader, 64], CLIENT6, SERVER6, payload);
}

interface TransportPlace {
  readonly src?: readonly number[];
  readonly dst?: readonly number[];
}

/** Fills in the checksum at `checksumOff`. */
function summed(segment: Uint8Array, checksumOff: number, protocol: number, place: TransportPlace = {}): Uint8Array {
  const pseudo = {
    src: Uint8Array.from(place.src ?? CLIENT4),
    dst: Uint8Array.from(place.dst ?? SERVER4),
    protocol,
  };
  const checksum = transportChecksum(segment, 0, segment.length, checksumOff, pseudo);
  segment.set(be16(protocol === IP_PROTOCOL.udp && checksum === 0 ? 0xffff : checksum), checksumOff);
  return segment;
}

const V6: TransportPlace = { src: CLIENT6, dst: SERVER6 };

function udp(payload: Uint8Array, place?: TransportPlace, dstPort = 7, totalBytes = 8 + payload.length): Uint8Array {
  const datagram = join(be16(40000), be16(dstPort), be16(totalBytes), [0, 0], payload);
  return summed(datagram, 6, IP_PROTOCOL.udp, place);
}

function tcp(flags: number, payload: Uint8Array, place?: TransportPlace, dstPort = 80, options: number[] = []) {
  const words = 5 + options.length / 4;
  const head = join(
    be16(50000),
    be16(dstPort),
    be32(1000),
    be32((flags & 16) === 0 ? 0 : 2000),
    be16((words << 12) | flags),
  );
  return summed(join(head, be16(64240), [0, 0, 0, 0], options, payload), 16, IP_PROTOCOL.tcp, place);
}

function echo(payload: Uint8Array): Uint8Array {
  const message = join([8, 0, 0, 0], be16(7), be16(1), payload);
  message.set(be16(internetChecksum(message)), 2);
  return message;
}

const HELLO = encodeText('hello');
const NONE = new Uint8Array(0);
const SYN_OPTIONS = [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];

const udp4 = (payload: Uint8Array = HELLO) => ipv4({ protocol: IP_PROTOCOL.udp }, udp(payload));
const tcp4 = (flags: number, payload: Uint8Array = NONE, dstPort?: number) =>
  ipv4({ protocol: IP_PROTOCOL.tcp }, tcp(flags, payload, undefined, dstPort));
const vlan = (vid: number, etherType: number, payload: Uint8Array, priority = 0) =>
  join(be16((priority << 13) | vid), be16(etherType), payload);

function arp(operation: number, targetIp: readonly number[]): Uint8Array {
  return ethernet(
    0x0806,
    join(be32(0x0001_0800), be16(0x0604), be16(operation), CLIENT_MAC, CLIENT4, [0, 0, 0, 0, 0, 0], targetIp),
  );
}

/** A UDP datagram of 3,000 bytes in three fragments. */
function fragments4(): EdgeCase[] {
  const whole = udp(filled(2992));
  const place = (fragment: number) => ({ protocol: IP_PROTOCOL.udp, id: 4711, fragment });
  return [
    { name: 'IPv4: first fragment', frame: ethernet(0x0800, ipv4(place(0x2000), whole.slice(0, 1480))) },
    { name: 'IPv4: middle fragment', frame: ethernet(0x0800, ipv4(place(0x2000 | 185), whole.slice(1480, 2960))) },
    { name: 'IPv4: last fragment', frame: padded(ethernet(0x0800, ipv4(place(370), whole.slice(2960)))) },
    {
      name: 'IPv4: first fragment too small for its TCP header',
      frame: padded(
        ethernet(
          0x0800,
          ipv4({ protocol: IP_PROTOCOL.tcp, fragment: 0x2000 }, tcp(2, NONE, undefined, 23).slice(0, 8)),
        ),
      ),
    },
  ];
}

function extensions6(): EdgeCase[] {
  const frame = (first: number, payload: Uint8Array) => ethernet(0x86dd, ipv6(first, payload));
  const udp6 = udp(HELLO, V6);
  const padding = (next: number) => [next, 0, 1, 4, 0, 0, 0, 0];
  const fragment = (next: number, off: number, more: boolean) =>
    join([next, 0], be16(off | (more ? 1 : 0)), be32(0xcafe));
  const whole = udp(filled(1992), V6);
  return [
    { name: 'IPv6: hop-by-hop options before UDP', frame: frame(0, join(padding(17), udp6)) },
    {
      name: 'IPv6: hop-by-hop, destination and routing header before TCP',
      frame: frame(0, join(padding(60), padding(43), [6, 0, 4, 0, 0, 0, 0, 0], tcp(2, NONE, V6))),
    },
    { name: 'IPv6: first fragment', frame: frame(44, join(fragment(17, 0, true), whole.slice(0, 1448))) },
    { name: 'IPv6: last fragment', frame: frame(44, join(fragment(17, 1448, false), whole.slice(1448))) },
    { name: 'IPv6: atomic fragment', frame: frame(44, join(fragment(17, 0, false), udp6)) },
    { name: 'IPv6: authentication header before UDP', frame: frame(51, join([17, 4], new Uint8Array(22), udp6)) },
    { name: 'IPv6: no next header', frame: padded(frame(59, NONE)) },
    {
      name: 'IPv6: seven extension headers',
      frame: frame(60, join(...Array.from({ length: 6 }, () => padding(60)), padding(17), udp6)),
    },
    {
      name: 'IPv6: extension header longer than the packet',
      frame: frame(60, Uint8Array.of(17, 200, 1, 4, 0, 0, 0, 0)),
    },
    { name: 'IPv6: cut in the extension header', ...cutTo(14 + 40 + 4, frame(0, join(padding(17), udp6))) },
  ];
}

function tunnels(): EdgeCase[] {
  const inner = ethernet(0x0800, udp4());
  const vxlan = udp(join(be32(0x0800_0000), be32(100 << 8), inner), undefined, 4789);
  const gre = (head: readonly number[], payload: Uint8Array) =>
    ethernet(0x0800, ipv4({ protocol: IP_PROTOCOL.gre }, join(head, payload)));
  return [
    { name: 'IP in IP', frame: ethernet(0x0800, ipv4({ protocol: IP_PROTOCOL.ipv4 }, udp4())) },
    { name: 'IPv6 in IPv4', frame: ethernet(0x0800, ipv4({ protocol: IP_PROTOCOL.ipv6 }, ipv6(17, udp(HELLO, V6)))) },
    { name: 'GRE with a key, IPv4 inside', frame: gre([0x20, 0, 8, 0, 0, 0, 0, 42], udp4()) },
    { name: 'GRE, Ethernet inside', frame: gre([0, 0, 0x65, 0x58], inner) },
    { name: 'VXLAN', frame: ethernet(0x0800, ipv4({ protocol: IP_PROTOCOL.udp }, vxlan)) },
  ];
}

/** All cases, in the order of the capture. */
export function edgeCases(): EdgeCase[] {
  const plain = ethernet(0x0800, udp4());
  return [
    { name: 'Ethernet: header only, 14 bytes', frame: ethernet(0x0800, NONE) },
    { name: 'Ethernet: 60 bytes, the least on a wire', frame: padded(plain) },
    { name: 'Ethernet: without padding', frame: plain },
    { name: 'Ethernet: unknown EtherType', frame: padded(ethernet(0x88b5, HELLO)) },
    {
      name: 'Ethernet: 802.3 length, spanning tree',
      frame: padded(ethernet(38, join([0x42, 0x42, 3], new Uint8Array(35)))),
    },
    { name: 'Ethernet: 1,514 bytes, the most without jumbo frames', frame: ethernet(0x0800, udp4(filled(1472))) },
    { name: 'Ethernet: jumbo frame of 3,014 bytes', frame: ethernet(0x0800, udp4(filled(2972))) },
    { name: 'Ethernet: empty capture of a frame', frame: NONE, origBytes: 60 },
    { name: 'Ethernet: one byte captured', ...cutTo(1, plain) },
    { name: 'Ethernet: 13 bytes captured', ...cutTo(13, plain) },
    { name: 'ARP: request', frame: padded(arp(1, SERVER4)) },
    { name: 'ARP: announcement', frame: padded(arp(1, CLIENT4)) },
    { name: 'ARP: cut', ...cutTo(30, padded(arp(1, SERVER4))) },
    { name: 'VLAN: one tag', frame: padded(ethernet(0x8100, vlan(100, 0x0800, udp4(), 5))) },
    { name: 'VLAN: priority tag only', frame: padded(ethernet(0x8100, vlan(0, 0x86dd, ipv6(17, udp(HELLO, V6))))) },
    {
      name: 'VLAN: 802.1ad over 802.1Q',
      frame: padded(ethernet(0x88a8, vlan(200, 0x8100, vlan(100, 0x0800, tcp4(2))))),
    },
    {
      name: 'VLAN: three tags',
      frame: padded(ethernet(0x88a8, vlan(300, 0x8100, vlan(200, 0x8100, vlan(100, 0x0800, tcp4(2, NONE, 23)))))),
    },
    { name: 'VLAN: cut in the tag', ...cutTo(16, ethernet(0x8100, vlan(100, 0x0800, udp4()))) },
    {
      name: 'IPv4: options (router alert)',
      frame: padded(ethernet(0x0800, ipv4({ protocol: IP_PROTOCOL.udp, options: [148, 4, 0, 0] }, udp(HELLO)))),
    },
    {
      name: 'IPv4: 40 bytes of options before a SYN to a closed port',
      frame: ethernet(
        0x0800,
        ipv4({ protocol: IP_PROTOCOL.tcp, options: Array.from({ length: 40 }, () => 1) }, tcp(2, NONE, undefined, 23)),
      ),
    },
    {
      name: 'IPv4: header of four words',
      frame: padded(ethernet(0x0800, ipv4({ protocol: 17, headerWords: 4 }, udp(HELLO)))),
    },
    {
      name: 'IPv4: options longer than the frame',
      frame: ethernet(0x0800, ipv4({ protocol: 17, headerWords: 15 }, udp(HELLO))),
    },
    { name: 'IPv4: version 5', frame: padded(ethernet(0x0800, ipv4({ protocol: 17, version: 5 }, udp(HELLO)))) },
    {
      name: 'IPv4: total length above the frame',
      frame: padded(ethernet(0x0800, ipv4({ protocol: 17, totalBytes: 1500 }, udp(HELLO)))),
    },
    {
      name: 'IPv4: total length below the header',
      frame: padded(ethernet(0x0800, ipv4({ protocol: 17, totalBytes: 19 }, udp(HELLO)))),
    },
    { name: 'IPv4: cut in the header', ...cutTo(14 + 10, plain) },
    {
      name: 'IPv4: bad header checksum',
      frame: padded(ethernet(0x0800, ipv4({ protocol: 17, checksum: 0xbad }, udp(HELLO)))),
    },
    { name: 'IPv4: TTL 0', frame: padded(ethernet(0x0800, ipv4({ protocol: 17, ttl: 0 }, udp(HELLO)))) },
    { name: 'IPv4: unknown protocol', frame: padded(ethernet(0x0800, ipv4({ protocol: 253 }, HELLO))) },
    {
      name: 'IPv4: from a denied network',
      frame: padded(
        ethernet(
          0x0800,
          ipv4({ protocol: 17, src: [198, 51, 100, 66] }, udp(HELLO, { src: [198, 51, 100, 66], dst: SERVER4 })),
        ),
      ),
    },
    ...fragments4(),
    {
      name: 'TCP: SYN with options',
      frame: ethernet(0x0800, ipv4({ protocol: 6 }, tcp(2, NONE, undefined, 80, SYN_OPTIONS))),
    },
    { name: 'TCP: all flags', frame: padded(ethernet(0x0800, tcp4(0x1ff))) },
    { name: 'TCP: no flags', frame: padded(ethernet(0x0800, tcp4(0))) },
    { name: 'TCP: SYN to telnet', frame: padded(ethernet(0x0800, tcp4(2, NONE, 23))) },
    { name: 'TCP: data', frame: ethernet(0x0800, tcp4(24, encodeText('GET / HTTP/1.1\r\n\r\n'))) },
    { name: 'TCP: bad checksum', frame: padded(patched(ethernet(0x0800, tcp4(16)), 14 + 20 + 16, [0x0b, 0xad])) },
    { name: 'TCP: header of four words', frame: padded(patched(ethernet(0x0800, tcp4(2)), 14 + 20 + 12, [0x40])) },
    {
      name: 'TCP: options longer than the segment',
      frame: padded(patched(ethernet(0x0800, tcp4(2)), 14 + 20 + 12, [0xf0])),
    },
    { name: 'TCP: cut in the header', ...cutTo(14 + 20 + 12, ethernet(0x0800, tcp4(2))) },
    { name: 'UDP: no checksum', frame: padded(patched(plain, 14 + 20 + 6, [0, 0])) },
    { name: 'UDP: bad checksum', frame: padded(patched(plain, 14 + 20 + 6, [0x0b, 0xad])) },
    { name: 'UDP: no payload', frame: padded(ethernet(0x0800, udp4(NONE))) },
    {
      name: 'UDP: length below its header',
      frame: padded(ethernet(0x0800, ipv4({ protocol: 17 }, udp(HELLO, undefined, 7, 4)))),
    },
    {
      name: 'UDP: length above the packet',
      frame: padded(ethernet(0x0800, ipv4({ protocol: 17 }, udp(HELLO, undefined, 7, 400)))),
    },
    { name: 'UDP: cut in the header', ...cutTo(14 + 20 + 4, plain) },
    { name: 'UDP: cut in the payload', ...cutTo(14 + 20 + 8 + 2, plain) },
    { name: 'ICMP: echo request', frame: ethernet(0x0800, ipv4({ protocol: IP_PROTOCOL.icmp }, echo(filled(56)))) },
    {
      name: 'ICMP: cut',
      ...cutTo(14 + 20 + 4, ethernet(0x0800, ipv4({ protocol: IP_PROTOCOL.icmp }, echo(filled(56))))),
    },
    {
      name: 'SCTP: INIT',
      frame: padded(
        ethernet(0x0800, ipv4({ protocol: 132 }, join(be16(5000), be16(36412), be32(0), be32(0), [1, 0, 0, 4]))),
      ),
    },
    { name: 'IPv6: UDP', frame: ethernet(0x86dd, ipv6(17, udp(HELLO, V6))) },
    { name: 'IPv6: TCP SYN', frame: ethernet(0x86dd, ipv6(6, tcp(2, NONE, V6))) },
    { name: 'IPv6: cut in the header', ...cutTo(14 + 20, ethernet(0x86dd, ipv6(17, udp(HELLO, V6)))) },
    { name: 'IPv6: bad UDP checksum', frame: ethernet(0x86dd, ipv6(17, patched(udp(HELLO, V6), 6, [0x0b, 0xad]))) },
    { name: 'IPv6: payload length above the frame', frame: ethernet(0x86dd, ipv6(17, udp(HELLO, V6), 1000)) },
    ...extensions6(),
    ...tunnels(),
  ];
}

/** The capture: a microsecond pcap, one frame each millisecond from the first second of 2026 on. */
export function edgeCaseCapture(): Uint8Array {
  return writePcap(
    edgeCases().map(({ frame, origBytes }, i): PacketToWrite => ({
      data: frame,
      origBytes: origBytes ?? frame.length,
      sec: 1_767_225_600,
      nsec: i * 1_000_000,
    })),
  );
}
