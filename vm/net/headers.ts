/**
 * The headers of a frame as values, how a walk over them may end, and the numbers that name them on the wire.
 * Data only: knows nothing of captures or of how headers are read or shown.
 */

/** `off` is where the header begins in the frame, `headerBytes` its whole length with options. */
interface Place {
  readonly off: number;
  readonly headerBytes: number;
}

export interface EthernetHeader extends Place {
  readonly kind: 'ethernet';
  readonly dst: Uint8Array;
  readonly src: Uint8Array;
  /** EtherType; below 1536 it is a length (802.3), and what follows is LLC. */
  readonly etherType: number;
}
export interface VlanHeader extends Place {
  readonly kind: 'vlan';
  readonly vid: number;
  readonly priority: number;
  readonly dropEligible: boolean;
  readonly etherType: number;
}
/** ARP for Ethernet and IPv4; other kinds end the walk as `unknown`. */
export interface ArpHeader extends Place {
  readonly kind: 'arp';
  readonly operation: number;
  readonly senderMac: Uint8Array;
  readonly senderIp: Uint8Array;
  readonly targetMac: Uint8Array;
  readonly targetIp: Uint8Array;
}
export interface Ipv4Header extends Place {
  readonly kind: 'ipv4';
  readonly src: Uint8Array;
  readonly dst: Uint8Array;
  readonly protocol: number;
  readonly ttl: number;
  readonly tos: number;
  readonly id: number;
  readonly totalBytes: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** Offset of this fragment in the datagram. */
  readonly fragmentOff: number;
  readonly checksum: number;
}
export interface Ipv6Header extends Place {
  readonly kind: 'ipv6';
  readonly src: Uint8Array;
  readonly dst: Uint8Array;
  /** The header after this one, which may be an extension. */
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly trafficClass: number;
  readonly flowLabel: number;
  readonly payloadBytes: number;
}
/** Hop-by-hop, routing, fragment, destination options, authentication, mobility and the like. */
export interface Ipv6ExtensionHeader extends Place {
  readonly kind: 'ipv6-extension';
  readonly type: number;
  readonly nextHeader: number;
  /** Of a fragment header; otherwise undefined. */
  readonly fragment: { readonly off: number; readonly more: boolean; readonly id: number } | undefined;
}
export interface TcpHeader extends Place {
  readonly kind: 'tcp';
  readonly srcPort: number;
  readonly dstPort: number;
  readonly seq: number;
  readonly ack: number;
  /** FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128, AE 256. */
  readonly flags: number;
  readonly window: number;
  readonly checksum: number;
  readonly urgent: number;
}
export interface UdpHeader extends Place {
  readonly kind: 'udp';
  readonly srcPort: number;
  readonly dstPort: number;
  /** With the header, as the header says. */
  readonly totalBytes: number;
  readonly checksum: number;
}
export interface IcmpHeader extends Place {
  readonly kind: 'icmp' | 'icmpv6';
  readonly type: number;
  readonly code: number;
  readonly checksum: number;
  /** The four bytes after the checksum, big endian: id and sequence of an echo, the MTU and so on. */
  readonly rest: number;
}
export interface SctpHeader extends Place {
  readonly kind: 'sctp';
  readonly srcPort: number;
  readonly dstPort: number;
  readonly tag: number;
  readonly checksum: number;
}
export interface GreHeader extends Place {
  readonly kind: 'gre';
  readonly version: number;
  readonly protocol: number;
  readonly key: number | undefined;
}
export interface VxlanHeader extends Place {
  readonly kind: 'vxlan';
  readonly flags: number;
  readonly vni: number;
}

export type Header =
  | EthernetHeader
  | VlanHeader
  | ArpHeader
  | Ipv4Header
  | Ipv6Header
  | Ipv6ExtensionHeader
  | TcpHeader
  | UdpHeader
  | IcmpHeader
  | SctpHeader
  | GreHeader
  | VxlanHeader;

/** What the walk would have read next, by the name of the header or the number of its protocol. */
export type NextHeader = Header['kind'] | 'llc' | 'payload';

/** Why the walk ended. */
export type Stop =
  /** All headers were read; what follows is payload. */
  | { readonly kind: 'payload' }
  /** A later fragment: the transport header went with the first. */
  | { readonly kind: 'fragment'; readonly protocol: number }
  /** The capture ends inside this header. */
  | { readonly kind: 'truncated'; readonly header: NextHeader }
  /** The header contradicts itself (an IPv4 header of 3 words). */
  | { readonly kind: 'malformed'; readonly header: NextHeader }
  /** A number (EtherType, IP protocol) that is not read here. */
  | { readonly kind: 'unknown'; readonly space: 'ethertype' | 'ip-protocol' | 'linktype'; readonly number: number }
  /** More headers than anybody nests in good faith. */
  | { readonly kind: 'too-deep' };

export interface ParsedFrame {
  readonly headers: readonly Header[];
  readonly stop: Stop;
  /** Where the bytes after the last header begin. */
  readonly payloadOff: number;
  /** Where they end: the end of the innermost IP packet or of the capture, whichever comes first. */
  readonly endOff: number;
}

export const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, teb: 0x6558, vlan: 0x8100, ipv6: 0x86dd, qinq: 0x88a8 } as const;
export const IP_PROTOCOL = {
  hopByHop: 0,
  icmp: 1,
  ipv4: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  gre: 47,
  authentication: 51,
  icmpv6: 58,
  none: 59,
  destination: 60,
  sctp: 132,
  mobility: 135,
  hip: 139,
  shim6: 140,
} as const;
