/** Calls the callbacks of timers that have gone off by the machine's clock, each at its own time. Knows no programs. */
import type { Runner } from '../engine/engine.js';
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import { toBigInt } from '../u64.js';

/** More than this wait for the next time: a timer may start itself anew, with nothing to wait for. */
const MAX_AT_ONCE = 65_536;

/** Leaves the clock as it is. What a callback traps on is said in a line of the trace. */
export function runTimers(machine: Machine, runner: Runner): void {
  const { timers, world, memory } = machine;
  if (!timers.any) return;
  const lo = memory.word(cells.clock);
  const hi = memory.word(cells.clock + 4);
  const now = toBigInt(lo, hi);
  for (let run = 0; run < MAX_AT_ONCE; run++) {
    const timer = timers.take(now);
    if (timer === undefined) break;
    const { func, map, key, value, due } = timer;
    world.setClock(Number(due & 0xffff_ffffn), Number(due >> 32n));
    const status = runner.runCallback(func, [map, key, value]);
    timers.finish();
    if (status !== 'trap') continue;
    const outcome = runner.outcome();
    if (outcome.kind === 'trap') world.effects.traceLine(`skep: a timer's callback stopped: ${outcome.trap.message}`);
  }
  world.setClock(lo, hi);
}
