/** What every instruction checks of the registers it names. */
import { errno } from '../spec/errno.js';
import { hex } from './tnum.js';
import { type Bounds, UNKNOWN_BOUNDS } from './bounds.js';
import type { Env } from './env.js';
import { NOT_INIT, NOT_INIT_REG, type Reg, UNKNOWN_REG } from './reg.js';

export function checkReadable(env: Env, no: number): void {
  if (no > 10) env.invalid(`R${no} is invalid`);
  env.dirtyRegs |= 1 << no;
  if (env.reg(no).type === NOT_INIT) env.deny(`R${no} !read_ok`);
}

export function checkWritable(env: Env, no: number): void {
  if (no > 10) env.invalid(`R${no} is invalid`);
  env.dirtyRegs |= 1 << no;
  if (no === 10) env.deny('frame pointer is read only');
}

/** As `checkWritable`; the register then holds some number. */
export function checkWritableUnknown(env: Env, no: number): void {
  checkWritable(env, no);
  env.setReg(no, UNKNOWN_REG);
}

/** After a call r0 to r5 hold nothing. */
export function clearCallerSaved(env: Env): void {
  const { regs } = env.cur.top;
  for (let no = 0; no <= 5; no++) regs[no] = NOT_INIT_REG;
  env.dirtyRegs |= 0b11_1111;
}

/** A value that contradicts itself is forgotten, or, in the kernel's own test mode, an error. */
export function soundReg(env: Env, reg: Reg, context: string): Reg {
  const what = reg.bounds.contradiction();
  if (what === undefined) return reg;
  env.log.add(`verifier bug: REG INVARIANTS VIOLATION (${context}): ${what} ${rangesText(reg.bounds)}\n`);
  if (env.testRegInvariants) env.fail(errno.EFAULT);
  const forgotten = UNKNOWN_BOUNDS.clone();
  forgotten.bits = reg.bounds.bits;
  return reg.withBounds(forgotten);
}

export function checkBounds(env: Env, no: number, context: string): void {
  const reg = env.reg(no);
  const sound = soundReg(env, reg, context);
  if (sound !== reg) env.setReg(no, sound);
}

function word(value: number): string {
  return hex(value, 0);
}

function rangesText(b: Bounds): string {
  return (
    `u64=[${hex(b.uMinLo, b.uMinHi)}, ${hex(b.uMaxLo, b.uMaxHi)}] ` +
    `s64=[${hex(b.sMinLo, b.sMinHi)}, ${hex(b.sMaxLo, b.sMaxHi)}] ` +
    `u32=[${word(b.u32Min)}, ${word(b.u32Max)}] s32=[${word(b.s32Min)}, ${word(b.s32Max)}] ` +
    `var_off=(${hex(b.bits.vLo, b.bits.vHi)}, ${hex(b.bits.mLo, b.bits.mHi)})`
  );
}
