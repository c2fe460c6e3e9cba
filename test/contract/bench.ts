/** Puts a text of instructions on an engine: object, layout, machine, runner. For tests. */
import { assemble } from '../../vm/asm/assemble.js';
import { ALL_CHECKS } from '../../vm/engine/engine.js';
import type { Checks, Engine, Outcome, Probe, Runner, SteppingRunner } from '../../vm/engine/engine.js';
import { must } from '../../vm/errors.js';
import { hookOf } from '../../vm/hooks/table.js';
import { layoutOf } from '../../vm/machine/layout.js';
import { Machine } from '../../vm/machine/machine.js';
import type { MapHandle } from '../../vm/machine/map-table.js';
import { READ } from '../../vm/memory/shadow.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import type { FuncId, MapSpec, ObjectSpec } from '../../vm/object/object-spec.js';

const MEMORY_BYTES = 4 << 20;
const FUEL = 100_000;

export interface BenchOptions {
  readonly engine: Engine;
  readonly checks?: Checks;
  readonly maps?: readonly MapSpec[];
  readonly fuel?: number;
  readonly cpus?: number;
  readonly probe?: Probe;
}

export interface Bench {
  readonly object: ObjectSpec;
  readonly machine: Machine;
  readonly runner: Runner;
  /** The function that begins at a label. */
  funcAt(label: string): FuncId;
  map(name: string): MapHandle;
  /** Receives a packet and runs the first function on the ctx. */
  runXdp(packet?: Uint8Array): Outcome;
  /** Runs the first function with r1 = a copy of these bytes (0 if there are none) and r2 = how many. */
  runOn(bytes: Uint8Array): Outcome;
}

/** @throws LoadError where the engine refuses the program */
export function makeBench(text: string, options: BenchOptions): Bench {
  const { bytes, labels } = assemble(text);
  const object = objectFromInsns(bytes, { maps: options.maps ?? [] });
  const checks = options.checks ?? ALL_CHECKS;
  const cpus = options.cpus ?? 1;
  const layout = layoutOf(object, { memoryBytes: MEMORY_BYTES, shadow: checks.memory, packetBytes: 4096, cpus });
  const machine = new Machine(object, layout);
  machine.setFuel(options.fuel ?? FUEL);
  for (const [off, length] of must(hookOf('xdp'), 'a hook').readable)
    machine.shadow.mark(layout.ctx + off, length, READ);
  const runner = options.engine.compile(object, layout, checks).bind(machine, options.probe);
  return {
    object,
    machine,
    runner,
    funcAt(label) {
      const slot = must(labels.get(label), `label ${label}`);
      const func = object.functions.findIndex(({ sectionOff }) => sectionOff === 8 * slot);
      if (func < 0) throw new Error(`no function begins at ${label}: refer to it`);
      return func;
    },
    map: (name) => machine.maps.handle(must(machine.maps.idOf(name), `map ${name}`)),
    runXdp(packet = new Uint8Array(64)) {
      machine.packet.receive(packet);
      runner.run(0, layout.ctx);
      return runner.outcome();
    },
    runOn(memory) {
      machine.packet.receive(memory);
      runner.run(0, memory.length === 0 ? 0 : machine.packet.data, memory.length);
      return runner.outcome();
    },
  };
}

/** The runner as one that steps, or undefined where its engine does not. */
export function steppingOf(runner: Runner): SteppingRunner | undefined {
  return 'step' in runner ? (runner as SteppingRunner) : undefined;
}

/** A map for `BenchOptions.maps`. */
export function mapSpec(spec: Pick<MapSpec, 'name' | 'type'> & Partial<MapSpec>): MapSpec {
  return { keyBytes: 4, valueBytes: 8, maxEntries: 4, flags: 0, values: [], readOnly: false, pinning: 0, ...spec };
}

/** What the data cases may use: see `wide.data`. */
export const CASE_MAPS: readonly MapSpec[] = [
  mapSpec({ name: 'values', type: 'array' }),
  mapSpec({
    name: '.rodata',
    type: 'array',
    valueBytes: 16,
    maxEntries: 1,
    section: '.rodata',
    contents: Uint8Array.from({ length: 16 }, (_, i) => 0x10 + i),
    readOnly: true,
  }),
];
