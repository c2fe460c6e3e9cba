/**
 * Loops whose number of rounds is unknown: what a round changed in numbers that nothing relies on is forgotten, so that
 * the next round can be recognised. Knows no instructions.
 */
import type { Env } from './env.js';
import { type IdMap, newIdMap } from './id-map.js';
import { type Reg, SCALAR, UNKNOWN_REG } from './reg.js';
import type { Checkpoint, State } from './state.js';

/** The newest checkpoint at an instruction, reached by the same calls, among `from` and its ancestors. */
function previousAt(from: Checkpoint | undefined, insn: number, like: State): Checkpoint | undefined {
  for (let state = from; state !== undefined; state = state.parent) {
    if (state.insn === insn && !state.retired && state.sameCallsites(like)) return state;
  }
  return undefined;
}

function widened(old: Reg, isPrecise: boolean, reg: Reg, ids: IdMap): Reg {
  if (old.type !== SCALAR || reg.type !== SCALAR) return reg;
  if (isPrecise || (old.sameBesidesIds(reg) && ids.match(old.id, reg.id))) return reg;
  return UNKNOWN_REG;
}

/** Widens `state`, which starts another round at `insn`, by comparison with the last round that `from` descends from. */
export function widenFrom(env: Env, from: Checkpoint | undefined, insn: number, state: State): void {
  // The checkpoint made for this very round tells nothing.
  const previous = previousAt(from?.parent, insn, state);
  if (previous !== undefined) widenBy(env, previous, state);
}

/** As `widenFrom`, where no checkpoint was made for this round yet. */
export function widenAfterCallback(env: Env, state: State, insn: number): void {
  const previous = previousAt(state.parent, insn, state);
  if (previous !== undefined) widenBy(env, previous, state);
}

function widenBy(env: Env, previous: Checkpoint, state: State): void {
  const ids = newIdMap(env.idGen);
  for (let no = previous.depth; no >= 0; no--) {
    const old = previous.frames[no]!;
    const frame = state.frames[no]!;
    const precise = previous.precise[no]!;
    for (let i = 0; i < 11; i++) {
      frame.regs[i] = widened(old.regs[i]!, ((precise.regs >>> i) & 1) !== 0, frame.regs[i]!, ids);
    }
    const slots = Math.min(old.stack.length, frame.stack.length);
    for (let i = 0; i < slots; i++) {
      const slot = frame.stack[i]!;
      if (!old.stack[i]!.isSpill || !slot.isSpill) continue;
      const reg = widened(old.stack[i]!.reg, precise.hasSlot(i), slot.reg, ids);
      if (reg !== slot.reg) frame.setSlot(i, slot.with(reg));
    }
  }
}
