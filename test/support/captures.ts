/** Small captures for tests, and reading one to its end or its break. */
import { PcapError } from '../../vm/errors.js';
import { createCaptureReader } from '../../vm/net/capture.js';
import { type CaptureInterface, type Packet } from '../../vm/net/packet.js';

export interface ReadOutcome {
  readonly packets: Packet[];
  readonly interfaces: readonly CaptureInterface[];
  readonly failure: PcapError | undefined;
}

/** Pushes `bytes` in chunks of `chunkBytes` and collects the packets and the failure. */
export function readAll(bytes: Uint8Array, chunkBytes = bytes.length): ReadOutcome {
  const reader = createCaptureReader();
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    packets.push(...reader.push(bytes.slice(at, at + chunkBytes)));
  }
  try {
    reader.end();
  } catch (error) {
    if (!(error instanceof PcapError)) throw error;
  }
  return { packets, interfaces: reader.interfaces, failure: reader.failure };
}

/** `count` bytes that differ from those of other seeds. */
export function patternBytes(count: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => (i * 7 + seed * 31) & 0xff);
}
