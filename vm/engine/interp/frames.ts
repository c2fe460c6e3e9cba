/**
 * The interpreter's state and what is too rare or too long for its loop: calls, callbacks, tail calls, atomics. Registers and frame
 * records lie in linear memory; `pc` and `budget` are written back whenever the loop stops.
 */
import type { Ptr } from '../../addr.js';
import { must } from '../../errors.js';
import { isCallback } from '../../helpers/helper.js';
import type { CallbackSteps } from '../../helpers/helper.js';
import { helperOf } from '../../helpers/table.js';
import type { Insn } from '../../isa/insn.js';
import { functionAt, STACK_BYTES } from '../../machine/layout.js';
import type { Machine } from '../../machine/machine.js';
import { cells, frame, FRAME_BYTES, FRAMES_BASE, iter, MAX_FRAMES, REGS_BASE } from '../../memory/cells.js';
import type { Memory } from '../../memory/memory.js';
import { raiseTrap } from '../../memory/raise.js';
import { NO_ACCESS, READ_WRITE, WRITE } from '../../memory/shadow.js';
import { helperById } from '../../spec/helpers.js';
import { bswap16, bswap32, toBigInt } from '../../u64.js';
import { callRowOf, implementationOf } from '../callee.js';
import { makeArgCheck, makeCall, wordsOf } from '../call-helper.js';
import type { Registers } from '../call-helper.js';
import type { Checks } from '../engine.js';
import { usesFrame } from '../frame-use.js';
import { MAX_MAY_GOTO, MAX_TAIL_CALLS } from '../limits.js';
import { INSN_WORDS } from './lower.js';
import type { Code } from './lower.js';
import { REGISTERS } from './registers.js';
import { noAccess, outOfFuel } from './stop.js';

interface IteratorSite {
  readonly steps: CallbackSteps;
  readonly words: readonly number[];
  /** Word offset of the register that holds the callback. */
  readonly callback: number;
  readonly check: ((regs: Registers) => void) | undefined;
}

export class Frames {
  readonly code: Int32Array;
  /** Of the run that is going on. */
  readonly regs: Registers = REGISTERS;
  readonly #savedRegs: Registers;
  readonly view: DataView;
  readonly delta: number;
  readonly helpers: readonly ((regs: Registers) => void)[];
  readonly memory: Memory;
  pc = 0;
  /** Instructions that the loop may still execute before it pauses. */
  budget = 0;
  /** The budget below which fuel is used up. */
  fuelFloor = -1;
  /** Where a trap happened, if not at `pc`; -1 at the start of a step. */
  trapPc = -1;
  readonly #machine: Machine;
  readonly #entries: readonly number[];
  readonly #iterators: readonly (IteratorSite | undefined)[];
  readonly #checks: Checks;
  readonly #lowered: Code;
  /** By function: whether it uses its frame; as far as it was asked. */
  readonly #framed: (boolean | undefined)[] = [];
  /** Helpers that callx has called, by number. */
  readonly #callees = new Map<number, (regs: Registers) => void>();

  constructor(machine: Machine, code: Code, checks: Checks) {
    this.#machine = machine;
    this.#checks = checks;
    this.code = code.words;
    this.memory = machine.memory;
    this.#savedRegs = new Int32Array(machine.memory.buffer, REGS_BASE, 22);
    this.view = machine.memory.view;
    this.delta = machine.shadow.delta;
    this.#entries = code.entries;
    this.#lowered = code;
    this.helpers = code.helpers.map((name) => {
      const helper = must(implementationOf(name), name);
      return isCallback(helper)
        ? () => undefined
        : makeCall(callRowOf(name), helper.bind(machine), machine, checks.memory);
    });
    // No frame is open but the first: a program that strays from it into another must be caught.
    if (checks.memory && this.depth === 0) {
      for (let depth = 1; depth < MAX_FRAMES; depth++) this.#markFrame(depth, NO_ACCESS);
    }
    this.#iterators = code.helpers.map((name) => {
      const helper = must(implementationOf(name), name);
      if (!isCallback(helper)) return undefined;
      const row = callRowOf(name);
      return {
        steps: helper.iterate(machine),
        words: wordsOf(row),
        callback: 2 * (row.args.indexOf('func') + 1),
        check: checks.memory ? makeArgCheck(row, machine) : undefined,
      };
    });
  }

  /** Registers to linear memory, where a pause, a checkpoint or a reader expects them. */
  saveRegisters(): void {
    this.#savedRegs.set(this.regs);
  }

  /** And back, before the loop goes on. */
  loadRegisters(): void {
    this.regs.set(this.#savedRegs);
  }

  /** A saved register as a u64. */
  savedRegister(index: number): bigint {
    return toBigInt(this.#savedRegs[2 * index]!, this.#savedRegs[2 * index + 1]!);
  }

  /** Prepares a run of `func`. */
  begin(func: number, ctx: Ptr, arg2: number, arg3: number): void {
    this.regs.fill(0);
    this.regs[2] = ctx;
    this.regs[4] = arg2;
    this.regs[6] = arg3;
    // A trap leaves frames open; their rights end with the run.
    if (this.#checks.memory) for (let depth = this.depth; depth > 0; depth--) this.#markFrame(depth, NO_ACCESS);
    this.#setDepth(0);
    this.memory.setWord(cells.tailCalls, 0);
    this.memory.setWord(cells.mayGoto, 0);
    this.pc = must(this.#entries[func], 'a function');
  }

  lower(func: number): void {
    this.#lowered.lower(func);
  }

  /** Lowers what a run that stopped at `pc` goes on in: a checkpoint may come from another runner of the machine. */
  lowerOpen(pc: number): void {
    this.#lowered.lowerAt(pc);
    for (let depth = this.depth; depth > 0; depth--) {
      this.#lowered.lowerAt(this.memory.word(FRAMES_BASE + depth * FRAME_BYTES + frame.returnTo));
    }
  }

  /** The calls that open frames wait for, the innermost first. */
  callers(): { readonly func: number; readonly insn: number }[] {
    const calls = [];
    for (let depth = this.depth; depth > 0; depth--) {
      const call = this.memory.word(FRAMES_BASE + depth * FRAME_BYTES + frame.returnTo) - INSN_WORDS;
      const { func, index } = this.insnAt(call);
      calls.push({ func, insn: index });
    }
    return calls;
  }

  get depth(): number {
    return this.memory.word(cells.depth);
  }

  /** call_local: opens a frame and returns the callee's pc. */
  call(pc: number): number {
    const func = this.code[pc + 3]!;
    this.#push(pc + INSN_WORDS, 0, this.#isFramed(func));
    return this.#entries[func]!;
  }

  /**
   * callx: the register holds a function's address, or a helper's number, the meaning that the instruction was reserved for.
   * Helpers that the engine drives are not called this way.
   */
  callRegister(pc: number): number {
    const d = this.code[pc + 1]!;
    const target = this.regs[d]!;
    const func = this.regs[d + 1] === 0 ? functionAt(this.#machine.layout, target) : -1;
    if (func >= 0) {
      this.#push(pc + INSN_WORDS, 0);
      return this.#entries[func]!;
    }
    const row = this.regs[d + 1] === 0 ? helperById(target) : undefined;
    if (row === undefined) return raiseTrap(this.memory, 'bad-callback', target, this.regs[d + 1]);
    const helper = helperOf(row.name);
    if (helper === undefined || isCallback(helper)) return raiseTrap(this.memory, 'unsupported-helper', target);
    let call = this.#callees.get(target);
    if (call === undefined) {
      call = makeCall(row, helper.bind(this.#machine), this.#machine, this.#checks.memory);
      this.#callees.set(target, call);
    }
    call(this.regs);
    return pc + INSN_WORDS;
  }

  /** Closes the innermost frame; returns the pc to go on at, or -1 where it was the outermost. */
  leave(budget: number): number {
    const depth = this.memory.word(cells.depth);
    if (depth === 0) return -1;
    const record = FRAMES_BASE + depth * FRAME_BYTES;
    const kind = this.memory.word(record + frame.kind);
    if (kind !== 0) {
      const site = this.#iterators[kind - 1]!;
      const it = record + frame.iter;
      if (site.steps.next(it, this.regs[0]!, this.regs[1]!)) {
        if (budget < this.fuelFloor) {
          this.trapPc = this.memory.word(record + frame.returnTo) - INSN_WORDS;
          throw outOfFuel;
        }
        this.#loadArgs(it);
        return this.memory.word(record + frame.callback);
      }
      this.#loadResult(it);
    }
    for (let word = 0; word < 8; word++) this.regs[12 + word] = this.memory.word(record + frame.saved + 4 * word);
    if (this.#checks.memory) this.#markFrame(depth, NO_ACCESS);
    this.memory.setWord(cells.depth, depth - 1);
    this.#setFramePointer(depth - 1);
    return this.memory.word(record + frame.returnTo);
  }

  /** Starts a helper that calls back; returns the pc of the callback, or the next one where there is nothing to call. */
  beginIterator(pc: number): number {
    const kind = this.code[pc + 4]! + 1;
    const site = this.#iterators[kind - 1]!;
    site.check?.(this.regs);
    const pointer = this.regs[site.callback]!;
    const func = functionAt(this.#machine.layout, pointer);
    const depth = this.memory.word(cells.depth) + 1;
    if (depth >= MAX_FRAMES) raiseTrap(this.memory, 'call-depth');
    // The block lies in the record of the frame that the callback will use.
    const record = FRAMES_BASE + depth * FRAME_BYTES;
    const it = record + frame.iter;
    for (let word = 0; word < 10; word++) this.memory.setWord(it + iter.args + 4 * word, 0);
    const words = site.words.map((register) => this.regs[register]!);
    if (!site.steps.begin(it, words)) {
      this.#loadResult(it);
      return pc + INSN_WORDS;
    }
    if (func < 0) raiseTrap(this.memory, 'bad-callback', pointer, this.regs[site.callback + 1]);
    this.#push(pc + INSN_WORDS, kind);
    this.memory.setWord(record + frame.callback, this.#entries[func]!);
    this.#loadArgs(it);
    return this.#entries[func]!;
  }

  /** Replaces the current program by another; falls through where there is none or too many were called. */
  tailCall(pc: number): number {
    const target = this.#machine.maps.progArray(this.regs[4]!).target(this.regs[6]!);
    const done = this.memory.word(cells.tailCalls);
    if (target < 0 || done >= MAX_TAIL_CALLS) return pc + INSN_WORDS;
    this.memory.setWord(cells.tailCalls, done + 1);
    if (this.#checks.memory) this.#markFrame(this.depth, this.#checks.stackInit ? WRITE : READ_WRITE);
    return this.#entries[target]!;
  }

  /** Whether may_goto's budget is used up, so that it jumps. */
  mayGoto(): boolean {
    const rounds = this.memory.word(cells.mayGoto) + 1;
    this.memory.setWord(cells.mayGoto, rounds);
    return rounds > MAX_MAY_GOTO;
  }

  /** LD_ABS and LD_IND: big-endian loads from the packet. False where it ends before; the program then returns 0. */
  loadPacket(pc: number): boolean {
    const { insn } = this.insnAt(pc);
    const index = insn.name.startsWith('ldind') ? this.regs[this.code[pc + 2]!]! : 0;
    const bytes = { b: 1, h: 2, w: 4 }[insn.name.slice(-1)] ?? 4;
    const off = index + insn.imm;
    const { packet } = this.#machine;
    this.regs[1] = 0;
    if (off < 0 || off + bytes > packet.lengthBytes) {
      this.regs[0] = 0;
      return false;
    }
    const at = packet.data + off;
    const raw =
      bytes === 1 ? this.view.getUint8(at) : bytes === 2 ? this.view.getUint16(at, true) : this.view.getInt32(at, true);
    this.regs[0] = bytes === 1 ? raw : bytes === 2 ? bswap16(raw) : bswap32(raw);
    return true;
  }

  atomic32(pc: number): void {
    const at = this.#atomicAddress(pc, 4);
    const s = this.code[pc + 2]!;
    const old = this.view.getInt32(at, true);
    const operand = this.regs[s]!;
    const operation = this.code[pc + 4]!;
    if (operation === 0xf1) {
      if (old === this.regs[0]) this.view.setInt32(at, operand, true);
      this.regs[0] = old;
      this.regs[1] = 0;
      return;
    }
    this.view.setInt32(at, combine(operation, old, operand), true);
    if ((operation & 1) !== 0) {
      this.regs[s] = old;
      this.regs[s + 1] = 0;
    }
  }

  atomic64(pc: number): void {
    const at = this.#atomicAddress(pc, 8);
    const s = this.code[pc + 2]!;
    const oldLo = this.view.getInt32(at, true);
    const oldHi = this.view.getInt32(at + 4, true);
    const lo = this.regs[s]!;
    const hi = this.regs[s + 1]!;
    const operation = this.code[pc + 4]!;
    if (operation === 0xf1) {
      if (oldLo === this.regs[0] && oldHi === this.regs[1]) {
        this.view.setInt32(at, lo, true);
        this.view.setInt32(at + 4, hi, true);
      }
      this.regs[0] = oldLo;
      this.regs[1] = oldHi;
      return;
    }
    const sum = combine(operation, oldLo, lo);
    const carry = (operation & ~1) === 0 && sum >>> 0 < oldLo >>> 0 ? 1 : 0;
    this.view.setInt32(at + 4, combine(operation, oldHi, hi) + carry, true);
    this.view.setInt32(at, sum, true);
    if ((operation & 1) !== 0) {
      this.regs[s] = oldLo;
      this.regs[s + 1] = oldHi;
    }
  }

  /** A 4-byte store that the shadow refuses: done where it goes to a ctx field with behaviour of its own, else false. */
  storeCtx(pc: number, at: Ptr, immediate: boolean): boolean {
    const s = this.code[pc + 2]!;
    if (this.regs[this.code[pc + 1]! + 1] !== 0) return false;
    return immediate
      ? this.#machine.storeCtx(at, this.code[pc + 4]!, 0, true)
      : this.#machine.storeCtx(at, this.regs[s]!, this.regs[s + 1]!, false);
  }

  /** The instruction that code at `pc` was lowered from. */
  insnAt(pc: number): { readonly func: number; readonly index: number; readonly insn: Insn } {
    const func = this.code[pc + 6]!;
    const index = this.code[pc + 7]!;
    const spec = must(this.#machine.object.functions[func], 'a function');
    return { func, index, insn: must(spec.insns[index], 'an instruction') };
  }

  #atomicAddress(pc: number, bytes: number): Ptr {
    const d = this.code[pc + 1]!;
    const at = (this.regs[d]! + this.code[pc + 3]!) | 0;
    if (this.code[pc + 5] !== 0 && (this.regs[d + 1] !== 0 || !this.#machine.shadow.allows(at, bytes, READ_WRITE))) {
      throw noAccess;
    }
    return at;
  }

  #isFramed(func: number): boolean {
    return (this.#framed[func] ??= usesFrame(must(this.#machine.object.functions[func], 'a function')));
  }

  #push(returnTo: number, kind: number, framed = true): void {
    const depth = this.memory.word(cells.depth) + 1;
    if (depth >= MAX_FRAMES) raiseTrap(this.memory, 'call-depth');
    const record = FRAMES_BASE + depth * FRAME_BYTES;
    this.memory.setWord(record + frame.returnTo, returnTo);
    this.memory.setWord(record + frame.kind, kind);
    for (let word = 0; word < 8; word++) this.memory.setWord(record + frame.saved + 4 * word, this.regs[12 + word]!);
    this.#setDepth(depth, framed);
  }

  #setDepth(depth: number, framed = true): void {
    this.memory.setWord(cells.depth, depth);
    this.#setFramePointer(depth);
    if (this.#checks.memory && framed) this.#markFrame(depth, this.#checks.stackInit ? WRITE : READ_WRITE);
  }

  #setFramePointer(depth: number): void {
    this.regs[20] = this.#machine.framePointer(depth);
    this.regs[21] = 0;
  }

  #markFrame(depth: number, rights: 0 | 2 | 3): void {
    this.#machine.shadow.mark(this.#machine.framePointer(depth) - STACK_BYTES, STACK_BYTES, rights);
  }

  #loadArgs(it: Ptr): void {
    for (let word = 0; word < 10; word++) this.regs[2 + word] = this.memory.word(it + iter.args + 4 * word);
  }

  #loadResult(it: Ptr): void {
    this.regs[0] = this.memory.word(it + iter.result);
    this.regs[1] = this.memory.word(it + iter.result + 4);
  }
}

/** The new value of one word; the operations are the imm field's, fetch bit included. */
function combine(operation: number, old: number, operand: number): number {
  switch (operation & ~1) {
    case 0x00:
      return (old + operand) | 0;
    case 0x40:
      return old | operand;
    case 0x50:
      return old & operand;
    case 0xa0:
      return old ^ operand;
    default:
      return operand;
  }
}
