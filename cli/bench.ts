/** `skep bench`: what a capture's packets cost, exactly, and how long they take; of one build or of two. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { openCaptureSource } from '../node/capture-source.js';
import { timeBatches, TIMED_PACKETS } from '../node/time-batches.js';
import { ConfigError, CostMeter, CostTable, PcapError, readCapture } from '../vm/index.js';
import type { Attachment, Packet } from '../vm/index.js';
import { benchJson, overLimits, parseLimits, renderBench } from './bench-report.js';
import type { CostLimit, Measured, PairCount } from './bench-report.js';
import type { Io } from './io.js';
import { loadStages } from './load-stages.js';
import { nameCapture } from './name-capture.js';
import { parseBytes, parseCount } from './option-values.js';
import { parseSetting } from './set-globals.js';
import type { Stage, StageFlags } from './stage.js';
import { unlessRejected } from './verify-first.js';

interface BenchFlags extends StageFlags {
  readonly read: string;
  readonly count?: number;
  readonly rounds: number;
  /** Commander's `--no-time`. */
  readonly time: boolean;
  readonly failOver?: readonly CostLimit[];
  readonly json?: true;
}

const EXIT_OVER = 1;
const DEFAULT_ROUNDS = 40;

/** Adds the command. */
export function addBenchCommand(program: Command, io: Io): void {
  program
    .command('bench')
    .description(
      'what the packets of a capture cost: instructions, helper calls, map operations, nanoseconds; two builds compared',
    )
    .argument('<object>', 'ELF file made by clang -target bpf (FILE.o:PROGRAM), or a config that names one')
    .argument('[new]', 'another build of it, to compare')
    .requiredOption('-r, --read <capture>', 'pcap or pcapng, also gzipped; - for standard input')
    .option('-p, --prog <name>', 'program to run, by its name or section; needed where the object has several')
    .addOption(new Option('--engine <engine>', 'what to take the time of (default wasm)').choices(['interp', 'wasm']))
    .option('-C, --config <file>', 'YAML file with maps, globals, world and more: docs/config.md')
    .option('--set <var=value>', 'set a global variable, or a part of it; may be given several times', parseSetting)
    .option('-c, --count <packets>', 'stop after this many packets', parseCount)
    .option('--rounds <rounds>', 'how often to take the time of each', parseCount, DEFAULT_ROUNDS)
    .option('--no-time', 'only what can be counted')
    .option(
      '--fail-over <limits>',
      'exit 1 where the new build costs more: insns:0, helpers:5, ns:10 (per cent, of all packets)',
      parseLimits,
    )
    .option('--memory <size>', 'linear memory for maps, packets and their shadow (default 2G)', parseBytes)
    .option('--unchecked', 'without checks of fuel and memory, verified or not')
    .option('--fuel <insns>', 'instructions that one packet may cost', parseCount)
    .option('--cpus <cpus>', 'possible CPUs (default 1)', parseCount)
    .option('--seed <seed>', 'seed of bpf_get_prandom_u32', parseCount)
    .option('--btf <file>', 'BTF of the kernel to relocate against (CO-RE)')
    .option('--json', 'print JSON')
    .option('--no-verify', 'run without asking the verifier first')
    .option('--no-cache', 'do not remember verdicts, nor use those remembered')
    .action(async (object: string, other: string | undefined, flags: BenchFlags) => {
      const given = other === undefined ? [object] : [object, other];
      io.exit(await unlessRejected(io, () => bench(given, flags, io)));
    });
}

/** A build: once to count, once to take its time. */
interface Build {
  readonly object: string;
  readonly counting: Attachment;
  readonly meter: CostMeter;
  readonly costs: CostTable;
  readonly ifindex: number | undefined;
  readonly timed: Stage;
  readonly attachment: Attachment;
}

async function bench(given: readonly string[], flags: BenchFlags, io: Io): Promise<number> {
  const [first, ...others] = given;
  if (first === undefined) return 0;
  if (others.length > 0 && (flags.failOver ?? []).some(({ name }) => name === 'ns') && !flags.time) {
    throw new ConfigError('config-usage', '--fail-over ns needs the time, --no-time takes none');
  }
  if (others.length === 0 && flags.failOver !== undefined) {
    throw new ConfigError('config-usage', '--fail-over compares two builds, here is one');
  }
  const builds: Build[] = [];
  for (const object of given) builds.push(await loadBuild(object, flags, io));
  const { packets, pairs } = await count(builds, flags, io);
  const times = flags.time && packets.length > 0 ? timeBatches(builds.map(timedOf), packets, flags.rounds) : undefined;
  const measured = builds.map(({ object, counting, costs, timed }, index): Measured => {
    const time = times?.[index];
    return {
      object,
      program: counting.program.name,
      engine: timed.datapath.engine,
      checked: timed.datapath.checks.memory,
      verdicts: costs.verdicts(),
      total: costs.total(),
      ...(time === undefined ? {} : { time }),
    };
  });
  io.out(flags.json === true ? benchJson(measured, flags.read, pairs) : renderBench(measured, flags.read, pairs));
  const over = overLimits(measured, flags.failOver ?? []);
  for (const line of over) io.err(`${line}\n`);
  return over.length > 0 ? EXIT_OVER : 0;
}

function timedOf({ timed, attachment, ifindex }: Build) {
  return { machine: timed.datapath.machine, attachment, ifindex };
}

async function loadBuild(object: string, flags: BenchFlags, io: Io): Promise<Build> {
  const timed = await onlyStage(object, { ...flags, preferred: 'wasm' }, io);
  if (timed.datapath.note !== undefined) io.err(`note: ${timed.datapath.note}\n`);
  const counted = await onlyStage(object, { ...flags, engine: 'interp', verify: false, counters: true }, io);
  const counting = counted.datapath.attach(counted.program, counted.attach);
  return {
    object: timed.object,
    counting,
    meter: new CostMeter(counted.datapath.machine, counting, counted.ifindex),
    costs: new CostTable(),
    ifindex: timed.ifindex,
    timed,
    attachment: timed.datapath.attach(timed.program, timed.attach),
  };
}

async function onlyStage(object: string, flags: StageFlags, io: Io): Promise<Stage> {
  const [stage, ...others] = await loadStages([object], flags, io);
  if (stage === undefined || others.length > 0) {
    throw new ConfigError('config-usage', `${object} has several stages, bench takes one program`, {
      hint: 'name one of its objects, or a config of one stage',
    });
  }
  return stage;
}

/**
 * Counts what packets cost, build by build; keeps the first ones, whose time is then taken.
 * @throws PcapError, named after the capture: figures of a part would be taken for those of the whole
 */
async function count(
  builds: readonly Build[],
  flags: BenchFlags,
  io: Io,
): Promise<{ readonly packets: readonly Packet[]; readonly pairs: PairCount }> {
  const kept: Packet[] = [];
  const pairs = { dearer: 0, cheaper: 0, same: 0, firstDearer: 0 };
  const source = await openCaptureSource(flags.read, { stdin: io.stdin });
  try {
    for await (const batch of readCapture(source.chunks)) {
      for (const packet of batch) {
        if (packet.index === flags.count) return { packets: kept, pairs };
        if (kept.length < TIMED_PACKETS) kept.push({ ...packet, data: packet.data.slice() });
        const [a, b] = builds.map(({ meter, costs }) => {
          const { verdict, cost } = meter.run(packet);
          costs.add(verdict, cost);
          return cost.insns;
        });
        if (a === undefined || b === undefined) continue;
        pairs[b > a ? 'dearer' : b < a ? 'cheaper' : 'same']++;
        if (b > a && pairs.firstDearer === 0) pairs.firstDearer = packet.index + 1;
      }
    }
    return { packets: kept, pairs };
  } catch (error) {
    throw error instanceof PcapError ? nameCapture(error, source.name) : error;
  } finally {
    source.close();
  }
}
