/** Writes the body of one WebAssembly function, instruction by instruction. Checks nothing: the host validates. */
import { ByteWriter } from './byte-writer.js';
import { MEMORY_OPS, OTHER_OPS, PLAIN_OPS, VALUE_TYPES } from './opcodes.js';
import type { MemoryOp, PlainOp, ValueType } from './opcodes.js';

/** A block, loop or if that branches can name. */
export type Label = number;

/** A number that stands for the code from `offset` on, counted from the function's first instruction. */
export interface Mark {
  readonly offset: number;
  readonly number: number;
}

const EMPTY_BLOCK_TYPE = 0x40;

export class CodeBuilder {
  readonly #code = new ByteWriter();
  readonly #parameters: number;
  readonly #locals: ValueType[] = [];
  readonly #marks: Mark[] = [];
  #depth = 0;
  #deepest = 0;

  /** @param parameters how many parameters the function has: its locals are numbered behind them */
  constructor(parameters: number) {
    this.#parameters = parameters;
  }

  /** Blocks that are open now. */
  get depth(): number {
    return this.#depth;
  }

  /** Most blocks that were open at once. */
  get deepest(): number {
    return this.#deepest;
  }

  /** Declares a local, zero at first; returns its index. */
  local(type: ValueType): number {
    return this.#parameters + this.#locals.push(type) - 1;
  }

  /** Remembers a number for the code that follows. */
  mark(number: number): void {
    this.#marks.push({ offset: this.#code.length, number });
  }

  /** In the order of their offsets. */
  get marks(): readonly Mark[] {
    return this.#marks;
  }

  op(name: PlainOp): this {
    this.#code.byte(PLAIN_OPS[name]);
    return this;
  }

  /** A load or store with a constant offset; claims no alignment unless told so (log2 of bytes). */
  memory(name: MemoryOp, offset: number, align = 0): this {
    this.#code.byte(MEMORY_OPS[name]);
    this.#code.u32(align);
    this.#code.u32(offset);
    return this;
  }

  localGet(index: number): this {
    return this.#indexed('local.get', index);
  }

  localSet(index: number): this {
    return this.#indexed('local.set', index);
  }

  localTee(index: number): this {
    return this.#indexed('local.tee', index);
  }

  /** An int32, or the int32 with the same bits as a u32. */
  i32(value: number): this {
    this.#code.byte(OTHER_OPS['i32.const']);
    this.#code.s32(value);
    return this;
  }

  /** An int64 in two words; without `hi`, the sign extension of `lo`. */
  i64(lo: number, hi = (lo | 0) >> 31): this {
    this.#code.byte(OTHER_OPS['i64.const']);
    this.#code.s64(lo, hi);
    return this;
  }

  block(): Label {
    return this.#open('block');
  }

  loop(): Label {
    return this.#open('loop');
  }

  if(): Label {
    return this.#open('if');
  }

  else(): this {
    this.#code.byte(OTHER_OPS.else);
    return this;
  }

  /** Closes the innermost block. */
  end(): this {
    this.#depth--;
    this.#code.byte(OTHER_OPS.end);
    return this;
  }

  br(label: Label): this {
    return this.#indexed('br', this.#depth - label);
  }

  brIf(label: Label): this {
    return this.#indexed('br_if', this.#depth - label);
  }

  brTable(labels: readonly Label[], otherwise: Label): this {
    this.#indexed('br_table', labels.length);
    for (const label of labels) this.#code.u32(this.#depth - label);
    this.#code.u32(this.#depth - otherwise);
    return this;
  }

  call(func: number): this {
    return this.#indexed('call', func);
  }

  /** Calls the function of table 0 whose index is on the stack. */
  callIndirect(type: number): this {
    this.#indexed('call_indirect', type);
    this.#code.u32(0);
    return this;
  }

  /** As `callIndirect`, but this function's frame is gone before. */
  returnCallIndirect(type: number): this {
    this.#indexed('return_call_indirect', type);
    this.#code.u32(0);
    return this;
  }

  /** Fills memory: takes address, byte and count from the stack. */
  memoryFill(): this {
    this.#code.byte(OTHER_OPS['memory.fill'] >> 8);
    this.#code.u32(OTHER_OPS['memory.fill'] & 0xff);
    this.#code.byte(0);
    return this;
  }

  /** Copies memory, which may overlap: takes to, from and count from the stack. */
  memoryCopy(): this {
    this.#code.byte(OTHER_OPS['memory.copy'] >> 8);
    this.#code.u32(OTHER_OPS['memory.copy'] & 0xff);
    this.#code.byte(0);
    this.#code.byte(0);
    return this;
  }

  /** The function's entry in the code section, its size not included: declarations of locals, then instructions. */
  finish(): { readonly locals: Uint8Array; readonly code: Uint8Array } {
    const body = new ByteWriter();
    const runs: { type: ValueType; count: number }[] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    body.u32(runs.length);
    for (const { type, count } of runs) {
      body.u32(count);
      body.byte(VALUE_TYPES[type]);
    }
    this.#code.byte(OTHER_OPS.end);
    return { locals: body.finish(), code: this.#code.finish() };
  }

  #indexed(name: keyof typeof OTHER_OPS, index: number): this {
    this.#code.byte(OTHER_OPS[name]);
    this.#code.u32(index);
    return this;
  }

  #open(name: 'block' | 'loop' | 'if'): Label {
    this.#code.byte(OTHER_OPS[name]);
    this.#code.byte(EMPTY_BLOCK_TYPE);
    this.#depth++;
    if (this.#depth > this.#deepest) this.#deepest = this.#depth;
    return this.#depth;
  }
}
