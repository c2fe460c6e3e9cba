/**
 * Takes a frame apart into headers, outermost first, tunnels included. Each header is only reported if all its fixed
 * part was captured; where and why the walk stopped is part of the result, never an exception.
 * Knows nothing of captures or of how headers are shown.
 */
import { viewOf } from '../bytes.js';
import { ETHERTYPE, IP_PROTOCOL } from './headers.js';
import type { Header, NextHeader, ParsedFrame, Stop } from './headers.js';
import { LINKTYPE_ETHERNET, LINKTYPE_IPV4, LINKTYPE_IPV6, LINKTYPE_RAW } from './link-types.js';

/** Headers per frame, tunnels and extension headers together. */
const MAX_HEADERS = 32;
const VXLAN_PORT = 4789;

/** Takes `data` apart. `linkType` says what its first header is; never throws. */
export function parseFrame(data: Uint8Array, linkType: number = LINKTYPE_ETHERNET): ParsedFrame {
  return new FrameWalk(data).walk(linkType);
}

class FrameWalk {
  readonly #data: Uint8Array;
  readonly #view: DataView;
  readonly #headers: Header[] = [];
  #at = 0;
  #end: number;
  #stop: Stop | undefined;

  constructor(data: Uint8Array) {
    this.#data = data;
    this.#view = viewOf(data);
    this.#end = data.length;
  }

  walk(linkType: number): ParsedFrame {
    switch (linkType) {
      case LINKTYPE_ETHERNET:
        this.#ethernet();
        break;
      case LINKTYPE_RAW:
        this.#rawIp();
        break;
      case LINKTYPE_IPV4:
        this.#ipv4();
        break;
      case LINKTYPE_IPV6:
        this.#ipv6();
        break;
      default:
        this.#stop = { kind: 'unknown', space: 'linktype', number: linkType };
    }
    return {
      headers: this.#headers,
      stop: this.#stop ?? { kind: 'payload' },
      payloadOff: Math.min(this.#at, this.#end),
      endOff: this.#end,
    };
  }

  /** Whether `bytes` more are there; if not, ends the walk. */
  #has(bytes: number, header: NextHeader): boolean {
    if (this.#end - this.#at >= bytes) return true;
    this.#stop = { kind: 'truncated', header };
    return false;
  }

  #push(header: Header): void {
    this.#headers.push(header);
    this.#at += header.headerBytes;
  }

  #slice(off: number, bytes: number): Uint8Array {
    return this.#data.subarray(this.#at + off, this.#at + off + bytes);
  }

  #u8(off: number): number {
    return this.#view.getUint8(this.#at + off);
  }

  #u16(off: number): number {
    return this.#view.getUint16(this.#at + off, false);
  }

  #u32(off: number): number {
    return this.#view.getUint32(this.#at + off, false);
  }

  #deep(): boolean {
    if (this.#headers.length < MAX_HEADERS) return false;
    this.#stop = { kind: 'too-deep' };
    return true;
  }

  #ethernet(): void {
    if (this.#deep() || !this.#has(14, 'ethernet')) return;
    const etherType = this.#u16(12);
    this.#push({
      kind: 'ethernet',
      off: this.#at,
      headerBytes: 14,
      dst: this.#slice(0, 6),
      src: this.#slice(6, 6),
      etherType,
    });
    this.#etherPayload(etherType);
  }

  #etherPayload(first: number): void {
    let etherType = first;
    while (etherType === ETHERTYPE.vlan || etherType === ETHERTYPE.qinq) {
      if (this.#deep() || !this.#has(4, 'vlan')) return;
      const tag = this.#u16(0);
      etherType = this.#u16(2);
      this.#push({
        kind: 'vlan',
        off: this.#at,
        headerBytes: 4,
        vid: tag & 0xfff,
        priority: tag >>> 13,
        dropEligible: (tag & 0x1000) !== 0,
        etherType,
      });
    }
    if (etherType === ETHERTYPE.ipv4) this.#ipv4();
    else if (etherType === ETHERTYPE.ipv6) this.#ipv6();
    else if (etherType === ETHERTYPE.arp) this.#arp();
    else if (etherType === ETHERTYPE.teb) this.#ethernet();
    else this.#stop = { kind: 'unknown', space: 'ethertype', number: etherType };
  }

  #rawIp(): void {
    if (!this.#has(1, 'ipv4')) return;
    if (this.#u8(0) >>> 4 === 6) this.#ipv6();
    else this.#ipv4();
  }

  #arp(): void {
    if (!this.#has(8, 'arp')) return;
    const isIpv4OnEthernet = this.#u32(0) === 0x0001_0800 && this.#u16(4) === 0x0604;
    if (!isIpv4OnEthernet) {
      this.#stop = { kind: 'malformed', header: 'arp' };
      return;
    }
    if (!this.#has(28, 'arp')) return;
    this.#push({
      kind: 'arp',
      off: this.#at,
      headerBytes: 28,
      operation: this.#u16(6),
      senderMac: this.#slice(8, 6),
      senderIp: this.#slice(14, 4),
      targetMac: this.#slice(18, 6),
      targetIp: this.#slice(24, 4),
    });
  }

  #ipv4(): void {
    if (this.#deep() || !this.#has(20, 'ipv4')) return;
    const headerBytes = (this.#u8(0) & 15) * 4;
    const totalBytes = this.#u16(2);
    if (this.#u8(0) >>> 4 !== 4 || headerBytes < 20 || totalBytes < headerBytes) {
      this.#stop = { kind: 'malformed', header: 'ipv4' };
      return;
    }
    if (!this.#has(headerBytes, 'ipv4')) return;
    const fragment = this.#u16(6);
    const protocol = this.#u8(9);
    this.#end = Math.min(this.#end, this.#at + totalBytes);
    this.#push({
      kind: 'ipv4',
      off: this.#at,
      headerBytes,
      src: this.#slice(12, 4),
      dst: this.#slice(16, 4),
      protocol,
      ttl: this.#u8(8),
      tos: this.#u8(1),
      id: this.#u16(4),
      totalBytes,
      dontFragment: (fragment & 0x4000) !== 0,
      moreFragments: (fragment & 0x2000) !== 0,
      fragmentOff: (fragment & 0x1fff) * 8,
      checksum: this.#u16(10),
    });
    if ((fragment & 0x1fff) !== 0) this.#stop = { kind: 'fragment', protocol };
    else this.#ipPayload(protocol);
  }

  #ipv6(): void {
    if (this.#deep() || !this.#has(40, 'ipv6')) return;
    const word = this.#u32(0);
    if (word >>> 28 !== 6) {
      this.#stop = { kind: 'malformed', header: 'ipv6' };
      return;
    }
    const payloadBytes = this.#u16(4);
    const nextHeader = this.#u8(6);
    // 0 is what a jumbogram says; its length is in an option, and the capture's end will do.
    if (payloadBytes > 0) this.#end = Math.min(this.#end, this.#at + 40 + payloadBytes);
    this.#push({
      kind: 'ipv6',
      off: this.#at,
      headerBytes: 40,
      src: this.#slice(8, 16),
      dst: this.#slice(24, 16),
      nextHeader,
      hopLimit: this.#u8(7),
      trafficClass: (word >>> 20) & 0xff,
      flowLabel: word & 0xf_ffff,
      payloadBytes,
    });
    this.#ipv6Payload(nextHeader);
  }

  #ipv6Payload(first: number): void {
    let next = first;
    while (isIpv6Extension(next)) {
      if (this.#deep() || !this.#has(8, 'ipv6-extension')) return;
      const type = next;
      next = this.#u8(0);
      const headerBytes = extensionBytes(type, this.#u8(1));
      if (!this.#has(headerBytes, 'ipv6-extension')) return;
      const fragment =
        type === IP_PROTOCOL.fragment
          ? { off: this.#u16(2) & 0xfff8, more: (this.#u16(2) & 1) !== 0, id: this.#u32(4) }
          : undefined;
      this.#push({ kind: 'ipv6-extension', off: this.#at, headerBytes, type, nextHeader: next, fragment });
      if (fragment !== undefined && fragment.off > 0) {
        this.#stop = { kind: 'fragment', protocol: next };
        return;
      }
    }
    this.#ipPayload(next);
  }

  #ipPayload(protocol: number): void {
    switch (protocol) {
      case IP_PROTOCOL.tcp:
        this.#tcp();
        return;
      case IP_PROTOCOL.udp:
        this.#udp();
        return;
      case IP_PROTOCOL.icmp:
        this.#icmp('icmp');
        return;
      case IP_PROTOCOL.icmpv6:
        this.#icmp('icmpv6');
        return;
      case IP_PROTOCOL.sctp:
        this.#sctp();
        return;
      case IP_PROTOCOL.gre:
        this.#gre();
        return;
      case IP_PROTOCOL.ipv4:
        this.#ipv4();
        return;
      case IP_PROTOCOL.ipv6:
        this.#ipv6();
        return;
      case IP_PROTOCOL.none:
        return;
      default:
        this.#stop = { kind: 'unknown', space: 'ip-protocol', number: protocol };
    }
  }

  #tcp(): void {
    if (!this.#has(20, 'tcp')) return;
    const word = this.#u16(12);
    const headerBytes = (word >>> 12) * 4;
    if (headerBytes < 20) {
      this.#stop = { kind: 'malformed', header: 'tcp' };
      return;
    }
    if (!this.#has(headerBytes, 'tcp')) return;
    this.#push({
      kind: 'tcp',
      off: this.#at,
      headerBytes,
      srcPort: this.#u16(0),
      dstPort: this.#u16(2),
      seq: this.#u32(4),
      ack: this.#u32(8),
      flags: word & 0x1ff,
      window: this.#u16(14),
      checksum: this.#u16(16),
      urgent: this.#u16(18),
    });
  }

  #udp(): void {
    if (!this.#has(8, 'udp')) return;
    const dstPort = this.#u16(2);
    const totalBytes = this.#u16(4);
    // 0 is a jumbogram's way of saying "all of it".
    if (totalBytes !== 0 && totalBytes < 8) {
      this.#stop = { kind: 'malformed', header: 'udp' };
      return;
    }
    this.#push({
      kind: 'udp',
      off: this.#at,
      headerBytes: 8,
      srcPort: this.#u16(0),
      dstPort,
      totalBytes,
      checksum: this.#u16(6),
    });
    if (dstPort === VXLAN_PORT) this.#vxlan();
  }

  #icmp(kind: 'icmp' | 'icmpv6'): void {
    if (!this.#has(8, kind)) return;
    this.#push({
      kind,
      off: this.#at,
      headerBytes: 8,
      type: this.#u8(0),
      code: this.#u8(1),
      checksum: this.#u16(2),
      rest: this.#u32(4),
    });
  }

  #sctp(): void {
    if (!this.#has(12, 'sctp')) return;
    this.#push({
      kind: 'sctp',
      off: this.#at,
      headerBytes: 12,
      srcPort: this.#u16(0),
      dstPort: this.#u16(2),
      tag: this.#u32(4),
      checksum: this.#u32(8),
    });
  }

  #gre(): void {
    if (this.#deep() || !this.#has(4, 'gre')) return;
    const flags = this.#u16(0);
    const protocol = this.#u16(2);
    const hasChecksum = (flags & 0x8000) !== 0;
    const hasKey = (flags & 0x2000) !== 0;
    const hasSequence = (flags & 0x1000) !== 0;
    // Version 1 (PPTP) and source routes (RFC 1701) are named, but not followed.
    const isPlain = (flags & 0x4007) === 0;
    const keyOff = hasChecksum ? 8 : 4;
    const headerBytes = isPlain ? keyOff + (hasKey ? 4 : 0) + (hasSequence ? 4 : 0) : 4;
    if (!this.#has(headerBytes, 'gre')) return;
    this.#push({
      kind: 'gre',
      off: this.#at,
      headerBytes,
      version: flags & 7,
      protocol,
      key: isPlain && hasKey ? this.#u32(keyOff) : undefined,
    });
    if (isPlain) this.#etherPayload(protocol);
  }

  #vxlan(): void {
    if (this.#deep() || !this.#has(8, 'vxlan')) return;
    const flags = this.#u8(0);
    this.#push({ kind: 'vxlan', off: this.#at, headerBytes: 8, flags, vni: this.#u32(4) >>> 8 });
    // Bit 3 says that the network id is valid; without it this is hardly VXLAN.
    if ((flags & 8) !== 0) this.#ethernet();
  }
}

function isIpv6Extension(next: number): boolean {
  switch (next) {
    case IP_PROTOCOL.hopByHop:
    case IP_PROTOCOL.routing:
    case IP_PROTOCOL.fragment:
    case IP_PROTOCOL.authentication:
    case IP_PROTOCOL.destination:
    case IP_PROTOCOL.mobility:
    case IP_PROTOCOL.hip:
    case IP_PROTOCOL.shim6:
      return true;
    default:
      return false;
  }
}

function extensionBytes(type: number, length: number): number {
  if (type === IP_PROTOCOL.fragment) return 8;
  return type === IP_PROTOCOL.authentication ? (length + 2) * 4 : (length + 1) * 8;
}
