/** Frames for the policy's tests, from a few words. Checksums are 0: the policy reads none. */
import { parseIpv4, parseIpv6 } from '../../vm/address-text.js';
import { concatBytes } from '../../vm/bytes.js';
import { must } from '../../vm/errors.js';

export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, gre: 47, icmpv6: 58, sctp: 132 } as const;
export const TCP = { fin: 1, syn: 2, rst: 4, ack: 16 } as const;

export interface FrameWords {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly sourcePort?: number;
  /** Or the type of an ICMP message. */
  readonly port?: number;
  /** TCP; default SYN. */
  readonly flags?: number;
  readonly hopLimit?: number;
  /** ICMP: identifier of echo. */
  readonly identifier?: number;
  /** Behind the transport header: an ICMP error's cause, for example. */
  readonly payload?: Uint8Array;
  /** Byte offset of this fragment, and whether more follow; a later fragment has no transport header. */
  readonly fragment?: { readonly id: number; readonly offset: number; readonly more: boolean };
  /** IPv6: numbers of extension headers of 8 bytes each, in front of the transport. */
  readonly extensions?: readonly number[];
  /** VLAN ids, outermost first. */
  readonly vlans?: readonly number[];
}

/** An Ethernet frame. */
export function frame(words: FrameWords): Uint8Array {
  const isIpv6 = words.source.includes(':');
  const types = [...(words.vlans ?? []).map(() => 0x8100), isIpv6 ? 0x86dd : 0x0800];
  const tags = (words.vlans ?? []).map((id, index) => [...be16(id), ...be16(types[index + 1] ?? 0)]);
  return concatBytes([
    Uint8Array.of(2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...be16(types[0] ?? 0), ...tags.flat()),
    ipPacket(words),
  ]);
}

/** The same without Ethernet. */
export function ipPacket(words: FrameWords): Uint8Array {
  const isLater = (words.fragment?.offset ?? 0) > 0;
  const behind = concatBytes([
    isLater ? new Uint8Array(0) : Uint8Array.from(transport(words)),
    words.payload ?? new Uint8Array(8),
  ]);
  return concatBytes([words.source.includes(':') ? ipv6(words, behind.length) : ipv4(words, behind.length), behind]);
}

function be16(value: number): number[] {
  return [(value >> 8) & 255, value & 255];
}

function ipv4({ source, destination, protocol, hopLimit = 64, fragment }: FrameWords, bytes: number): Uint8Array {
  const flags = fragment === undefined ? 0 : (fragment.more ? 0x2000 : 0) | (fragment.offset >> 3);
  const fixed = [0x45, 0, ...be16(20 + bytes), ...be16(fragment?.id ?? 1), ...be16(flags), hopLimit, protocol, 0, 0];
  return Uint8Array.of(...fixed, ...must(parseIpv4(source), source), ...must(parseIpv4(destination), destination));
}

function ipv6(words: FrameWords, bytes: number): Uint8Array {
  const { source, destination, protocol, hopLimit = 64, fragment, extensions = [] } = words;
  const chain = [...extensions, ...(fragment === undefined ? [] : [44]), protocol];
  const headers = chain.slice(0, -1).flatMap((header, index) => {
    const next = chain[index + 1] ?? 0;
    if (header !== 44 || fragment === undefined) return [next, 0, 1, 4, 0, 0, 0, 0];
    return [next, 0, ...be16(fragment.offset | (fragment.more ? 1 : 0)), 0, 0, ...be16(fragment.id)];
  });
  return Uint8Array.of(
    ...[0x60, 0, 0, 0, ...be16(headers.length + bytes), chain[0] ?? protocol, hopLimit],
    ...must(parseIpv6(source), source),
    ...must(parseIpv6(destination), destination),
    ...headers,
  );
}

function transport({ protocol, sourcePort = 40000, port = 0, flags = TCP.syn, identifier = 0 }: FrameWords): number[] {
  const ports = [...be16(sourcePort), ...be16(port)];
  switch (protocol) {
    case PROTOCOL.tcp:
      return [...ports, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 255, 255, 0, 0, 0, 0];
    case PROTOCOL.udp:
      return [...ports, 0, 16, 0, 0];
    case PROTOCOL.sctp:
      return [...ports, 0, 0, 0, 1, 0, 0, 0, 0];
    case PROTOCOL.icmp:
    case PROTOCOL.icmpv6:
      return [port, 0, 0, 0, ...be16(identifier), 0, 1];
    default:
      return [];
  }
}
