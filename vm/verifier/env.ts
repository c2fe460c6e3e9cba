/**
 * Everything that one verification shares: the program taken apart, what was found out of each instruction, the state
 * under way, counters and log. Judges nothing.
 */
import { errno } from '../spec/errno.js';
import { isGplCompatible } from '../spec/prog-types.js';
import { Log } from './log.js';
import { LD_IMM64, PSEUDO_CALL, PSEUDO_FUNC, PSEUDO_KFUNC_CALL } from './opcodes.js';
import { PROG_FLAGS, type SlotRef, type SourceLine, type VerifierMap, type VerifierProgram } from './program.js';
import type { Reg } from './reg.js';
import { type Bucket, type Frame, HistoryEntry, type LinkedReg, type State } from './state.js';
import { ALL_CAPABILITIES, type Capabilities, type VerifyOptions } from './verdict.js';

/** Instructions that are looked at before Linux gives up. */
export const MAX_PROCESSED = 1_000_000;
/** Branches that may wait. */
export const MAX_PENDING = 8192;

/** Thrown where the kernel would return an error; the message is in the log by then. */
export class Rejection extends Error {
  readonly errno: number;

  constructor(number: number) {
    super('rejected');
    this.errno = number;
  }
}

/** Thrown where skep's verifier knows no answer. */
export class Unknown extends Error {
  readonly what: string;

  constructor(what: string) {
    super(what);
    this.what = what;
  }
}

/** Bits of `Env.marks`. */
export const PRUNE_POINT = 1;
export const JUMP_POINT = 2;
export const FORCE_CHECKPOINT = 4;
export const CALLS_CALLBACK = 8;
export const ITER_NEXT = 16;
export const MAY_GOTO = 32;

/** A function of the program. */
export interface Subprog {
  readonly start: number;
  /** Behind its last slot. */
  end: number;
  name: string;
  isGlobal: boolean;
  /** FUNC type, 0 for none. */
  btfType: number;
  hasTailCall: boolean;
  hasLdAbs: boolean;
  changesPacket: boolean;
  mightSleep: boolean;
  isCallback: boolean;
  isAsyncCallback: boolean;
  /** Global and called, so verified by itself. */
  called: boolean;
  stackBytes: number;
  /** Its slice of `Env.postorder`. */
  postorderStart: number;
  postorderEnd: number;
  /** Whether a call's arguments once contradicted the BTF. */
  unreliable: boolean;
}

/** A branch that waits to be explored. */
export interface Pending {
  readonly state: State;
  readonly insn: number;
  readonly prevInsn: number;
  readonly logPosition: number;
}

export class Env {
  readonly program: VerifierProgram;
  readonly caps: Capabilities;
  readonly log: Log;
  readonly isGpl: boolean;
  /** CPUs that the machine may have. */
  readonly cpus: number;
  readonly isSleepable: boolean;
  readonly strictAlignment: boolean;
  readonly testStateFreq: boolean;
  readonly testRegInvariants: boolean;

  /** The program, a field an array. */
  readonly count: number;
  readonly code: Uint8Array;
  readonly dst: Uint8Array;
  readonly src: Uint8Array;
  readonly off: Int16Array;
  readonly imm: Int32Array;

  readonly marks: Uint8Array;
  /** Pointer type that a load or store met first. */
  readonly ptrTypes: Int32Array;
  /** Registers read at the instruction or behind it, before they are written. */
  readonly liveRegs: Uint16Array;
  /** Number of the loop that the instruction is part of, 0 for none. */
  readonly scc: Int32Array;
  /** Instructions that may follow within the function; -1 for none. */
  readonly next: Int32Array;
  readonly target: Int32Array;
  /** Each function's instructions, the reached before what reaches them. */
  postorder: Int32Array = new Int32Array(0);
  /** By slot of a call: the map that it was given. */
  readonly callMaps = new Map<number, VerifierMap>();

  subprogs: Subprog[] = [];
  hasFuncInfo = false;

  cur!: State;
  insn = 0;
  prevInsn = -1;
  /** The history entry of the instruction under way. */
  historyEntry: HistoryEntry | undefined = undefined;
  readonly pending: Pending[] = [];
  explored: Bucket[] = [];
  idGen = 0;

  processed = 0;
  jumps = 0;
  processedAtCheckpoint = 0;
  jumpsAtCheckpoint = 0;
  totalStates = 0;
  peakStates = 0;
  exploredStates = 0;
  retiredStates = 0;
  backedges = 0;
  maxStatesPerInsn = 0;

  /** Registers and slots that changed since the state was printed. */
  dirtyRegs = 0;
  dirtySlots = new Uint8Array(64);

  readonly #lineAt: Int32Array;
  #shownLine = -1;

  constructor(program: VerifierProgram, options: VerifyOptions) {
    this.program = program;
    this.caps = options.caps ?? ALL_CAPABILITIES;
    this.log = new Log(options.logLevel ?? 1, options.maxLogChars ?? 16_000_000);
    this.cpus = options.cpus ?? 2;
    this.isGpl = isGplCompatible(program.license);
    this.isSleepable = (program.flags & PROG_FLAGS.BPF_F_SLEEPABLE) !== 0;
    this.strictAlignment = (program.flags & PROG_FLAGS.BPF_F_STRICT_ALIGNMENT) !== 0;
    this.testStateFreq = (program.flags & PROG_FLAGS.BPF_F_TEST_STATE_FREQ) !== 0;
    this.testRegInvariants = (program.flags & PROG_FLAGS.BPF_F_TEST_REG_INVARIANTS) !== 0;
    const count = program.insns.length >> 3;
    this.count = count;
    this.code = new Uint8Array(count);
    this.dst = new Uint8Array(count);
    this.src = new Uint8Array(count);
    this.off = new Int16Array(count);
    this.imm = new Int32Array(count);
    const view = new DataView(program.insns.buffer, program.insns.byteOffset, program.insns.byteLength);
    for (let i = 0; i < count; i++) {
      const at = i * 8;
      this.code[i] = view.getUint8(at);
      this.dst[i] = view.getUint8(at + 1) & 15;
      this.src[i] = view.getUint8(at + 1) >>> 4;
      this.off[i] = view.getInt16(at + 2, true);
      this.imm[i] = view.getInt32(at + 4, true);
    }
    this.marks = new Uint8Array(count + 1);
    this.ptrTypes = new Int32Array(count);
    this.liveRegs = new Uint16Array(count);
    this.scc = new Int32Array(count);
    this.next = new Int32Array(count).fill(-1);
    this.target = new Int32Array(count).fill(-1);
    this.#lineAt = lineIndices(program.lines ?? [], count);
  }

  get frame(): Frame {
    return this.cur.top;
  }

  reg(no: number): Reg {
    return this.cur.top.regs[no]!;
  }

  setReg(no: number, reg: Reg): void {
    this.cur.top.regs[no] = reg;
    this.dirtyRegs |= 1 << no;
  }

  newId(): number {
    return ++this.idGen;
  }

  ref(insn: number): SlotRef | undefined {
    return this.program.refs.get(insn);
  }

  /** The map that an ld_imm64 refers to. */
  mapAt(insn: number): VerifierMap | undefined {
    const ref = this.program.refs.get(insn);
    return ref?.kind === 'map' ? this.program.maps[ref.map] : undefined;
  }

  /** Ends the verification with the kernel's words. */
  reject(number: number, message: string): never {
    this.log.add(`${message}\n`);
    throw new Rejection(number);
  }

  /** Ends it where everything has been said. */
  fail(number: number): never {
    throw new Rejection(number);
  }

  deny(message: string): never {
    this.reject(errno.EACCES, message);
  }

  invalid(message: string): never {
    this.reject(errno.EINVAL, message);
  }

  unknown(what: string): never {
    throw new Unknown(what);
  }

  has(insn: number, mark: number): boolean {
    return (this.marks[insn]! & mark) !== 0;
  }

  isLdImm64(insn: number): boolean {
    return this.code[insn] === LD_IMM64;
  }

  isLocalCall(insn: number): boolean {
    return this.code[insn] === 0x85 && this.src[insn] === PSEUDO_CALL;
  }

  isFuncPointer(insn: number): boolean {
    return this.code[insn] === LD_IMM64 && this.src[insn] === PSEUDO_FUNC;
  }

  isHelperCall(insn: number): boolean {
    return this.code[insn] === 0x85 && this.src[insn] === 0;
  }

  isKfuncCall(insn: number): boolean {
    return this.code[insn] === 0x85 && this.src[insn] === PSEUDO_KFUNC_CALL;
  }

  /** Index of the function that holds the slot. */
  subprogOf(insn: number): number {
    let low = 0;
    let high = this.subprogs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.subprogs[middle]!.start <= insn) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Index of the function that starts at the slot, -1 for none. */
  subprogAt(start: number): number {
    const index = this.subprogOf(start);
    return this.subprogs[index]?.start === start ? index : -1;
  }

  /** Notes the instruction in the path's history, or adds to the note. */
  remember(slot: number, srcIsStack: boolean, dstIsStack: boolean, linked: readonly LinkedReg[] | undefined): void {
    let entry = this.historyEntry;
    if (entry === undefined) {
      entry = new HistoryEntry(this.cur.history, this.insn, this.prevInsn);
      this.historyEntry = entry;
      this.cur.history = entry;
    }
    if (slot >= 0) entry.slot = slot;
    if (srcIsStack) entry.srcIsStack = true;
    if (dstIsStack) entry.dstIsStack = true;
    if (linked !== undefined) entry.linked = linked;
  }

  updatePeak(): void {
    const states = this.exploredStates + this.retiredStates + this.backedges;
    if (states > this.peakStates) this.peakStates = states;
  }

  touchAll(): void {
    this.dirtyRegs = -1;
    this.dirtySlots.fill(1);
  }

  /** The C line of a slot. */
  lineOf(insn: number): SourceLine | undefined {
    const index = this.#lineAt[insn];
    return index === undefined || index < 0 ? undefined : this.program.lines?.[index];
  }

  /** Prints the C line of an instruction, unless it was the last one printed. */
  showLine(insn: number, prefix: string): void {
    if (!this.log.showsPaths) return;
    const index = this.#lineAt[insn] ?? -1;
    if (index < 0 || index === this.#shownLine) return;
    const line = this.program.lines![index]!;
    const shown = this.#shownLine < 0 ? undefined : this.program.lines![this.#shownLine];
    if (shown?.file === line.file && shown.line === line.line) return;
    const name = line.file.slice(line.file.lastIndexOf('/') + 1);
    this.log.add(`${prefix}${line.text.trimStart()} @ ${name}:${line.line}\n`);
    this.#shownLine = index;
  }
}

/** By slot: index of the line record in force, -1 for none. */
function lineIndices(lines: readonly SourceLine[], count: number): Int32Array {
  const at = new Int32Array(count).fill(-1);
  for (const [index, { pc }] of lines.entries()) {
    const end = lines[index + 1]?.pc ?? count;
    at.fill(index, Math.max(0, pc), Math.min(count, end));
  }
  return at;
}
