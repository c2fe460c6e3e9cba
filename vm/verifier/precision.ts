/**
 * Precision by demand: a number's exact value matters to state comparison only if some later instruction relied on it.
 * Walks the path backwards from such an instruction and marks, in the checkpoints it came through, the registers and
 * stack slots that the number was made from. Knows no verdicts.
 */
import { callsBack } from './cfg.js';
import { CALLS_CALLBACK, type Env, Rejection } from './env.js';
import { errno } from '../spec/errno.js';
import { insnText } from './insn-text.js';
import {
  ALU,
  ALU64,
  ATOMIC_LOAD_ACQ,
  CALL,
  END,
  EXIT,
  JMP,
  JMP32,
  LD,
  LDX,
  MODE_ABS,
  MODE_ATOMIC,
  MODE_IND,
  MODE_MASK,
  MOV,
  NEG,
  SRC_REG,
  ST,
  STX,
  classOf,
  opOf,
} from './opcodes.js';
import { SCALAR } from './reg.js';
import { printState } from './state-text.js';
import { type Checkpoint, type Frame, type HistoryEntry, MAX_FRAMES, type Precision, type State } from './state.js';

const ARGS = 0b11_1110;

/** What is asked for, frame by frame. */
export class Demand {
  readonly regs = new Int32Array(MAX_FRAMES);
  readonly slotsLo = new Int32Array(MAX_FRAMES);
  readonly slotsHi = new Int32Array(MAX_FRAMES);
  /** The frame that the walk is in. */
  frame = 0;

  clear(): void {
    this.regs.fill(0);
    this.slotsLo.fill(0);
    this.slotsHi.fill(0);
  }

  isEmpty(): boolean {
    for (let i = 0; i <= this.frame; i++) {
      if ((this.regs[i]! | this.slotsLo[i]! | this.slotsHi[i]!) !== 0) return false;
    }
    return true;
  }

  hasReg(reg: number): boolean {
    return ((this.regs[this.frame]! >>> reg) & 1) !== 0;
  }

  addReg(reg: number): void {
    this.regs[this.frame]! |= 1 << reg;
  }

  dropReg(reg: number): void {
    this.regs[this.frame]! &= ~(1 << reg);
  }

  hasSlot(frame: number, slot: number): boolean {
    return ((slot < 32 ? this.slotsLo[frame]! >>> slot : this.slotsHi[frame]! >>> (slot - 32)) & 1) !== 0;
  }

  addSlot(frame: number, slot: number): void {
    if (slot < 32) this.slotsLo[frame]! |= 1 << slot;
    else this.slotsHi[frame]! |= 1 << (slot - 32);
  }

  dropSlot(frame: number, slot: number): void {
    if (slot < 32) this.slotsLo[frame]! &= ~(1 << slot);
    else this.slotsHi[frame]! &= ~(1 << (slot - 32));
  }

  hasSlots(frame: number): boolean {
    return (this.slotsLo[frame]! | this.slotsHi[frame]!) !== 0;
  }
}

/** One walk at a time. */
export const demand = new Demand();

function regsText(mask: number): string {
  const names: string[] = [];
  for (let reg = 0; reg < 11; reg++) if (((mask >>> reg) & 1) !== 0) names.push(`r${reg}`);
  return names.join(',');
}

function slotsText(frame: number): string {
  const names: string[] = [];
  for (let slot = 0; slot < 64; slot++) if (demand.hasSlot(frame, slot)) names.push(String(-8 * (slot + 1)));
  return names.join(',');
}

function bug(env: Env, what: string): never {
  env.log.add(`verifier bug: ${what}\n`);
  throw new Rejection(errno.EFAULT);
}

/** Registers that a comparison informed together are wanted together. */
function syncLinked(entry: HistoryEntry | undefined): void {
  const linked = entry?.linked;
  if (linked === undefined) return;
  const wanted = linked.some(({ frame, index, isReg }) =>
    isReg ? ((demand.regs[frame]! >>> index) & 1) !== 0 : demand.hasSlot(frame, index),
  );
  if (!wanted) return;
  for (const { frame, index, isReg } of linked) {
    if (isReg) demand.regs[frame]! |= 1 << index;
    else demand.addSlot(frame, index);
  }
}

/** Whether the instruction writes a register that nobody asked for, and no more. */
function isBeside(env: Env, insn: number): boolean {
  const kind = env.code[insn]! & 7;
  return (kind === ALU64 || kind === ALU || kind === LDX || kind === LD) && !demand.hasReg(env.dst[insn]!);
}

/** Takes the demand from behind an instruction to before it; false: it cannot be followed. */
function stepBack(env: Env, insn: number, next: number, entry: HistoryEntry | undefined): boolean {
  const code = env.code[insn]!;
  if (code === 0) return true;
  if (env.log.keepsPaths) {
    env.log.add(
      `mark_precise: frame${demand.frame}: regs=${regsText(demand.regs[demand.frame]!)} ` +
        `stack=${slotsText(demand.frame)} before ${insn}: ${insnText(env, insn)}\n`,
    );
  }
  syncLinked(entry);
  if (!stepBackInsn(env, insn, next, entry, code)) return false;
  return true;
}

function stepBackInsn(env: Env, insn: number, next: number, entry: HistoryEntry | undefined, code: number): boolean {
  const dst = env.dst[insn]!;
  const src = env.src[insn]!;
  const kind = classOf(code);
  const isAtomic = kind === STX && (code & MODE_MASK) === MODE_ATOMIC;
  if (kind === ALU || kind === ALU64) {
    if (!demand.hasReg(dst)) return true;
    const op = opOf(code);
    if (op === END || op === NEG) return true;
    if (op === MOV) demand.dropReg(dst);
    if ((code & SRC_REG) !== 0 && src !== 10) demand.addReg(src);
  } else if (kind === LDX || (isAtomic && env.imm[insn] === ATOMIC_LOAD_ACQ)) {
    if (!demand.hasReg(dst)) return true;
    demand.dropReg(dst);
    if (entry === undefined || entry.slot < 0) return true;
    demand.addSlot(entry.slot >> 6, entry.slot & 63);
  } else if (kind === STX || kind === ST) {
    if (demand.hasReg(dst)) return false;
    if (entry === undefined || entry.slot < 0) return true;
    const frame = entry.slot >> 6;
    const slot = entry.slot & 63;
    if (!demand.hasSlot(frame, slot)) return true;
    demand.dropSlot(frame, slot);
    if (kind === STX) demand.addReg(src);
  } else if (kind === JMP || kind === JMP32) {
    const done = stepBackJump(env, insn, next, entry, code);
    if (done !== undefined) return done;
  } else if (kind === LD) {
    if (!demand.hasReg(dst)) return true;
    demand.dropReg(dst);
    const mode = code & MODE_MASK;
    if (mode === MODE_IND || mode === MODE_ABS) return false;
  }
  syncLinked(entry);
  return true;
}

/** undefined: go on with what was linked. */
function stepBackJump(
  env: Env,
  insn: number,
  next: number,
  entry: HistoryEntry | undefined,
  code: number,
): boolean | undefined {
  const op = opOf(code);
  const { frame } = demand;
  if (env.isLocalCall(insn)) {
    const callee = env.subprogs[env.subprogAt(insn + env.imm[insn]! + 1)]!;
    if (callee.isGlobal) {
      if ((demand.regs[frame]! & ARGS) !== 0)
        bug(env, `global subprog unexpected regs ${demand.regs[frame]!.toString(16)}`);
      demand.dropReg(0);
      return true;
    }
    if ((demand.regs[frame]! & ~ARGS) !== 0)
      bug(env, `static subprog unexpected regs ${demand.regs[frame]!.toString(16)}`);
    if (demand.hasSlots(frame)) bug(env, 'static subprog leftover stack slots');
    leaveFrame(env);
    demand.regs[frame - 1]! |= demand.regs[frame]!;
    demand.regs[frame] = 0;
    return true;
  }
  if (op === CALL && env.isHelperCall(insn) && callsBack(env.imm[insn]!) && insn !== next - 1) {
    if ((demand.regs[frame]! & ~ARGS) !== 0) bug(env, `callback unexpected regs ${demand.regs[frame]!.toString(16)}`);
    if (demand.hasSlots(frame)) bug(env, 'callback leftover stack slots');
    demand.regs[frame] = 0;
    leaveFrame(env);
    return true;
  }
  if (op === CALL) {
    demand.dropReg(0);
    if ((demand.regs[frame]! & ARGS) !== 0) {
      bug(env, `backtracking call unexpected regs ${demand.regs[frame]!.toString(16)}`);
    }
    return undefined;
  }
  if (op === EXIT) {
    if (next >= 0 && env.has(next, CALLS_CALLBACK)) demand.regs[frame]! &= ~ARGS;
    if ((demand.regs[frame]! & ARGS) !== 0) {
      bug(env, `backtracking exit unexpected regs ${demand.regs[frame]!.toString(16)}`);
    }
    const wantsResult = next - 1 >= 0 && env.isLocalCall(next - 1) && demand.hasReg(0);
    demand.dropReg(0);
    if (frame === MAX_FRAMES - 1) bug(env, `subprog enter from frame ${frame}`);
    demand.frame = frame + 1;
    if (wantsResult) demand.addReg(0);
    return true;
  }
  if ((code & SRC_REG) !== 0) {
    const dst = env.dst[insn]!;
    const src = env.src[insn]!;
    if (!demand.hasReg(dst) && !demand.hasReg(src)) return true;
    if (entry?.srcIsStack !== true) demand.addReg(src);
    if (entry?.dstIsStack !== true) demand.addReg(dst);
  }
  return undefined;
}

function leaveFrame(env: Env): void {
  if (demand.frame === 0) bug(env, 'subprog exit from frame 0');
  demand.frame--;
}

/** Gives up on exactness: every number on the way here is wanted. */
export function markAllPrecise(env: Env, from: State): void {
  if (env.log.keepsPaths) {
    env.log.add(`mark_precise: frame${from.depth}: falling back to forcing all scalars precise\n`);
  }
  for (let state = from.parent; state !== undefined; state = state.parent) {
    for (const [no, frame] of state.frames.entries()) {
      const precise = state.precise[no]!;
      for (let reg = 0; reg < 10; reg++) if (frame.regs[reg]!.type === SCALAR) precise.regs |= 1 << reg;
      for (const [index, slot] of frame.stack.entries()) if (slot.isSpilledScalar) precise.addSlot(index);
    }
  }
}

function markSlotIn(frame: Frame, precise: Precision, no: number, slot: number): boolean {
  if (frame.stack[slot]?.isSpilledScalar !== true || precise.hasSlot(slot)) {
    demand.dropSlot(no, slot);
    return false;
  }
  precise.addSlot(slot);
  return true;
}

/** Moves the demand into a checkpoint; what is precise there already need not be followed further. */
function markIn(checkpoint: Checkpoint): boolean {
  let changed = false;
  for (let no = demand.frame; no >= 0; no--) {
    const frame = checkpoint.frames[no]!;
    const precise = checkpoint.precise[no]!;
    for (let wanted = demand.regs[no]!; wanted !== 0; wanted &= wanted - 1) {
      const reg = 31 - Math.clz32(wanted & -wanted);
      if (frame.regs[reg]!.type !== SCALAR || ((precise.regs >>> reg) & 1) !== 0) demand.regs[no]! &= ~(1 << reg);
      else {
        precise.regs |= 1 << reg;
        changed = true;
      }
    }
    for (let wanted = demand.slotsLo[no]!; wanted !== 0; wanted &= wanted - 1) {
      if (markSlotIn(frame, precise, no, 31 - Math.clz32(wanted & -wanted))) changed = true;
    }
    for (let wanted = demand.slotsHi[no]!; wanted !== 0; wanted &= wanted - 1) {
      if (markSlotIn(frame, precise, no, 63 - Math.clz32(wanted & -wanted))) changed = true;
    }
  }
  return changed;
}

/**
 * Follows what is in `demand` back from `from`. Returns whether a checkpoint learned something.
 */
export function followDemand(env: Env, from: State): boolean {
  if (!env.caps.bpf) {
    demand.clear();
    return false;
  }
  demand.frame = from.depth;
  if (demand.isEmpty()) return false;
  const shows = env.log.keepsPaths;
  let changed = false;
  let state: State = from;
  let first = from.firstInsn;
  let last = from.insn;
  let next = -1;
  let skip = true;
  for (;;) {
    let entry = state.history;
    if (shows) {
      env.log.add(`mark_precise: frame${demand.frame}: last_idx ${last} first_idx ${first} subseq_idx ${next} \n`);
    }
    if (last < 0) {
      // The entry of a global function: its arguments may be wanted.
      const frame = state.frames[0]!;
      const mask = demand.regs[0]!;
      if (state.depth === 0 && frame.subprog > 0 && !demand.hasSlots(0) && (mask & ~ARGS) === 0) {
        demand.clear();
        return true;
      }
      bug(env, `backtracking func entry subprog ${frame.subprog} reg_mask ${mask.toString(16)}`);
    }
    for (let insn = last; ;) {
      const own = entry?.insn === insn ? entry : undefined;
      if (skip) {
        skip = false;
        if (demand.isEmpty()) return changed;
      } else if (shows || own?.linked !== undefined || !isBeside(env, insn)) {
        if (!stepBack(env, insn, next, own)) {
          markAllPrecise(env, from);
          demand.clear();
          return true;
        }
        if (demand.isEmpty()) return changed;
      }
      next = insn;
      if (insn === state.firstInsn && (entry === undefined || (entry.count === 1 && entry.insn === insn))) break;
      if (own !== undefined) {
        insn = own.prevInsn;
        entry = own.before;
      } else {
        insn--;
      }
      if (insn < 0 || insn >= env.count) bug(env, `backtracking idx ${insn}`);
    }
    const { parent } = state;
    if (parent === undefined) break;
    if (markIn(parent)) changed = true;
    if (shows) showMarks(env, parent);
    if (demand.isEmpty()) return changed;
    next = first;
    last = parent.lastInsn;
    first = parent.firstInsn;
    state = parent;
  }
  if (!demand.isEmpty()) {
    markAllPrecise(env, from);
    demand.clear();
  }
  return changed;
}

function showMarks(env: Env, checkpoint: Checkpoint): void {
  for (let no = demand.frame; no >= 0; no--) {
    env.log.add(`mark_precise: frame${no}: parent state regs=${regsText(demand.regs[no]!)} stack=${slotsText(no)}: `);
    printState(env, checkpoint, no);
  }
}

/** The exact value of a register of the running frame is relied on. */
export function markPrecise(env: Env, reg: number): void {
  demand.frame = env.cur.depth;
  demand.regs[demand.frame]! |= 1 << reg;
  followDemand(env, env.cur);
}
