/**
 * What a capture holds once read: packets and the interfaces they were taken on. The same for pcap and pcapng; knows
 * nothing of how either is laid out, nor of what is inside a frame.
 */

/** One packet of a capture. Numbers only beside the bytes, so that reading allocates little. */
export interface Packet {
  /** The captured bytes; a view of the chunk they came in, so keeping it keeps that chunk. Not to be written to. */
  readonly data: Uint8Array;
  /** Length on the wire; more than `data.length` if the capture was cut at a snap length. */
  readonly origBytes: number;
  /** Whole seconds since 1970; 0 where the record carries no time (pcapng simple packet blocks). */
  readonly sec: number;
  /** Nanoseconds within the second, 0..999999999. */
  readonly nsec: number;
  /** LINKTYPE number of the interface. */
  readonly linkType: number;
  /** Index into the capture's `interfaces`; always 0 in pcap. */
  readonly interfaceId: number;
  /** 0-based number of the packet in the capture. */
  readonly index: number;
  /** Byte offset of the packet's record or block in the (decompressed) stream. */
  readonly fileOff: number;
  /** pcapng comments, joined by newlines. */
  readonly comment: string | undefined;
}

/** An interface that packets were captured on. pcap has one, nameless; pcapng numbers them anew in each section. */
export interface CaptureInterface {
  /** Unique in the capture, also over sections: the index in `interfaces`. */
  readonly id: number;
  readonly linkType: number;
  /** Most bytes kept of a packet; 0 means no limit. */
  readonly snapBytes: number;
  /** Bytes of frame check sequence at the end of each packet; undefined where the capture does not say. */
  readonly fcsBytes: number | undefined;
  readonly name: string | undefined;
  /** 0-based section of a pcapng. */
  readonly section: number;
}

/** The packet's time as nanoseconds since 1970. For edges; per packet use `sec` and `nsec`. */
export function timestampNs(packet: Pick<Packet, 'sec' | 'nsec'>): bigint {
  return BigInt(packet.sec) * 1_000_000_000n + BigInt(packet.nsec);
}

/** The largest packet that is believed, as in libpcap (MAXIMUM_SNAPLEN): more than this is a broken length. */
export const MAX_PACKET_BYTES = 262_144;
