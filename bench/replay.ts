/**
 * A replay from file to verdicts beside its parts: reading the capture alone, running its packets alone. Interleaved; CPU time,
 * since it is not other people's. `npm run bench:replay [-- --smoke] [-- --packets N] [-- --loop N]`; `--loop` streams the capture in a loop
 * until so many packets have run, and prints how much memory the process holds on the way.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCaptureSource } from '../node/capture-source.js';
import { concatBytes } from '../vm/bytes.js';
import type { Attachment } from '../vm/datapath/attachment.js';
import { load } from '../vm/datapath/datapath.js';
import { ALL_CHECKS, NO_CHECKS } from '../vm/engine/engine.js';
import type { Checks } from '../vm/engine/engine.js';
import { must } from '../vm/errors.js';
import type { Machine } from '../vm/machine/machine.js';
import { PacketBatch } from '../vm/machine/packet-batch.js';
import { createCaptureReader, readCaptureBytes, windowsOf } from '../vm/net/capture.js';
import { LINKTYPE_ETHERNET } from '../vm/net/link-types.js';
import type { PacketRecord } from '../vm/net/record-decoder.js';
import { encodePcapHeader, encodePcapRecord } from '../vm/net/write-pcap.js';
import { feedCapture } from '../vm/replay/feed-capture.js';
import { Replay } from '../vm/replay/replay.js';

const BAR = 1.5;
const ROUNDS = 7;
const SOURCES = ['http', 'http6', 'icmp', 'udp-flows', 'syn-flood', 'vlan', 'long-lived'];
const RECORDS_AT_ONCE = 4096;
/** A prime, so that any part of the capture holds packets of all its sources. */
const STRIDE = 7919;

interface Subject {
  readonly name: string;
  readonly object: string;
  readonly program: string;
  readonly checks: Checks;
}

const SUBJECTS: readonly Subject[] = [
  { name: 'parser', object: 'bpf/bench/parser.bpf.o', program: 'parser', checks: NO_CHECKS },
  { name: 'firewall', object: 'bpf/firewall.bpf.o', program: 'firewall', checks: NO_CHECKS },
  { name: 'firewall, checked', object: 'bpf/firewall.bpf.o', program: 'firewall', checks: ALL_CHECKS },
  { name: 'lb', object: 'bpf/lb.bpf.o', program: 'lb', checks: NO_CHECKS },
  { name: 'policy', object: 'bpf/policy.bpf.o', program: 'policy_ingress', checks: NO_CHECKS },
];

/** Writes a capture of so many packets: those of our own captures in turn, a microsecond apart. Returns its path. */
function writeCapture(folder: string, packets: number): string {
  const frames = SOURCES.flatMap((name) =>
    [...readCaptureBytes(readFileSync(`pcaps/${name}.pcap`))].flatMap(({ linkType, data }) =>
      linkType === LINKTYPE_ETHERNET ? [data] : [],
    ),
  );
  const path = join(folder, 'traffic.pcap');
  const file = openSync(path, 'w');
  writeSync(file, encodePcapHeader());
  for (let at = 0; at < packets; at += RECORDS_AT_ONCE) {
    const records = Array.from({ length: Math.min(RECORDS_AT_ONCE, packets - at) }, (_, i) => {
      const us = at + i;
      const data = must(frames[(us * STRIDE) % frames.length], 'a frame');
      return encodePcapRecord({ data, sec: 1_700_000_000 + Math.floor(us / 1e6), nsec: (us % 1e6) * 1000 });
    });
    writeSync(file, concatBytes(records));
  }
  closeSync(file);
  return path;
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function timed(run: () => Promise<void> | void): Promise<number> {
  const start = cpuMs();
  await run();
  return cpuMs() - start;
}

/** Reads the capture into a batch that nobody runs; `full` is told when it must be cleared. */
async function readAlone(path: string, batch: PacketBatch, full: () => void): Promise<void> {
  const { chunks } = await openCaptureSource(path, { reuse: true });
  const reader = createCaptureReader();
  const sink = {
    add: (record: PacketRecord): void => {
      if (batch.add(record)) return;
      full();
      batch.add(record);
    },
  };
  for await (const chunk of chunks) {
    for (const window of windowsOf(chunk)) {
      reader.pushTo(window, sink);
      full();
    }
  }
  reader.end();
}

/** The first packets of the capture, ready to run. */
function firstBatch(machine: Machine, path: string): PacketBatch {
  const batch = must(PacketBatch.of(machine), 'room for a batch');
  const file = openSync(path, 'r');
  const window = new Uint8Array(512 * 1024);
  readSync(file, window);
  closeSync(file);
  let isFull = false;
  createCaptureReader().pushTo(window, {
    add: (record) => {
      isFull ||= !batch.add(record);
    },
  });
  return batch;
}

interface Measured {
  readonly name: string;
  /** Nanoseconds of CPU time a packet. */
  readonly read: number;
  readonly run: number;
  readonly whole: number;
  /** Whole over the two parts, of each round. */
  readonly ratio: number;
}

function median(values: readonly number[]): number {
  return must([...values].sort((a, b) => a - b)[values.length >> 1], 'a value');
}

async function measure(subject: Subject, path: string, packets: number, rounds: number): Promise<Measured> {
  const { name, object, program, checks } = subject;
  const fresh = (): { readonly machine: Machine; readonly attachment: Attachment } => {
    const datapath = load(readFileSync(object), { engine: 'wasm', checks, name: object });
    return { machine: datapath.machine, attachment: datapath.attach(program) };
  };
  const alone = fresh();
  const through = fresh();
  const read = must(PacketBatch.of(alone.machine), 'room for a batch');
  const ready = firstBatch(alone.machine, path);
  const rows: { readonly read: number; readonly run: number; readonly whole: number }[] = [];
  for (let round = 0; round <= rounds; round++) {
    const row = {
      read: await timed(() =>
        readAlone(path, read, () => {
          read.clear();
        }),
      ),
      run: await timed(() => {
        for (let done = 0; done < packets; done += ready.count) {
          alone.attachment.deliverBatch(ready, undefined, () => {
            if (!alone.machine.world.effects.isEmpty) alone.machine.world.effects.take();
          });
        }
      }),
      whole: await timed(async () => {
        const replay = new Replay(through.machine, through.attachment);
        await feedCapture(replay, (await openCaptureSource(path, { reuse: true })).chunks);
        if (replay.summary().packets !== packets) throw new Error('packets are missing');
      }),
    };
    // The first round warms up.
    if (round > 0) rows.push(row);
  }
  const of = (pick: (row: { read: number; run: number; whole: number }) => number): number => median(rows.map(pick));
  const ns = (ms: number): number => Math.round((1e6 * ms) / packets);
  return {
    name,
    read: ns(of((row) => row.read)),
    run: ns(of((row) => row.run)),
    whole: ns(of((row) => row.whole)),
    ratio: of((row) => row.whole / (row.read + row.run)),
  };
}

/** Streams the capture in a loop and prints the memory that the process holds. */
async function loop(path: string, wanted: number): Promise<void> {
  const datapath = load(readFileSync('bpf/lb.bpf.o'), { engine: 'wasm', checks: NO_CHECKS });
  const replay = new Replay(datapath.machine, datapath.attach('lb'));
  const mib = (bytes: number): string => `${String(Math.round(bytes / 2 ** 20))} MiB`;
  const every = Math.max(1, Math.floor(wanted / 20));
  let next = 0;
  const start = Date.now();
  while (replay.packets < wanted) {
    await feedCapture(replay, (await openCaptureSource(path, { reuse: true })).chunks, wanted);
    if (replay.packets < next) continue;
    next = replay.packets + every;
    const { rss, heapUsed, external } = process.memoryUsage();
    console.log(
      `${String(replay.packets).padStart(10)} packets  RSS ${mib(rss)}  heap ${mib(heapUsed)}  external ${mib(external)}  ` +
        `${String(Math.round((Date.now() - start) / 1000))} s`,
    );
  }
}

async function main(args: readonly string[]): Promise<void> {
  const smoke = args.includes('--smoke');
  const numberOf = (option: string): number | undefined =>
    args.includes(option) ? Number(args[args.indexOf(option) + 1]) : undefined;
  const packets = numberOf('--packets') ?? (smoke ? 20_000 : 1_000_000);
  const folder = mkdtempSync(join(tmpdir(), 'skep-bench-'));
  try {
    const path = writeCapture(folder, packets);
    const looped = numberOf('--loop');
    if (looped !== undefined) {
      await loop(path, looped);
      return;
    }
    console.log(
      `${String(packets)} packets; ns of CPU time a packet, medians; whole / (read + run): at most ${String(BAR)}`,
    );
    for (const subject of SUBJECTS) {
      const { name, read, run, whole, ratio } = await measure(subject, path, packets, smoke ? 1 : ROUNDS);
      const cell = (value: number): string => String(value).padStart(6);
      console.log(
        `${name.padEnd(18)} read${cell(read)}  run${cell(run)}  whole${cell(whole)}  ratio ${ratio.toFixed(2)}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await main(process.argv.slice(2));
