/** The reference engine: readable, steps, probes; every instruction that skep runs, it runs. */
import type { Ptr } from '../../addr.js';
import type { Layout } from '../../machine/layout.js';
import type { Machine } from '../../machine/machine.js';
import { InvariantError } from '../../errors.js';
import { cells } from '../../memory/cells.js';
import { recordTrap, TrapSignal, WRITE_ACCESS } from '../../memory/raise.js';
import type { FuncId, ObjectSpec } from '../../object/object-spec.js';
import { INSN_ROWS } from '../../spec/insns.js';
import { toBigInt, toNumber } from '../../u64.js';
import type {
  Batch,
  Checks,
  Compiled,
  Engine,
  InsnPosition,
  Outcome,
  Probe,
  Status,
  SteppingRunner,
} from '../engine.js';
import { readOutcome } from '../outcome.js';
import { Frames } from './frames.js';
import { Code } from './lower.js';
import { runLoop } from './loop.js';
import { noAccess, outOfFuel } from './stop.js';

/** Instructions that the loop does between looks at the total count. */
const CHUNK = 0x7fff_0000;

class InterpRunner implements SteppingRunner {
  readonly #machine: Machine;
  readonly #frames: Frames;
  readonly #checks: Checks;
  readonly #probe: Probe | undefined;

  constructor(machine: Machine, code: Code, checks: Checks, probe: Probe | undefined) {
    this.#machine = machine;
    this.#checks = checks;
    this.#probe = probe;
    this.#frames = new Frames(machine, code, checks);
  }

  run(func: FuncId, ctx: Ptr, arg2 = 0): Status {
    return this.#run(func, ctx, arg2, 0);
  }

  runCallback(func: FuncId, [r1, r2, r3]: readonly [Ptr, Ptr, Ptr]): Status {
    return this.#run(func, r1, r2, r3);
  }

  #run(func: FuncId, ctx: Ptr, arg2: number, arg3: number): Status {
    let status: Status;
    if (this.#probe === undefined) {
      this.#prepare(func, ctx, arg2, arg3);
      do status = this.#advance(CHUNK);
      while (status === 'paused');
    } else {
      this.begin(func, ctx, arg2, arg3);
      do status = this.#probedStep(this.#probe);
      while (status === 'paused');
    }
    return status;
  }

  runBatch(func: FuncId, ctx: Ptr, batch: Batch): void {
    for (let index = 0; index < batch.count; index++) {
      batch.arrive(index);
      batch.leave(index, this.run(func, ctx));
    }
  }

  begin(func: FuncId, ctx: Ptr, arg2 = 0, arg3 = 0): void {
    this.#prepare(func, ctx, arg2, arg3);
    this.#frames.saveRegisters();
  }

  #prepare(func: FuncId, ctx: Ptr, arg2: number, arg3: number): void {
    this.#machine.memory.setWord(cells.trapCode, 0);
    this.#frames.begin(func, ctx, arg2, arg3);
    this.#storeInsns(0);
    this.#machine.memory.setWord(cells.resume, this.#frames.pc);
  }

  step(insns: number): Status {
    this.#frames.loadRegisters();
    this.#frames.lowerOpen(this.#machine.memory.word(cells.resume));
    const status = this.#advance(insns);
    this.#frames.saveRegisters();
    return status;
  }

  #advance(insns: number): Status {
    const frames = this.#frames;
    const { memory } = this.#machine;
    // From memory each time, so that a checkpoint restored between two steps counts.
    const before = toNumber(memory.word(cells.insns), memory.word(cells.insns + 4));
    frames.pc = memory.word(cells.resume);
    frames.trapPc = -1;
    frames.budget = insns;
    frames.fuelFloor = this.#checks.fuel ? Math.max(-1, insns - (this.#fuel() - before)) : -1;
    let status: Status;
    try {
      status = runLoop(frames);
    } catch (stop) {
      status = 'trap';
      if (!this.#recordStop(stop)) throw stop;
    }
    // Where the loop stops on its own it has already counted one round that did nothing.
    this.#storeInsns(before + insns - frames.budget);
    memory.setWord(cells.resume, frames.pc);
    if (status === 'exit') {
      memory.setWord(cells.r0, frames.regs[0] ?? 0);
      memory.setWord(cells.r0 + 4, frames.regs[1] ?? 0);
    }
    return status;
  }

  outcome(): Outcome {
    return readOutcome(this.#machine);
  }

  openFrames(): readonly InsnPosition[] {
    const { memory } = this.#machine;
    if (memory.word(cells.trapCode) === 0) return [];
    const innermost = { func: memory.word(cells.trapFunc), insn: memory.word(cells.trapInsn) };
    return [innermost, ...this.#frames.callers()];
  }

  position(): { readonly func: FuncId; readonly insn: number; readonly depth: number } {
    const frames = this.#frames;
    const { code } = frames;
    const pc = this.#machine.memory.word(cells.resume);
    frames.lowerOpen(pc);
    return { func: code[pc + 6] ?? 0, insn: code[pc + 7] ?? 0, depth: frames.depth };
  }

  register(index: number): bigint {
    return this.#frames.savedRegister(index);
  }

  #probedStep(probe: Probe): Status {
    const { func, insn } = this.position();
    probe.before(func, insn);
    const status = this.step(1);
    probe.after(func, insn);
    return status;
  }

  #liveRegister(index: number): bigint {
    return toBigInt(this.#frames.regs[2 * index] ?? 0, this.#frames.regs[2 * index + 1] ?? 0);
  }

  #fuel(): number {
    const { memory } = this.#machine;
    return toNumber(memory.word(cells.fuel), memory.word(cells.fuel + 4));
  }

  #storeInsns(insns: number): void {
    this.#machine.memory.setWord(cells.insns, insns);
    this.#machine.memory.setWord(cells.insns + 4, Math.floor(insns / 2 ** 32));
  }

  /** Turns what the loop threw into trap cells; false where it is no stop of ours. */
  #recordStop(stop: unknown): boolean {
    const frames = this.#frames;
    const { memory } = this.#machine;
    const pc = frames.trapPc >= 0 ? frames.trapPc : frames.pc;
    const { func, index, insn } = frames.insnAt(pc);
    if (stop === outOfFuel) recordTrap(memory, 'fuel');
    else if (stop === noAccess || stop instanceof RangeError) {
      const { operands } = INSN_ROWS[insn.name];
      if (!operands.includes('off')) return false;
      const write = !insn.name.startsWith('ld') && !insn.name.startsWith('load');
      const base = write ? insn.dst : insn.src;
      const address = BigInt.asUintN(64, this.#liveRegister(base) + BigInt(insn.off));
      const access = accessBytes(insn.name) + (write ? WRITE_ACCESS : 0);
      recordTrap(memory, 'memory', Number(address & 0xffff_ffffn), Number(address >> 32n), access);
    } else if (!(stop instanceof TrapSignal)) return false;
    memory.setWord(cells.trapFunc, func);
    memory.setWord(cells.trapInsn, index);
    return true;
  }
}

function accessBytes(name: string): number {
  const digits = /(8|16|32|64)$/.exec(name)?.[1];
  if (digits !== undefined) return Number(digits) / 8;
  const letter = /(dw|b|h|w)$/.exec(name)?.[1];
  if (letter === undefined) throw new InvariantError(`${name} accesses no memory`);
  return { b: 1, h: 2, w: 4, dw: 8 }[letter] ?? 0;
}

export const interp: Engine & {
  compile(
    object: ObjectSpec,
    layout: Layout,
    checks: Checks,
  ): Compiled & {
    bind(machine: Machine, probe?: Probe): SteppingRunner;
  };
} = {
  name: 'interp',
  compile(object, layout, checks) {
    const code = new Code(object, layout, checks);
    return { bind: (machine, probe) => new InterpRunner(machine, code, checks, probe) };
  },
};
