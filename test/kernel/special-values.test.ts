/**
 * Spin locks, BPF_F_LOCK and timers against Linux: the answers of a live kernel are recorded (`BLESS=1` records again), both
 * engines are held against the record everywhere, and the kernel where it can be asked.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { viewOf } from '../../vm/bytes.js';
import { ENGINES } from '../../vm/datapath/engines.js';
import { runTimers } from '../../vm/datapath/run-timers.js';
import { ALL_CHECKS, NO_CHECKS } from '../../vm/engine/engine.js';
import { objectFromPrograms } from '../../vm/object/from-programs.js';
import { encode } from '../../vm/isa/encode.js';
import type { ObjectSpec } from '../../vm/object/object-spec.js';
import { linkForKernel } from '../../node/kernel/link-object.js';
import { machineOf, objectOf } from '../machine/harness.js';
import { whyNotRecordedKernel } from './bpf-syscall.js';
import { MapKernel } from './maps-kernel.js';
import { FACTS_VERSION } from './render-facts.js';
import { answersOf, SPECIAL_CASES, specialProgram, TYPES } from './special-cases.js';
import type { SpecialCase } from './special-cases.js';

const FILE = 'test/cases/kernel/special-values.json';
const skip = whyNotRecordedKernel(FACTS_VERSION) ?? false;

/** Time between two runs. */
const PAUSE_MS = 25;
const START_NS = 3_600_000_000_000;

const PACKET = new Uint8Array(256);

function answersIn(count: number, packet: Uint8Array): string {
  const view = viewOf(packet);
  return Array.from({ length: count }, (_, i) => view.getBigInt64(8 * i, true)).join(' ');
}

/** The programs of a case's runs in one object, as a machine has one. */
function objectFor(each: SpecialCase): ObjectSpec {
  return objectFromPrograms(
    each.runs.map((steps, run) => ({
      name: `run${run}`,
      section: 'xdp',
      type: 'xdp' as const,
      bytes: encode(linkForKernel(objectOf(specialProgram(each, steps), [each.map]), 0, [0])),
    })),
    { name: 'special', license: 'GPL', maps: [each.map] },
  );
}

function askSkep(engine: 'interp' | 'wasm', each: SpecialCase, checked: boolean): string {
  const object = objectFor(each);
  const machine = machineOf(object);
  const { memory, layout, packet, world } = machine;
  const runner = ENGINES[engine].compile(object, layout, checked ? ALL_CHECKS : NO_CHECKS).bind(machine);
  const answers = each.runs.map((steps, run) => {
    const now = START_NS + run * PAUSE_MS * 1_000_000;
    world.setClock(now % 2 ** 32, Math.floor(now / 2 ** 32));
    runTimers(machine, runner);
    packet.receive(PACKET, 1, 0);
    runner.run(object.programs[run]?.func ?? 0, layout.ctx);
    const outcome = runner.outcome();
    if (outcome.kind === 'trap') return `trap ${outcome.trap.message}`;
    return answersIn(answersOf(steps), memory.read(packet.data, PACKET.length));
  });
  return answers.join(' | ');
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function askKernel(kernel: MapKernel, each: SpecialCase): string {
  const btf = kernel.loadBtf(TYPES.bytes);
  const map = kernel.create(each.map, btf);
  if (map < 0) throw new Error(`${each.name}: not made: ${map}`);
  const open = [map, btf];
  try {
    const answers = each.runs.map((steps, run) => {
      if (run > 0) sleep(PAUSE_MS);
      const object = objectOf(specialProgram(each, steps), [each.map]);
      const functions = object.functions.map((_, index) => TYPES.functions[index] ?? 0);
      const program = kernel.load(object, [map], { btf, functions });
      open.push(program);
      return answersIn(answersOf(steps), kernel.run(program, PACKET));
    });
    return answers.join(' | ');
  } finally {
    for (const fd of open) kernel.close(fd);
  }
}

if (process.env.BLESS === '1' && skip === false) {
  const kernel = new MapKernel();
  const answers = Object.fromEntries(SPECIAL_CASES.map((each) => [each.name, askKernel(kernel, each)]));
  writeFileSync(FILE, `${JSON.stringify({ kernel: FACTS_VERSION, answers }, undefined, 2)}\n`);
}

const { answers } = JSON.parse(readFileSync(FILE, 'utf8')) as { answers: Readonly<Record<string, string>> };

t.test('the record holds every case', (t) => {
  t.strictSame(Object.keys(answers).sort(), SPECIAL_CASES.map(({ name }) => name).sort());
  t.end();
});

for (const engine of ['interp', 'wasm'] as const) {
  for (const checked of [true, false]) {
    t.test(`skep answers as the kernel did: ${engine}, ${checked ? 'checked' : 'unchecked'}`, (t) => {
      for (const each of SPECIAL_CASES) t.equal(askSkep(engine, each, checked), answers[each.name], each.name);
      t.end();
    });
  }
}

t.test('the kernel still answers so', { skip }, (t) => {
  const kernel = new MapKernel();
  for (const each of SPECIAL_CASES) t.equal(askKernel(kernel, each), answers[each.name], each.name);
  t.end();
});
