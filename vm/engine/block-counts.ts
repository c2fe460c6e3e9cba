/** Reads how often each basic block was entered, on any engine; the `counters` check counts. Knows addresses, not engines. */
import { flowOf } from '../isa/flow.js';
import { counterPtr } from '../machine/layout.js';
import type { Machine } from '../machine/machine.js';
import type { FuncId } from '../object/object-spec.js';
import { toNumber } from '../u64.js';

export interface BlockCount {
  readonly func: FuncId;
  /** Its instructions: indices into `FunctionSpec.insns`, both inclusive. */
  readonly first: number;
  readonly last: number;
  /**
   * How often it was entered since the machine was made. A call within a block does not enter it again; a trap may have left
   * it before its end.
   */
  readonly entered: number;
}

/** Every block, by function and place in it; none where the layout has no counters. Above 2^53 counts are rounded. */
export function readBlockCounts({ object, layout, memory }: Machine): BlockCount[] {
  if (layout.counters.length === 0) return [];
  return object.functions.flatMap(({ insns, name }, func) =>
    flowOf(insns, name).blocks.map(({ first, last }, block) => {
      const at = counterPtr(layout, func, block);
      return { func, first, last, entered: toNumber(memory.word(at), memory.word(at + 4)) };
    }),
  );
}
