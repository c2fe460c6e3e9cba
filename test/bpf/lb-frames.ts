/**
 * Ethernet frames from a description, with every length and checksum right, so that what a program makes of one frame
 * can be compared byte by byte with another that was made in the same way. Knows no program.
 */
import { parseIpv4, parseIpv6 } from '../../vm/address-text.js';
import { concatBytes } from '../../vm/bytes.js';
import { must } from '../../vm/errors.js';
import { internetChecksum, transportChecksum } from '../../vm/net/checksum.js';

export interface FrameSpec {
  readonly src: string;
  readonly dst: string;
  readonly protocol: 'tcp' | 'udp' | 'icmp' | number;
  readonly sport?: number;
  readonly dport?: number;
  /** Of TCP; default ACK. */
  readonly flags?: number;
  readonly icmp?: { readonly type: number; readonly code?: number; readonly rest?: number };
  /** Behind the transport header; of a protocol by number, everything. */
  readonly data?: Uint8Array;
  /** UDP over IPv4 may say that it has none. */
  readonly noChecksum?: boolean;
  /** Which bytes of the transport packet this fragment has. */
  readonly part?: { readonly id: number; readonly from: number; readonly to: number };
  readonly ttl?: number;
  readonly tos?: number;
  /** IPv4 identification, and whether DF is set; defaults 0x1234 and not. */
  readonly id?: number;
  readonly dontFragment?: boolean;
  /** IPv4 options, a multiple of 4 bytes. */
  readonly options?: Uint8Array;
  /** IPv6 destination options headers, of 8 bytes each. */
  readonly extensions?: number;
  readonly vlans?: readonly number[];
  /** Bytes behind the packet, as short Ethernet frames have them. */
  readonly padding?: number;
  /** Whether the frame goes back: MAC addresses exchanged. */
  readonly back?: boolean;
}

const ROUTER = Uint8Array.of(2, 0, 0, 0, 0, 1);
const BALANCER = Uint8Array.of(2, 0, 0, 0, 0, 2);
const NUMBERS = { tcp: 6, udp: 17, icmp: 1 } as const;
const DESTINATION_OPTIONS = 60;
const FRAGMENT_HEADER = 44;

export function bytesOfAddress(text: string): Uint8Array {
  return must(parseIpv4(text) ?? parseIpv6(text), `address ${text}`);
}

export function frameOf(spec: FrameSpec): Uint8Array {
  const isIpv4 = bytesOfAddress(spec.src).length === 4;
  const macs = spec.back === true ? [ROUTER, BALANCER] : [BALANCER, ROUTER];
  const tags = (spec.vlans ?? []).map((vid, i) =>
    Uint8Array.of(...(i === 0 && spec.vlans?.length === 2 ? [0x88, 0xa8] : [0x81, 0]), vid >> 8, vid & 255),
  );
  const ethertype = isIpv4 ? Uint8Array.of(8, 0) : Uint8Array.of(0x86, 0xdd);
  return concatBytes([...macs, ...tags, ethertype, packetOf(spec), new Uint8Array(spec.padding ?? 0)]);
}

/** From the IP header on. */
export function packetOf(spec: FrameSpec): Uint8Array {
  const { part } = spec;
  const whole = transportOf(spec);
  const transport = part === undefined ? whole : whole.subarray(part.from, part.to);
  const more = part !== undefined && part.to < whole.length;
  return bytesOfAddress(spec.src).length === 4 ? ipv4(spec, transport, more) : ipv6(spec, transport, more);
}

function ipv4(spec: FrameSpec, transport: Uint8Array, more: boolean): Uint8Array {
  const options = spec.options ?? new Uint8Array(0);
  const header = Buffer.alloc(20 + options.length);
  header[0] = 0x40 | (header.length / 4);
  header[1] = spec.tos ?? 0;
  header.writeUInt16BE(header.length + transport.length, 2);
  header.writeUInt16BE(spec.part?.id ?? spec.id ?? 0x1234, 4);
  header.writeUInt16BE(
    (spec.dontFragment === true ? 0x4000 : 0) | (more ? 0x2000 : 0) | ((spec.part?.from ?? 0) / 8),
    6,
  );
  header[8] = spec.ttl ?? 61;
  header[9] = numberOf(spec);
  header.set(bytesOfAddress(spec.src), 12);
  header.set(bytesOfAddress(spec.dst), 16);
  header.set(options, 20);
  header.writeUInt16BE(internetChecksum(header), 10);
  return concatBytes([header, transport]);
}

function ipv6(spec: FrameSpec, transport: Uint8Array, more: boolean): Uint8Array {
  const chain: { readonly type: number; readonly bytes: Buffer }[] = [];
  for (let i = 0; i < (spec.extensions ?? 0); i++) {
    chain.push({ type: DESTINATION_OPTIONS, bytes: Buffer.from([0, 0, 1, 4, 0, 0, 0, 0]) });
  }
  if (spec.part !== undefined) {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt16BE(spec.part.from | (more ? 1 : 0), 2);
    bytes.writeUInt32BE(spec.part.id, 4);
    chain.push({ type: FRAGMENT_HEADER, bytes });
  }
  for (const [i, { bytes }] of chain.entries()) bytes[0] = chain[i + 1]?.type ?? numberOf(spec);
  const header = Buffer.alloc(40);
  header.writeUInt32BE(0x6000_0000 + (spec.tos ?? 0) * 0x10_0000, 0);
  header.writeUInt16BE(8 * chain.length + transport.length, 4);
  header[6] = chain[0]?.type ?? numberOf(spec);
  header[7] = spec.ttl ?? 61;
  header.set(bytesOfAddress(spec.src), 8);
  header.set(bytesOfAddress(spec.dst), 24);
  return concatBytes([header, ...chain.map(({ bytes }) => bytes), transport]);
}

function numberOf({ protocol, src }: FrameSpec): number {
  if (typeof protocol === 'number') return protocol;
  return protocol === 'icmp' && bytesOfAddress(src).length === 16 ? 58 : NUMBERS[protocol];
}

function transportOf(spec: FrameSpec): Uint8Array {
  const { protocol, sport = 40000, dport = 80, data = new Uint8Array(0) } = spec;
  const pseudo = { src: bytesOfAddress(spec.src), dst: bytesOfAddress(spec.dst), protocol: numberOf(spec) };
  switch (protocol) {
    case 'tcp': {
      const header = Buffer.alloc(20);
      header.writeUInt16BE(sport, 0);
      header.writeUInt16BE(dport, 2);
      header.writeUInt32BE(0x01020304, 4);
      header.writeUInt16BE(0x5000 | (spec.flags ?? 0x10), 12);
      header.writeUInt16BE(0xfff0, 14);
      const segment = Buffer.concat([header, data]);
      segment.writeUInt16BE(transportChecksum(segment, 0, segment.length, 16, pseudo), 16);
      return segment;
    }
    case 'udp': {
      const header = Buffer.alloc(8);
      header.writeUInt16BE(sport, 0);
      header.writeUInt16BE(dport, 2);
      header.writeUInt16BE(8 + data.length, 4);
      const datagram = Buffer.concat([header, data]);
      if (spec.noChecksum !== true) {
        datagram.writeUInt16BE(transportChecksum(datagram, 0, datagram.length, 6, pseudo) || 0xffff, 6);
      }
      return datagram;
    }
    case 'icmp': {
      const { type, code = 0, rest = 0 } = spec.icmp ?? { type: 8 };
      const header = Buffer.alloc(8);
      header[0] = type;
      header[1] = code;
      header.writeUInt32BE(rest, 4);
      const message = Buffer.concat([header, data]);
      const sum =
        pseudo.src.length === 4 ? internetChecksum(message) : transportChecksum(message, 0, message.length, 2, pseudo);
      message.writeUInt16BE(sum, 2);
      return message;
    }
    default:
      return data;
  }
}
