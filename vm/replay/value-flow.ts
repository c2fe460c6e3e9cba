/**
 * What a function's code says about where values come from: which instructions write a register or a stack slot, at which
 * blocks several values of one meet, and which branches decide whether a block is reached. Knows no run.
 */
import { must } from '../errors.js';
import { dominanceOf } from '../isa/dominators.js';
import { flowOf, jumpOf, successorsOf } from '../isa/flow.js';
import type { Block, Flow } from '../isa/flow.js';
import type { Insn } from '../isa/insn.js';
import type { FunctionSpec } from '../object/object-spec.js';
import { INSN_ROWS } from '../spec/insns.js';

/** A register (0-10), or stack that is accessed as `r10 + off` (the negative off itself). */
export type Variable = number;

const FRAME_POINTER = 10;
/** Rounds of the search for meeting points; real functions need three or four. */
const MAX_ROUNDS = 50;

/** Every variable that the instruction writes. */
export function writes(insn: Insn, variable: Variable): boolean {
  const { operands, implicit } = INSN_ROWS[insn.name];
  if (variable < 0) return insn.name.startsWith('st') && insn.dst === FRAME_POINTER && insn.off === variable;
  if (implicit !== undefined && ((implicit.writes >> variable) & 1) === 1) return true;
  if (insn.dst === variable && (operands.includes('dst:w') || operands.includes('dst:rw'))) return true;
  return insn.src === variable && (operands.includes('src:w') || operands.includes('src:rw'));
}

/** Whether the instruction may go on at either of two places. */
export function isBranch(insn: Insn): boolean {
  return jumpOf(insn) !== undefined && insn.name !== 'ja' && insn.name !== 'gotol';
}

export class ValueFlow {
  readonly func: FunctionSpec;
  readonly #flow: Flow;
  /** By instruction. */
  readonly #block: Int32Array;
  readonly #predecessors: readonly (readonly number[])[];
  /** Entry and leave numbers of each block in the tree of postdominators. */
  readonly #enter: Int32Array;
  readonly #leave: Int32Array;
  readonly #meetings = new Map<Variable, Uint8Array>();

  constructor(func: FunctionSpec) {
    this.func = func;
    this.#flow = flowOf(func.insns, func.name);
    const { blocks } = this.#flow;
    this.#block = new Int32Array(func.insns.length);
    for (const [index, { first, last }] of blocks.entries()) this.#block.fill(index, first, last + 1);
    const predecessors: number[][] = blocks.map(() => []);
    for (const [index, block] of blocks.entries()) for (const to of successorsOf(block)) predecessors[to]?.push(index);
    this.#predecessors = predecessors;
    [this.#enter, this.#leave] = postdominators(blocks, predecessors);
  }

  /** Whether the instruction is the first of its block. */
  startsBlock(insn: number): boolean {
    return this.#blockAt(insn).first === insn;
  }

  /** Whether every way from instruction `from` to the end leads through the block of instruction `to`, and another block's it is. */
  mustReach(to: number, from: number): boolean {
    const [a, b] = [must(this.#block[to], 'a block'), must(this.#block[from], 'a block')];
    const [enterA, enterB] = [this.#enter[a] ?? -1, this.#enter[b] ?? -1];
    return a !== b && enterA >= 0 && enterA < enterB && enterB <= (this.#leave[a] ?? -1);
  }

  /** Whether values of the variable that were written at different places meet where this instruction's block begins. */
  meets(insn: number, variable: Variable): boolean {
    let meetings = this.#meetings.get(variable);
    if (meetings === undefined) {
      meetings = this.#findMeetings(variable);
      this.#meetings.set(variable, meetings);
    }
    return meetings[must(this.#block[insn], 'a block')] === 1;
  }

  #blockAt(insn: number): Block {
    return must(this.#flow.blocks[must(this.#block[insn], 'a block')], 'a block');
  }

  /**
   * Passes the name of the value that reaches each block along until nothing changes: 0 is the caller's, `block + 1` one that
   * the block writes, `-block - 1` what meets at it.
   */
  #findMeetings(variable: Variable): Uint8Array {
    const { blocks, order } = this.#flow;
    const { insns } = this.func;
    const isWritten = blocks.map(({ first, last }) => {
      for (let i = first; i <= last; i++) if (writes(must(insns[i], 'an instruction'), variable)) return true;
      return false;
    });
    const unknown = blocks.length + 1;
    const reaches = new Int32Array(blocks.length).fill(unknown);
    const leaves = new Int32Array(blocks.length).fill(unknown);
    for (let round = 0, changed = true; changed && round < MAX_ROUNDS; round++) {
      changed = false;
      for (const block of order) {
        let value = block === 0 ? 0 : unknown;
        for (const from of this.#predecessors[block] ?? []) {
          const other = leaves[from] ?? unknown;
          if (other === unknown || other === value) continue;
          value = value === unknown ? other : -block - 1;
          if (value === -block - 1) break;
        }
        if (value !== reaches[block]) {
          reaches[block] = value;
          changed = true;
        }
        leaves[block] = isWritten[block] === true ? block + 1 : value;
      }
    }
    return Uint8Array.from(reaches, (value, block) => (value === -block - 1 ? 1 : 0));
  }
}

/** Numbers a walk over the tree of postdominators, whose root is a node behind every exit; -1 where no exit is reached. */
function postdominators(
  blocks: readonly Block[],
  predecessors: readonly (readonly number[])[],
): readonly [enter: Int32Array, leave: Int32Array] {
  const ends = blocks.flatMap((block, index) =>
    successorsOf(block).length === 0 || block.fallsOff ? [index + 1] : [],
  );
  const { order, dominator } = dominanceOf([ends, ...predecessors.map((froms) => froms.map((from) => from + 1))]);
  const size = new Int32Array(blocks.length + 1).fill(1);
  for (const node of order.toReversed()) {
    const parent = dominator[node] ?? -1;
    if (parent >= 0) size[parent] = (size[parent] ?? 0) + (size[node] ?? 0);
  }
  const start = new Int32Array(blocks.length + 1);
  const free = new Int32Array(blocks.length + 1);
  const enter = new Int32Array(blocks.length).fill(-1);
  const leave = new Int32Array(blocks.length).fill(-1);
  for (const node of order) {
    const parent = dominator[node] ?? -1;
    if (parent >= 0) {
      start[node] = free[parent] ?? 0;
      free[parent] = (free[parent] ?? 0) + (size[node] ?? 0);
    }
    free[node] = (start[node] ?? 0) + 1;
    if (node === 0) continue;
    enter[node - 1] = start[node] ?? 0;
    leave[node - 1] = (start[node] ?? 0) + (size[node] ?? 0) - 1;
  }
  return [enter, leave];
}
