/**
 * What kind of link a capture was taken on, and how its packets become the Ethernet frames that XDP and TC programs
 * see. Numbers: the LINKTYPE_ registry of tcpdump.org. Knows nothing of file formats.
 */
import { concatBytes } from '../bytes.js';
import { PcapError } from '../errors.js';
import { type Packet } from './packet.js';

export const LINKTYPE_ETHERNET = 1;
export const LINKTYPE_RAW = 101;
export const LINKTYPE_IPV4 = 228;
export const LINKTYPE_IPV6 = 229;
/** DLT_RAW of Linux and most others, seen in files of careless writers. */
const DLT_RAW = 12;

const NAMES: Readonly<Record<number, string>> = {
  0: 'BSD loopback (NULL)',
  [LINKTYPE_ETHERNET]: 'Ethernet',
  6: 'token ring',
  8: 'SLIP',
  9: 'PPP',
  [DLT_RAW]: 'raw IP',
  [LINKTYPE_RAW]: 'raw IP',
  105: '802.11',
  108: 'OpenBSD loopback',
  113: 'Linux cooked v1 (SLL)',
  127: '802.11 with radiotap',
  147: 'user 0',
  189: 'USB (Linux)',
  192: 'PPI',
  195: '802.15.4',
  220: 'USB (Linux, padded)',
  [LINKTYPE_IPV4]: 'raw IPv4',
  [LINKTYPE_IPV6]: 'raw IPv6',
  252: 'Wireshark upper PDU',
  253: 'netlink',
  276: 'Linux cooked v2 (SLL2)',
};

/** The link's name, or `linktype 4711`. */
export function linkTypeName(linkType: number): string {
  return NAMES[linkType] ?? `linktype ${linkType}`;
}

/** DLT_RAW read as what it means; all others unchanged. */
export function canonicalLinkType(linkType: number): number {
  return linkType === DLT_RAW ? LINKTYPE_RAW : linkType;
}

/** Locally administered addresses of the header put in front of raw IP: ...:02 is the receiver, ...:01 the sender. */
const SYNTHETIC_HEADER = Uint8Array.of(2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1);

/**
 * The packet as an Ethernet frame. Ethernet is returned as it is (with its frame check sequence, if it was captured).
 * Raw IP gets a header in front: from 02:00:00:00:00:01 to 02:00:00:00:00:02, the EtherType taken from the IP version.
 * @throws PcapError `pcap-linktype` for every other link.
 */
export function ethernetFrameOf(packet: Pick<Packet, 'data' | 'linkType' | 'fileOff' | 'index'>): Uint8Array {
  const { data } = packet;
  switch (canonicalLinkType(packet.linkType)) {
    case LINKTYPE_ETHERNET:
      return data;
    case LINKTYPE_RAW:
    case LINKTYPE_IPV4:
    case LINKTYPE_IPV6: {
      const isV6 =
        packet.linkType === LINKTYPE_IPV6 || (packet.linkType !== LINKTYPE_IPV4 && (data[0] ?? 0) >>> 4 === 6);
      return concatBytes([SYNTHETIC_HEADER, isV6 ? Uint8Array.of(0x86, 0xdd) : Uint8Array.of(0x08, 0x00), data]);
    }
    default:
      throw new PcapError('pcap-linktype', `packets of ${linkTypeName(packet.linkType)} cannot be given to a program`, {
        data: { linkType: packet.linkType, index: packet.index },
        where: { offset: packet.fileOff },
        hint: 'programs see Ethernet frames: capture on one interface, not on "any", or take a raw IP capture',
      });
  }
}
