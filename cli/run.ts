/** `skep run`: replays a capture through a program and reports the verdicts. */
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { openCaptureSource } from '../node/capture-source.js';
import { readInput } from '../node/read-input.js';
import { describeObject, load, PcapError, readCapture, Replay } from '../vm/index.js';
import type { Datapath, EngineName, Packet, SkepError } from '../vm/index.js';
import { EXIT_BAD_INPUT } from './io.js';
import type { Io } from './io.js';
import { createProgress } from './progress.js';
import { packetJson, renderPacket, renderSummary, summaryJson } from './run-report.js';
import { renderError } from './render-error.js';

interface RunFlags {
  readonly read?: string;
  readonly prog?: string;
  readonly engine: EngineName;
  readonly memory?: number;
  readonly fuel?: number;
  readonly seed?: number;
  readonly cpus?: number;
  readonly count?: number;
  readonly btf?: string;
  readonly json?: true;
  readonly verbose?: true;
}

const SIZES: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

function parseBytes(text: string): number {
  const match = /^(\d+)([KMG]?)i?B?$/i.exec(text);
  const unit = SIZES[(match?.[2] ?? '').toUpperCase()];
  if (match === null || unit === undefined) throw new InvalidArgumentError('give a size such as 256M or 2G');
  return Number(match[1]) * unit;
}

function parseCount(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) < 1) throw new InvalidArgumentError('give a whole number of at least 1');
  return Number(text);
}

/** Adds the command. */
export function addRunCommand(program: Command, io: Io): void {
  program
    .command('run')
    .description('replay a capture through a program and show its verdicts')
    .argument('<object>', 'ELF file made by clang -target bpf')
    .option('-r, --read <capture>', 'pcap or pcapng, also gzipped; - for standard input')
    .option('-p, --prog <name>', 'program to run, by its name or section; needed where the object has several')
    .addOption(new Option('--engine <engine>', 'how to execute').choices(['interp', 'wasm']).default('interp'))
    .option('-c, --count <packets>', 'stop after this many packets', parseCount)
    .option('--memory <size>', 'linear memory for maps, packets and their shadow (default 2G)', parseBytes)
    .option('--fuel <insns>', 'instructions that one packet may cost', parseCount)
    .option('--cpus <cpus>', 'possible CPUs (default 1)', parseCount)
    .option('--seed <seed>', 'seed of bpf_get_prandom_u32', parseCount)
    .option('--btf <file>', 'BTF of the kernel to relocate against (CO-RE)')
    .option('--json', 'print JSON: one object; with -v one line a packet before it')
    .option('-v, --verbose', 'print a line for each packet')
    .action(async (object: string, flags: RunFlags) => {
      io.exit(await run(object, flags, io));
    });
}

/** A frame of zeros: what the program says where there is no capture. */
const BLANK: Packet = {
  data: new Uint8Array(64),
  origBytes: 64,
  sec: 0,
  nsec: 0,
  linkType: 1,
  interfaceId: 0,
  index: 0,
  fileOff: 0,
  comment: undefined,
};

async function run(object: string, flags: RunFlags, io: Io): Promise<number> {
  const datapath = load(await readInput(object), {
    name: object,
    engine: flags.engine,
    ...(flags.memory === undefined ? {} : { memoryBytes: flags.memory }),
    ...(flags.fuel === undefined ? {} : { fuel: flags.fuel }),
    ...(flags.cpus === undefined ? {} : { cpus: flags.cpus }),
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    ...(flags.btf === undefined ? {} : { targetBtf: await readInput(flags.btf) }),
  });
  const attachment = datapath.attach(flags.prog);
  const replay = new Replay(datapath.machine, attachment);
  const out: string[] = [];
  const watch = flags.verbose === true ? lineWriter(flags, out, io) : undefined;
  const failure = await feed(replay, flags, io, (packet) => {
    replay.packet(packet, watch);
    if (out.length >= 1000) io.out(out.splice(0).join(''));
  });
  io.out(out.join(''));
  const summary = replay.summary();
  if (flags.json === true) {
    const { program } = attachment;
    const head = { object, program: program.name, section: program.section, engine: datapath.engine };
    io.out(
      `${JSON.stringify({ ...head, ...(summaryJson(summary) as object) }, null, flags.verbose === true ? 0 : 2)}\n`,
    );
  } else {
    io.out(`${heading(object, datapath, attachment.program.name, flags)}\n\n${renderSummary(summary)}`);
  }
  if (failure === undefined) return 0;
  io.err(renderError(failure));
  return EXIT_BAD_INPUT;
}

function lineWriter(flags: RunFlags, out: string[], { colours }: Io): Parameters<Replay['packet']>[1] {
  if (flags.json === true) return (outcome) => void out.push(`${JSON.stringify(packetJson(outcome))}\n`);
  return (outcome) => void out.push(renderPacket(outcome, colours));
}

/** Feeds the packets; returns what was wrong with the capture, once the packets before the break have run. */
async function feed(
  replay: Replay,
  flags: RunFlags,
  io: Io,
  each: (packet: Packet) => void,
): Promise<SkepError | undefined> {
  if (flags.read === undefined) {
    each(BLANK);
    return undefined;
  }
  const progress = createProgress(io.terminal);
  const source = await openCaptureSource(flags.read, {
    stdin: io.stdin,
    onProgress: (bytes) => {
      progress.update(bytes, replay.packets);
    },
  });
  progress.start(source.fileBytes);
  try {
    for await (const batch of readCapture(source.chunks)) {
      for (const packet of batch) {
        each(packet);
        if (replay.packets === flags.count) return undefined;
      }
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof PcapError)) throw error;
    return new PcapError(error.code, error.message, {
      where: { ...error.where, file: source.name },
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  } finally {
    source.close();
    progress.stop();
  }
}

function heading(object: string, datapath: Datapath, program: string, flags: RunFlags): string {
  const row = describeObject(datapath.object).programs.find(({ name }) => name === program);
  const from = flags.read ?? 'one blank 64-byte frame (no capture given: -r FILE)';
  const unsupported =
    row === undefined || row.unsupported.length === 0 ? '' : `\nnote: ${row.unsupported.join('\nnote: ')}`;
  return `${program} of ${object} over ${from}${unsupported}`;
}
