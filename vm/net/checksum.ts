/**
 * Internet checksums (RFC 1071): computing them for IPv4, TCP, UDP, ICMP and ICMPv6, and checking those of a frame.
 * Knows headers by the result of `parseFrame`; changes nothing.
 */
import { type Header, IP_PROTOCOL, type Ipv4Header, type Ipv6Header, type ParsedFrame } from './headers.js';

/** Adds the 16-bit big-endian words of a range to a running sum; an odd last byte is padded with zero. */
export function sumWords(bytes: Uint8Array, from = 0, to = bytes.length, start = 0): number {
  let sum = start;
  const even = to - ((to - from) & 1);
  for (let at = from; at < even; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  if (even < to) sum += (bytes[even] ?? 0) << 8;
  // Sums stay exact: 2^53 / 2^16 words are far more than a packet has.
  return sum;
}

/** Folds a sum and complements it: the value to store, 0..0xffff. */
export function foldChecksum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = Math.floor(folded / 0x1_0000) + (folded % 0x1_0000);
  return ~folded & 0xffff;
}

/** The internet checksum of a range, as it is if the checksum field in it is zero. */
export function internetChecksum(bytes: Uint8Array, from = 0, to = bytes.length): number {
  return foldChecksum(sumWords(bytes, from, to));
}

/** Sum of the pseudo header: addresses (4 or 16 bytes each), length of the transport packet, protocol. */
export function pseudoHeaderSum(src: Uint8Array, dst: Uint8Array, transportBytes: number, protocol: number): number {
  const sum = sumWords(dst, 0, dst.length, sumWords(src));
  return sum + Math.floor(transportBytes / 0x1_0000) + (transportBytes % 0x1_0000) + protocol;
}

/**
 * The checksum of a TCP, UDP or ICMPv6 packet that is `bytes[from..to)`, whatever its checksum field at
 * `checksumOff` (from `from`) holds now. For UDP a result of 0 is to be stored as 0xffff.
 */
export function transportChecksum(
  bytes: Uint8Array,
  from: number,
  to: number,
  checksumOff: number,
  pseudo: { readonly src: Uint8Array; readonly dst: Uint8Array; readonly protocol: number },
): number {
  const at = from + checksumOff;
  const sum = pseudoHeaderSum(pseudo.src, pseudo.dst, to - from, pseudo.protocol) + sumWords(bytes, from, at);
  return foldChecksum(sumWords(bytes, at + 2, to, sum));
}

/** How a stored checksum compares. `unchecked`: not all covered bytes are here, or UDP says 0 for "none". */
export interface ChecksumReport {
  readonly header: 'ipv4' | 'tcp' | 'udp' | 'icmp' | 'icmpv6';
  /** Where the checksum is stored in the frame. */
  readonly fieldOff: number;
  readonly stored: number;
  readonly state: { readonly kind: 'good' | 'unchecked' } | { readonly kind: 'bad'; readonly expected: number };
}

/** Checks every checksum of a frame that can be checked, outermost first. */
export function checkChecksums(data: Uint8Array, frame: ParsedFrame): ChecksumReport[] {
  const reports: ChecksumReport[] = [];
  let ip: Ipv4Header | Ipv6Header | undefined;
  let isFragment = false;
  for (const header of frame.headers) {
    switch (header.kind) {
      case 'ipv4': {
        ip = header;
        isFragment = header.moreFragments || header.fragmentOff > 0;
        const at = header.off + 10;
        const sum = sumWords(data, at + 2, header.off + header.headerBytes, sumWords(data, header.off, at));
        reports.push(report('ipv4', at, header.checksum, foldChecksum(sum)));
        break;
      }
      case 'ipv6':
        ip = header;
        isFragment = false;
        break;
      case 'ipv6-extension':
        if (header.fragment !== undefined) isFragment ||= header.fragment.more || header.fragment.off > 0;
        break;
      case 'tcp':
      case 'udp':
      case 'icmp':
      case 'icmpv6':
        if (ip !== undefined) reports.push(checkTransport(data, header, ip, isFragment));
        break;
      default:
    }
  }
  return reports;
}

type TransportHeader = Extract<Header, { kind: 'tcp' | 'udp' | 'icmp' | 'icmpv6' }>;

const CHECKSUM_OFF = { tcp: 16, udp: 6, icmp: 2, icmpv6: 2 } as const;
const PROTOCOL = {
  tcp: IP_PROTOCOL.tcp,
  udp: IP_PROTOCOL.udp,
  icmp: IP_PROTOCOL.icmp,
  icmpv6: IP_PROTOCOL.icmpv6,
} as const;

function checkTransport(
  data: Uint8Array,
  header: TransportHeader,
  ip: Ipv4Header | Ipv6Header,
  isFragment: boolean,
): ChecksumReport {
  const checksumOff = CHECKSUM_OFF[header.kind];
  const fieldOff = header.off + checksumOff;
  const ipEnd = ip.kind === 'ipv4' ? ip.off + ip.totalBytes : ip.off + 40 + ip.payloadBytes;
  const end = header.kind === 'udp' && header.totalBytes > 0 ? header.off + header.totalBytes : ipEnd;
  const isNone = header.kind === 'udp' && header.checksum === 0;
  const isWhole = end >= header.off + header.headerBytes && end <= ipEnd && end <= data.length;
  if (isFragment || isNone || !isWhole) {
    return { header: header.kind, fieldOff, stored: header.checksum, state: { kind: 'unchecked' } };
  }
  if (header.kind === 'icmp') {
    const sum = sumWords(data, fieldOff + 2, end, sumWords(data, header.off, fieldOff));
    return report('icmp', fieldOff, header.checksum, foldChecksum(sum));
  }
  const pseudo = { src: ip.src, dst: ip.dst, protocol: PROTOCOL[header.kind] };
  const expected = transportChecksum(data, header.off, end, checksumOff, pseudo);
  return report(header.kind, fieldOff, header.checksum, header.kind === 'udp' && expected === 0 ? 0xffff : expected);
}

function report(header: ChecksumReport['header'], fieldOff: number, stored: number, expected: number): ChecksumReport {
  return { header, fieldOff, stored, state: stored === expected ? { kind: 'good' } : { kind: 'bad', expected } };
}
