/** Feeds a capture to a replay that nobody watches, in batches where it can. Knows no files. */
import { createCaptureReader, windowsOf } from '../net/capture.js';
import { packetOf } from '../net/record-decoder.js';
import type { PacketSink } from '../net/record-decoder.js';
import type { Replay } from './replay.js';

/**
 * Runs the packets of a capture, pcap or pcapng, in chunks of any size. Memory stays the same however long it is.
 * @param limit stop when the replay has run so many packets in all
 * @throws PcapError where the capture is broken, or of links that are not Ethernet; after the packets before that have run
 */
export async function feedCapture(
  replay: Replay,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  limit = Infinity,
): Promise<void> {
  const reader = createCaptureReader();
  const batch = replay.batch();
  let left = limit - replay.packets;
  const sink: PacketSink = {
    add: (record) => {
      if (left <= 0) return;
      if (batch === undefined) replay.packet(packetOf(record));
      else batch.add(record);
      left--;
    },
  };
  for await (const chunk of chunks) {
    for (const window of windowsOf(chunk)) {
      try {
        reader.pushTo(window, sink);
      } finally {
        batch?.flush();
      }
      if (left <= 0) return;
      if (reader.failure !== undefined) throw reader.failure;
    }
  }
  reader.end();
}
