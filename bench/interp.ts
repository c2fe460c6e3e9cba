/** The interpreter beside the smallest loop that could run the same programs (`baseline-interp.ts`), and its checks' price. */
import { readFileSync } from 'node:fs';
import { assemble } from '../vm/asm/index.js';
import { ALL_CHECKS, NO_CHECKS } from '../vm/engine/engine.js';
import type { Checks } from '../vm/engine/engine.js';
import { interp } from '../vm/engine/interp/interp.js';
import { must } from '../vm/errors.js';
import { layoutOf } from '../vm/machine/layout.js';
import { Machine } from '../vm/machine/machine.js';
import { READ } from '../vm/memory/shadow.js';
import { objectFromInsns } from '../vm/object/from-insns.js';
import { baseline } from './baseline-interp.js';
import { interleave } from './interleave.js';

const PROGRAMS = ['alu', 'checksum', 'parser'] as const;
const MEMORY_BYTES = 2 ** 26;

/** Where the sources are, seen from dist/bench. */
const SOURCES = new URL('../../bench/programs/', import.meta.url);

/** A TCP segment of 1500 bytes to port 80, its payload counting up. */
function samplePacket(): Uint8Array {
  const packet = Uint8Array.from({ length: 1500 }, (_, i) => i & 0xff);
  packet.set([8, 0, 0x45], 12);
  packet.set([0, 0, 64, 6], 20);
  packet.set([0, 80], 36);
  return packet;
}

function prepare(name: string, checks: Checks): { machine: Machine; run: () => number; insns: () => number } {
  const source = readFileSync(new URL(`${name}.s`, SOURCES), 'utf8');
  const object = objectFromInsns(assemble(source, { file: `${name}.s` }).bytes);
  const layout = layoutOf(object, { memoryBytes: MEMORY_BYTES, shadow: checks.memory });
  const machine = new Machine(object, layout);
  machine.setFuel(1e9);
  machine.shadow.mark(layout.ctx, 24, READ);
  machine.packet.receive(samplePacket());
  const runner = interp.compile(object, layout, checks).bind(machine);
  const insns = (): number => runner.outcome().insns;
  return {
    machine,
    insns,
    run: () => {
      runner.run(0, layout.ctx);
      return machine.memory.word(4096) | 0;
    },
  };
}

/** @param rounds slices for each contender */
export function benchInterp(rounds: number): string[] {
  const lines = ['program    insns  baseline ns    interp ns  ratio  checked ns  ratio'];
  for (const name of PROGRAMS) {
    const plain = prepare(name, NO_CHECKS);
    const checked = prepare(name, ALL_CHECKS);
    const { machine } = plain;
    const least = baseline(must(machine.object.functions[0], 'a function').insns, machine.memory.view);
    const ctx = machine.layout.ctx;
    if (least(ctx) !== plain.run() || plain.run() !== checked.run()) throw new Error(`${name}: the results differ`);
    const [base, ours, safe] = interleave(
      [
        { name: 'baseline', run: () => void least(ctx) },
        { name: 'interp', run: () => void plain.run() },
        { name: 'checked', run: () => void checked.run() },
      ],
      rounds,
    ).map(({ medianNs }) => medianNs) as [number, number, number];
    const cell = (value: number, width: number): string => value.toFixed(value < 10 ? 2 : 0).padStart(width);
    lines.push(
      `${name.padEnd(9)}${cell(plain.insns(), 7)}${cell(base, 13)}${cell(ours, 13)}${cell(ours / base, 7)}${cell(safe, 12)}${cell(safe / base, 7)}`,
    );
  }
  return lines;
}
