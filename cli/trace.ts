/** `skep trace`: one packet of a capture, instruction by instruction. */
import { styleText } from 'node:util';
import type { Command } from 'commander';
import { openCaptureSource } from '../node/capture-source.js';
import { readInput } from '../node/read-input.js';
import { ConfigError, load, PacketTracer, PcapError, readCapture, summarizePacket } from '../vm/index.js';
import type { Packet, TraceOutcome, TraceStep } from '../vm/index.js';
import { nameCapture } from './name-capture.js';
import { parseCount } from './option-values.js';
import type { Io } from './io.js';
import { TraceFolder } from './trace-fold.js';
import { TraceText } from './trace-text.js';

interface TraceFlags {
  readonly read: string;
  readonly packet: number;
  readonly prog?: string;
  readonly fuel?: number;
  readonly seed?: number;
  readonly cpus?: number;
  readonly btf?: string;
  readonly all?: true;
  readonly json?: true;
}

/** Characters that are handed over at once. */
const BATCH_CHARS = 65_536;

/** Adds the command; it writes to standard output and throws `SkepError` on bad input. */
export function addTraceCommand(program: Command, io: Io): void {
  program
    .command('trace')
    .description('follow one packet through a program: C lines, instructions, registers, memory, helpers, verdict')
    .argument('<object>', 'ELF file made by clang -target bpf')
    .requiredOption('-r, --read <capture>', 'pcap or pcapng, also gzipped; - for standard input')
    .option('-n, --packet <number>', 'which packet, from 1; those before it run first, untold', parseCount, 1)
    .option('-p, --prog <name>', 'program to run, by its name or section; needed where the object has several')
    .option('--all', 'show every round of a loop, not only the first ones')
    .option('--json', 'print a JSON object for each instruction, and one for the verdict')
    .option('--fuel <insns>', 'instructions that one packet may cost', parseCount)
    .option('--cpus <cpus>', 'possible CPUs (default 1)', parseCount)
    .option('--seed <seed>', 'seed of bpf_get_prandom_u32', parseCount)
    .option('--btf <file>', 'BTF of the kernel to relocate against (CO-RE)')
    .action(async (object: string, flags: TraceFlags) => {
      await trace(object, flags, io);
    });
}

async function trace(object: string, flags: TraceFlags, io: Io): Promise<void> {
  const datapath = load(await readInput(object), {
    name: object,
    ...(flags.fuel === undefined ? {} : { fuel: flags.fuel }),
    ...(flags.cpus === undefined ? {} : { cpus: flags.cpus }),
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    ...(flags.btf === undefined ? {} : { targetBtf: await readInput(flags.btf) }),
  });
  const tracer = new PacketTracer(datapath, flags.prog);
  const packet = await findPacket(flags, io, (before) => {
    tracer.skip(before);
  });
  const out = new Batch(io);
  if (flags.json === true) {
    const outcome = tracer.trace(packet, (step) => {
      out.add(`${JSON.stringify(step)}\n`);
    });
    out.add(`${JSON.stringify(outcomeJson(packet, outcome))}\n`);
  } else {
    out.add(`${tracer.program.name} of ${object}, packet ${String(flags.packet)} of ${flags.read}\n`);
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
  }
  out.flush();
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

function outcomeJson(packet: Packet, { frame, ...outcome }: TraceOutcome): unknown {
  return { packet: packet.index + 1, bytes: frame.length, summary: summarizePacket(frame), ...outcome };
}
