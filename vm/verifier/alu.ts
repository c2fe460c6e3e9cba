/**
 * ALU instructions: arithmetic on numbers, pointers plus numbers, moves. Messages and their order are Linux'.
 */
import { hiWord, ltS, ltU, toBigInt } from '../u64.js';
import { type Bounds, S32_MIN, UNKNOWN_BOUNDS } from './bounds.js';
import type { Env } from './env.js';
import { aluSign } from './insn-text.js';
import {
  ADD,
  ALU64,
  AND,
  ARSH,
  DIV,
  END,
  LSH,
  MOD,
  MOV,
  MUL,
  NEG,
  OR,
  RSH,
  SRC_REG,
  SUB,
  XOR,
  classOf,
  opOf,
} from './opcodes.js';
import { pushBranch } from './paths.js';
import { markPrecise } from './precision.js';
import {
  ADD_CONST,
  ADD_CONST32,
  ADD_CONST64,
  CONST_PTR_TO_DYNPTR,
  CONST_PTR_TO_MAP,
  MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_CTX,
  PTR_TO_FLOW_KEYS,
  PTR_TO_FUNC,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_STACK,
  PTR_TO_TP_BUFFER,
  type Reg,
  type RegType,
  SCALAR,
  UNKNOWN_REG,
  UNTRUSTED,
  baseType,
  constReg,
  isPacketPointer,
  scalarReg,
  typeText,
} from './reg.js';
import { checkBounds, checkReadable, checkWritable } from './reg-check.js';
import {
  type AluOp,
  add64SignedRange,
  applyAlu,
  byteSwap,
  signExtend32,
  signExtend64,
  sub64SignedRange,
  truncate,
  zeroExtend32,
} from './scalar-alu.js';
import { widthOf, withScalarId } from './stack.js';
import { MAX_VAR_OFF } from './structure.js';
import { addBits, addWords, subBits, subWords } from './tnum.js';
import type { Verifier } from './verifier.js';

const ADDR_SPACE_CAST = 1;

const OPS: Readonly<Record<number, AluOp>> = {
  [ADD]: 'add',
  [SUB]: 'sub',
  [MUL]: 'mul',
  [OR]: 'or',
  [AND]: 'and',
  [LSH]: 'lsh',
  [RSH]: 'rsh',
  [NEG]: 'neg',
  [XOR]: 'xor',
  [ARSH]: 'arsh',
};

export function checkAlu(v: Verifier): void {
  const { env } = v;
  const code = env.code[env.insn]!;
  const op = opOf(code);
  if (op === END || op === NEG) checkUnary(env, code, op);
  else if (op === MOV) checkMove(v, code);
  else if (op > END) env.invalid(`invalid BPF_ALU opcode ${op.toString(16)}`);
  else checkBinary(v, code, op);
  checkBounds(env, env.dst[env.insn]!, 'alu');
}

function checkUnary(env: Env, code: number, op: number): void {
  const { insn } = env;
  const dst = env.dst[insn]!;
  const imm = env.imm[insn]!;
  if (op === NEG) {
    if ((code & SRC_REG) !== 0 || env.src[insn] !== 0 || env.off[insn] !== 0 || imm !== 0) {
      env.invalid('BPF_NEG uses reserved fields');
    }
  } else if (
    env.src[insn] !== 0 ||
    env.off[insn] !== 0 ||
    (imm !== 16 && imm !== 32 && imm !== 64) ||
    (classOf(code) === ALU64 && (code & SRC_REG) !== 0)
  ) {
    env.invalid('BPF_END uses reserved fields');
  }
  checkReadable(env, dst);
  checkWritable(env, dst);
  const reg = env.reg(dst);
  if (reg.type !== SCALAR) {
    env.setReg(dst, UNKNOWN_REG);
    return;
  }
  if (op === END) {
    convertEnd(env, dst, reg, code, imm as 16 | 32 | 64);
    return;
  }
  const out = reg.copy();
  out.bounds = applyAlu('neg', reg.bounds, reg.bounds, classOf(code) === ALU64 ? 64 : 32);
  out.id = 0;
  out.off = 0;
  env.setReg(dst, out);
}

/** Conversions to big endian and `bswap` swap, as programs run on little-endian machines; all of them cut. */
function convertEnd(env: Env, dst: number, reg: Reg, code: number, bits: 16 | 32 | 64): void {
  const swaps = classOf(code) === ALU64 || (code & SRC_REG) !== 0;
  if (!swaps && bits === 64) return;
  const swapped = swaps ? byteSwap(reg.bounds, bits) : reg.bounds;
  env.setReg(dst, scalarReg(bits === 64 ? swapped : truncate(swapped, bits === 16 ? 2 : 4)));
}

function checkMove(v: Verifier, code: number): void {
  const { env } = v;
  const { insn } = env;
  const dst = env.dst[insn]!;
  const src = env.src[insn]!;
  const off = env.off[insn]!;
  const imm = env.imm[insn]!;
  const wide = classOf(code) === ALU64;
  if ((code & SRC_REG) === 0) {
    if (src !== 0 || off !== 0) env.invalid('BPF_MOV uses reserved fields');
    checkWritable(env, dst);
    env.setReg(dst, constReg(imm, wide ? imm >> 31 : 0));
    return;
  }
  if (wide && off === ADDR_SPACE_CAST) {
    if (imm !== 1 && imm !== 0x1_0000) {
      env.invalid('addr_space_cast insn can only convert between address space 1 and 0');
    }
    env.invalid('addr_space_cast insn can only be used in a program that has an associated arena');
  }
  const isExtension = off === 8 || off === 16 || (wide && off === 32);
  if ((off !== 0 && !isExtension) || imm !== 0) env.invalid('BPF_MOV uses reserved fields');
  checkReadable(env, src);
  checkWritable(env, dst);
  if (wide) moveWide(v, dst, src, off);
  else moveNarrow(v, dst, src, off);
}

/** Whether a sign extension from `bits` bits changes nothing. */
function isBelowSign(bounds: Bounds, bits: number): boolean {
  return bounds.uMaxHi === 0 && bounds.uMaxLo >>> 0 < 2 ** (bits - 1);
}

/** The source, tied to its copy if `tie` is set. */
function tied(v: Verifier, src: number, tie: boolean): Reg {
  const reg = v.env.reg(src);
  if (!tie) return reg.id === 0 ? reg : reg.withId(0);
  const out = withScalarId(v, reg);
  if (out !== reg) v.env.cur.top.regs[src] = out;
  return out;
}

function moveWide(v: Verifier, dst: number, src: number, off: number): void {
  const { env } = v;
  if (off === 0) {
    env.setReg(dst, tied(v, src, true));
    return;
  }
  const reg = env.reg(src);
  if (reg.type !== SCALAR) {
    env.setReg(dst, UNKNOWN_REG);
    return;
  }
  const from = tied(v, src, isBelowSign(reg.bounds, off));
  env.setReg(dst, from.withBounds(signExtend64(from.bounds, (off >> 3) as 1 | 2 | 4)));
}

function moveNarrow(v: Verifier, dst: number, src: number, off: number): void {
  const { env } = v;
  const reg = env.reg(src);
  if (reg.type !== SCALAR) {
    env.setReg(dst, scalarReg(zeroExtend32(UNKNOWN_BOUNDS)));
    return;
  }
  const from = tied(v, src, off === 0 ? widthOf(reg.bounds) <= 32 : isBelowSign(reg.bounds, off));
  const bounds = off === 0 ? zeroExtend32(from.bounds) : signExtend32(from.bounds, (off >> 3) as 1 | 2);
  env.setReg(dst, from.withBounds(bounds));
}

function checkBinary(v: Verifier, code: number, op: number): void {
  const { env } = v;
  const { insn } = env;
  const dst = env.dst[insn]!;
  const src = env.src[insn]!;
  const off = env.off[insn]!;
  const imm = env.imm[insn]!;
  const divides = op === MOD || op === DIV;
  const byReg = (code & SRC_REG) !== 0;
  const reserved = byReg ? imm !== 0 : src !== 0;
  if (reserved || off > 1 || off < 0 || (off === 1 && !divides)) env.invalid('BPF_ALU uses reserved fields');
  if (byReg) checkReadable(env, src);
  checkReadable(env, dst);
  if (divides && !byReg && imm === 0) env.invalid('div by zero');
  if (!byReg && (op === LSH || op === RSH || op === ARSH)) {
    const bits = classOf(code) === ALU64 ? 64 : 32;
    if (imm < 0 || imm >= bits) env.invalid(`invalid shift ${imm}`);
  }
  checkWritable(env, dst);
  const dstReg = env.reg(dst);
  const srcReg = byReg ? env.reg(src) : constReg(imm, imm >> 31);
  if (dstReg.type === SCALAR && srcReg.type === SCALAR) {
    scalarOp(v, code, op, dst, dstReg, srcReg);
    return;
  }
  if (srcReg.type !== SCALAR) {
    if (dstReg.type !== SCALAR) {
      if (op !== SUB) env.deny(`R${dst} pointer ${aluSign(op)} pointer prohibited`);
      env.setReg(dst, UNKNOWN_REG);
      return;
    }
    markPrecise(env, dst);
    pointerOp(v, code, op, dst, srcReg, dstReg, true);
    return;
  }
  if (byReg) markPrecise(env, src);
  pointerOp(v, code, op, dst, dstReg, srcReg, false);
}

function scalarOp(v: Verifier, code: number, op: number, dst: number, dstReg: Reg, srcReg: Reg): void {
  const width = classOf(code) === ALU64 ? 64 : 32;
  const name = OPS[op];
  const splits = (op === AND || op === OR) && srcReg.bounds.isConst;
  const from = splits ? splitSign(v.env, dst, dstReg) : dstReg;
  const bounds = name === undefined ? UNKNOWN_BOUNDS : applyAlu(name, from.bounds, srcReg.bounds, width);
  const out = scalarReg(bounds);
  if (op === ADD || op === SUB) tieToOriginal(out, dstReg, srcReg, op === SUB, width);
  v.env.setReg(dst, out);
}

/**
 * All bits set or none, as an arithmetic shift of the sign leaves it: compilers mask that, and each case is followed by
 * itself. Returns the number where all bits are set; 0 is left for later.
 */
function splitSign(env: Env, dst: number, reg: Reg): Reg {
  const { bounds } = reg;
  const wide = bounds.sMinLo === -1 && bounds.sMinHi === -1 && bounds.sMaxLo === 0 && bounds.sMaxHi === 0;
  if (!wide && !(bounds.s32Min === -1 && bounds.s32Max === 0)) return reg;
  const zero = pushBranch(env, env.insn, env.insn);
  if (wide) {
    zero.top.regs[dst] = constReg(0, 0);
    return constReg(-1, -1);
  }
  const clear = bounds.clone();
  clear.setLowConst(0);
  zero.top.regs[dst] = reg.withBounds(clear);
  const set = bounds.clone();
  set.setLowConst(-1);
  return reg.withBounds(set);
}

/** A copy plus or minus a constant stays tied to what it was copied from. */
function tieToOriginal(out: Reg, dstReg: Reg, srcReg: Reg, subtracts: boolean, width: 32 | 64): void {
  const { bounds } = srcReg;
  const isConst = width === 32 ? bounds.lowIsConst : bounds.isConst;
  if (dstReg.id === 0 || (dstReg.id & ADD_CONST) !== 0 || !isConst || dstReg === srcReg) return;
  const { vLo, vHi } = bounds.bits;
  if (width === 64 ? vHi !== vLo >> 31 : widthOf(dstReg.bounds) > 32) return;
  if (subtracts && vLo === S32_MIN) return;
  out.id = dstReg.id | (width === 32 ? ADD_CONST32 : ADD_CONST64);
  out.off = subtracts ? -vLo : vLo;
}

const PLAIN_POINTERS: ReadonlySet<number> = new Set([
  PTR_TO_CTX,
  PTR_TO_MAP_VALUE,
  PTR_TO_MAP_KEY,
  PTR_TO_STACK,
  PTR_TO_PACKET_META,
  PTR_TO_PACKET,
  PTR_TO_TP_BUFFER,
  PTR_TO_BTF_ID,
  PTR_TO_MEM,
  PTR_TO_BUF,
  PTR_TO_FUNC,
  CONST_PTR_TO_DYNPTR,
]);

/** Rejects offsets that no object is as large as. */
function checkSane(env: Env, off: number, bounds: Bounds, type: RegType): void {
  const value = signed(bounds.bits.vLo, bounds.bits.vHi);
  if (bounds.isConst && (value >= MAX_VAR_OFF || value <= -MAX_VAR_OFF)) {
    env.invalid(
      `math between ${typeText(type)} pointer and ${decimal(bounds.bits.vLo, bounds.bits.vHi)} is not allowed`,
    );
  }
  if (off >= MAX_VAR_OFF || off <= -MAX_VAR_OFF) {
    env.invalid(`${typeText(type)} pointer offset ${off} is not allowed`);
  }
  if (bounds.sMinHi === S32_MIN && bounds.sMinLo === 0) {
    env.invalid(`math between ${typeText(type)} pointer and register with unbounded min value is not allowed`);
  }
  const min = signed(bounds.sMinLo, bounds.sMinHi);
  if (min >= MAX_VAR_OFF || min <= -MAX_VAR_OFF) {
    env.invalid(`value ${decimal(bounds.sMinLo, bounds.sMinHi)} makes ${typeText(type)} pointer be out of bounds`);
  }
}

function decimal(lo: number, hi: number): string {
  return BigInt.asIntN(64, toBigInt(lo, hi)).toString();
}

function signed(lo: number, hi: number): number {
  return hi * 2 ** 32 + (lo >>> 0);
}

/** Ranges that contradict themselves come from dead branches. */
function isContradictory(bounds: Bounds): boolean {
  const known = bounds.isConst;
  return (
    (known && (bounds.sMinLo !== bounds.sMaxLo || bounds.sMinHi !== bounds.sMaxHi)) ||
    (known && (bounds.uMinLo !== bounds.uMaxLo || bounds.uMinHi !== bounds.uMaxHi)) ||
    ltS(bounds.sMaxLo, bounds.sMaxHi, bounds.sMinLo, bounds.sMinHi) ||
    ltU(bounds.uMaxLo, bounds.uMaxHi, bounds.uMinLo, bounds.uMinHi)
  );
}

/** `ptr op= num`, or with `swapped` `num op= ptr`; the result goes to register `dst`. */
function pointerOp(v: Verifier, code: number, op: number, dst: number, ptr: Reg, num: Reg, swapped: boolean): void {
  const env: Env = v.env;
  if (isContradictory(num.bounds)) {
    env.setReg(dst, UNKNOWN_REG);
    return;
  }
  if (classOf(code) !== ALU64) {
    if (op !== SUB) env.deny(`R${dst} 32-bit pointer arithmetic prohibited`);
    env.setReg(dst, UNKNOWN_REG);
    return;
  }
  const { type } = ptr;
  if ((type & MAYBE_NULL) !== 0) {
    env.deny(`R${dst} pointer arithmetic on ${typeText(type)} prohibited, null-check it first`);
  }
  const base = baseType(type);
  if (base === PTR_TO_MEM && (type & UNTRUSTED) !== 0) return;
  const known = num.bounds.isConst;
  const isNothing = known && num.bounds.isZero && op === ADD;
  const allowed =
    PLAIN_POINTERS.has(base) ||
    (base === PTR_TO_FLOW_KEYS && known) ||
    ((base === PTR_TO_FLOW_KEYS || base === CONST_PTR_TO_MAP) && isNothing);
  if (!allowed) env.deny(`R${dst} pointer arithmetic on ${typeText(type)} prohibited`);
  checkSane(env, num.off, num.bounds, type);
  checkSane(env, ptr.off, ptr.bounds, type);
  let out: Reg;
  if (op === ADD) {
    out = addToPointer(env, ptr, num);
  } else if (op === SUB) {
    if (swapped) env.deny(`R${dst} tried to subtract pointer from scalar`);
    if (type === PTR_TO_STACK) env.deny(`R${dst} subtraction from stack pointer prohibited`);
    out = subFromPointer(env, ptr, num);
  } else if (op === AND || op === OR || op === XOR) {
    env.deny(`R${dst} bitwise operator ${aluSign(op)} on pointer prohibited`);
  } else {
    env.deny(`R${dst} pointer arithmetic with ${aluSign(op)} operator prohibited`);
  }
  checkSane(env, out.off, out.bounds, type);
  if (swapped) out.refId = 0;
  env.setReg(dst, out);
}

/** A fixed offset that stays one, if it fits; undefined otherwise. */
function fixedOffset(ptr: Reg, num: Reg, sign: 1 | -1): number | undefined {
  if (!num.bounds.isConst) return undefined;
  const sum = ptr.off + sign * signed(num.bounds.bits.vLo, num.bounds.bits.vHi);
  return sum === (sum | 0) ? sum : undefined;
}

function addToPointer(env: Env, ptr: Reg, num: Reg): Reg {
  const out = ptr.copy();
  const fixed = fixedOffset(ptr, num, 1);
  if (fixed !== undefined) {
    out.off = fixed;
    return out;
  }
  const bounds = ptr.bounds.clone();
  add64SignedRange(bounds, num.bounds);
  addUnsignedOrForget(bounds, num.bounds);
  bounds.forget32();
  bounds.bits = addBits(ptr.bounds.bits, num.bounds.bits);
  bounds.sync();
  out.bounds = bounds;
  if (isPacketPointer(ptr.type)) {
    out.id = env.newId();
    out.range = 0;
  }
  return out;
}

/** Pointers forget the unsigned range as soon as either end wraps. */
function addUnsignedOrForget(bounds: Bounds, num: Bounds): void {
  const minLo = addWords(bounds.uMinLo, bounds.uMinHi, num.uMinLo, num.uMinHi);
  const minHi = hiWord[0]!;
  const maxLo = addWords(bounds.uMaxLo, bounds.uMaxHi, num.uMaxLo, num.uMaxHi);
  const maxHi = hiWord[0]!;
  if (ltU(minLo, minHi, num.uMinLo, num.uMinHi) || ltU(maxLo, maxHi, num.uMaxLo, num.uMaxHi)) {
    bounds.forgetUnsigned();
    return;
  }
  bounds.uMinLo = minLo;
  bounds.uMinHi = minHi;
  bounds.uMaxLo = maxLo;
  bounds.uMaxHi = maxHi;
}

function subFromPointer(env: Env, ptr: Reg, num: Reg): Reg {
  const out = ptr.copy();
  const fixed = fixedOffset(ptr, num, -1);
  if (fixed !== undefined) {
    out.off = fixed;
    return out;
  }
  const bounds = ptr.bounds.clone();
  sub64SignedRange(bounds, num.bounds);
  if (ltU(bounds.uMinLo, bounds.uMinHi, num.bounds.uMaxLo, num.bounds.uMaxHi)) bounds.forgetUnsigned();
  else {
    const minLo = subWords(bounds.uMinLo, bounds.uMinHi, num.bounds.uMaxLo, num.bounds.uMaxHi);
    const minHi = hiWord[0]!;
    bounds.uMaxLo = subWords(bounds.uMaxLo, bounds.uMaxHi, num.bounds.uMinLo, num.bounds.uMinHi);
    bounds.uMaxHi = hiWord[0]!;
    bounds.uMinLo = minLo;
    bounds.uMinHi = minHi;
  }
  bounds.forget32();
  bounds.bits = subBits(ptr.bounds.bits, num.bounds.bits);
  bounds.sync();
  out.bounds = bounds;
  if (isPacketPointer(ptr.type)) {
    out.id = env.newId();
    if (num.bounds.sMinHi < 0) out.range = 0;
  }
  return out;
}
