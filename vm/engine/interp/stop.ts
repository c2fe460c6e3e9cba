/** What the loop throws to end a run; one object each, made once. The runner catches them and fills the trap cells. */
import { TrapSignal } from '../../memory/raise.js';

/** A checked access had no rights; its address follows from the instruction and the registers. */
export const noAccess = new TrapSignal('no access');

/** The fuel is used up. */
export const outOfFuel = new TrapSignal('out of fuel');
