/**
 * A program over some packets on several engines: result, instructions, trap, packet, events, memory and rights must be
 * equal. Says the first difference, and which runs tripped a memory check. Knows no verifier.
 */
import { toHex } from '../../vm/bytes.js';
import { TestRun, type TestRunResult } from '../../vm/datapath/test-run.js';
import type { Checks, Engine } from '../../vm/engine/engine.js';
import { interp } from '../../vm/engine/interp/interp.js';
import { wasm, wasmEngine } from '../../vm/engine/wasm/wasm.js';
import { must } from '../../vm/errors.js';
import { layoutOf } from '../../vm/machine/layout.js';
import { Machine } from '../../vm/machine/machine.js';
import { CELLS_END } from '../../vm/memory/cells.js';
import type { ObjectSpec } from '../../vm/object/object-spec.js';
import { anyEntries, anyPacket, type Entry, TAIL_INDEX, TAILS } from './fuzz-maps.js';
import { Random } from './random.js';

/** What a program meets. */
export interface Setting {
  readonly entries: readonly Entry[];
  readonly packets: readonly Uint8Array[];
}

export function anySetting(seed: number): Setting {
  const random = new Random(seed);
  const entries = anyEntries(random);
  return { entries, packets: Array.from({ length: 4 }, () => anyPacket(random)) };
}

/** The reference and what is always compared with it. */
export const BOTH: readonly Engine[] = [interp, wasm];
/** All ways to compile. */
export const ALL: readonly Engine[] = [
  interp,
  wasm,
  wasmEngine({ control: 'dispatch' }),
  wasmEngine({ tailCalls: false }),
];

const MEMORY_BYTES = 2 << 20;

function prepare(object: ObjectSpec, { entries }: Setting, checks: Checks, fuel: number): Machine {
  const layout = layoutOf(object, { memoryBytes: MEMORY_BYTES, shadow: checks.memory, packetBytes: 1024 });
  const machine = new Machine(object, layout);
  machine.setFuel(fuel);
  for (const { map, key, value } of entries) machine.maps.handle(map).set(key, value);
  const target = must(object.programs[1], 'what tail calls lead to');
  machine.maps.handle(TAILS).setProgram(TAIL_INDEX, target.func);
  return machine;
}

/** A run in one line. */
function describe({ errno, retval, insns, trap, data, ctx, events }: TestRunResult, checks: Checks): string {
  const end =
    trap === undefined
      ? `r0 = ${retval}`
      : // Without the memory check the host stops an access outside of the memory, and knows its place alone.
        `${trap.name} in ${trap.func} at ${trap.pc}${checks.memory ? `: ${trap.message}` : ''}`;
  const sent = events.map((event) => toHex(event.data)).join(' ');
  return `${errno} ${end} after ${insns} insns, packet ${toHex(data)}, ctx ${toHex(ctx)}, events ${sent}`;
}

export interface Runs {
  readonly results: readonly TestRunResult[];
  readonly lines: readonly string[];
  readonly memory: Uint8Array;
  readonly shadow: Uint8Array;
}

function run(machine: Machine, engine: Engine, { packets }: Setting, checks: Checks): Runs {
  const { object, layout, memory } = machine;
  const testRun = new TestRun(machine, engine.compile(object, layout, checks).bind(machine));
  const main = must(object.programs[0], 'a program');
  const results = packets.map((data) => testRun.run(main, { data }));
  const bytes = layout.end - CELLS_END;
  return {
    results,
    lines: results.map((result) => describe(result, checks)),
    memory: memory.read(CELLS_END, bytes),
    shadow: layout.shadowDelta === 0 ? new Uint8Array(0) : memory.read(CELLS_END + layout.shadowDelta, bytes),
  };
}

/** Runs on one engine alone. */
export function runOn(
  object: ObjectSpec,
  setting: Setting,
  checks: Checks,
  engine: Engine,
  fuel: number,
): { readonly machine: Machine; readonly runs: Runs } {
  const machine = prepare(object, setting, checks, fuel);
  return { machine, runs: run(machine, engine, setting, checks) };
}

export interface Compared {
  /** Of the first engine. */
  readonly runs: Runs;
  /** The first difference in words, or undefined. */
  readonly difference: string | undefined;
}

export function compareRuns(
  object: ObjectSpec,
  setting: Setting,
  checks: Checks,
  engines: readonly Engine[],
  fuel: number,
): Compared {
  const machine = prepare(object, setting, checks, fuel);
  const before = machine.save();
  let first: Runs | undefined;
  for (const [i, engine] of engines.entries()) {
    if (i > 0) machine.restore(before);
    const runs = run(machine, engine, setting, checks);
    if (first === undefined) first = runs;
    else {
      const difference = differenceOf(first, runs);
      if (difference !== undefined) return { runs: first, difference: `engine ${i}: ${difference}` };
    }
  }
  return { runs: must(first, 'an engine'), difference: undefined };
}

function differenceOf(want: Runs, found: Runs): string | undefined {
  for (const [i, line] of want.lines.entries()) {
    const own = found.lines[i] ?? '';
    if (own !== line) return `run ${i}:\n  ${own}\n  interp:\n  ${line}`;
  }
  for (const part of ['memory', 'shadow'] as const) {
    if (Buffer.compare(want[part], found[part]) === 0) continue;
    const at = want[part].findIndex((byte, i) => byte !== found[part][i]);
    return `${part} of ${CELLS_END + at}: ${found[part][at] ?? -1}, interp: ${want[part][at] ?? -1}`;
  }
  return undefined;
}
