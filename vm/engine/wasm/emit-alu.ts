/** Arithmetic. Division by zero gives 0, a remainder by zero the dividend (RFC 9669 section 4.1); WebAssembly would trap. */
import type { Insn } from '../../isa/insn.js';
import type { PlainOp } from '../../wasm/opcodes.js';
import type { Emit } from './emit.js';
import type { FunctionContext } from './function-context.js';

export type Width = 32 | 64;

/** Pushes the second operand: the register or the immediate. */
function pushOperand(f: FunctionContext, insn: Insn, width: Width, immediate: boolean): void {
  if (immediate) {
    if (width === 32) f.code.i32(insn.imm);
    else f.code.i64(insn.imm);
  } else if (width === 32) f.getWord(insn.src);
  else f.get(insn.src);
}

function push(f: FunctionContext, register: number, width: Width): void {
  if (width === 32) f.getWord(register);
  else f.get(register);
}

function pop(f: FunctionContext, register: number, width: Width): void {
  if (width === 32) f.setWord(register);
  else f.set(register);
}

function pushConst(f: FunctionContext, value: number, width: Width): void {
  if (width === 32) f.code.i32(value);
  else f.code.i64(value);
}

type BinaryName = 'add' | 'sub' | 'mul' | 'or' | 'and' | 'xor' | 'shl' | 'shr_u' | 'shr_s';

function binary(name: BinaryName, width: Width, immediate: boolean): Emit {
  return (f, insn) => {
    push(f, insn.dst, width);
    pushOperand(f, insn, width, immediate);
    f.code.op(`i${width}.${name}`);
    pop(f, insn.dst, width);
  };
}

type DivideName = 'div_u' | 'div_s' | 'rem_u' | 'rem_s';

/** Pushes what a zero divisor gives. */
function pushByZero(f: FunctionContext, insn: Insn, name: DivideName, width: Width): void {
  if (name.startsWith('rem')) push(f, insn.dst, width);
  else pushConst(f, 0, width);
}

/** Pushes the result for a divisor that is -1: the smallest number stays what it is. */
function pushByMinusOne(f: FunctionContext, insn: Insn, name: 'div_s' | 'rem_s', width: Width): void {
  pushConst(f, 0, width);
  if (name === 'rem_s') return;
  push(f, insn.dst, width);
  f.code.op(`i${width}.sub`);
}

function divide(name: DivideName, width: Width, immediate: boolean): Emit {
  const op: PlainOp = `i${width}.${name}`;
  const signed = name === 'div_s' || name === 'rem_s';
  const byConstant: Emit = (f, insn) => {
    if (insn.imm === 0) pushByZero(f, insn, name, width);
    else if (signed && insn.imm === -1) pushByMinusOne(f, insn, name, width);
    else {
      push(f, insn.dst, width);
      pushOperand(f, insn, width, true);
      f.code.op(op);
    }
    pop(f, insn.dst, width);
  };
  const byRegister: Emit = (f, insn) => {
    const { code } = f;
    push(f, insn.src, width);
    code.op(`i${width}.eqz`).if();
    pushByZero(f, insn, name, width);
    pop(f, insn.dst, width);
    code.else();
    if (signed) {
      push(f, insn.src, width);
      pushConst(f, -1, width);
      code.op(`i${width}.eq`).if();
      pushByMinusOne(f, insn, name, width);
      pop(f, insn.dst, width);
      code.else();
    }
    push(f, insn.dst, width);
    push(f, insn.src, width);
    code.op(op);
    pop(f, insn.dst, width);
    if (signed) code.end();
    code.end();
  };
  return immediate ? byConstant : byRegister;
}

type Forms<N extends string> = Record<`${N}32_k` | `${N}32_x` | `${N}64_k` | `${N}64_x`, Emit>;

/** The four forms of a binary operation. */
function forms<const N extends string>(name: N, make: (width: Width, immediate: boolean) => Emit): Forms<N> {
  return {
    [`${name}32_k`]: make(32, true),
    [`${name}32_x`]: make(32, false),
    [`${name}64_k`]: make(64, true),
    [`${name}64_x`]: make(64, false),
  } as Forms<N>;
}

/** Sign extension from a part of the source. */
function extend(op: PlainOp, width: Width): Emit {
  return (f, { dst, src }) => {
    push(f, src, width);
    f.code.op(op);
    pop(f, dst, width);
  };
}

function negate(width: Width): Emit {
  return (f, { dst }) => {
    pushConst(f, 0, width);
    push(f, dst, width);
    f.code.op(`i${width}.sub`);
    pop(f, dst, width);
  };
}

function truncate(bits: 16 | 32): Emit {
  return (f, { dst }) => {
    f.getWord(dst);
    if (bits === 16) f.code.i32(0xffff).op('i32.and');
    f.setWord(dst);
  };
}

/** Reverses the bytes of the word on the stack; needs `f.word`. */
export function swapWord(f: FunctionContext, bits: 16 | 32): void {
  const { code, word } = f;
  if (bits === 16) {
    code.localTee(word).i32(8).op('i32.shl').i32(0xff00).op('i32.and');
    code.localGet(word).i32(8).op('i32.shr_u').i32(0xff).op('i32.and').op('i32.or');
    return;
  }
  code.localTee(word).i32(8).op('i32.rotl').i32(0x00ff00ff).op('i32.and');
  code.localGet(word).i32(24).op('i32.rotl').i32(0xff00ff00).op('i32.and').op('i32.or');
}

function swap(bits: 16 | 32 | 64): Emit {
  if (bits !== 64) {
    return (f, { dst }) => {
      f.getWord(dst);
      swapWord(f, bits);
      f.setWord(dst);
    };
  }
  return (f, { dst }) => {
    f.getWord(dst);
    swapWord(f, 32);
    f.code.op('i64.extend_i32_u').i64(32).op('i64.shl');
    f.get(dst).i64(32).op('i64.shr_u').op('i32.wrap_i64');
    swapWord(f, 32);
    f.code.op('i64.extend_i32_u').op('i64.or');
    f.set(dst);
  };
}

const nothing: Emit = () => undefined;

export const ALU = {
  ...forms('add', (width, immediate) => binary('add', width, immediate)),
  ...forms('sub', (width, immediate) => binary('sub', width, immediate)),
  ...forms('mul', (width, immediate) => binary('mul', width, immediate)),
  ...forms('or', (width, immediate) => binary('or', width, immediate)),
  ...forms('and', (width, immediate) => binary('and', width, immediate)),
  ...forms('xor', (width, immediate) => binary('xor', width, immediate)),
  ...forms('lsh', (width, immediate) => binary('shl', width, immediate)),
  ...forms('rsh', (width, immediate) => binary('shr_u', width, immediate)),
  ...forms('arsh', (width, immediate) => binary('shr_s', width, immediate)),
  ...forms('div', (width, immediate) => divide('div_u', width, immediate)),
  ...forms('mod', (width, immediate) => divide('rem_u', width, immediate)),
  ...forms('sdiv', (width, immediate) => divide('div_s', width, immediate)),
  ...forms('smod', (width, immediate) => divide('rem_s', width, immediate)),
  ...forms('mov', (width, immediate): Emit => (f, insn) => {
    pushOperand(f, insn, width, immediate);
    pop(f, insn.dst, width);
  }),
  neg32: negate(32),
  neg64: negate(64),
  movsx8_32: extend('i32.extend8_s', 32),
  movsx16_32: extend('i32.extend16_s', 32),
  movsx8_64: extend('i64.extend8_s', 64),
  movsx16_64: extend('i64.extend16_s', 64),
  movsx32_64: extend('i64.extend32_s', 64),
  le16: truncate(16),
  le32: truncate(32),
  le64: nothing,
  be16: swap(16),
  be32: swap(32),
  be64: swap(64),
  bswap16: swap(16),
  bswap32: swap(32),
  bswap64: swap(64),
};
