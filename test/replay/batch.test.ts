/** A replay in batches against one that runs each packet by itself: the same summary, whatever the capture and its chunks are. */
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { load } from '../../vm/datapath/datapath.js';
import type { EngineName } from '../../vm/datapath/engines.js';
import { SkepError } from '../../vm/errors.js';
import { createCaptureReader, readCaptureBytes } from '../../vm/net/capture.js';
import { encodePcapHeader, encodePcapRecord } from '../../vm/net/write-pcap.js';
import { concatBytes } from '../../vm/bytes.js';
import { feedCapture } from '../../vm/replay/feed-capture.js';
import { Replay } from '../../vm/replay/replay.js';

const PCAPS = readdirSync('pcaps').filter((name) => /\.pcap(ng)?$/.test(name));
/** Those that have what others have not: raw links, broken records, blocks with options. */
const ODD = /mixed|edge|malformed|dns/;
const MEMORY_BYTES = 2 ** 26;

interface Subject {
  readonly object: string;
  readonly program: string;
}

const SUBJECTS: readonly Subject[] = [
  { object: 'bpf/firewall.bpf.o', program: 'firewall' },
  { object: 'bpf/policy.bpf.o', program: 'policy_ingress' },
  { object: 'bpf/examples/packet-access.bpf.o', program: 'copy_out' },
  { object: 'bpf/examples/bad-access.bpf.o', program: 'past_packet' },
];

function replayOf({ object, program }: Subject, engine: EngineName, memoryBytes = MEMORY_BYTES): Replay {
  const bytes = readFileSync(object);
  const datapath = load(bytes, { engine, memoryBytes });
  return new Replay(datapath.machine, datapath.attach(program === '' ? undefined : program));
}

/** Summary and what stopped it, as text that can be compared. */
function told(replay: Replay, error: unknown): string {
  const { events, ...summary } = replay.summary();
  const code = error instanceof SkepError ? (error.code as string) : String(error);
  return JSON.stringify({ ...summary, events: [...events], error: code });
}

function byPacket(replay: Replay, capture: Uint8Array, limit = Infinity): string {
  try {
    for (const packet of readCaptureBytes(capture)) {
      replay.packet(packet);
      if (replay.packets >= limit) break;
    }
  } catch (error) {
    return told(replay, error);
  }
  return told(replay, undefined);
}

async function byBatch(replay: Replay, chunks: Iterable<Uint8Array>, limit?: number): Promise<string> {
  try {
    await feedCapture(replay, chunks, limit);
  } catch (error) {
    return told(replay, error);
  }
  return told(replay, undefined);
}

function* pieces(bytes: Uint8Array, pieceBytes: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

/** All pieces in one buffer, as a reader of files gives them that has only one. */
function* reused(bytes: Uint8Array, pieceBytes: number): Generator<Uint8Array> {
  const buffer = new Uint8Array(pieceBytes);
  for (const piece of pieces(bytes, pieceBytes)) {
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
  }
}

for (const subject of SUBJECTS) {
  for (const engine of ['interp', 'wasm'] as const) {
    t.test(`${subject.object} on ${engine}`, async (t) => {
      for (const name of PCAPS) {
        if (engine === 'interp' && !ODD.test(name)) continue;
        const capture = readFileSync(`pcaps/${name}`);
        const want = byPacket(replayOf(subject, engine), capture);
        t.equal(await byBatch(replayOf(subject, engine), [capture]), want, name);
        if (ODD.test(name))
          t.equal(await byBatch(replayOf(subject, engine), reused(capture, 1000)), want, `${name} in small chunks`);
      }
    });
  }
}

const [FIREWALL] = SUBJECTS as [Subject];

t.test('what traps does not keep others from being run', async (t) => {
  const replay = replayOf({ object: 'bpf/examples/bad-access.bpf.o', program: 'past_packet' }, 'wasm');
  t.ok(replay.batch() !== undefined);
  await feedCapture(replay, [readFileSync('pcaps/icmp.pcap')]);
  const { packets, traps } = replay.summary();
  t.ok(packets > 1);
  t.equal(
    traps.reduce((sum, each) => sum + each.packets, 0),
    packets,
  );
  t.equal(traps[0]?.first, 1);
});

t.test('a limit', async (t) => {
  const capture = readFileSync('pcaps/http.pcap');
  for (const limit of [1, 7, 100]) {
    const want = byPacket(replayOf(FIREWALL, 'wasm'), capture, limit);
    t.equal(await byBatch(replayOf(FIREWALL, 'wasm'), [capture], limit), want, String(limit));
  }
});

t.test('a capture that is longer than a batch, with packets of all sizes', async (t) => {
  const parts = [encodePcapHeader()];
  for (let i = 0; i < 20_000; i++) {
    const data = new Uint8Array(i % 1000 === 999 ? 60_000 + i : 14 + (i % 80)).fill(i & 0xff);
    parts.push(encodePcapRecord({ data, sec: i, nsec: 0 }));
  }
  const capture = concatBytes(parts);
  const want = byPacket(replayOf(FIREWALL, 'wasm'), capture);
  t.equal(await byBatch(replayOf(FIREWALL, 'wasm'), [capture]), want);
  t.equal(await byBatch(replayOf(FIREWALL, 'wasm'), reused(capture, 256 * 1024)), want, 'through one buffer');
});

t.test('a packet that no slot holds stops a batch where it would stop one by one', async (t) => {
  const frames = [64, 64, 200_000, 64].map((bytes) => new Uint8Array(bytes));
  const capture = concatBytes([
    encodePcapHeader(),
    ...frames.map((data) => encodePcapRecord({ data, sec: 1, nsec: 0 })),
  ]);
  const small = (): Replay => {
    const datapath = load(readFileSync(FIREWALL.object), {
      engine: 'wasm',
      memoryBytes: MEMORY_BYTES,
      packetBytes: 2000,
    });
    return new Replay(datapath.machine, datapath.attach());
  };
  const want = byPacket(small(), capture);
  t.match(want, 'load-memory');
  t.equal(await byBatch(small(), [capture]), want);
});

t.test('a machine without room for packets that wait', async (t) => {
  const capture = readFileSync('pcaps/http.pcap');
  const roomy = byPacket(replayOf(FIREWALL, 'wasm'), capture);
  let tight = 2 ** 20;
  const make = (): Replay | undefined => {
    try {
      return replayOf(FIREWALL, 'wasm', tight);
    } catch (error) {
      if (error instanceof SkepError && error.code === 'load-memory') return undefined;
      throw error;
    }
  };
  let replay = make();
  for (; replay === undefined; replay = make()) tight += 2 ** 17;
  t.equal(replay.batch(), undefined, 'it runs packet by packet');
  t.equal(await byBatch(replay, [capture]), roomy);
});

t.test('a reader fed by push and by pushTo says the same', (t) => {
  for (const name of PCAPS) {
    const capture = readFileSync(`pcaps/${name}`);
    const [one, other] = [createCaptureReader(), createCaptureReader()];
    const want = one.push(capture).map(({ data, ...rest }) => ({ ...rest, data: [...data] }));
    const found: unknown[] = [];
    other.pushTo(capture, {
      add: ({ bytes, at, capBytes, ...rest }) =>
        void found.push({ ...rest, data: [...bytes.subarray(at, at + capBytes)] }),
    });
    t.strictSame(found, want, name);
    t.equal(other.failure?.code, one.failure?.code, name);
  }
  t.end();
});
