/** Branches that wait to be explored. Knows no instructions. */
import { errno } from '../spec/errno.js';
import { type Env, MAX_PENDING } from './env.js';
import type { Reg } from './reg.js';
import type { State } from './state.js';

/** Copies the state under way, to be explored later from `insn` on. */
export function pushBranch(env: Env, insn: number, prevInsn: number): State {
  const state = env.cur.copy();
  pushState(env, state, insn, prevInsn, '');
  if (state.parent !== undefined) state.parent.branches++;
  return state;
}

/** Lets a state wait as it is. */
export function pushState(env: Env, state: State, insn: number, prevInsn: number, forWhat: string): void {
  env.pending.push({ state, insn, prevInsn, logPosition: env.log.position });
  if (env.pending.length > MAX_PENDING) {
    env.reject(errno.EFAULT, `The sequence of ${env.pending.length} jumps is too complex${forWhat}.`);
  }
}

/** Calls `change` for each register and spilled register of a state, and stores what it returns. */
export function mapRegs(state: State, change: (reg: Reg) => Reg): void {
  for (const frame of state.frames) {
    const { regs, stack } = frame;
    for (let no = 0; no < 11; no++) {
      const reg = regs[no]!;
      const changed = change(reg);
      if (changed !== reg) regs[no] = changed;
    }
    for (let index = 0; index < stack.length; index++) {
      const slot = stack[index]!;
      if (!slot.isSpill) continue;
      const changed = change(slot.reg);
      if (changed !== slot.reg) frame.setSlot(index, slot.with(changed));
    }
  }
}
