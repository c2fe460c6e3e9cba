/** What r0 may be when a program or callback ends. Messages are Linux'. */
import { errno } from '../spec/errno.js';
import { returnRange } from '../spec/rights.js';
import { toBigInt } from '../u64.js';
import type { Bounds } from './bounds.js';
import type { Env } from './env.js';
import { markPrecise } from './precision.js';
import { type Reg, SCALAR, typeText } from './reg.js';
import { checkReadable } from './reg-check.js';
import type { ReturnRange } from './state.js';

function signed(lo: number, hi: number): bigint {
  return BigInt.asIntN(64, toBigInt(lo, hi));
}

function isWithin(range: ReturnRange, bounds: Bounds): boolean {
  return (
    signed(bounds.sMinLo, bounds.sMinHi) >= BigInt(range.min) &&
    signed(bounds.sMaxLo, bounds.sMaxHi) <= BigInt(range.max)
  );
}

/** Rejects a number that may lie outside of what is allowed. */
export function checkReturnRange(env: Env, reg: Reg, range: ReturnRange, when: string, name: string): void {
  const { bounds } = reg;
  if (isWithin(range, bounds)) return;
  const min = signed(bounds.sMinLo, bounds.sMinHi);
  const max = signed(bounds.sMaxLo, bounds.sMaxHi);
  const S64_MIN = -0x8000_0000_0000_0000n;
  const S64_MAX = 0x7fff_ffff_ffff_ffffn;
  let text = `${when} the register ${name} has`;
  if (min > S64_MIN) text += ` smin=${min}`;
  if (max < S64_MAX) text += ` smax=${max}`;
  if (min === S64_MIN && max === S64_MAX) text += ' unknown scalar value';
  env.invalid(`${text} should have been in [${range.min}, ${range.max}]`);
}

/** The end of the program, of a global function or of a callback that ran by itself. */
export function checkExit(env: Env): void {
  const frame = env.cur.frames[0]!;
  checkReadable(env, 0);
  const r0 = env.reg(0);
  if (!frame.inAsyncCallback && frame.subprog > 0) {
    if (r0.type !== SCALAR) {
      env.invalid(`At subprogram exit the register R0 is not a scalar value (${typeText(r0.type)})`);
    }
    return;
  }
  const when = frame.inAsyncCallback ? 'At async callback return' : 'At program exit';
  const { type, attachType } = env.program;
  const range = frame.inAsyncCallback ? { min: 0, max: 0 } : (returnRange(type, attachType) ?? returnRange(type));
  if (range === undefined) return;
  if (r0.type !== SCALAR)
    env.reject(errno.EINVAL, `${when} the register R0 is not a known value (${typeText(r0.type)})`);
  markPrecise(env, 0);
  checkReturnRange(env, r0, range, when, 'R0');
}
