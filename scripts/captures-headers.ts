/** The packets of pcaps/headers.pcap: IPv4 options and IPv6 extension headers, in use and in excess. Knows nothing of files. */
import { encodeText } from '../vm/host.js';
import { IP_PROTOCOL } from '../vm/net/headers.js';
import { type PacketToWrite } from '../vm/net/write-pcap.js';
import {
  address,
  be16,
  be32,
  type Bytes,
  type Extension,
  type Flow,
  flow,
  frameOf,
  icmpMessage,
  ipPacket,
  join,
  TCP_FLAGS,
  tcpSegment,
  udpDatagram,
} from './captures-frames.js';
import { Timeline } from './captures-traffic.js';

const { udp, tcp, icmp, icmpv6, hopByHop, routing, fragment, authentication, destination, none } = IP_PROTOCOL;
const FOUR = flow('192.0.2.10', 40_000, '192.0.2.1', 7);
const SIX = flow('2001:db8:1::10', 40_000, '2001:db8:1::1', 7);
const HELLO = encodeText('hello');
const NOTHING = new Uint8Array(0);

interface HeaderCase {
  readonly name: string;
  readonly packet: Uint8Array;
}

/** The payloads that every option and extension is tried with. */
function payloadsOf(ends: Flow): { name: string; protocol: number; bytes: Uint8Array }[] {
  const v6 = ends.src.length === 16;
  const to = (dstPort: number): Flow => ({ ...ends, dstPort });
  return [
    { name: 'UDP', protocol: udp, bytes: udpDatagram(ends, HELLO) },
    { name: 'TCP SYN to 80', protocol: tcp, bytes: tcpSegment(to(80), { flags: TCP_FLAGS.syn, seq: 1000 }) },
    { name: 'TCP SYN to 23', protocol: tcp, bytes: tcpSegment(to(23), { flags: TCP_FLAGS.syn, seq: 1000 }) },
    {
      name: 'echo request',
      protocol: v6 ? icmpv6 : icmp,
      bytes: icmpMessage(ends, v6 ? 128 : 8, 0, [0, 7, 0, 1], HELLO),
    },
  ];
}

const toWords = (option: Bytes) => join(option, new Uint8Array(-option.length & 3));
const repeated = (count: number, byte: number) => Array.from({ length: count }, () => byte);

const OPTIONS: readonly (readonly [name: string, bytes: Bytes])[] = [
  ['end of list', [0, 0, 0, 0]],
  ['no operation', [1, 1, 1, 1]],
  ['router alert', [148, 4, 0, 0]],
  ['record route, 9 places', toWords([7, 39, 4, ...repeated(36, 0)])],
  ['record route, one taken', toWords([7, 11, 8, 192, 0, 2, 254, 0, 0, 0, 0])],
  ['timestamps', [68, 12, 5, 0, ...repeated(8, 0)]],
  ['timestamps with addresses', [68, 20, 5, 1, ...repeated(16, 0)]],
  ['loose source route', toWords([131, 7, 4, 192, 0, 2, 254])],
  ['strict source route', toWords([137, 11, 4, 192, 0, 2, 253, 192, 0, 2, 254])],
  ['stream', [136, 4, 0x12, 0x34]],
  ['security', toWords([130, 11, ...repeated(9, 0)])],
  ['unknown, to be copied', [0x9e, 8, 1, 2, 3, 4, 5, 6]],
  ['40 bytes of no operation', repeated(40, 1)],
  ['length 0', [7, 0, 4, 0]],
  ['length 1', [7, 1, 4, 0]],
  ['length beyond the header', [7, 39, 4, 0]],
  ['kind without length', [1, 1, 1, 7]],
];

/** An options header (hop-by-hop or destination): options and padding to a multiple of eight bytes. */
function optionsHeader(type: number, options: Bytes = []): Extension {
  const room = -(options.length + 2) & 7;
  const padding = room === 0 ? [] : room === 1 ? [0] : [1, room - 2, ...repeated(room - 2, 0)];
  const bytes = join(options, padding);
  return { type, rest: join([(bytes.length + 2) / 8 - 1], bytes) };
}

const routingHeader = (type: number, left: number, via: readonly string[]): Extension => ({
  type: routing,
  rest: join([via.length * 2, type, left, 0, 0, 0, 0], ...via.map((each) => address(each))),
});
const atomicFragment: Extension = { type: fragment, rest: [0, 0, 0, ...be32(0xcafe)] };
const hop = optionsHeader(hopByHop);
const dest = optionsHeader(destination);
const VIA = '2001:db8:1::fe';

const EXTENSIONS: readonly (readonly [name: string, headers: readonly Extension[]])[] = [
  ['hop-by-hop, padding', [hop]],
  ['hop-by-hop, router alert', [optionsHeader(hopByHop, [5, 2, 0, 0])]],
  ['hop-by-hop, jumbo payload of a lie', [optionsHeader(hopByHop, [0xc2, 4, ...be32(70_000)])]],
  ['hop-by-hop, unknown, to be skipped', [optionsHeader(hopByHop, [0x1e, 4, 1, 2, 3, 4])]],
  ['hop-by-hop, unknown, to be answered with an error', [optionsHeader(hopByHop, [0x9e, 4, 1, 2, 3, 4])]],
  ['hop-by-hop of 264 bytes', [optionsHeader(hopByHop, [1, 255, ...repeated(255, 0)])]],
  ['hop-by-hop of 2,048 bytes', [optionsHeader(hopByHop, repeated(2046, 0))]],
  ['destination options', [dest]],
  [
    'destination options, home address',
    [optionsHeader(destination, [1, 2, 0, 0, 201, 16, ...address('2001:db8:1::99')])],
  ],
  ['routing header 0, done', [routingHeader(0, 0, [VIA])]],
  ['routing header 0, one to go', [routingHeader(0, 1, [VIA])]],
  ['routing header 2', [routingHeader(2, 1, ['2001:db8:1::99'])]],
  ['segment routing', [{ type: routing, rest: join([4, 4, 1, 1, 0, 0, 0], address('2001:db8:1::1'), address(VIA)) }]],
  ['atomic fragment', [atomicFragment]],
  ['authentication', [{ type: authentication, rest: [4, 0, 0, ...be32(0x100), ...be32(1), ...repeated(12, 0xaa)] }]],
  ['all in the order of RFC 8200', [hop, dest, routingHeader(0, 0, [VIA]), atomicFragment, dest]],
  ['hop-by-hop not first', [dest, hop]],
  ['hop-by-hop twice', [hop, hop]],
  ['two fragment headers', [atomicFragment, atomicFragment]],
  ['mobility header before more', [{ type: IP_PROTOCOL.mobility, rest: [0, 0, 0, 0, 0, 0, 0] }]],
  ['six headers', repeated(6, 0).map(() => dest)],
  ['seven headers', repeated(7, 0).map(() => dest)],
  ['forty headers', repeated(40, 0).map(() => dest)],
];

export function headerCases(): HeaderCase[] {
  const four = OPTIONS.flatMap(([name, options]) =>
    payloadsOf(FOUR).map((payload) => ({
      name: `IPv4: ${name}, then ${payload.name}`,
      packet: ipPacket(FOUR, payload.protocol, payload.bytes, { options }),
    })),
  );
  const six = EXTENSIONS.flatMap(([name, extensions]) =>
    payloadsOf(SIX).map((payload) => ({
      name: `IPv6: ${name}, then ${payload.name}`,
      packet: ipPacket(SIX, payload.protocol, payload.bytes, { extensions }),
    })),
  );
  const esp = join(be32(0x100), be32(1), repeated(24, 0x55));
  const last: HeaderCase[] = [
    { name: 'IPv6: no next header', packet: ipPacket(SIX, none, NOTHING) },
    { name: 'IPv6: no next header, but bytes', packet: ipPacket(SIX, none, HELLO, { extensions: [dest] }) },
    { name: 'IPv6: ESP', packet: ipPacket(SIX, 50, esp, { extensions: [dest] }) },
    { name: 'IPv4: ESP', packet: ipPacket(FOUR, 50, esp) },
    {
      name: 'IPv4: authentication header',
      packet: ipPacket(
        FOUR,
        authentication,
        join([udp, 4], be16(0), be32(1), be32(1), repeated(12, 1), udpDatagram(FOUR, HELLO)),
      ),
    },
    { name: 'IPv6: header type 253, for experiments', packet: ipPacket(SIX, 253, HELLO, { extensions: [hop] }) },
  ];
  return [...four, ...six, ...last];
}

export function headerPackets(): PacketToWrite[] {
  const timeline = new Timeline();
  headerCases().forEach(({ packet }, i) => {
    timeline.add(i * 10_000, frameOf(packet));
  });
  return timeline.packets();
}
