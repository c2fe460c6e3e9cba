/** `skep run`: replays a capture through a program and reports the verdicts. */
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { openCaptureSource } from '../node/capture-source.js';
import { readInput } from '../node/read-input.js';
import { openOutput } from '../node/write-output.js';
import type { Output } from '../node/write-output.js';
import {
  ConfigError,
  DecisionRecorder,
  describeObject,
  load,
  PcapError,
  readCapture,
  Replay,
  VerdictCapture,
} from '../vm/index.js';
import type { Configured } from '../vm/config/index.js';
import type { Datapath, EngineName, Packet, PacketOutcome, ProgramSpec, SkepError } from '../vm/index.js';
import { EXIT_BAD_INPUT } from './io.js';
import type { Io } from './io.js';
import { parseSetting, setGlobals } from './set-globals.js';
import type { GlobalSetting } from './set-globals.js';
import { createProgress } from './progress.js';
import { EventDecoder, eventJson, eventText } from './run-events.js';
import { chosenMaps, mapJson, renderMap } from './run-maps.js';
import { packetJson, renderDecisions, renderPacket, renderSummary, summaryJson } from './run-report.js';
import { nameCapture } from './name-capture.js';
import { parseBytes, parseCount } from './option-values.js';
import { renderError } from './render-error.js';

interface RunFlags {
  readonly read?: string;
  readonly prog?: string;
  readonly engine?: EngineName;
  readonly config?: string;
  readonly set?: readonly GlobalSetting[];
  readonly memory?: number;
  readonly fuel?: number;
  readonly seed?: number;
  readonly cpus?: number;
  readonly count?: number;
  readonly btf?: string;
  readonly json?: true;
  readonly verbose?: true;
  readonly write?: string;
  readonly leftOnly?: true;
  readonly events?: true;
  readonly eventType?: string;
  readonly maps?: true | readonly string[];
  readonly why?: true;
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
    .argument('[object]', 'ELF file made by clang -target bpf, or a config that names one (*.yaml, *.yml, *.json)')
    .option('-r, --read <capture>', 'pcap or pcapng, also gzipped; - for standard input')
    .option('-p, --prog <name>', 'program to run, by its name or section; needed where the object has several')
    .addOption(new Option('--engine <engine>', 'how to execute (default interp)').choices(['interp', 'wasm']))
    .option('-C, --config <file>', 'YAML file with maps, globals, world and more: docs/config.md')
    .option('--set <var=value>', 'set a global variable, or a part of it; may be given several times', parseSetting)
    .option('-w, --write <capture>', 'write pcapng: packets with their verdicts, as they came in and as they left')
    .option('--left-only', 'with -w: packets only as they left, without those that were dropped')
    .option('-c, --count <packets>', 'stop after this many packets', parseCount)
    .option('--memory <size>', 'linear memory for maps, packets and their shadow (default 2G)', parseBytes)
    .option('--fuel <insns>', 'instructions that one packet may cost', parseCount)
    .option('--cpus <cpus>', 'possible CPUs (default 1)', parseCount)
    .option('--seed <seed>', 'seed of bpf_get_prandom_u32', parseCount)
    .option('--btf <file>', 'BTF of the kernel to relocate against (CO-RE)')
    .option('--why', 'say at which C line each verdict was decided (engine interp, slower)')
    .option('--events', 'print what the program sent to user space, by its BTF type')
    .option('--event-type <struct>', 'what the events are, where the object does not say it')
    .option('--maps [names]', 'print what maps hold at the end: all, or those named (commas between)', parseNames)
    .option('--json', 'print JSON: one object; with -v one line a packet before it')
    .option('-v, --verbose', 'print a line for each packet')
    .action(async (object: string | undefined, flags: RunFlags) => {
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

/** A datapath and how packets come to it, from an object or a config. */
interface Loaded extends Pick<Configured, 'datapath' | 'program' | 'attach' | 'ifindex'> {
  readonly object: string;
}

async function loadRun(given: string | undefined, flags: RunFlags): Promise<Loaded> {
  const options = {
    ...(flags.engine === undefined ? {} : { engine: flags.engine }),
    ...(flags.memory === undefined ? {} : { memoryBytes: flags.memory }),
    ...(flags.fuel === undefined ? {} : { fuel: flags.fuel }),
    ...(flags.cpus === undefined ? {} : { cpus: flags.cpus }),
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    ...(flags.btf === undefined ? {} : { targetBtf: await readInput(flags.btf) }),
  };
  const isConfig = flags.config === undefined && given !== undefined && /\.(?:ya?ml|json)$/i.test(given);
  const config = isConfig ? given : flags.config;
  if (config !== undefined) {
    const { loadWithConfig } = await import('./config.js');
    return await loadWithConfig(config, isConfig ? undefined : given, { ...options, program: flags.prog });
  }
  if (given === undefined) {
    throw new ConfigError('config-usage', 'which object?', { hint: 'give an object, or --config FILE that names one' });
  }
  const datapath = load(await readInput(given), { name: given, ...options });
  return { datapath, program: flags.prog, attach: {}, ifindex: undefined, object: given };
}

async function run(given: string | undefined, flags: RunFlags, io: Io): Promise<number> {
  const { datapath, program: wanted, attach, ifindex, object } = await loadRun(given, flags);
  setGlobals(datapath, flags.set);
  if (flags.why === true && datapath.engine !== 'interp') {
    throw new ConfigError('config-value', `--why needs engine interp, ${datapath.engine} does not tell its steps`, {
      hint: 'leave --engine out',
    });
  }
  const recorder = flags.why === true ? new DecisionRecorder(datapath.machine) : undefined;
  const attachment = datapath.attach(wanted, { ...attach, ...(recorder === undefined ? {} : { probe: recorder }) });
  const replay = new Replay(datapath.machine, attachment, {
    ...(recorder === undefined ? {} : { decisions: recorder }),
    ...(ifindex === undefined ? {} : { ifindex }),
  });
  const maps = flags.maps === undefined ? [] : chosenMaps(datapath, flags.maps === true ? [] : flags.maps);
  const { program } = attachment;
  const events = new EventDecoder(datapath, flags.eventType);
  const report = (text: string): void => {
    if (flags.write === '-') io.err(text);
    else io.out(text);
  };
  const lines: string[] = [];
  const output = flags.write === undefined ? undefined : outputOf(flags.write, io);
  let failure: SkepError | undefined;
  try {
    const watch = all([
      output === undefined ? undefined : captureWriter(output, program, flags),
      lineWriter(flags, lines, events, io),
    ]);
    failure = await feed(replay, flags, io, (packet) => {
      replay.packet(packet, watch);
      if (lines.length >= 1000) report(lines.splice(0).join(''));
    });
    report(lines.join(''));
    output?.commit();
  } finally {
    output?.discard();
  }
  const summary = replay.summary();
  if (flags.json === true) {
    const head = { object, program: program.name, section: program.section, engine: datapath.engine };
    const tail = flags.maps === undefined ? {} : { maps: maps.map((map) => mapJson(datapath, map)) };
    const whole = { ...head, ...(summaryJson(summary) as object), ...tail };
    report(`${JSON.stringify(whole, null, flags.verbose === true ? 0 : 2)}\n`);
  } else {
    const note = events.note === undefined ? undefined : `note: ${events.note}\n`;
    const parts = [
      `${heading(object, datapath, program.name, flags)}\n`,
      renderSummary(summary),
      renderDecisions(summary),
      note,
      ...maps.map((map) => renderMap(datapath, map)),
    ];
    report(parts.filter((part) => part !== undefined).join('\n'));
  }
  if (failure === undefined) return 0;
  io.err(renderError(failure));
  return EXIT_BAD_INPUT;
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

function captureWriter(output: Output, program: ProgramSpec, flags: RunFlags): Watch {
  const capture = new VerdictCapture({ leftOnly: flags.leftOnly === true });
  for (const block of capture.start()) output.write(block);
  return (outcome) => {
    for (const block of capture.packet(program, outcome)) output.write(block);
  };
}

function lineWriter(flags: RunFlags, out: string[], events: EventDecoder, { colours }: Io): Watch | undefined {
  if (flags.verbose === true) {
    if (flags.json === true) return (outcome) => void out.push(`${JSON.stringify(packetJson(outcome, events))}\n`);
    const details = flags.events === true ? { events } : {};
    return (outcome) => void out.push(renderPacket(outcome, colours, details));
  }
  if (flags.events !== true) return undefined;
  return ({ packet, events: sent }) => {
    for (const event of sent) {
      const line =
        flags.json === true ? JSON.stringify(eventJson(packet, event, events)) : eventText(packet, event, events);
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
    return nameCapture(error, source.name);
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
