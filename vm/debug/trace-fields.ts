/**
 * Names of packet fields by their place in a frame, as Wireshark spells them, and their values in words. Knows no machine.
 */
import { formatIpv4, formatIpv6, formatMac } from '../address-text.js';
import { parseFrame } from '../net/parse-frame.js';
import type { Header } from '../net/headers.js';

export interface FieldWords {
  readonly name: string;
  /** Undefined where the access covers a part of a field only. */
  readonly text: string | undefined;
}

type Show = 'number' | 'hex' | 'ipv4' | 'ipv6' | 'mac';
type Row = readonly [name: string, off: number, bytes: number, show?: Show];

const ETHERNET: readonly Row[] = [
  ['eth.dst', 0, 6, 'mac'],
  ['eth.src', 6, 6, 'mac'],
  ['eth.type', 12, 2, 'hex'],
];
const IPV4: readonly Row[] = [
  ['ip.version/hdr_len', 0, 1, 'hex'],
  ['ip.dsfield', 1, 1, 'hex'],
  ['ip.len', 2, 2],
  ['ip.id', 4, 2, 'hex'],
  ['ip.flags/frag_offset', 6, 2, 'hex'],
  ['ip.ttl', 8, 1],
  ['ip.proto', 9, 1],
  ['ip.checksum', 10, 2, 'hex'],
  ['ip.src', 12, 4, 'ipv4'],
  ['ip.dst', 16, 4, 'ipv4'],
];
const IPV6: readonly Row[] = [
  ['ipv6.version/tclass/flow', 0, 4, 'hex'],
  ['ipv6.plen', 4, 2],
  ['ipv6.nxt', 6, 1],
  ['ipv6.hlim', 7, 1],
  ['ipv6.src', 8, 16, 'ipv6'],
  ['ipv6.dst', 24, 16, 'ipv6'],
];
const TCP: readonly Row[] = [
  ['tcp.srcport', 0, 2],
  ['tcp.dstport', 2, 2],
  ['tcp.seq_raw', 4, 4],
  ['tcp.ack_raw', 8, 4],
  ['tcp.hdr_len/flags', 12, 2, 'hex'],
  ['tcp.window_size_value', 14, 2],
  ['tcp.checksum', 16, 2, 'hex'],
  ['tcp.urgent_pointer', 18, 2],
];
const UDP: readonly Row[] = [
  ['udp.srcport', 0, 2],
  ['udp.dstport', 2, 2],
  ['udp.length', 4, 2],
  ['udp.checksum', 6, 2, 'hex'],
];
const ARP: readonly Row[] = [
  ['arp.hw.type', 0, 2],
  ['arp.proto.type', 2, 2, 'hex'],
  ['arp.hw.size', 4, 1],
  ['arp.proto.size', 5, 1],
  ['arp.opcode', 6, 2],
  ['arp.src.hw_mac', 8, 6, 'mac'],
  ['arp.src.proto_ipv4', 14, 4, 'ipv4'],
  ['arp.dst.hw_mac', 18, 6, 'mac'],
  ['arp.dst.proto_ipv4', 24, 4, 'ipv4'],
];
const SCTP: readonly Row[] = [
  ['sctp.srcport', 0, 2],
  ['sctp.dstport', 2, 2],
  ['sctp.verification_tag', 4, 4, 'hex'],
  ['sctp.checksum', 8, 4, 'hex'],
];

function icmp(name: string): readonly Row[] {
  return [
    [`${name}.type`, 0, 1],
    [`${name}.code`, 1, 1],
    [`${name}.checksum`, 2, 2, 'hex'],
    [`${name}.rest`, 4, 4, 'hex'],
  ];
}

const ROWS: Readonly<Record<Header['kind'], readonly Row[]>> = {
  ethernet: ETHERNET,
  vlan: [
    ['vlan.priority/id', 0, 2, 'hex'],
    ['vlan.etype', 2, 2, 'hex'],
  ],
  arp: ARP,
  ipv4: IPV4,
  ipv6: IPV6,
  'ipv6-extension': [
    ['ipv6.ext.nxt', 0, 1],
    ['ipv6.ext.len', 1, 1],
  ],
  tcp: TCP,
  udp: UDP,
  icmp: icmp('icmp'),
  icmpv6: icmp('icmpv6'),
  sctp: SCTP,
  gre: [
    ['gre.flags_and_version', 0, 2, 'hex'],
    ['gre.proto', 2, 2, 'hex'],
  ],
  vxlan: [
    ['vxlan.flags', 0, 1, 'hex'],
    ['vxlan.vni', 4, 3],
  ],
};

interface Field {
  readonly name: string;
  readonly off: number;
  readonly bytes: number;
  readonly show: Show;
}

/** The fields of one frame. */
export class FrameFields {
  readonly #fields: readonly Field[];

  constructor(frame: Uint8Array) {
    const seen = new Map<string, number>();
    this.#fields = parseFrame(frame).headers.flatMap(({ kind, off }) => {
      const nth = (seen.get(kind) ?? 0) + 1;
      seen.set(kind, nth);
      // The second IP header of a tunnelled packet is `ip#2`, as display filters count layers.
      return ROWS[kind].map(([name, by, bytes, show = 'number']): Field => {
        const layered = nth === 1 ? name : name.replace('.', `#${String(nth)}.`);
        return { name: layered, off: off + by, bytes, show };
      });
    });
  }

  /** Where its fields lie, in order. */
  list(): readonly { readonly off: number; readonly bytes: number }[] {
    return this.#fields;
  }

  /**
   * What `data`, read or written at `off`, is of the frame.
   * @returns undefined where no known field is touched
   */
  at(off: number, data: Uint8Array): FieldWords | undefined {
    const end = off + data.length;
    const touched = this.#fields.filter((field) => field.off < end && field.off + field.bytes > off);
    const [first] = touched;
    if (first === undefined) return undefined;
    const isPart = (field: Field): boolean => field.off < off || field.off + field.bytes > end;
    const name = touched
      .map((field) => (isPart(field) ? `${field.name}+${String(Math.max(0, off - field.off))}` : field.name))
      .join(', ');
    const covered = touched.reduce((sum, { bytes }) => sum + bytes, 0);
    if (covered !== data.length || touched.some(isPart)) return { name, text: undefined };
    return { name, text: touched.map((field) => show(data, field.off - off, field)).join(', ') };
  }
}

function show(data: Uint8Array, at: number, { bytes, show }: Field): string {
  if (show === 'mac') return formatMac(data, at);
  if (show === 'ipv4') return formatIpv4(data, at);
  if (show === 'ipv6') return formatIpv6(data, at);
  const value = data.subarray(at, at + bytes).reduce((sum, byte) => sum * 256 + byte, 0);
  return show === 'hex' ? `0x${value.toString(16).padStart(2 * bytes, '0')}` : String(value);
}
