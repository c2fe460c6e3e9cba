/**
 * One line about a packet, in the manner of `tcpdump -n`: stateless, so TCP sequence numbers are absolute. VLAN tags and
 * tunnels are always shown, since a program decides about them. Knows nothing of captures, time or verdicts.
 */
import { formatIpv4, formatIpv6, formatMac } from '../address-text.js';
import { summarizeDns } from './dns-summary.js';
import {
  type ArpHeader,
  type EthernetHeader,
  type Header,
  type IcmpHeader,
  IP_PROTOCOL,
  type Ipv4Header,
  type Ipv6Header,
  type NextHeader,
  type ParsedFrame,
  type TcpHeader,
  type UdpHeader,
} from './headers.js';
import { parseFrame } from './parse-frame.js';
import { linkTypeName, LINKTYPE_ETHERNET } from './link-types.js';

const HTTP_PORT = 80;
const DNS_PORT = 53;
const MDNS_PORT = 5353;

/** A line without a line feed, for any bytes whatsoever. */
export function summarizePacket(data: Uint8Array, linkType: number = LINKTYPE_ETHERNET): string {
  return summarizeFrame(data, parseFrame(data, linkType));
}

/** The same for a frame that has been taken apart already. */
export function summarizeFrame(data: Uint8Array, frame: ParsedFrame): string {
  return new Summary(data, frame).text();
}

type Ip = Ipv4Header | Ipv6Header;

class Summary {
  readonly #data: Uint8Array;
  readonly #frame: ParsedFrame;
  #text = '';
  #ip: Ip | undefined;
  /** `a > b` of the innermost IP header, waiting for the ports. */
  #ipShown = true;
  /** Extension headers of that IP header, likewise. */
  #extensions = '';
  #ethernet: EthernetHeader | undefined;

  constructor(data: Uint8Array, frame: ParsedFrame) {
    this.#data = data;
    this.#frame = frame;
  }

  text(): string {
    const { headers, stop } = this.#frame;
    headers.forEach((header, i) => {
      this.#add(header, headers[i + 1]);
    });
    switch (stop.kind) {
      case 'payload':
        if (!this.#ipShown) this.#text += `${this.#hosts()}no next header`;
        break;
      case 'fragment':
        this.#text += `${this.#ipShown ? '' : this.#hosts()}${this.#fragment(stop.protocol)}`;
        break;
      case 'truncated':
        this.#text += `${this.#pending(stop.header)}[|${stop.header}]`;
        break;
      case 'malformed':
        this.#text += `${this.#pending(stop.header)}[malformed ${stop.header}]`;
        break;
      case 'too-deep':
        this.#text += `${this.#pending()}[too many headers]`;
        break;
      default:
        this.#text += this.#unknown(stop.space, stop.number);
    }
    return this.#text;
  }

  #add(header: Header, next: Header | undefined): void {
    switch (header.kind) {
      case 'ethernet':
        this.#ethernet = header;
        break;
      case 'vlan':
        this.#text += `vlan ${header.vid}, p ${header.priority}${header.dropEligible ? ', DEI' : ''}, `;
        break;
      case 'arp':
        this.#text += `ARP, ${arpText(header)}`;
        break;
      case 'ipv4':
      case 'ipv6':
        if (!this.#ipShown) this.#text += this.#hosts();
        this.#text += header.kind === 'ipv4' ? 'IP ' : 'IP6 ';
        this.#ip = header;
        this.#ipShown = false;
        break;
      case 'ipv6-extension':
        this.#extensions += EXTENSION_NAMES[header.type] ?? '';
        break;
      case 'tcp':
        this.#text += `${this.#hosts(header)}${this.#tcp(header)}`;
        break;
      case 'udp':
        this.#text += `${this.#hosts(header)}${next?.kind === 'vxlan' ? '' : this.#udp(header)}`;
        break;
      case 'icmp':
        this.#text += `${this.#hosts()}ICMP ${this.#icmp(header)}, length ${this.#ipPayloadBytes(header.off)}`;
        break;
      case 'icmpv6':
        this.#text += `${this.#hosts()}ICMP6, ${this.#icmpv6(header)}, length ${this.#ipPayloadBytes(header.off)}`;
        break;
      case 'sctp':
        this.#text += `${this.#hosts(header)}sctp${this.#sctpChunk()}, length ${this.#ipPayloadBytes(header.off)}`;
        break;
      case 'gre': {
        const key = header.key === undefined ? '' : `, key=0x${header.key.toString(16)}`;
        this.#text += `${this.#hosts()}GREv${header.version}${key}, length ${this.#ipPayloadBytes(header.off)}: `;
        break;
      }
      case 'vxlan':
        this.#text += `VXLAN, flags [${(header.flags & 8) === 0 ? '.' : 'I'}] (${hex(header.flags, 2)}), vni ${header.vni}: `;
    }
  }

  /** The addresses of the innermost IP header, with ports if there are any. */
  #hosts(ports?: { readonly srcPort: number; readonly dstPort: number }): string {
    this.#ipShown = true;
    const ip = this.#ip;
    if (ip === undefined) return '';
    const format = ip.kind === 'ipv4' ? formatIpv4 : formatIpv6;
    const src = format(ip.src);
    const dst = format(ip.dst);
    const extensions = this.#extensions;
    this.#extensions = '';
    const hosts = ports === undefined ? `${src} > ${dst}` : `${src}.${ports.srcPort} > ${dst}.${ports.dstPort}`;
    return `${hosts}: ${extensions}`;
  }

  /** The hosts if they were not said yet; with ports if those of a header that could not be read are there. */
  #pending(unread?: NextHeader): string {
    if (this.#ipShown) return '';
    const { payloadOff, endOff } = this.#frame;
    const hasPorts = unread === 'tcp' || unread === 'udp' || unread === 'sctp';
    if (!hasPorts || endOff - payloadOff < 4) return this.#hosts();
    const port = (at: number) => ((this.#data[at] ?? 0) << 8) | (this.#data[at + 1] ?? 0);
    return this.#hosts({ srcPort: port(payloadOff), dstPort: port(payloadOff + 2) });
  }

  /** Bytes of the IP packet from `off` on, by its header: also what was not captured counts. */
  #ipPayloadBytes(off: number): number {
    const ip = this.#ip;
    if (ip === undefined) return this.#data.length - off;
    const end = ip.kind === 'ipv4' ? ip.off + ip.totalBytes : ip.off + 40 + ip.payloadBytes;
    return Math.max(0, end - off);
  }

  #fragment(protocol: number): string {
    const headers = this.#frame.headers;
    const last = headers.at(-1);
    const name = protocolName(protocol);
    if (last?.kind === 'ipv4') {
      const more = last.moreFragments ? '+' : '';
      return `${name}, frag (id ${last.id}, ${last.totalBytes - last.headerBytes}@${last.fragmentOff}${more})`;
    }
    if (last?.kind === 'ipv6-extension' && last.fragment !== undefined) {
      const { off, more, id } = last.fragment;
      const bytes = this.#ipPayloadBytes(last.off + last.headerBytes);
      return `${name}, frag (id ${hex(id, 8)}, ${bytes}@${off}${more ? '+' : ''})`;
    }
    return name;
  }

  #unknown(space: 'ethertype' | 'ip-protocol' | 'linktype', number: number): string {
    if (space === 'linktype') return `${linkTypeName(number)}, length ${this.#data.length}`;
    if (space === 'ip-protocol') {
      const { payloadOff } = this.#frame;
      return `${this.#hosts()}${protocolName(number)}, length ${this.#ipPayloadBytes(payloadOff)}`;
    }
    const bytes = this.#data.length - this.#frame.payloadOff;
    const ends =
      this.#ethernet === undefined ? '' : `${formatMac(this.#ethernet.src)} > ${formatMac(this.#ethernet.dst)}, `;
    if (number < 1536) return `${ends}802.3, ${this.#llc()}length ${number}`;
    return `${ends}ethertype ${ETHERTYPE_NAMES[number] ?? 'Unknown'} (${hex(number, 4)}), length ${bytes}`;
  }

  #llc(): string {
    const at = this.#frame.payloadOff;
    const dsap = this.#data[at];
    const ssap = this.#data[at + 1];
    if (dsap === undefined || ssap === undefined) return '[|llc] ';
    return dsap === 0x42 ? 'STP, ' : `LLC, dsap ${hex(dsap, 2)}, ssap ${hex(ssap, 2)}, `;
  }

  #tcp(header: TcpHeader): string {
    const length = this.#ipPayloadBytes(header.off + header.headerBytes);
    const flags = tcpFlags(header.flags);
    const hasAck = (header.flags & 16) !== 0;
    const isNumbered = length > 0 || (header.flags & 7) !== 0;
    const end = length > 0 ? `:${(header.seq + length) % 0x1_0000_0000}` : '';
    let text = `Flags [${flags}]`;
    if (isNumbered || !hasAck) text += `, seq ${header.seq}${end}`;
    if (hasAck) text += `, ack ${header.ack}`;
    text += `, win ${header.window}`;
    if ((header.flags & 32) !== 0) text += `, urg ${header.urgent}`;
    const options = this.#tcpOptions(header);
    if (options !== '') text += `, options [${options}]`;
    text += `, length ${length}`;
    if (length === 0) return text;
    const line = this.#httpLine();
    if (line !== '') return `${text}: HTTP: ${line}`;
    return header.srcPort === HTTP_PORT || header.dstPort === HTTP_PORT ? `${text}: HTTP` : text;
  }

  #tcpOptions(header: TcpHeader): string {
    const names: string[] = [];
    const end = header.off + header.headerBytes;
    const u16 = (at: number) => ((this.#data[at] ?? 0) << 8) | (this.#data[at + 1] ?? 0);
    const u32 = (at: number) => u16(at) * 0x1_0000 + u16(at + 2);
    let at = header.off + 20;
    while (at < end) {
      const kind = this.#data[at] ?? 0;
      if (kind === 0) {
        names.push('eol');
        break;
      }
      if (kind === 1) {
        names.push('nop');
        at++;
        continue;
      }
      const bytes = at + 1 < end ? (this.#data[at + 1] ?? 0) : 0;
      if (bytes < 2 || at + bytes > end) {
        names.push('bad opt');
        break;
      }
      if (kind === 2 && bytes === 4) names.push(`mss ${u16(at + 2)}`);
      else if (kind === 3 && bytes === 3) names.push(`wscale ${this.#data[at + 2] ?? 0}`);
      else if (kind === 4 && bytes === 2) names.push('sackOK');
      else if (kind === 5) names.push(`sack ${(bytes - 2) >> 3}`);
      else if (kind === 8 && bytes === 10) names.push(`TS val ${u32(at + 2)} ecr ${u32(at + 6)}`);
      else names.push(`opt-${kind}`);
      at += bytes;
    }
    return names.join(',');
  }

  /** The first line of a payload that looks like HTTP/1, else nothing. */
  #httpLine(): string {
    const { payloadOff, endOff } = this.#frame;
    let line = '';
    for (let at = payloadOff; at < Math.min(endOff, payloadOff + 120); at++) {
      const byte = this.#data[at] ?? 0;
      if (byte === 13 || byte === 10) break;
      if (byte < 32 || byte > 126) return '';
      line += String.fromCharCode(byte);
    }
    return /^(?:HTTP\/1\.[01] \d{3}|[A-Z]{3,10} \S+ HTTP\/1\.[01]$)/.test(line) ? line : '';
  }

  #udp(header: UdpHeader): string {
    const length = header.totalBytes === 0 ? this.#ipPayloadBytes(header.off + 8) : header.totalBytes - 8;
    const ports = [header.srcPort, header.dstPort];
    if (ports.includes(DNS_PORT) || ports.includes(MDNS_PORT)) {
      const dns = summarizeDns(this.#data.subarray(this.#frame.payloadOff, this.#frame.endOff), length);
      if (dns !== undefined) return dns;
    }
    return `UDP, length ${length}`;
  }

  #icmp(header: IcmpHeader): string {
    const id = header.rest >>> 16;
    const seq = header.rest & 0xffff;
    switch (header.type) {
      case 0:
        return `echo reply, id ${id}, seq ${seq}`;
      case 8:
        return `echo request, id ${id}, seq ${seq}`;
      case 3:
        return this.#unreachable(header);
      case 5:
        return `redirect to ${formatIpv4(this.#data, header.off + 4)}`;
      case 11:
        return header.code === 0 ? 'time exceeded in-transit' : 'ip reassembly time exceeded';
      case 12:
        return 'parameter problem';
      default:
        return `type-#${header.type}, code ${header.code}`;
    }
  }

  /** Names what was unreachable by the packet that ICMP quotes, as far as it was captured. */
  #unreachable(header: IcmpHeader): string {
    const quoted = parseFrame(this.#data.subarray(header.off + 8, this.#frame.endOff), 228);
    const ip = quoted.headers[0];
    const host = ip?.kind === 'ipv4' ? `${formatIpv4(ip.dst)} ` : '';
    const transport = quoted.headers[1];
    const hasPorts = transport?.kind === 'udp' || transport?.kind === 'tcp';
    switch (header.code) {
      case 0:
        return `net ${host}unreachable`;
      case 1:
        return `host ${host}unreachable`;
      case 2:
        return ip?.kind === 'ipv4' ? `${host}protocol ${ip.protocol} unreachable` : 'protocol unreachable';
      case 3:
        return hasPorts ? `${host}${transport.kind} port ${transport.dstPort} unreachable` : `${host}port unreachable`;
      case 4:
        return `${host}unreachable - need to frag (mtu ${header.rest & 0xffff})`;
      case 9:
      case 10:
      case 13:
        return `${host}unreachable - admin prohibited`;
      default:
        return `${host}unreachable, code ${header.code}`;
    }
  }

  #icmpv6(header: IcmpHeader): string {
    const id = header.rest >>> 16;
    const seq = header.rest & 0xffff;
    const hasTarget = this.#frame.endOff >= header.off + 24;
    const target = hasTarget ? formatIpv6(this.#data, header.off + 8) : '[|icmpv6]';
    switch (header.type) {
      case 1:
        return `destination unreachable, ${UNREACHABLE6[header.code] ?? `code ${header.code}`}`;
      case 2:
        return `packet too big, mtu ${header.rest}`;
      case 3:
        return header.code === 0 ? 'time exceeded in-transit' : 'time exceeded in reassembly';
      case 4:
        return 'parameter problem';
      case 128:
        return `echo request, id ${id}, seq ${seq}`;
      case 129:
        return `echo reply, id ${id}, seq ${seq}`;
      case 131:
      case 132:
      case 130:
        return `multicast listener ${header.type === 130 ? 'query' : header.type === 131 ? 'report' : 'done'}`;
      case 133:
        return 'router solicitation';
      case 134:
        return 'router advertisement';
      case 135:
        return `neighbor solicitation, who has ${target}`;
      case 136:
        return `neighbor advertisement, tgt is ${target}`;
      case 137:
        return 'redirect';
      case 143:
        return `multicast listener report v2, ${header.rest & 0xffff} group record(s)`;
      default:
        return `type-#${header.type}, code ${header.code}`;
    }
  }

  #sctpChunk(): string {
    const { payloadOff, endOff } = this.#frame;
    const type = payloadOff < endOff ? this.#data[payloadOff] : undefined;
    return type === undefined ? '' : ` [${SCTP_CHUNKS[type] ?? `chunk ${type}`}]`;
  }
}

function arpText(arp: ArpHeader): string {
  const sender = formatIpv4(arp.senderIp);
  const target = formatIpv4(arp.targetIp);
  switch (arp.operation) {
    case 1: {
      const asked = arp.targetMac.some((byte) => byte !== 0) ? ` (${formatMac(arp.targetMac)})` : '';
      return sender === target
        ? `Announcement ${sender}, length 28`
        : `Request who-has ${target}${asked} tell ${sender}, length 28`;
    }
    case 2:
      return `Reply ${sender} is-at ${formatMac(arp.senderMac)}, length 28`;
    default:
      return `operation ${arp.operation}, ${sender} > ${target}, length 28`;
  }
}

/** tcpdump's letters; `.` is ACK. */
function tcpFlags(flags: number): string {
  let text = '';
  for (const [bit, letter] of TCP_FLAGS) if ((flags & bit) !== 0) text += letter;
  return text === '' ? 'none' : text;
}

function protocolName(protocol: number): string {
  return PROTOCOL_NAMES[protocol] ?? `ip-proto-${protocol}`;
}

function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

const TCP_FLAGS: readonly (readonly [number, string])[] = [
  [1, 'F'],
  [2, 'S'],
  [4, 'R'],
  [8, 'P'],
  [16, '.'],
  [32, 'U'],
  [64, 'E'],
  [128, 'W'],
  [256, 'e'],
];

const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  [IP_PROTOCOL.icmp]: 'icmp',
  2: 'igmp',
  [IP_PROTOCOL.tcp]: 'tcp',
  [IP_PROTOCOL.udp]: 'udp',
  [IP_PROTOCOL.gre]: 'gre',
  50: 'esp',
  [IP_PROTOCOL.icmpv6]: 'ipv6-icmp',
  89: 'ospf',
  103: 'pim',
  112: 'vrrp',
  [IP_PROTOCOL.sctp]: 'sctp',
};

const EXTENSION_NAMES: Readonly<Record<number, string>> = {
  [IP_PROTOCOL.hopByHop]: 'HBH ',
  [IP_PROTOCOL.routing]: 'RT ',
  [IP_PROTOCOL.fragment]: '',
  [IP_PROTOCOL.authentication]: 'AH ',
  [IP_PROTOCOL.destination]: 'DSTOPT ',
  [IP_PROTOCOL.mobility]: 'mobility ',
};

const ETHERTYPE_NAMES: Readonly<Record<number, string>> = {
  0x0842: 'Wake-on-LAN',
  0x8035: 'RARP',
  0x8847: 'MPLS unicast',
  0x8848: 'MPLS multicast',
  0x8863: 'PPPoE D',
  0x8864: 'PPPoE S',
  0x888e: 'EAPOL',
  0x88cc: 'LLDP',
  0x88e5: 'MACsec',
  0x88f7: 'PTP',
  0x9000: 'Loopback',
};

const UNREACHABLE6: readonly string[] = [
  'no route',
  'admin prohibited',
  'beyond scope of source',
  'unreachable address',
  'unreachable port',
];

const SCTP_CHUNKS: readonly string[] = [
  'DATA',
  'INIT',
  'INIT ACK',
  'SACK',
  'HB REQ',
  'HB ACK',
  'ABORT',
  'SHUTDOWN',
  'SHUTDOWN ACK',
  'OP ERR',
  'COOKIE ECHO',
  'COOKIE ACK',
];
