/**
 * Which registers an instruction reads and writes in compiled code, as bit sets, and which are live where a function begins.
 * In compiled code a call leaves r1-r5 alone. Knows instructions, not how they are emitted.
 */
import { must } from '../../errors.js';
import { successorsOf } from '../../isa/flow.js';
import type { Flow } from '../../isa/flow.js';
import type { Insn } from '../../isa/insn.js';
import { helperById, HELPER_ROWS } from '../../spec/helpers.js';
import { INSN_ROWS } from '../../spec/insns.js';
import type { InsnName, Operand } from '../../spec/insns.js';
import type { FunctionSpec } from '../../object/object-spec.js';

export const ARGUMENTS = [1, 2, 3, 4, 5] as const;
const R0 = 1;
const FRAME_POINTER = 1 << 10;
/** r1-r5. */
export const ALL_ARGUMENTS = 0x3e;

/** What a row says, ready for many instructions. */
export interface Shape {
  readonly dstRead: boolean;
  readonly dstWritten: boolean;
  readonly srcRead: boolean;
  readonly srcWritten: boolean;
  readonly reads: number;
  /** What an instruction clobbers by rule, compiled code leaves alone: only r0 counts. */
  readonly writes: number;
  readonly isCall: boolean;
}

const SHAPES: ReadonlyMap<InsnName, Shape> = new Map(
  Object.values(INSN_ROWS).map(({ name, operands, implicit }) => {
    const has = (...roles: readonly Operand[]): boolean => roles.some((role) => operands.includes(role));
    const isCall = name === 'call_helper' || name === 'call_local' || name === 'call_kfunc' || name === 'callx';
    return [
      name,
      {
        dstRead: has('dst:r', 'dst:rw'),
        dstWritten: has('dst:w', 'dst:rw'),
        srcRead: has('src:r', 'src:rw'),
        srcWritten: has('src:w', 'src:rw'),
        reads: implicit?.reads ?? 0,
        writes: isCall ? R0 : (implicit?.writes ?? 0) & R0,
        isCall,
      },
    ];
  }),
);

function shapeOf(name: InsnName): Shape {
  return must(SHAPES.get(name), 'a shape');
}

/** The shapes of a function's instructions, by index. */
export function shapesOf(insns: readonly Insn[]): readonly Shape[] {
  return insns.map(({ name }) => shapeOf(name));
}

/** Whether a function writes its frame pointer. */
export function writesFramePointer(insns: readonly Insn[], shapes: readonly Shape[]): boolean {
  for (let index = 0; index < insns.length; index++) {
    if ((writesOf(insns[index]!, shapes[index]!) & FRAME_POINTER) !== 0) return true;
  }
  return false;
}

/** r1 to rn. */
function firstArguments(count: number): number {
  return (2 << count) - 2;
}

/** @param liveIn what each function of the object takes, for calls */
function readsOf(insn: Insn, index: number, spec: FunctionSpec, shape: Shape, liveIn: readonly number[]): number {
  const { name, dst, src } = insn;
  switch (name) {
    case 'call_helper': {
      const row = helperById(insn.imm);
      return row === undefined ? 0 : firstArguments(HELPER_ROWS[row.name].args.length);
    }
    case 'call_local': {
      const ref = spec.refs.get(index);
      return ref?.kind === 'call' ? (liveIn[ref.func] ?? ALL_ARGUMENTS) : 0;
    }
    case 'callx':
      return ALL_ARGUMENTS | (1 << dst);
    case 'exit':
      return R0;
    default: {
      const { dstRead, srcRead, reads } = shape;
      return reads | (dstRead ? 1 << dst : 0) | (srcRead ? 1 << src : 0);
    }
  }
}

export function writesOf({ dst, src }: Insn, { dstWritten, srcWritten, writes }: Shape): number {
  return writes | (dstWritten ? 1 << dst : 0) | (srcWritten ? 1 << src : 0);
}

/** Registers that are read before they are written where the function begins; `packet` loads may return early, with r0. */
export function liveAtEntry(
  spec: FunctionSpec,
  shapes: readonly Shape[],
  { blocks, order }: Flow,
  liveIn: readonly number[],
): number {
  const reads = new Int32Array(blocks.length);
  const writes = new Int32Array(blocks.length);
  for (const at of order) {
    const { first, last } = must(blocks[at], 'a block');
    for (let index = first; index <= last; index++) {
      const insn = spec.insns[index]!;
      const shape = shapes[index]!;
      reads[at]! |= readsOf(insn, index, spec, shape, liveIn) & ~writes[at]!;
      writes[at]! |= writesOf(insn, shape);
    }
  }
  const live = new Int32Array(blocks.length);
  for (let changed = true; changed;) {
    changed = false;
    for (let i = order.length - 1; i >= 0; i--) {
      const at = order[i]!;
      let out = 0;
      for (const to of successorsOf(must(blocks[at], 'a block'))) out |= live[to]!;
      const own = reads[at]! | (out & ~writes[at]!);
      if (own !== live[at]) {
        live[at] = own;
        changed = true;
      }
    }
  }
  return live[0]!;
}
