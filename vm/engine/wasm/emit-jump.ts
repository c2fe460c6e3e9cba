/** Conditions of jumps: pushes an i32, not 0 where the jump is taken. Where it leads is the business of `structure.ts`. */
import { cells } from '../../memory/cells.js';
import type { Insn } from '../../isa/insn.js';
import { MAX_MAY_GOTO } from '../limits.js';
import type { InsnName } from '../../spec/insns.js';
import type { Emit } from './emit.js';
import type { FunctionContext } from './function-context.js';

type Comparison = 'eq' | 'ne' | 'gt_u' | 'ge_u' | 'lt_u' | 'le_u' | 'gt_s' | 'ge_s' | 'lt_s' | 'le_s';

function operands(f: FunctionContext, insn: Insn, width: 32 | 64, immediate: boolean): void {
  if (width === 32) {
    f.getWord(insn.dst);
    if (immediate) f.code.i32(insn.imm);
    else f.getWord(insn.src);
  } else {
    f.get(insn.dst);
    if (immediate) f.code.i64(insn.imm);
    else f.get(insn.src);
  }
}

type Forms<N extends string> = Record<`${N}32_k` | `${N}32_x` | `${N}64_k` | `${N}64_x`, Emit>;

function forms<const N extends string>(name: N, compare: (f: FunctionContext, width: 32 | 64) => void): Forms<N> {
  const make =
    (width: 32 | 64, immediate: boolean): Emit =>
    (f, insn) => {
      operands(f, insn, width, immediate);
      compare(f, width);
    };
  return {
    [`${name}32_k`]: make(32, true),
    [`${name}32_x`]: make(32, false),
    [`${name}64_k`]: make(64, true),
    [`${name}64_x`]: make(64, false),
  } as Forms<N>;
}

function comparison<const N extends string>(name: N, op: Comparison): Forms<N> {
  return forms(name, (f, width) => {
    f.code.op(`i${width}.${op}`);
  });
}

export const JUMPS = {
  ...comparison('jeq', 'eq'),
  ...comparison('jne', 'ne'),
  ...comparison('jgt', 'gt_u'),
  ...comparison('jge', 'ge_u'),
  ...comparison('jlt', 'lt_u'),
  ...comparison('jle', 'le_u'),
  ...comparison('jsgt', 'gt_s'),
  ...comparison('jsge', 'ge_s'),
  ...comparison('jslt', 'lt_s'),
  ...comparison('jsle', 'le_s'),
  ...forms('jset', (f, width) => {
    f.code.op(`i${width}.and`);
    if (width === 64) f.code.i64(0).op('i64.ne');
  }),
  may_goto: (f: FunctionContext) => {
    f.code.i32(0).i32(0).memory('i32.load', cells.mayGoto).i32(1).op('i32.add').localTee(f.word);
    f.code.memory('i32.store', cells.mayGoto).localGet(f.word).i32(MAX_MAY_GOTO).op('i32.gt_u');
  },
} satisfies Partial<Record<InsnName, Emit>>;
