/** What a kfunc must provide: as a helper, but for callbacks. Arguments, result and checks come from its row in `spec/kfuncs`. */
import type { Machine } from '../machine/machine.js';
import type { KfuncName } from '../spec/kfuncs.js';

export interface Kfunc {
  readonly name: KfuncName;
  /** Called once a runner; the function must not allocate on its usual path. */
  bind(machine: Machine): (...words: number[]) => number;
}
