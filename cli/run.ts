/** `skep run`: replays a capture through a program and reports the verdicts. */
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { openCaptureSource } from '../node/capture-source.js';
import { openOutput } from '../node/write-output.js';
import type { Output } from '../node/write-output.js';
import {
  ConfigError,
  DecisionRecorder,
  feedCapture,
  PcapError,
  readCapture,
  Replay,
  Spread,
  VerdictCapture,
} from '../vm/index.js';
import type { MapHandle, Packet, PacketOutcome, ProgramSpec, SkepError } from '../vm/index.js';
import { ChainScore } from './chain-score.js';
import { EXIT_BAD_INPUT } from './io.js';
import type { Io } from './io.js';
import { loadStages } from './load-stages.js';
import { nameCapture } from './name-capture.js';
import { parseBytes, parseCount } from './option-values.js';
import { createProgress } from './progress.js';
import { renderError } from './render-error.js';
import { EventDecoder, eventJson, eventText } from './run-events.js';
import { chosenMaps } from './run-maps.js';
import { packetJson, renderPacket } from './run-report.js';
import { jsonReport, missingDevice, textReport, unsupportedTrap } from './run-summary.js';
import type { RunStage } from './run-summary.js';
import { parseSetting } from './set-globals.js';
import type { Stage, StageFlags } from './stage.js';
import { unlessRejected } from './verify-first.js';

interface RunFlags extends StageFlags {
  readonly read?: string;
  readonly count?: number;
  readonly json?: true;
  readonly verbose?: true;
  readonly write?: string;
  readonly leftOnly?: true;
  readonly events?: true;
  readonly eventType?: string;
  readonly maps?: true | readonly string[];
  readonly why?: true;
  readonly spread?: true;
}

type Watch = (outcome: PacketOutcome) => void;

function parseNames(text: string): string[] {
  const names = text.split(',').filter((name) => name !== '');
  if (names.length === 0) throw new InvalidArgumentError('give names of maps');
  return names;
}

/** Adds the command. */
export function addRunCommand(program: Command, io: Io): void {
  program
    .command('run')
    .description('replay a capture through a program and show its verdicts')
    .argument(
      '[objects...]',
      'ELF file made by clang -target bpf (FILE.o:PROGRAM), or a config that names one (*.yaml, *.yml, *.json); ' +
        'several are a chain: what one lets pass comes in at the next',
    )
    .option('-r, --read <capture>', 'pcap or pcapng, also gzipped; - for standard input')
    .option('-p, --prog <name>', 'program to run, by its name or section; needed where the object has several')
    .addOption(
      new Option(
        '--engine <engine>',
        'how to execute (default wasm; interp with --why, and for 64 packets or fewer)',
      ).choices(['interp', 'wasm']),
    )
    .option('-C, --config <file>', 'YAML file with maps, globals, world and more: docs/config.md')
    .option('--set <var=value>', 'set a global variable, or a part of it; may be given several times', parseSetting)
    .option('-w, --write <capture>', 'write pcapng: packets with their verdicts, as they came in and as they left')
    .option('--left-only', 'with -w: packets only as they left, without those that were dropped')
    .option('-c, --count <packets>', 'stop after this many packets', parseCount)
    .option(
      '--memory <size>',
      'linear memory for maps, packets and their shadow (default: what they need, at most 2G)',
      parseBytes,
    )
    .option('--unchecked', 'without checks of fuel and memory, for measurements: a wild program then does as it likes')
    .option('--fuel <insns>', 'instructions that one packet may cost', parseCount)
    .option('--cpus <cpus>', 'possible CPUs (default 1)', parseCount)
    .option('--seed <seed>', 'seed of bpf_get_prandom_u32', parseCount)
    .option('--btf <file>', 'BTF of the kernel to relocate against (CO-RE)')
    .option('--why', 'say at which C line each verdict was decided (engine interp, slower)')
    .option('--spread', 'say how packets whose destination changed are spread over the new ones')
    .option('--events', 'print what the program sent to user space, by its BTF type')
    .option('--event-type <struct>', 'what the events are, where the object does not say it')
    .option('--maps [names]', 'print what maps hold at the end: all, or those named (commas between)', parseNames)
    .option('--json', 'print JSON: one object; with -v one line a packet before it')
    .option('-v, --verbose', 'print a line for each packet')
    .option('--no-verify', 'run without asking the verifier first')
    .option('--no-cache', 'do not remember verdicts, nor use those remembered')
    .action(async (objects: readonly string[], flags: RunFlags) => {
      io.exit(await unlessRejected(io, () => run(objects, flags, io)));
    });
}

/** Engine `interp` is done with so few packets before another would have been compiled for. */
const FEW_PACKETS = 64;

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

async function run(given: readonly string[], flags: RunFlags, io: Io): Promise<number> {
  const isShort = flags.read === undefined || (flags.count ?? Infinity) <= FEW_PACKETS;
  const preferred = flags.why === true || isShort ? 'interp' : 'wasm';
  const stages = (await loadStages(given, { preferred, ...flags }, io)).map((stage) => attachStage(stage, flags));
  for (const { datapath } of stages) if (datapath.note !== undefined) io.err(`note: ${datapath.note}\n`);
  const [first] = stages;
  if (first === undefined) return 0;
  const chain = stages.length > 1 ? new ChainScore(stages) : undefined;
  if (chain !== undefined && flags.eventType !== undefined) {
    throw new ConfigError('config-usage', '--event-type is for one object, here are several');
  }
  const maps = mapsOf(stages, flags.maps);
  const report = (text: string): void => {
    if (flags.write === '-') io.err(text);
    else io.out(text);
  };
  const lines: string[] = [];
  const output = flags.write === undefined ? undefined : outputOf(flags.write, io);
  let failure: SkepError | undefined;
  try {
    const capture = output === undefined ? undefined : captureWriter(output, flags);
    const watches = new Map(stages.map((stage) => [stage, watchOf(stage, stages, flags, lines, capture, io)]));
    const one = watches.get(first);
    const each = (packet: Packet): void => {
      if (chain === undefined) first.replay.packet(packet, one);
      else {
        chain.packet(packet, (stage, outcome) => {
          watches.get(stage)?.(outcome);
        });
      }
      if (lines.length >= 1000) report(lines.splice(0).join(''));
    };
    failure = await feed(first.replay, flags, io, chain === undefined && one === undefined ? undefined : each);
    report(lines.join(''));
    output?.commit();
  } finally {
    output?.discard();
  }
  report(flags.json === true ? jsonReport(stages, chain, maps, flags) : textReport(stages, chain, maps, flags));
  const isChain = chain !== undefined;
  const wrong = stages.flatMap((stage) => [unsupportedTrap(stage, isChain), missingDevice(stage, isChain)]);
  for (const error of [failure, ...wrong]) {
    if (error === undefined) continue;
    io.err(renderError(error));
    failure ??= error;
  }
  return failure === undefined ? 0 : EXIT_BAD_INPUT;
}

function attachStage(stage: Stage, flags: RunFlags): RunStage {
  const { datapath, program, attach, ifindex, reasons } = stage;
  if (flags.why === true && datapath.engine !== 'interp') {
    throw new ConfigError('config-value', `--why needs engine interp, ${datapath.engine} does not tell its steps`, {
      hint: 'leave --engine out',
    });
  }
  const recorder = flags.why === true ? new DecisionRecorder(datapath.machine) : undefined;
  const attachment = datapath.attach(program, { ...attach, ...(recorder === undefined ? {} : { probe: recorder }) });
  const goesOn = stage.goesOn(attachment);
  return {
    ...stage,
    spec: attachment.program,
    replay: new Replay(datapath.machine, attachment, {
      ...(recorder === undefined ? {} : { decisions: recorder }),
      ...(reasons === undefined ? {} : { reasons }),
      ...(ifindex === undefined ? {} : { ifindex }),
    }),
    ...(goesOn === undefined ? {} : { lets: goesOn }),
    events: new EventDecoder(datapath, flags.eventType),
    ...(flags.spread === true ? { spread: new Spread() } : {}),
  };
}

/** Of all stages those that have such maps, but for names that none has. */
function mapsOf(stages: readonly RunStage[], wanted: RunFlags['maps']): ReadonlyMap<RunStage, readonly MapHandle[]> {
  if (wanted === undefined) return new Map();
  const names = wanted === true ? [] : wanted;
  const known = new Set(stages.flatMap(({ datapath }) => datapath.object.maps.map(({ name }) => name)));
  return new Map(
    stages.map((stage, index) => {
      const own = new Set(stage.datapath.object.maps.map(({ name }) => name));
      // What nobody has is asked of the first, which then says what it has.
      const here = names.filter((name) => own.has(name) || (index === 0 && !known.has(name)));
      return [stage, names.length > 0 && here.length === 0 ? [] : chosenMaps(stage.datapath, here)];
    }),
  );
}

/** What is done with each packet of a stage; undefined where nothing is: the replay then makes no outcomes. */
function watchOf(
  stage: RunStage,
  stages: readonly RunStage[],
  flags: RunFlags,
  lines: string[],
  capture: ((spec: ProgramSpec, outcome: PacketOutcome) => void) | undefined,
  io: Io,
): Watch | undefined {
  const { spread, spec } = stage;
  const column = stages.length > 1 ? Math.max(...stages.map(({ name }) => name.length)) : 0;
  return all([
    capture === undefined
      ? undefined
      : (outcome) => {
          capture(spec, outcome);
        },
    spread === undefined
      ? undefined
      : ({ frame, left }) => {
          spread.add(frame, left());
        },
    lineWriter(stage, column, flags, lines, io),
  ]);
}

/** Standard output for `-`, which cannot be taken back. */
function outputOf(path: string, io: Io): Output {
  if (path !== '-') return openOutput(path);
  const nothing = (): void => undefined;
  return {
    write: (bytes) => {
      io.out(bytes);
    },
    commit: nothing,
    discard: nothing,
  };
}

function captureWriter(output: Output, flags: RunFlags): (program: ProgramSpec, outcome: PacketOutcome) => void {
  const capture = new VerdictCapture({ leftOnly: flags.leftOnly === true });
  for (const block of capture.start()) output.write(block);
  return (program, outcome) => {
    for (const block of capture.packet(program, outcome)) output.write(block);
  };
}

/** @param column characters for the stage's name; 0 where there is only one */
function lineWriter(
  { name, events }: RunStage,
  column: number,
  flags: RunFlags,
  out: string[],
  { colours }: Io,
): Watch | undefined {
  const stage = column === 0 ? {} : { stage: name };
  if (flags.verbose === true) {
    if (flags.json === true) {
      return (outcome) =>
        void out.push(`${JSON.stringify({ ...stage, ...(packetJson(outcome, events) as object) })}\n`);
    }
    const details = {
      ...(flags.events === true ? { events } : {}),
      ...(column === 0 ? {} : { stage: name.padEnd(column) }),
    };
    return (outcome) => void out.push(renderPacket(outcome, colours, details));
  }
  if (flags.events !== true) return undefined;
  return ({ packet, events: sent }) => {
    for (const event of sent) {
      const line =
        flags.json === true
          ? JSON.stringify({ ...stage, ...(eventJson(packet, event, events) as object) })
          : eventText(packet, event, events);
      out.push(`${line}\n`);
    }
  };
}

/** One that calls each, or none where there is none: the replay then makes no outcomes. */
function all(watches: readonly (Watch | undefined)[]): Watch | undefined {
  const given = watches.filter((watch) => watch !== undefined);
  if (given.length === 0) return undefined;
  return (outcome) => {
    for (const watch of given) watch(outcome);
  };
}

/**
 * Feeds the packets; returns what was wrong with the capture, once the packets before the break have run.
 * @param each what is done with one; left out where the replay alone is to have it
 */
async function feed(
  replay: Replay,
  flags: RunFlags,
  io: Io,
  each: ((packet: Packet) => void) | undefined,
): Promise<SkepError | undefined> {
  if (flags.read === undefined) {
    if (each === undefined) replay.packet(BLANK);
    else each(BLANK);
    return undefined;
  }
  const progress = createProgress(io.terminal);
  const source = await openCaptureSource(flags.read, {
    stdin: io.stdin,
    reuse: each === undefined,
    onProgress: (bytes) => {
      progress.update(bytes, replay.packets);
    },
  });
  progress.start(source.fileBytes);
  try {
    if (each === undefined) {
      await feedCapture(replay, source.chunks, flags.count);
      return undefined;
    }
    for await (const batch of readCapture(source.chunks)) {
      for (const packet of batch) {
        each(packet);
        if (replay.packets === flags.count) return undefined;
      }
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof PcapError)) throw error;
    return nameCapture(error, source.name);
  } finally {
    source.close();
    progress.stop();
  }
}
