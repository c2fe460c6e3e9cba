/**
 * What generated captures are made of above single frames: a clock, numbers that look like chance but are always the
 * same, and TCP connections. Knows nothing of files.
 */
import { encodeText } from '../vm/host.js';
import { IP_PROTOCOL } from '../vm/net/headers.js';
import { type PcapngPacket } from '../vm/net/write-pcapng.js';
import { type Bytes, type Flow, ipPacket, TCP_FLAGS, tcpSegment, turned } from './captures-frames.js';

/** The first second of 2026. */
const START_SEC = 1_767_225_600;

/** Numbers from 0 to below 2^32 (xorshift), the same for the same seed; `seed` is not 0. */
export function numbersFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state;
  };
}

/** Frames in order of time, each with the moment it was "seen". */
export class Timeline {
  readonly #packets: PcapngPacket[] = [];

  /** @param us microseconds from the start */
  add(us: number, data: Uint8Array, more: { readonly comment?: string; readonly origBytes?: number } = {}): void {
    const time = { sec: START_SEC + Math.floor(us / 1e6), nsec: (us % 1e6) * 1000 };
    this.#packets.push({ data, ...time, origBytes: more.origBytes ?? data.length, comment: more.comment });
  }

  /** Sorted; packets of one moment stay in the order in which they were added. */
  packets(): PcapngPacket[] {
    return this.#packets.sort((a, b) => a.sec - b.sec || a.nsec - b.nsec);
  }
}

/** A packet of a connection. */
export interface Segment {
  readonly fromServer: boolean;
  readonly packet: Uint8Array;
}

/** What one side says in a connection. */
export interface Saying {
  readonly fromServer: boolean;
  readonly data: Bytes;
}

export const says = (text: string): Saying => ({ fromServer: false, data: encodeText(text) });
export const answers = (data: string | Bytes): Saying => ({
  fromServer: true,
  data: typeof data === 'string' ? encodeText(data) : data,
});

/** MSS 1460 (IPv4) or 1440 (IPv6), SACK permitted, window scale 7. */
export const synOptions = (v6: boolean) => [2, 4, 5, v6 ? 0xa0 : 0xb4, 1, 1, 4, 2, 1, 3, 3, 7];

/** A whole connection as seen in the middle: opened, `sayings` each acknowledged, ended by both or reset by the client. */
export function connection(client: Flow, sayings: readonly Saying[], isn: number, end: 'fin' | 'reset'): Segment[] {
  const v6 = client.src.length === 16;
  const { fin, syn, reset, push, ack } = TCP_FLAGS;
  const segments: Segment[] = [];
  const sent = [isn, (isn ^ 0x5a5a_5a5a) >>> 0]; // next sequence number of client and server
  const send = (fromServer: boolean, flags: number, payload: Bytes = [], options: Bytes = []) => {
    const [mine, other] = fromServer ? [1, 0] : [0, 1];
    const seq = sent[mine] ?? 0;
    const flow = fromServer ? turned(client) : client;
    const fields = { flags, seq, ack: (flags & ack) === 0 ? 0 : (sent[other] ?? 0), options, payload };
    segments.push({ fromServer, packet: ipPacket(flow, IP_PROTOCOL.tcp, tcpSegment(flow, fields)) });
    sent[mine] = (seq + payload.length + ((flags & (syn | fin)) === 0 ? 0 : 1)) >>> 0;
  };

  send(false, syn, [], synOptions(v6));
  send(true, syn | ack, [], synOptions(v6));
  send(false, ack);
  const mss = v6 ? 1440 : 1460;
  for (const { fromServer, data } of sayings) {
    for (let off = 0; off < data.length; off += mss) {
      send(fromServer, off + mss < data.length ? ack : push | ack, data.slice(off, off + mss));
    }
    send(!fromServer, ack);
  }
  if (end === 'reset') {
    send(false, reset | ack);
    return segments;
  }
  send(false, fin | ack);
  send(true, fin | ack);
  send(false, ack);
  return segments;
}
