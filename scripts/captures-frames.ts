/**
 * Builds the frames of generated captures: Ethernet, VLAN tags, IPv4 and IPv6 with options, extension headers and
 * fragments, TCP, UDP, ICMP. Lengths and checksums come out right; who wants them wrong changes them afterwards.
 * Knows nothing of files.
 */
import { parseIpv4, parseIpv6 } from '../vm/address-text.js';
import { concatBytes } from '../vm/bytes.js';
import { internetChecksum, transportChecksum } from '../vm/net/checksum.js';
import { IP_PROTOCOL } from '../vm/net/headers.js';

export type Bytes = readonly number[] | Uint8Array;

export const SERVER_MAC = [2, 0, 0, 0, 0, 1];
export const CLIENT_MAC = [2, 0, 0, 0, 0, 2];

export const be16 = (value: number) => [(value >>> 8) & 0xff, value & 0xff];
export const be32 = (value: number) => [...be16(value >>> 16), ...be16(value & 0xffff)];
export const filled = (bytes: number) => Uint8Array.from({ length: bytes }, (_, i) => i & 0xff);
export const join = (...parts: readonly Bytes[]) => concatBytes(parts.map((part) => Uint8Array.from(part)));

/** Padded with zeros to 60 bytes, the least on a wire (without the check sequence). */
export const padded = (frame: Uint8Array) =>
  frame.length < 60 ? join(frame, new Uint8Array(60 - frame.length)) : frame;

/** The capture kept only the first `bytes`. */
export const cutTo = (bytes: number, frame: Uint8Array) => ({
  frame: frame.slice(0, bytes),
  origBytes: frame.length,
});

/** A changed copy: `bytes` put at `off`. */
export function patched(frame: Uint8Array, off: number, bytes: readonly number[]): Uint8Array {
  const copy = frame.slice();
  copy.set(bytes, off);
  return copy;
}

/** An address of either version. */
export function address(text: string): Uint8Array {
  const bytes = parseIpv4(text) ?? parseIpv6(text);
  if (bytes === undefined) throw new RangeError(`not an address: ${text}`);
  return bytes;
}

/** Who talks to whom; both of one version of IP. */
export interface Ends {
  readonly src: Uint8Array;
  readonly dst: Uint8Array;
}

export interface Flow extends Ends {
  readonly srcPort: number;
  readonly dstPort: number;
}

export const ends = (src: string, dst: string): Ends => ({ src: address(src), dst: address(dst) });
export const flow = (src: string, srcPort: number, dst: string, dstPort: number): Flow => ({
  ...ends(src, dst),
  srcPort,
  dstPort,
});
export const turnedEnds = ({ src, dst }: Ends): Ends => ({ src: dst, dst: src });
export const turned = ({ src, dst, srcPort, dstPort }: Flow): Flow => ({
  src: dst,
  dst: src,
  srcPort: dstPort,
  dstPort: srcPort,
});

export interface IpFields {
  /** Hops left; 64 if not given. */
  readonly hops?: number;
  /** IPv4: identification; 0 if not given, as Linux has it in packets that may not be fragmented. */
  readonly id?: number;
  /** IPv4: flags and offset as in the header; 0x4000, "don't fragment", if not given. */
  readonly fragment?: number;
  /** IPv4: options, a multiple of four bytes. */
  readonly options?: Bytes;
  /** IPv6: the extension headers, each without its first byte. */
  readonly extensions?: readonly Extension[];
}

/** An IPv6 extension header; `rest` is what follows its "next header" byte. */
export interface Extension {
  readonly type: number;
  readonly rest: Bytes;
}

/** A packet of the version that the addresses have. */
export function ipPacket({ src, dst }: Ends, protocol: number, payload: Uint8Array, fields: IpFields = {}): Uint8Array {
  const hops = fields.hops ?? 64;
  if (src.length === 16) {
    const extensions = fields.extensions ?? [];
    const chain = join(...extensions.map(({ rest }, i) => join([extensions[i + 1]?.type ?? protocol], rest)), payload);
    return join(be32(0x6000_0000), be16(chain.length), [extensions[0]?.type ?? protocol, hops], src, dst, chain);
  }
  const options = fields.options ?? [];
  const header = join(
    [0x45 + options.length / 4, 0],
    be16(20 + options.length + payload.length),
    be16(fields.id ?? 0),
    be16(fields.fragment ?? 0x4000),
    [hops, protocol, 0, 0],
    src,
    dst,
    options,
  );
  header.set(be16(internetChecksum(header)), 10);
  return join(header, payload);
}

/** A 802.1Q or 802.1ad tag. */
export interface VlanTag {
  readonly tpid?: 0x8100 | 0x88a8;
  readonly vid: number;
  readonly priority?: number;
}

/** An Ethernet frame; an IP packet says itself which type it has. */
export function frameOf(
  payload: Uint8Array,
  way: { readonly fromServer?: boolean; readonly tags?: readonly VlanTag[]; readonly type?: number } = {},
): Uint8Array {
  const type = way.type ?? ((payload[0] ?? 0) >> 4 === 6 ? 0x86dd : 0x0800);
  const tags = (way.tags ?? []).map(({ tpid, vid, priority }) =>
    join(be16(tpid ?? 0x8100), be16(((priority ?? 0) << 13) | vid)),
  );
  const macs = way.fromServer === true ? [CLIENT_MAC, SERVER_MAC] : [SERVER_MAC, CLIENT_MAC];
  return padded(join(...macs, ...tags, be16(type), payload));
}

function summed(message: Uint8Array, checksumOff: number, protocol: number, { src, dst }: Ends): Uint8Array {
  const checksum = transportChecksum(message, 0, message.length, checksumOff, { src, dst, protocol });
  message.set(be16(protocol === IP_PROTOCOL.udp && checksum === 0 ? 0xffff : checksum), checksumOff);
  return message;
}

export function udpDatagram(flow: Flow, payload: Bytes): Uint8Array {
  const message = join(be16(flow.srcPort), be16(flow.dstPort), be16(8 + payload.length), [0, 0], payload);
  return summed(message, 6, IP_PROTOCOL.udp, flow);
}

export const TCP_FLAGS = { fin: 1, syn: 2, reset: 4, push: 8, ack: 16 } as const;

export interface TcpFields {
  readonly flags: number;
  readonly seq: number;
  readonly ack?: number;
  readonly window?: number;
  /** A multiple of four bytes. */
  readonly options?: Bytes;
  readonly payload?: Bytes;
}

export function tcpSegment(flow: Flow, fields: TcpFields): Uint8Array {
  const { flags, seq, ack = 0, window = 64240, options = [], payload = [] } = fields;
  const message = join(
    be16(flow.srcPort),
    be16(flow.dstPort),
    be32(seq),
    be32(ack),
    be16(((5 + options.length / 4) << 12) | flags),
    be16(window),
    [0, 0, 0, 0],
    options,
    payload,
  );
  return summed(message, 16, IP_PROTOCOL.tcp, flow);
}

/** An ICMP or ICMPv6 message: type, code, the four bytes after the checksum, and what follows. */
export function icmpMessage(ends: Ends, type: number, code: number, rest: Bytes, body: Bytes): Uint8Array {
  const message = join([type, code, 0, 0], rest, body);
  if (ends.src.length === 16) return summed(message, 2, IP_PROTOCOL.icmpv6, ends);
  message.set(be16(internetChecksum(message)), 2);
  return message;
}

export function icmpPacket(ends: Ends, type: number, code: number, rest: Bytes, body: Bytes): Uint8Array {
  const protocol = ends.src.length === 16 ? IP_PROTOCOL.icmpv6 : IP_PROTOCOL.icmp;
  return ipPacket(ends, protocol, icmpMessage(ends, type, code, rest, body));
}

/** "Is anybody there?" with 56 bytes, as ping sends it. */
export function echoRequest(ends: Ends, id: number, sequence: number): Uint8Array {
  return icmpPacket(ends, ends.src.length === 16 ? 128 : 8, 0, [...be16(id), ...be16(sequence)], filled(56));
}

/** An error about a packet, of which it quotes 28 bytes (IPv4: RFC 792) or what fits 1,280 bytes (RFC 4443). */
export function icmpError(ends: Ends, type: number, code: number, rest: Bytes, about: Uint8Array): Uint8Array {
  return icmpPacket(ends, type, code, rest, about.slice(0, ends.src.length === 16 ? 1232 : 28));
}

/** The packets that carry `payload` over a link of `mtu` bytes, in order. */
export function fragments(ends: Ends, protocol: number, payload: Uint8Array, mtu: number, id: number): Uint8Array[] {
  const v6 = ends.src.length === 16;
  const each = (mtu - (v6 ? 48 : 20)) & ~7;
  const packets: Uint8Array[] = [];
  for (let off = 0; off < payload.length; off += each) {
    const more = off + each < payload.length;
    packets.push(fragment(ends, protocol, payload.slice(off, off + each), { off, more, id }));
  }
  return packets;
}

/** One fragment: `off` in bytes. */
export function fragment(
  ends: Ends,
  protocol: number,
  part: Uint8Array,
  { off, more, id }: { readonly off: number; readonly more: boolean; readonly id: number },
): Uint8Array {
  if (ends.src.length === 16) {
    const rest = [0, ...be16(off | (more ? 1 : 0)), ...be32(id)];
    return ipPacket(ends, protocol, part, { extensions: [{ type: IP_PROTOCOL.fragment, rest }] });
  }
  return ipPacket(ends, protocol, part, { id, fragment: (off >> 3) | (more ? 0x2000 : 0) });
}
