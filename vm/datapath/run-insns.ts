/** Runs bare instructions over a piece of memory, as test suites of the instruction set do. Knows no hook and no ctx. */
import { DEFAULT_FUEL } from '../engine/engine.js';
import type { Outcome } from '../engine/engine.js';
import { ALL_CHECKS } from '../engine/engine.js';
import { layoutOf } from '../machine/layout.js';
import { Machine } from '../machine/machine.js';
import { objectFromInsns } from '../object/from-insns.js';
import { ENGINES } from './engines.js';
import type { EngineName } from './engines.js';

/** Enough for any test of an instruction, and quick to reserve. */
const MEMORY_BYTES = 16 * 1024 * 1024;

/**
 * Runs a program, unverified and with every check on, with r1 = address of a copy of `data` (0 where it is empty) and r2
 * = its length.
 * @throws LoadError where `code` is no program, or this engine cannot run it
 */
export function runInsns(code: Uint8Array, data: Uint8Array, engine: EngineName = 'interp'): Outcome {
  const object = objectFromInsns(code);
  const layout = layoutOf(object, { memoryBytes: MEMORY_BYTES });
  const machine = new Machine(object, layout);
  machine.setFuel(DEFAULT_FUEL);
  machine.packet.receive(data);
  const runner = ENGINES[engine].compile(object, layout, ALL_CHECKS).bind(machine);
  runner.run(0, data.length === 0 ? 0 : machine.packet.data, data.length);
  return runner.outcome();
}
