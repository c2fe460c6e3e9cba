/** Runs a program on interp and, in both its ways to compile jumps, on wasm, and says the first difference. */
import { equalBytes } from '../../vm/bytes.js';
import type { Checks, Engine } from '../../vm/engine/engine.js';
import { interp } from '../../vm/engine/interp/interp.js';
import { wasm, wasmEngine } from '../../vm/engine/wasm/wasm.js';
import { layoutOf } from '../../vm/machine/layout.js';
import { Machine } from '../../vm/machine/machine.js';
import { CELLS_END } from '../../vm/memory/cells.js';
import { READ } from '../../vm/memory/shadow.js';
import type { ObjectSpec } from '../../vm/object/object-spec.js';
import { describeOutcome } from '../contract/data-cases.js';

/** The map that every function is in, by its number. */
export const PROG_ARRAY = 1;
const FUEL = 400;
const PACKET = Uint8Array.from({ length: 64 }, (_, i) => i);
const engines: readonly (readonly [string, Engine])[] = [
  ['structured', wasm],
  ['dispatch', wasmEngine({ control: 'dispatch' })],
  ['trampoline', wasmEngine({ tailCalls: false })],
];

function prepare(object: ObjectSpec, checks: Checks): Machine {
  const layout = layoutOf(object, {
    memoryBytes: 2 << 20,
    shadow: checks.memory,
    counters: checks.counters,
    packetBytes: 1024,
  });
  const machine = new Machine(object, layout);
  machine.setFuel(FUEL);
  machine.shadow.mark(layout.ctx, 24, READ);
  if (object.maps[PROG_ARRAY]?.type === 'prog_array') {
    object.functions.forEach((_, func) => machine.maps.handle(PROG_ARRAY).setProgram(func, func));
  }
  machine.packet.receive(PACKET);
  return machine;
}

interface Trace {
  readonly outcomes: readonly string[];
  readonly memory: Uint8Array;
  readonly shadow: Uint8Array;
}

/** Two runs on one machine: what the first leaves behind must not differ either. */
function trace(machine: Machine, engine: Engine, object: ObjectSpec, checks: Checks): Trace {
  const { layout, memory } = machine;
  const runner = engine.compile(object, layout, checks).bind(machine);
  const outcomes = [0, 1].map(() => {
    runner.run(0, layout.ctx, 7);
    const line = describeOutcome(runner.outcome());
    // Without the memory check, the host stops an access outside of the memory: only its place is known.
    return checks.memory ? line : line.replace(/^(memory at function \d+ pc \d+).*/, '$1');
  });
  const bytes = layout.end - CELLS_END;
  const shadow = layout.shadowDelta === 0 ? new Uint8Array(0) : memory.read(CELLS_END + layout.shadowDelta, bytes);
  return { outcomes, memory: memory.read(CELLS_END, bytes), shadow };
}

export interface Comparison {
  /** What the first run on interp came to. */
  readonly outcome: string;
  /** The first difference in words, or undefined. */
  readonly difference: string | undefined;
}

export function compareEngines(object: ObjectSpec, checks: Checks): Comparison {
  const machine = prepare(object, checks);
  const before = machine.save();
  const want = trace(machine, interp, object, checks);
  const outcome = want.outcomes[0] ?? '';
  for (const [name, engine] of engines) {
    machine.restore(before);
    const found = trace(machine, engine, object, checks);
    for (const [i, line] of want.outcomes.entries()) {
      const own = found.outcomes[i] ?? '';
      if (own !== line) return { outcome, difference: `${name}, run ${i + 1}: ${own}, interp: ${line}` };
    }
    for (const part of ['memory', 'shadow'] as const) {
      if (equalBytes(want[part], found[part])) continue;
      const at = want[part].findIndex((byte, i) => byte !== found[part][i]);
      const bytes = `${found[part][at] ?? -1}, interp: ${want[part][at] ?? -1}`;
      return { outcome, difference: `${name}: ${part} of ${CELLS_END + at}: ${bytes}` };
    }
  }
  return { outcome, difference: undefined };
}
