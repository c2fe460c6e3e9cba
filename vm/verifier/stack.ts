/**
 * Loads from and stores to the stack: spills that keep what is known of a register, fills that give it back, and bytes of
 * which only "written" is known. Knows no other memory.
 */
import { errno } from '../spec/errno.js';
import type { Bounds } from './bounds.js';
import type { Env } from './env.js';
import { destroyDynptr } from './dynptr-slots.js';
import { MODE_MASK, MODE_MEM, ST, classOf } from './opcodes.js';
import { markPrecise } from './precision.js';
import { ADD_CONST, NOT_INIT_REG, PTR_TO_STACK, type Reg, SCALAR, UNKNOWN_REG, ZERO_REG, constReg } from './reg.js';
import { DYNPTR, type Frame, INVALID, MAX_STACK, MISC, SPILL, Slot, ZERO, plainSlot } from './state.js';
import { MAX_VAR_OFF } from './structure.js';
import { bitsText } from './tnum.js';
import type { Verifier } from './verifier.js';

/** Fixed part of an offset plus what is known of the variable one, as doubles: both are small here. */
function signedMin(bounds: Bounds): number {
  return bounds.sMinHi * 2 ** 32 + (bounds.sMinLo >>> 0);
}

function signedMax(bounds: Bounds): number {
  return bounds.sMaxHi * 2 ** 32 + (bounds.sMaxLo >>> 0);
}

function frameOf(v: Verifier, reg: Reg): Frame {
  return v.env.cur.frames[reg.frame]!;
}

/** Bits that the number can take up. */
export function widthOf(bounds: Bounds): number {
  return bounds.uMaxHi !== 0 ? 64 - Math.clz32(bounds.uMaxHi) : 32 - Math.clz32(bounds.uMaxLo);
}

/** Ties a number to its copies; constants need no tie. Returns the register with its id, which must be stored back. */
export function withScalarId(v: Verifier, reg: Reg): Reg {
  if (reg.type !== SCALAR) return reg;
  let tied = reg;
  if ((tied.id & ADD_CONST) !== 0) {
    tied = tied.copy();
    tied.id = 0;
    tied.off = 0;
  }
  return tied.id === 0 && !tied.bounds.isConst ? tied.withId(v.env.newId()) : tied;
}

/** The access at `reg + off` lies in the stack; makes room for it. */
export function checkStackBounds(v: Verifier, regNo: number, off: number, bytes: number, isWrite: boolean): void {
  const { env } = v;
  const reg = env.reg(regNo);
  const { bounds } = reg;
  const verb = isWrite ? ' write to' : ' read from';
  let min: number;
  let max: number;
  if (bounds.isConst) {
    min = bounds.bits.vHi * 2 ** 32 + (bounds.bits.vLo >>> 0) + off;
    max = min + bytes;
  } else {
    if (signedMax(bounds) >= MAX_VAR_OFF || signedMin(bounds) <= -MAX_VAR_OFF) {
      env.deny(`invalid unbounded variable-offset${verb} stack R${regNo}`);
    }
    min = signedMin(bounds) + off;
    max = signedMax(bounds) + off + bytes;
  }
  let number = 0;
  if (min < -MAX_STACK || min > -1) number = errno.EACCES;
  else if (max > 0) number = errno.EINVAL;
  else if (bytes < 0) number = errno.EFAULT;
  if (number !== 0) {
    const where = bounds.isConst ? '' : ` var_off=${bitsText(bounds.bits)}`;
    const kind = bounds.isConst ? '' : ' variable-offset';
    env.reject(number, `invalid${kind}${verb} stack R${regNo}${where} off=${off} size=${bytes}`);
  }
  growStack(v, frameOf(v, reg), -min);
}

function growStack(v: Verifier, frame: Frame, bytes: number): void {
  frame.grow(bytes);
  const subprog = v.env.subprogs[frame.subprog]!;
  const rounded = (bytes + 7) & ~7;
  if (rounded > subprog.stackBytes) subprog.stackBytes = rounded;
}

function setSlot(v: Verifier, frame: Frame, index: number, slot: Slot): void {
  frame.setSlot(index, slot);
  v.env.dirtySlots[index] = 1;
}

/** A byte that is no longer a spill's: written, if it was, and unknown. */
function scrubbed(types: number): number {
  let out = 0;
  for (let shift = 0; shift < 32; shift += 4) {
    if (((types >>> shift) & 15) !== INVALID) out |= MISC << shift;
  }
  return out;
}

/** Types of a slot whose lowest `bytes` addresses hold a spill. */
function spillTypes(old: number, bytes: number): number {
  let types = old;
  for (let byte = 7; byte >= 8 - bytes; byte--) types = (types & ~(15 << (byte * 4))) | (SPILL << (byte * 4));
  for (let byte = 7 - bytes; byte >= 0; byte--) {
    const type = (types >>> (byte * 4)) & 15;
    if (type !== ZERO && type !== INVALID) types = (types & ~(15 << (byte * 4))) | (MISC << (byte * 4));
  }
  return types;
}

function isPlainStore(v: Verifier): boolean {
  const code = v.env.code[v.env.insn]!;
  return classOf(code) === ST && (code & MODE_MASK) === MODE_MEM;
}

/** A store of the instruction under way; `valueReg` -1 where the value is an immediate or unknown. */
export function writeStack(v: Verifier, ptrNo: number, off: number, bytes: number, valueReg: number): void {
  const { bounds } = v.env.reg(ptrNo);
  const frame = frameOf(v, v.env.reg(ptrNo));
  if (bounds.isConst) writeFixed(v, frame, off + bounds.bits.vLo, bytes, valueReg);
  else writeVariable(v, frame, ptrNo, off, bytes, valueReg);
}

function writeFixed(v: Verifier, frame: Frame, off: number, bytes: number, valueReg: number): void {
  const { env } = v;
  const byte = -off - 1;
  const index = byte >> 3;
  const aligned = (off & 7) === 0;
  const value = valueReg >= 0 ? env.reg(valueReg) : undefined;
  destroyDynptr(v, frame, index);
  const old = frame.stack[index]!;
  if (bytes === 8) v.liveness.write(frame.no, index);
  v.fastcall.noteAccess(frame.subprog, off);
  if (value !== undefined && aligned && value.type === SCALAR) {
    const fits = widthOf(value.bounds) <= 8 * bytes;
    const spilled = fits ? withScalarId(v, value) : value;
    if (spilled !== value) env.setReg(valueReg, spilled);
    setSlot(v, frame, index, new Slot(spillTypes(old.types, bytes), fits ? spilled : spilled.withId(0)));
    env.remember(frame.no * 64 + index, false, false, undefined);
  } else if (value === undefined && aligned && isPlainStore(v)) {
    const imm = env.imm[env.insn]!;
    setSlot(v, frame, index, new Slot(spillTypes(old.types, bytes), constReg(imm, imm >> 31)));
    env.remember(frame.no * 64 + index, false, false, undefined);
  } else if (value !== undefined && value.type !== SCALAR) {
    if (bytes !== 8) {
      env.showLine(env.insn, '; ');
      env.deny('invalid size of register spill');
    }
    if (frame !== env.frame && value.type === PTR_TO_STACK) {
      env.invalid('cannot spill pointers to stack into stack frame of the caller');
    }
    setSlot(v, frame, index, new Slot(spillTypes(old.types, 8), value));
    env.remember(frame.no * 64 + index, false, false, undefined);
  } else {
    writeBytes(v, frame, byte, bytes, old, value, valueReg);
  }
}

/** Bytes that become no spill. */
function writeBytes(
  v: Verifier,
  frame: Frame,
  byte: number,
  bytes: number,
  old: Slot,
  value: Reg | undefined,
  valueReg: number,
): void {
  const index = byte >> 3;
  let types = old.isSpecial ? scrubbed(old.types) : old.types;
  let kind = MISC;
  const isZero = value === undefined ? isPlainStore(v) && v.env.imm[v.env.insn] === 0 : value.isNull;
  if (isZero) {
    if (valueReg >= 0) markPrecise(v.env, valueReg);
    kind = ZERO;
  }
  for (let i = 0; i < bytes; i++) {
    const shift = ((byte - i) & 7) * 4;
    types = (types & ~(15 << shift)) | (kind << shift);
  }
  setSlot(v, frame, index, plainSlot(types));
}

/** Somewhere in a range: every byte of it may be what is written, or what it was. */
function writeVariable(v: Verifier, frame: Frame, ptrNo: number, off: number, bytes: number, valueReg: number): void {
  const { env } = v;
  const { bounds } = env.reg(ptrNo);
  const min = signedMin(bounds) + off;
  const max = signedMax(bounds) + off + bytes;
  const value = valueReg >= 0 ? env.reg(valueReg) : undefined;
  const writesZero = value === undefined ? isPlainStore(v) && env.imm[env.insn] === 0 : value.isNull;
  let usedZero = false;
  for (let at = min; at < max; at++) destroyDynptr(v, frame, (-at - 1) >> 3);
  v.fastcall.noteAccess(frame.subprog, min);
  for (let at = min; at < max; at++) {
    const byte = -at - 1;
    const index = byte >> 3;
    const shift = (byte & 7) * 4;
    const slot = frame.stack[index]!;
    const type = (slot.types >>> shift) & 15;
    env.dirtySlots[index] = 1;
    if (writesZero && type === SPILL && slot.isSpilledScalar && slot.reg.bounds.isZero) {
      usedZero = true;
      continue;
    }
    let kind = MISC;
    if (writesZero && type === ZERO) {
      kind = ZERO;
      usedZero = true;
    }
    const types = (slot.types & ~(15 << shift)) | (kind << shift);
    frame.setSlot(index, types >>> 28 === SPILL ? new Slot(types, NOT_INIT_REG) : plainSlot(types));
  }
  if (usedZero && valueReg >= 0) markPrecise(env, valueReg);
}

/** A load of the instruction under way into `dstReg`; -1 where the value goes nowhere. */
export function readStack(v: Verifier, ptrNo: number, off: number, bytes: number, dstReg: number): void {
  const { env } = v;
  const reg = env.reg(ptrNo);
  const { bounds } = reg;
  const frame = frameOf(v, reg);
  if (bounds.isConst) {
    readFixed(v, frame, off + bounds.bits.vLo, bytes, dstReg);
    return;
  }
  if (dstReg < 0) {
    env.deny(
      `variable offset stack pointer cannot be passed into helper function; ` +
        `var_off=${bitsText(bounds.bits)} off=${off} size=${bytes}`,
    );
  }
  checkStackRange(v, ptrNo, off, bytes, false, false, undefined);
  const min = signedMin(bounds) + off;
  readBytes(v, frame, min, signedMax(bounds) + off + bytes, dstReg);
  v.fastcall.noteAccess(frame.subprog, min);
}

function readFixed(v: Verifier, frame: Frame, off: number, bytes: number, dstReg: number): void {
  const { env } = v;
  const byte = -off - 1;
  const index = byte >> 3;
  const slot = frame.stack[index]!;
  env.dirtySlots[index] = 1;
  v.fastcall.noteAccess(frame.subprog, off);
  v.liveness.read(frame.no, index);
  if (!slot.isSpill) {
    for (let i = 0; i < bytes; i++) {
      const type = slot.typeAt((byte - i) & 7);
      if (type === MISC || type === ZERO || type === INVALID) continue;
      env.deny(`invalid read from stack off ${off}+${i} size ${bytes}`);
    }
    if (dstReg >= 0) readBytes(v, frame, off, off + bytes, dstReg);
    return;
  }
  let spilled = 1;
  for (let i = 7; i > 0 && slot.typeAt(i - 1) === SPILL; i--) spilled++;
  const { reg } = slot;
  if (bytes === 8 && spilled === 8) {
    if (dstReg >= 0) env.setReg(dstReg, reg);
  } else {
    if (reg.type !== SCALAR) {
      env.showLine(env.insn, '; ');
      env.deny('invalid size of register fill');
    }
    if (dstReg < 0) return;
    if (!fillPart(v, slot, byte, off, bytes, spilled, dstReg)) return;
  }
  env.remember(frame.no * 64 + index, false, false, undefined);
}

/** A fill of part of a spilled number; true: it carries the number's precision. */
function fillPart(
  v: Verifier,
  slot: Slot,
  byte: number,
  off: number,
  bytes: number,
  spilled: number,
  dstReg: number,
): boolean {
  const { env } = v;
  const { reg } = slot;
  if (bytes <= spilled && (off & 7) === 0) {
    env.setReg(dstReg, widthOf(reg.bounds) > bytes * 8 ? reg.withId(0) : reg);
    return true;
  }
  let spills = 0;
  let zeros = 0;
  for (let i = 0; i < bytes; i++) {
    const type = slot.typeAt((byte - i) & 7);
    if (type === SPILL) spills++;
    else if (type === ZERO) zeros++;
    else if (type !== MISC && type !== INVALID) env.deny(`invalid read from stack off ${off}+${i} size ${bytes}`);
  }
  if (spills === bytes && reg.bounds.isZero) {
    env.setReg(dstReg, ZERO_REG);
    return true;
  }
  env.setReg(dstReg, zeros === bytes ? ZERO_REG : UNKNOWN_REG);
  return false;
}

/** Bytes of no spill: 0 if all of them are. */
function readBytes(v: Verifier, frame: Frame, min: number, max: number, dstReg: number): void {
  let zeros = true;
  for (let at = min; at < max && zeros; at++) {
    const byte = -at - 1;
    v.env.dirtySlots[byte >> 3] = 1;
    zeros = frame.stack[byte >> 3]!.typeAt(byte & 7) === ZERO;
  }
  v.env.setReg(dstReg, zeros ? ZERO_REG : UNKNOWN_REG);
}

/** Memory that a helper fills, which need not have been written before. */
export interface RawMemory {
  regNo: number;
  bytes: number;
}

/**
 * The bytes at `reg + off` may be handed to a helper. With `raw` they are only noted, since the helper fills them.
 */
export function checkStackRange(
  v: Verifier,
  regNo: number,
  off: number,
  bytes: number,
  zeroAllowed: boolean,
  isWrite: boolean,
  raw: RawMemory | undefined,
): void {
  const env: Env = v.env;
  const reg = env.reg(regNo);
  const { bounds } = reg;
  if (bytes === 0 && !zeroAllowed) env.deny('invalid zero-sized read');
  checkStackBounds(v, regNo, off, bytes, isWrite);
  const frame = frameOf(v, reg);
  const isConst = bounds.isConst;
  const min = isConst ? bounds.bits.vLo + off : signedMin(bounds) + off;
  const max = isConst ? min : signedMax(bounds) + off;
  if (raw !== undefined && isConst) {
    for (let at = min; at < max + bytes; at++) {
      const byte = -at - 1;
      const slot = frame.stack[byte >> 3];
      if (slot?.typeAt(byte & 7) === DYNPTR) {
        env.deny(`potential write to dynptr at off=${at} disallowed`);
      }
    }
    raw.regNo = regNo;
    raw.bytes = bytes;
    return;
  }
  for (let at = min; at < max + bytes; at++) {
    const byte = -at - 1;
    const index = byte >> 3;
    const slot = frame.stack[index];
    if (slot === undefined) env.reject(errno.EFAULT, 'allocated_stack too small');
    const shift = (byte & 7) * 4;
    const type = (slot.types >>> shift) & 15;
    if (type === ZERO || type === INVALID) {
      if (isWrite) {
        const types = (slot.types & ~(15 << shift)) | (MISC << shift);
        frame.setSlot(index, slot.reg === NOT_INIT_REG ? plainSlot(types) : new Slot(types, slot.reg));
      }
    } else if (type !== MISC) {
      if (!slot.isSpill) {
        env.deny(
          isConst
            ? `invalid read from stack R${regNo} off ${min}+${at - min} size ${bytes}`
            : `invalid read from stack R${regNo} var_off ${bitsText(bounds.bits)}+${at - min} size ${bytes}`,
        );
      }
      if (isWrite) frame.setSlot(index, plainSlot(scrubbed(slot.types)));
    }
    v.liveness.read(frame.no, index);
  }
}
