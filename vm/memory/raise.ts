/** How a trap leaves the code that found it: details into cells, then one preallocated throw. Engines catch it. */
import { TRAP_CODES } from '../spec/traps.js';
import type { TrapName } from '../spec/traps.js';
import { cells } from './cells.js';
import type { Memory } from './memory.js';

/** Thrown to unwind to the engine. Carries nothing: the cells do. Never leaves `Runner.run`. */
export class TrapSignal extends Error {}

const signal = new TrapSignal('trap');

/** Set in `trapAccess` where the access was a write. */
export const WRITE_ACCESS = 0x8000_0000;

/** Records a trap without unwinding. */
export function recordTrap(memory: Memory, name: TrapName, a = 0, b = 0, access = 0): void {
  memory.setWord(cells.trapCode, TRAP_CODES[name]);
  memory.setWord(cells.trapA, a);
  memory.setWord(cells.trapB, b);
  memory.setWord(cells.trapAccess, access);
}

/** Records a trap and unwinds to the engine. */
export function raiseTrap(memory: Memory, name: TrapName, a = 0, b = 0, access = 0): never {
  recordTrap(memory, name, a, b, access);
  throw signal;
}
