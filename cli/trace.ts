/** `skep trace`: one packet of a capture, instruction by instruction. */
import { styleText } from 'node:util';
import type { Command } from 'commander';
import { openCaptureSource } from '../node/capture-source.js';
import { ConfigError, goesOn, PacketTracer, PcapError, readCapture, summarizePacket } from '../vm/index.js';
import type { Packet, TraceOutcome, TraceStep } from '../vm/index.js';
import type { Io } from './io.js';
import { loadStages } from './load-stages.js';
import { nameCapture } from './name-capture.js';
import { parseBytes, parseCount } from './option-values.js';
import { parseSetting } from './set-globals.js';
import type { Stage, StageFlags } from './stage.js';
import { TraceFolder } from './trace-fold.js';
import { TraceText } from './trace-text.js';
import { unlessRejected } from './verify-first.js';

interface TraceFlags extends StageFlags {
  readonly read: string;
  readonly packet: number;
  readonly all?: true;
  readonly json?: true;
}

/** Link type of packets that a program has left. */
const ETHERNET = 1;
/** Characters that are handed over at once. */
const BATCH_CHARS = 65_536;

/** Adds the command; it writes to standard output and throws `SkepError` on bad input. */
export function addTraceCommand(program: Command, io: Io): void {
  program
    .command('trace')
    .description(
      'follow one packet through a program: C lines, instructions, registers, memory, helpers, verdict; see docs/trace.md',
    )
    .argument('[objects...]', 'as skep run takes them: objects and configs, in the order in which packets meet them')
    .requiredOption('-r, --read <capture>', 'pcap or pcapng, also gzipped; - for standard input')
    .option('-n, --packet <number>', 'which packet, from 1; those before it run first, untold', parseCount, 1)
    .option('-p, --prog <name>', 'program to run, by its name or section; needed where the object has several')
    .option('-C, --config <file>', 'YAML file with maps, globals, world and more: docs/config.md')
    .option('--set <var=value>', 'set a global variable, or a part of it; may be given several times', parseSetting)
    .option('--all', 'show every round of a loop, not only the first ones')
    .option('--json', 'print a JSON object for each instruction, and one for the verdict')
    .option(
      '--memory <size>',
      'linear memory for maps, packets and their shadow (default: what they need, at most 2G)',
      parseBytes,
    )
    .option('--fuel <insns>', 'instructions that one packet may cost', parseCount)
    .option('--cpus <cpus>', 'possible CPUs (default 1)', parseCount)
    .option('--seed <seed>', 'seed of bpf_get_prandom_u32', parseCount)
    .option('--btf <file>', 'BTF of the kernel to relocate against (CO-RE)')
    .option('--no-verify', 'trace without asking the verifier first')
    .option('--no-cache', 'do not remember verdicts, nor use those remembered')
    .action(async (objects: readonly string[], flags: TraceFlags) => {
      io.exit(
        await unlessRejected(io, async () => {
          await trace(objects, flags, io);
          return 0;
        }),
      );
    });
}

/** A stage whose program can be followed. */
interface TracedStage extends Stage {
  readonly tracer: PacketTracer;
  /** With what packets go on, where somebody said it. */
  readonly lets: readonly string[] | undefined;
}

async function trace(given: readonly string[], flags: TraceFlags, io: Io): Promise<void> {
  // It says what memory an address is in, which only checked runs know.
  const checked = { ...flags, engine: 'interp', checked: true } as const;
  const stages = (await loadStages(given, checked, io)).map((stage): TracedStage => {
    const { datapath, program, attach, ifindex } = stage;
    const tracer = new PacketTracer(datapath, program, { ...attach, ifindex });
    return { ...stage, tracer, lets: stage.goesOn(tracer.attachment) };
  });
  const packet = await findPacket(flags, io, (before) => {
    alongStages(stages, before, ({ tracer }, each) => tracer.skip(each));
  });
  const out = new Batch(io);
  alongStages(stages, packet, (stage, each) => {
    const label = stages.length > 1 ? stage.name : undefined;
    const outcome =
      flags.json === true ? traceJson(stage, label, each, out) : traceText(stage, label, each, flags, io, out);
    return { ...outcome, trapped: outcome.trap !== undefined, left: () => outcome.left };
  });
  out.flush();
}

/** Sends a packet from stage to stage as long as it goes on. */
function alongStages(
  stages: readonly TracedStage[],
  packet: Packet,
  act: (
    stage: TracedStage,
    packet: Packet,
  ) => { readonly verdict: string; readonly trapped: boolean; readonly left: () => Uint8Array },
): void {
  let arriving = packet;
  for (const stage of stages) {
    stage.reasons?.begin();
    const { verdict, trapped, left } = act(stage, arriving);
    const reason = stage.reasons?.take();
    if (!goesOn(stage.lets, { verdict, trapped, reason })) return;
    const data = left();
    arriving = { ...arriving, data, origBytes: data.length, linkType: ETHERNET };
  }
}

function traceJson({ tracer }: TracedStage, label: string | undefined, packet: Packet, out: Batch): TraceOutcome {
  const stage = label === undefined ? {} : { stage: label };
  const outcome = tracer.trace(packet, (step) => {
    out.add(`${JSON.stringify({ ...stage, ...step })}\n`);
  });
  out.add(`${JSON.stringify({ ...stage, ...outcomeJson(packet, outcome) })}\n`);
  return outcome;
}

function traceText(
  { tracer, object }: TracedStage,
  label: string | undefined,
  packet: Packet,
  flags: TraceFlags,
  io: Io,
  out: Batch,
): TraceOutcome {
  const stage = label === undefined ? '' : `stage ${label}: `;
  out.add(`${stage}${tracer.program.name} of ${object}, packet ${String(flags.packet)} of ${flags.read}\n`);
  out.add(`${summarizePacket(packet.data, packet.linkType)}\n\n`);
  const text = new TraceText(io.colours);
  const show = (step: TraceStep): void => {
    out.add(text.render(step));
  };
  const folder = new TraceFolder((item) => {
    out.add(text.render(item));
  });
  const outcome = tracer.trace(
    packet,
    flags.all === true
      ? show
      : (step) => {
          folder.add(step);
        },
  );
  folder.end();
  out.add(outcomeText(outcome, io.colours));
  if (label !== undefined) out.add('\n');
  return outcome;
}

/** Writes many small texts as few large ones. */
class Batch {
  readonly #io: Io;
  #text = '';

  constructor(io: Io) {
    this.#io = io;
  }

  add(text: string): void {
    this.#text += text;
    if (this.#text.length >= BATCH_CHARS) this.flush();
  }

  flush(): void {
    this.#io.out(this.#text);
    this.#text = '';
  }
}

/** The wanted packet, once those before it were told. */
async function findPacket(flags: TraceFlags, io: Io, skip: (packet: Packet) => void): Promise<Packet> {
  const source = await openCaptureSource(flags.read, { stdin: io.stdin, onProgress: () => undefined });
  let seen = 0;
  try {
    for await (const batch of readCapture(source.chunks)) {
      for (const packet of batch) {
        seen++;
        if (seen === flags.packet) return packet;
        skip(packet);
      }
    }
  } catch (error) {
    if (!(error instanceof PcapError)) throw error;
    throw nameCapture(error, source.name);
  } finally {
    source.close();
  }
  throw new ConfigError('config-value', `there is no packet ${String(flags.packet)}`, {
    where: { file: source.name },
    hint: seen === 0 ? 'the capture holds no packets' : `the last one is ${String(seen)}`,
  });
}

function outcomeText(outcome: TraceOutcome, colours: boolean): string {
  const { verdict, code, insns, printed, events } = outcome;
  const colour = /DROP|ABORTED|SHOT/.test(verdict) ? 'red' : 'green';
  const shown = colours ? styleText(colour, verdict, { validateStream: false }) : verdict;
  const parts = [`${shown} (${String(code)}) after ${String(insns)} insn${insns === 1 ? '' : 's'}`];
  if (events > 0) parts.push(`${String(events)} event${events === 1 ? '' : 's'}`);
  return `\n${parts.join(', ')}\n${printed.map((line) => `printed: ${line}\n`).join('')}`;
}

function outcomeJson(packet: Packet, { frame, left: _left, ...outcome }: TraceOutcome): object {
  return { packet: packet.index + 1, bytes: frame.length, summary: summarizePacket(frame), ...outcome };
}
