/** Where on the stack an object lies that a call is handed: a dynptr, an iterator. Knows nothing of what they are. */
import type { Env } from './env.js';
import type { Reg } from './reg.js';

export interface ObjectOnStack {
  /** As messages call it. */
  readonly kind: string;
  readonly slots: number;
}

/** No object may lie there; it was said why. */
export const BAD_PLACE = -1;
/** The stack does not reach there yet. */
const OUT_OF_RANGE = -2;

/** Its slot at the lowest address, the others have lower numbers; negative where there can be none. */
export function slotOfObject(env: Env, reg: Reg, { kind, slots }: ObjectOnStack): number {
  if (!reg.bounds.isConst) {
    env.log.add(`${kind} has to be at a constant offset\n`);
    return BAD_PLACE;
  }
  const off = reg.off + reg.bounds.bits.vLo;
  const slot = (-off - 1) >> 3;
  if (off % 8 !== 0 || slot + 1 < slots) {
    env.log.add(`cannot pass in ${kind} at an offset=${off}\n`);
    return BAD_PLACE;
  }
  const room = env.cur.frames[reg.frame]?.stack.length ?? 0;
  return slot - slots + 1 >= 0 && slot < room ? slot : OUT_OF_RANGE;
}
