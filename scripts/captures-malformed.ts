/**
 * The packets of pcaps/malformed.pcap: wrong checksums of every kind, lengths that lie, and every way to end in the
 * middle of a header. Knows nothing of files.
 */
import { encodeText } from '../vm/host.js';
import { IP_PROTOCOL } from '../vm/net/headers.js';
import { type PacketToWrite } from '../vm/net/write-pcap.js';
import {
  be16,
  echoRequest,
  type Flow,
  flow,
  frameOf,
  ipPacket,
  patched,
  TCP_FLAGS,
  tcpSegment,
  udpDatagram,
} from './captures-frames.js';
import { Timeline } from './captures-traffic.js';

interface Kind {
  readonly name: string;
  readonly frame: Uint8Array;
  readonly ipOff: number;
  readonly transportOff: number;
  readonly transport: 'udp' | 'tcp' | 'icmp';
}

const CHECKSUM_OFF = { udp: 6, tcp: 16, icmp: 2 } as const;
/** Headers of both layers end here, from the start of the transport. */
const HEADER_BYTES = { udp: 8, tcp: 20, icmp: 8 } as const;

function kinds(): Kind[] {
  const hello = encodeText('hello, skep!');
  const ends: readonly (readonly [string, Flow, number])[] = [
    ['IPv4', flow('192.0.2.10', 40_000, '192.0.2.1', 80), 20],
    ['IPv6', flow('2001:db8:1::10', 40_000, '2001:db8:1::1', 80), 40],
  ];
  return ends.flatMap(([version, client, ipBytes]) => {
    const segment = tcpSegment(client, { flags: TCP_FLAGS.push | TCP_FLAGS.ack, seq: 1, ack: 1, payload: hello });
    const packets = {
      udp: ipPacket(client, IP_PROTOCOL.udp, udpDatagram(client, hello)),
      tcp: ipPacket(client, IP_PROTOCOL.tcp, segment),
      icmp: echoRequest(client, 7, 1),
    };
    return (['udp', 'tcp', 'icmp'] as const).flatMap((transport) =>
      [[], [{ vid: 100 }]].map((tags): Kind => {
        const ipOff = 14 + 4 * tags.length;
        return {
          name: `${version}, ${transport}${tags.length === 0 ? '' : ', VLAN 100'}`,
          frame: frameOf(packets[transport], { tags }),
          ipOff,
          transportOff: ipOff + ipBytes,
          transport,
        };
      }),
    );
  });
}

interface Malformed {
  readonly name: string;
  readonly frame: Uint8Array;
  readonly origBytes?: number;
}

function wrongChecksums({ name, frame, ipOff, transportOff, transport }: Kind): Malformed[] {
  const isIpv4 = transportOff - ipOff === 20;
  const places: { of: string; off: number }[] = [{ of: transport, off: transportOff + CHECKSUM_OFF[transport] }];
  if (isIpv4) places.unshift({ of: 'ip', off: ipOff + 10 });
  return places.flatMap(({ of, off }) => {
    const right = ((frame[off] ?? 0) << 8) | (frame[off + 1] ?? 0);
    const wrong = {
      '0': 0,
      '0xffff': 0xffff,
      'one more': (right + 1) & 0xffff,
      'bytes swapped': swapped(right),
      complement: ~right & 0xffff,
    };
    return Object.entries(wrong).map(([how, value]) => ({
      name: `${name}: ${of} checksum ${how}`,
      frame: patched(frame, off, be16(value)),
    }));
  });
}

const swapped = (word: number) => ((word & 0xff) << 8) | (word >> 8);

function wrongLengths({ name, frame, ipOff, transportOff, transport }: Kind): Malformed[] {
  const change = (what: string, off: number, bytes: readonly number[]): Malformed => ({
    name: `${name}: ${what}`,
    frame: patched(frame, off, bytes),
  });
  const lies: Malformed[] = [];
  if (transportOff - ipOff === 20) {
    for (const length of [0, 19, 20, 27, 39, 1500, 65_535])
      lies.push(change(`total length ${length}`, ipOff + 2, be16(length)));
    for (const words of [0, 4, 6, 15]) lies.push(change(`IP header of ${words} words`, ipOff, [0x40 | words]));
  } else {
    for (const length of [0, 7, 19, 1500, 65_535])
      lies.push(change(`payload length ${length}`, ipOff + 4, be16(length)));
  }
  lies.push(change('the other version in the header', ipOff, [transportOff - ipOff === 20 ? 0x65 : 0x45]));
  if (transport === 'tcp') {
    for (const words of [0, 4, 9, 15])
      lies.push(change(`TCP header of ${words} words`, transportOff + 12, [words << 4]));
  }
  if (transport === 'udp') {
    for (const length of [0, 7, 8, 21, 400]) lies.push(change(`UDP length ${length}`, transportOff + 4, be16(length)));
  }
  return lies;
}

/** Both: the capture kept less than there was, and there was no more. */
function cuts({ name, frame, transportOff, transport }: Kind): Malformed[] {
  const end = transportOff + HEADER_BYTES[transport];
  const lengths = Array.from({ length: end - 14 }, (_, i) => 14 + i).filter(
    (length) => length % 3 === 0 || length >= end - 2,
  );
  return lengths.flatMap((length) => [
    { name: `${name}: ${length} bytes captured`, frame: frame.slice(0, length), origBytes: frame.length },
    { name: `${name}: ${length} bytes`, frame: frame.slice(0, length) },
  ]);
}

export function malformedFrames(): Malformed[] {
  return kinds().flatMap((kind) => [
    { name: `${kind.name}: nothing wrong`, frame: kind.frame },
    ...wrongChecksums(kind),
    ...wrongLengths(kind),
    ...cuts(kind),
  ]);
}

export function malformedPackets(): PacketToWrite[] {
  const timeline = new Timeline();
  malformedFrames().forEach(({ frame, origBytes }, i) => {
    timeline.add(i * 1000, frame, origBytes === undefined ? {} : { origBytes });
  });
  return timeline.packets();
}
