/**
 * `npm run bench:engines`: our programs on every engine and, where bpf() can be used, on the running kernel by BPF_PROG_TEST_RUN;
 * interleaved in one run, so that a machine that drifts drifts for all. `--json` prints JSON, `--smoke` only sees that it runs,
 * `--write` puts the table into docs/performance.md, `--only NAME,...` takes some programs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { KernelProgram, whyNoKernel } from '../node/kernel/test-run.js';
import { ALL_CHECKS, NO_CHECKS } from '../vm/engine/engine.js';
import type { Checks, Engine, Runner } from '../vm/engine/engine.js';
import { interp } from '../vm/engine/interp/interp.js';
import { wasm } from '../vm/engine/wasm/wasm.js';
import { must } from '../vm/errors.js';
import { hookOf } from '../vm/hooks/table.js';
import { layoutOf } from '../vm/machine/layout.js';
import { Machine } from '../vm/machine/machine.js';
import { enginePrograms, mainOf } from './engine-programs.js';
import type { BenchProgram, Step } from './engine-programs.js';

const VARIANTS = {
  interp: { engine: interp, checks: ALL_CHECKS },
  wasm: { engine: wasm, checks: NO_CHECKS },
  wasmChecked: { engine: wasm, checks: ALL_CHECKS },
  wasmCounters: { engine: wasm, checks: { ...NO_CHECKS, counters: true } },
} as const satisfies Readonly<Record<string, { engine: Engine; checks: Checks }>>;

type Variant = keyof typeof VARIANTS;
type Contender = Variant | 'kernel';
const CONTENDERS: readonly Contender[] = ['kernel', 'interp', 'wasm', 'wasmChecked', 'wasmCounters'];

const MEMORY_BYTES = 2 ** 28;
const SLICE_NS = 1_000_000;
const ROUNDS = 60;
const MICRO = 1000;

/** Something that runs a program on a step's packet so many times. */
interface Subject {
  /** Gets ready for a step. */
  arrive(step: Step): void;
  /** Returns nanoseconds for all of them. */
  run(times: number): number;
  /** r0 of the last run as int32. */
  verdict(): number;
  insns?(): number;
}

function skepSubject(bench: BenchProgram, variant: Variant): Subject & { readonly compileMs: number } {
  const { engine, checks } = VARIANTS[variant];
  const { object } = bench;
  const layout = layoutOf(object, {
    memoryBytes: MEMORY_BYTES,
    shadow: checks.memory,
    counters: checks.counters,
    packetBytes: 4096,
  });
  const machine = new Machine(object, layout);
  machine.setFuel(1e9);
  const func = mainOf(bench);
  const type = must(
    object.programs.find((each) => each.func === func),
    'a program',
  ).type;
  machine.enter(must(hookOf(type), `hook ${type}`));
  const put = ({ entries }: Pick<Step, 'entries'>): void => {
    for (const { map, key, value } of entries) {
      const failed = machine.maps.handle(must(machine.maps.idOf(map), map)).set(key, value);
      if (failed !== 0) throw new Error(`${map}: ${String(failed)}`);
    }
  };
  put(bench);
  const start = process.hrtime.bigint();
  const runner: Runner = engine.compile(object, layout, checks).bind(machine);
  const compileMs = Number(process.hrtime.bigint() - start) / 1e6;
  return {
    compileMs,
    arrive(step) {
      put(step);
      machine.packet.receive(step.packet);
    },
    run(times) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < times; i++) runner.run(func, layout.ctx);
      return Number(process.hrtime.bigint() - start);
    },
    verdict: () => {
      const outcome = runner.outcome();
      return outcome.kind === 'exit' ? Number(BigInt.asIntN(32, outcome.r0)) : -1;
    },
    insns: () => runner.outcome().insns,
  };
}

function kernelSubject(bench: BenchProgram): Subject & { close(): void } {
  const kernel = new KernelProgram(bench.object, mainOf(bench));
  let packet = new Uint8Array();
  let verdict = 0;
  for (const { map, key, value } of bench.entries) kernel.update(map, key, value);
  return {
    arrive(step) {
      for (const { map, key, value } of step.entries) kernel.update(map, key, value);
      packet = Uint8Array.from(step.packet);
    },
    run(times) {
      const { retval, ns } = kernel.run(packet, times);
      verdict = retval | 0;
      return ns * times;
    },
    verdict: () => verdict,
    close: () => {
      kernel.close();
    },
  };
}

interface Sampled {
  readonly median: number;
  readonly p10: number;
}

export interface ProgramResult {
  readonly name: string;
  /** Executed, a packet. */
  readonly insns: number;
  /** Nanoseconds a packet, p10 of the slices. */
  readonly ns: Partial<Record<Contender, number>>;
  readonly medianNs: Partial<Record<Contender, number>>;
  /** Milliseconds that compiling took, once: not warm. */
  readonly compileMs: Partial<Record<Variant, number>>;
  readonly callHeavy: boolean;
}

const WARM_MS_A_ROUND = 40;

/** Times all subjects over all steps, slice by slice in turn. */
function sample(steps: readonly Step[], subjects: readonly Subject[], rounds: number): Sampled[] {
  const plans = subjects.map((subject) => {
    subject.arrive(must(steps[0], 'a step'));
    let times = 1;
    while (subject.run(times) < SLICE_NS && times < 1e6) times *= 2;
    return { subject, times: Math.max(1, Math.ceil(times / steps.length)), samples: [] as number[] };
  });
  // The first rounds warm up: hosts compile in tiers, large functions for a second or two beside the run.
  const warmAt = performance.now() + WARM_MS_A_ROUND * rounds;
  for (let round = 0; round < rounds;) {
    const warm = performance.now() >= warmAt;
    for (const { subject, times, samples } of plans) {
      let total = 0;
      for (const step of steps) {
        subject.arrive(step);
        total += subject.run(times);
      }
      if (warm) samples.push(total / (times * steps.length));
    }
    if (warm) round++;
  }
  return plans.map(({ samples }) => {
    samples.sort((a, b) => a - b);
    const at = (share: number): number => must(samples[Math.floor(share * (samples.length - 1))], 'a sample');
    return { median: at(0.5), p10: at(0.1) };
  });
}

function benchProgram(bench: BenchProgram, rounds: number, withKernel: boolean): ProgramResult {
  const variants = Object.keys(VARIANTS) as Variant[];
  const ours = variants.map((variant) => skepSubject(bench, variant));
  const kernel = withKernel ? kernelSubject(bench) : undefined;
  const subjects: readonly Subject[] = kernel === undefined ? ours : [kernel, ...ours];
  const names: readonly Contender[] = kernel === undefined ? variants : ['kernel', ...variants];
  // The same verdict everywhere, or the times compare nothing.
  let insns = 0;
  for (const step of bench.steps) {
    const verdicts = subjects.map((subject) => {
      subject.arrive(step);
      subject.run(2);
      return subject.verdict();
    });
    if (new Set(verdicts).size !== 1) throw new Error(`${bench.name}: verdicts ${verdicts.join(' ')}`);
    insns += ours[0]?.insns?.() ?? 0;
  }
  const sampled = sample(bench.steps, subjects, rounds);
  kernel?.close();
  const row = (pick: (each: Sampled) => number): Partial<Record<Contender, number>> =>
    Object.fromEntries(names.map((name, i) => [name, Math.round(10 * pick(must(sampled[i], name))) / 10]));
  return {
    name: bench.name,
    insns: Math.round(insns / bench.steps.length),
    ns: row(({ p10 }) => p10),
    medianNs: row(({ median }) => median),
    compileMs: Object.fromEntries(
      variants.map((variant, i) => [variant, Math.round(100 * must(ours[i], variant).compileMs) / 100]),
    ),
    callHeavy: bench.callHeavy === true,
  };
}

function geomean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** Geometric means of a variant's times over the kernel's. */
function geomeans(programs: readonly ProgramResult[]): Partial<Record<Variant, number>> {
  const over = (variant: Variant): number | undefined => {
    const ratios = programs.flatMap(({ ns }) =>
      ns.kernel === undefined || ns[variant] === undefined ? [] : [ns[variant] / ns.kernel],
    );
    return ratios.length === 0 ? undefined : Math.round(geomean(ratios) * MICRO) / MICRO;
  };
  const all = (['wasm', 'wasmChecked', 'wasmCounters'] as const).map((variant) => [variant, over(variant)] as const);
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}

export interface EngineBench {
  readonly programs: readonly ProgramResult[];
  readonly geomean: Partial<Record<Variant, number>>;
}

export function benchEngines(options: { smoke?: boolean; only?: readonly string[] } = {}): EngineBench {
  const withKernel = whyNoKernel() === undefined;
  const programs = enginePrograms()
    .filter(({ name }) => options.only === undefined || options.only.includes(name))
    .map((bench) => benchProgram(bench, options.smoke === true ? 2 : ROUNDS, withKernel));
  return { programs, geomean: geomeans(programs) };
}

/** A Markdown table: nanoseconds a packet, and in parentheses the ratio to the kernel. */
export function renderEngines({ programs, geomean }: EngineBench): string {
  const titles: Record<Contender, string> = {
    kernel: 'kernel JIT',
    interp: 'interp',
    wasm: 'wasm, unchecked',
    wasmChecked: 'wasm, fuel and memory',
    wasmCounters: 'wasm, block counters',
  };
  const cell = (value: number | undefined, kernel: number | undefined): string => {
    if (value === undefined) return '';
    const text = value < 100 ? value.toFixed(1) : value.toFixed(0);
    return kernel === undefined ? text : `${text} (${(value / kernel).toFixed(2)})`;
  };
  const used = CONTENDERS.filter((name) => programs.some(({ ns }) => ns[name] !== undefined));
  const rows = programs.map(({ name, insns, ns, callHeavy }) => [
    `${name}${callHeavy ? ' ¹' : ''}`,
    String(insns),
    ...used.map((each) => cell(ns[each], each === 'kernel' ? undefined : ns.kernel)),
  ]);
  const last = [
    'geometric mean',
    '',
    ...used.map((each) => (each === 'kernel' || each === 'interp' ? '' : (geomean[each]?.toFixed(2) ?? ''))),
  ];
  const head = ['program', 'insns', ...used.map((each) => titles[each])];
  const table = [head, ...rows, last];
  const widths = head.map((_, i) => Math.max(...table.map((row) => (row[i] ?? '').length)));
  const line = (row: readonly string[], pad: string): string =>
    `| ${row.map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0, pad) : text.padStart(widths[i] ?? 0, pad))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head, ' '), rule, ...[...rows, last].map((row) => line(row, ' '))].join('\n');
}

const DOC = 'docs/performance.md';
const BEGIN = '<!-- bench:engines -->';
const END = '<!-- /bench:engines -->';

/** Puts the table where docs/performance.md has room for it. */
function writeTable(text: string): void {
  const doc = readFileSync(DOC, 'utf8');
  const from = doc.indexOf(BEGIN);
  const to = doc.indexOf(END);
  if (from < 0 || to < from) throw new Error(`${DOC} has no place for the table`);
  writeFileSync(DOC, `${doc.slice(0, from + BEGIN.length)}\n\n${text}\n\n${doc.slice(to)}`);
}

function main(args: readonly string[]): void {
  const only = args.includes('--only') ? args[args.indexOf('--only') + 1]?.split(',') : undefined;
  const result = benchEngines({ smoke: args.includes('--smoke'), ...(only === undefined ? {} : { only }) });
  if (args.includes('--json')) {
    console.log(JSON.stringify(result, null, 2));
    return;
  }
  const host = `Node ${process.version}, Linux ${release()}, ${cpus()[0]?.model.trim() ?? 'unknown CPU'}`;
  const kernel = whyNoKernel();
  const note = `${host}; nanoseconds a packet, p10 of ${String(ROUNDS)} interleaved slices, in parentheses over the kernel's.`;
  console.log(note);
  if (kernel !== undefined) console.log(`no kernel: ${kernel}`);
  const table = renderEngines(result);
  console.log(table);
  for (const { name, medianNs, compileMs } of result.programs) {
    const medians = CONTENDERS.flatMap((each) =>
      medianNs[each] === undefined ? [] : `${each} ${String(medianNs[each])}`,
    );
    console.log(
      `${name}: medians ${medians.join(', ')}; compiled in ${String(compileMs.wasm)} ms, checked in ${String(compileMs.wasmChecked)} ms`,
    );
  }
  console.log(`memory: ${String(Math.round(process.memoryUsage().rss / 2 ** 20))} MiB of RSS`);
  if (args.includes('--write')) writeTable(`${note}\n\n${table}`);
}

main(process.argv.slice(2));
