/**
 * Pointers into maps that outlive their entry, against Linux: the answers of a live kernel are recorded (`BLESS=1` records
 * again), both engines are held against the record everywhere, and the kernel where it can be asked.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { viewOf } from '../../vm/bytes.js';
import { ENGINES } from '../../vm/datapath/engines.js';
import { machineOf, objectOf, runOn } from '../machine/harness.js';
import { whyNotRecordedKernel } from './bpf-syscall.js';
import { MapKernel } from './maps-kernel.js';
import { answersOf, POINTER_CASES, pointerProgram, type PointerCase } from './pointer-cases.js';
import { FACTS_VERSION } from './render-facts.js';

const FILE = 'test/cases/kernel/pointers.json';
const skip = whyNotRecordedKernel(FACTS_VERSION) ?? false;

const PACKET = new Uint8Array(256);

function answersIn(each: PointerCase, packet: Uint8Array): string {
  const view = viewOf(packet);
  return Array.from({ length: answersOf(each) }, (_, i) => view.getBigInt64(8 * i, true)).join(' ');
}

function askSkep(engine: 'interp' | 'wasm', each: PointerCase): string {
  const machine = machineOf(objectOf(pointerProgram(each), [each.map]));
  const { outcome, data } = runOn(machine, { packet: PACKET, engine: ENGINES[engine] });
  return outcome.kind === 'trap' ? `trap ${outcome.trap.message}` : answersIn(each, data);
}

function askKernel(kernel: MapKernel, each: PointerCase): string {
  const map = kernel.create(each.map);
  if (map < 0) throw new Error(`${each.name}: not made: ${map}`);
  const program = kernel.load(objectOf(pointerProgram(each), [each.map]), [map]);
  try {
    return answersIn(each, kernel.run(program, PACKET));
  } finally {
    kernel.close(program);
    kernel.close(map);
  }
}

if (process.env.BLESS === '1' && skip === false) {
  const kernel = new MapKernel();
  const answers = Object.fromEntries(POINTER_CASES.map((each) => [each.name, askKernel(kernel, each)]));
  writeFileSync(FILE, `${JSON.stringify({ kernel: FACTS_VERSION, answers }, undefined, 2)}\n`);
}

const { answers } = JSON.parse(readFileSync(FILE, 'utf8')) as { answers: Readonly<Record<string, string>> };

t.test('the record holds every case', (t) => {
  t.strictSame(Object.keys(answers).sort(), POINTER_CASES.map(({ name }) => name).sort());
  t.end();
});

for (const engine of ['interp', 'wasm'] as const) {
  t.test(`skep answers as the kernel did: ${engine}`, (t) => {
    for (const each of POINTER_CASES) t.equal(askSkep(engine, each), answers[each.name], each.name);
    t.end();
  });
}

t.test('the kernel still answers so', { skip }, (t) => {
  const kernel = new MapKernel();
  for (const each of POINTER_CASES) t.equal(askKernel(kernel, each), answers[each.name], each.name);
  t.end();
});
