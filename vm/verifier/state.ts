/**
 * The state of a path: frames with registers and stack, references held, and the path's history. Copies are shallow:
 * registers and slots are shared, since nobody changes them. Knows no instructions.
 */
import { NOT_INIT_REG, type Reg, SCALAR, stackReg } from './reg.js';

/** What a byte of the stack holds; eight of them, four bits each, make up `Slot.types`. */
export const INVALID = 0;
export const SPILL = 1;
export const MISC = 2;
export const ZERO = 3;
export const DYNPTR = 4;
export const ITER = 5;
export const IRQ_FLAG = 6;

/** Bytes of stack of a frame. */
export const MAX_STACK = 512;
export const MAX_FRAMES = 8;

/** Eight bytes of one kind. */
export function eight(kind: number): number {
  return Math.imul(kind, 0x1111_1111);
}

/**
 * Eight bytes of stack. Byte 7 is the one at the lowest address, as Linux counts.
 */
export class Slot {
  readonly types: number;
  /** What is spilled, or the state of the dynptr or iterator; NOT_INIT_REG for none. */
  readonly reg: Reg;

  constructor(types: number, reg: Reg) {
    this.types = types;
    this.reg = reg;
  }

  typeAt(byte: number): number {
    return (this.types >>> (byte * 4)) & 15;
  }

  /** The same bytes with another register. */
  with(reg: Reg): Slot {
    return new Slot(this.types, reg);
  }

  get isSpill(): boolean {
    return this.types >>> 28 === SPILL;
  }

  get isSpilledScalar(): boolean {
    return this.types >>> 28 === SPILL && this.reg.type === SCALAR;
  }

  /** All 8 bytes are the spilled scalar's. */
  get isSpilledScalar64(): boolean {
    return (this.types & 15) === SPILL && this.reg.type === SCALAR;
  }

  /** A spill, or an object that may not be overwritten in part. */
  get isSpecial(): boolean {
    const kind = this.types >>> 28;
    return kind === SPILL || kind === DYNPTR || kind === ITER || kind === IRQ_FLAG;
  }
}

export const INVALID_SLOT = new Slot(eight(INVALID), NOT_INIT_REG);
export const MISC_SLOT = new Slot(eight(MISC), NOT_INIT_REG);
export const ZERO_SLOT = new Slot(eight(ZERO), NOT_INIT_REG);

/** A slot that holds no register. */
export function plainSlot(types: number): Slot {
  if (types === INVALID_SLOT.types) return INVALID_SLOT;
  if (types === MISC_SLOT.types) return MISC_SLOT;
  if (types === ZERO_SLOT.types) return ZERO_SLOT;
  return new Slot(types, NOT_INIT_REG);
}

/** What a callback must return. */
export interface ReturnRange {
  readonly min: number;
  readonly max: number;
}

/** Callsite of a frame that nobody called. */
export const NO_CALLSITE = -1;

export class Frame {
  readonly regs: Reg[];
  /** As far as it was touched: slot i lies at -8 * (i + 1). Changed by `setSlot` only, since copies share it. */
  stack: readonly Slot[];
  #sharesStack = false;
  readonly callsite: number;
  readonly no: number;
  readonly subprog: number;
  inCallback = false;
  inAsyncCallback = false;
  asyncEntries = 0;
  callbackDepth = 0;
  callbackRange: ReturnRange | undefined = undefined;

  constructor(callsite: number, no: number, subprog: number, regs: Reg[], stack: readonly Slot[]) {
    this.callsite = callsite;
    this.no = no;
    this.subprog = subprog;
    this.regs = regs;
    this.stack = stack;
  }

  copy(): Frame {
    const frame = new Frame(this.callsite, this.no, this.subprog, this.regs.slice(), this.stack);
    this.#sharesStack = true;
    frame.#sharesStack = true;
    frame.inCallback = this.inCallback;
    frame.inAsyncCallback = this.inAsyncCallback;
    frame.asyncEntries = this.asyncEntries;
    frame.callbackDepth = this.callbackDepth;
    frame.callbackRange = this.callbackRange;
    return frame;
  }

  /** The stack, to be changed: nobody else has it. */
  #ownStack(): Slot[] {
    if (this.#sharesStack) {
      this.stack = this.stack.slice();
      this.#sharesStack = false;
    }
    return this.stack as Slot[];
  }

  setSlot(index: number, slot: Slot): void {
    this.#ownStack()[index] = slot;
  }

  /** Makes room for the slot that covers byte `-bytes`. */
  grow(bytes: number): void {
    const slots = (bytes + 7) >> 3;
    if (this.stack.length >= slots) return;
    const stack = this.#ownStack();
    while (stack.length < slots) stack.push(INVALID_SLOT);
  }
}

/** A frame as a function finds it: nothing in the registers but r10. */
export function newFrame(callsite: number, no: number, subprog: number): Frame {
  const regs = new Array<Reg>(11).fill(NOT_INIT_REG);
  regs[10] = stackReg(no);
  return new Frame(callsite, no, subprog, regs, []);
}

/** Something that must be given back before the program ends. */
export interface HeldRef {
  readonly kind: 'ptr' | 'lock';
  readonly id: number;
  readonly insn: number;
  /** Of a lock: the map or object that holds it. */
  readonly holder?: object;
}

/** A register or slot that a comparison informed along with others. */
export interface LinkedReg {
  readonly frame: number;
  /** Register or slot number. */
  readonly index: number;
  readonly isReg: boolean;
}

/** What backtracking must know of an instruction on the path; the one before it is `before`. */
export class HistoryEntry {
  readonly before: HistoryEntry | undefined;
  readonly count: number;
  readonly insn: number;
  readonly prevInsn: number;
  /** The stack slot that the instruction spilled to or filled from: frame * 64 + slot; -1 for none. */
  slot = -1;
  /** The comparison's operands that are stack pointers. */
  srcIsStack = false;
  dstIsStack = false;
  linked: readonly LinkedReg[] | undefined = undefined;

  constructor(before: HistoryEntry | undefined, insn: number, prevInsn: number) {
    this.before = before;
    this.count = before === undefined ? 1 : before.count + 1;
    this.insn = insn;
    this.prevInsn = prevInsn;
  }
}

/** Registers and slots of one frame whose exact value later instructions rely on. */
export class Precision {
  regs = 0;
  slotsLo = 0;
  slotsHi = 0;

  hasSlot(slot: number): boolean {
    return ((slot < 32 ? this.slotsLo >>> slot : this.slotsHi >>> (slot - 32)) & 1) !== 0;
  }

  addSlot(slot: number): void {
    if (slot < 32) this.slotsLo |= 1 << slot;
    else this.slotsHi |= 1 << (slot - 32);
  }
}

/** A round through a loop by one chain of calls, until everything behind its entry is explored. */
export interface LoopVisit {
  entry: Checkpoint | undefined;
  /** States that met a checkpoint of the same round, and those checkpoints. */
  backedges: { readonly state: Checkpoint; readonly target: Checkpoint }[];
}

export class State {
  frames: Frame[];
  refs: readonly HeldRef[] = [];
  activeLocks = 0;
  activeLockId = 0;
  activeLockHolder: object | undefined = undefined;
  preemptLocks = 0;
  rcuLocks = 0;
  /** The checkpoint that it continues. */
  parent: Checkpoint | undefined = undefined;
  history: HistoryEntry | undefined = undefined;
  branches = 1;
  insn = 0;
  firstInsn = 0;
  lastInsn = -1;
  callbackUnrolls = 0;
  mayGotoDepth = 0;
  inSleepable = false;

  constructor(frames: Frame[]) {
    this.frames = frames;
  }

  get top(): Frame {
    return this.frames[this.frames.length - 1]!;
  }

  /** Index of the frame that runs. */
  get depth(): number {
    return this.frames.length - 1;
  }

  get historyCount(): number {
    return this.history === undefined ? 0 : this.history.count;
  }

  #copyFrames(): Frame[] {
    const frames: Frame[] = [];
    for (const frame of this.frames) frames.push(frame.copy());
    return frames;
  }

  copy(): State {
    const state = new State(this.#copyFrames());
    this.copyTo(state);
    return state;
  }

  protected copyTo(state: State): void {
    state.refs = this.refs;
    state.activeLocks = this.activeLocks;
    state.activeLockId = this.activeLockId;
    state.activeLockHolder = this.activeLockHolder;
    state.preemptLocks = this.preemptLocks;
    state.rcuLocks = this.rcuLocks;
    state.parent = this.parent;
    state.history = this.history;
    state.branches = this.branches;
    state.insn = this.insn;
    state.firstInsn = this.firstInsn;
    state.lastInsn = this.lastInsn;
    state.callbackUnrolls = this.callbackUnrolls;
    state.mayGotoDepth = this.mayGotoDepth;
    state.inSleepable = this.inSleepable;
  }

  /** Copies it as a checkpoint, of which nothing is precise yet. */
  checkpoint(): Checkpoint {
    const frames = this.#copyFrames();
    const precise: Precision[] = [];
    while (precise.length < frames.length) precise.push(new Precision());
    const checkpoint = new Checkpoint(frames, precise);
    this.copyTo(checkpoint);
    return checkpoint;
  }

  /** Where a frame stands: the running one at its instruction, the others at their calls. */
  insnOf(frame: number): number {
    return frame === this.frames.length - 1 ? this.insn : this.frames[frame + 1]!.callsite;
  }

  sameCallsites(other: State): boolean {
    if (this.frames.length !== other.frames.length) return false;
    return this.frames.every((frame, i) => frame.callsite === other.frames[i]!.callsite);
  }
}

/**
 * What is looked at first where a state looks for its like: small, since it is done very often. It remembers what told the
 * checkpoint from the last state that was compared with it, which most likely tells it from the next one, too. Registers
 * and slots do not change, so that two which differ always will.
 */
export class Candidate {
  readonly insn: number;
  /** All that follows the checkpoint is explored. */
  finished = false;
  /** Frame, and register or 16 + slot, that told it from another state; -1: nothing is known. */
  frame = -1;
  index = 0;
  theirs: Reg | Slot | undefined = undefined;
  misses = 0;
  hits = 0;
  readonly checkpoint: Checkpoint;
  mine: Reg | Slot | undefined = undefined;
  isPrecise = false;
  /** What is dead was removed. */
  cleaned = false;

  constructor(checkpoint: Checkpoint) {
    this.insn = checkpoint.insn;
    this.checkpoint = checkpoint;
  }

  /** Whether what told the checkpoint from another state is there again. */
  differsAgain(cur: State): boolean {
    if (this.frame < 0) return false;
    const frame = cur.frames[this.frame];
    if (frame === undefined) return false;
    return (this.index < 16 ? frame.regs[this.index] : frame.stack[this.index - 16]) === this.theirs;
  }
}

/** Checkpoints among which a state looks for its like. */
export class Bucket {
  readonly candidates: Candidate[] = [];
  /** How many of them are finished, but not cleaned. */
  uncleaned = 0;
}

/** A state that was kept, to recognise one that needs no exploring. */
export class Checkpoint extends State {
  readonly precise: Precision[];
  /** No longer looked at; kept while states descend from it. */
  retired = false;
  /** The round through a loop that it is part of. */
  visit: LoopVisit | undefined = undefined;
  /** Where it is looked for. */
  bucket: Bucket | undefined = undefined;
  candidate: Candidate | undefined = undefined;

  constructor(frames: Frame[], precise: Precision[]) {
    super(frames);
    this.precise = precise;
  }
}
