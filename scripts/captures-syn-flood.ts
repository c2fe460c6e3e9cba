/** The packets of pcaps/syn-flood.pcap: a SYN flood around a few honest connections. Knows nothing of files. */
import { IP_PROTOCOL } from '../vm/net/headers.js';
import { type PacketToWrite } from '../vm/net/write-pcap.js';
import {
  be16,
  be32,
  type Flow,
  flow,
  frameOf,
  ipPacket,
  join,
  TCP_FLAGS,
  tcpSegment,
  turned,
} from './captures-frames.js';
import { answers, connection, numbersFrom, says, synOptions, Timeline } from './captures-traffic.js';

const SERVER4 = '192.0.2.1';
const SERVER6 = '2001:db8:1::1';
const FLOOD_US = 2_000_000;
const FLOOD_SYNS = 3000;
/** The server takes so many half-open connections; after that it no longer answers. */
const BACKLOG = 256;

/** Sources that nobody has: the flood's replies go nowhere, so no reset ever comes back. */
function inventedFlow(next: () => number, v6: boolean): Flow {
  const port = 1024 + (next() % 64_000);
  if (v6)
    return {
      ...flow('2001:db8:f00d::', port, SERVER6, 80),
      src: join(be32(0x2001_0db8), be16(0xf00d), be16(next() & 0xffff), be32(next()), be32(next())),
    };
  return flow(`198.18.${next() % 256}.${next() % 256}`, port, SERVER4, 80);
}

export function synFlood(): PacketToWrite[] {
  const timeline = new Timeline();
  const next = numbersFrom(0x5e_ed01);
  for (let i = 0; i < FLOOD_SYNS; i++) {
    const us = 1_000_000 + Math.floor((i * FLOOD_US) / FLOOD_SYNS) + (next() % 300);
    const v6 = i % 10 === 9;
    const from = inventedFlow(next, v6);
    const seq = next();
    const hops = 40 + (next() % 200);
    const syn = tcpSegment(from, { flags: TCP_FLAGS.syn, seq, window: 1024 });
    timeline.add(us, frameOf(ipPacket(from, IP_PROTOCOL.tcp, syn, { hops, id: next() & 0xffff, fragment: 0 })));
    if (i >= BACKLOG) continue;
    const to = turned(from);
    const flags = TCP_FLAGS.syn | TCP_FLAGS.ack;
    const answer = tcpSegment(to, { flags, seq: next(), ack: (seq + 1) >>> 0, options: synOptions(v6) });
    timeline.add(us + 40, frameOf(ipPacket(to, IP_PROTOCOL.tcp, answer), { fromServer: true }));
  }
  addHonestClients(timeline);
  return timeline.packets();
}

/** One request before, some while the flood runs (only their SYNs arrive, again after 1 s), one after it. */
function addHonestClients(timeline: Timeline): void {
  const talk = [says('GET / HTTP/1.1\r\nHost: hive.example\r\n\r\n'), answers('HTTP/1.1 204 No Content\r\n\r\n')];
  const whole = (client: Flow, us: number, isn: number) => {
    connection(client, talk, isn, 'fin').forEach(({ packet, fromServer }, i) => {
      timeline.add(us + i * 250, frameOf(packet, { fromServer }));
    });
  };
  whole(flow('192.0.2.10', 50_001, SERVER4, 80), 100_000, 0x1000_0000);
  whole(flow('2001:db8:1::10', 50_001, SERVER6, 80), 300_000, 0x2000_0000);
  for (let i = 0; i < 10; i++) {
    const client =
      i % 2 === 0
        ? flow(`192.0.2.${11 + i}`, 50_100 + i, SERVER4, 80)
        : flow(`2001:db8:1::${11 + i}`, 50_100 + i, SERVER6, 80);
    const [syn] = connection(client, [], 0x3000_0000 + i * 4099, 'fin');
    if (syn === undefined) continue;
    for (const wait of [0, 1_000_000]) timeline.add(1_300_000 + i * 50_000 + wait, frameOf(syn.packet));
  }
  whole(flow('192.0.2.10', 50_002, SERVER4, 80), 4_000_000, 0x4000_0000);
}
