/**
 * States as the log shows them: `R1=ctx() R2=scalar(umax=255) fp-8=mmmmmmmm refs=3`. Knows nothing of judgement.
 */
import { toBigInt } from '../u64.js';
import { type Bounds, S32_MAX, S32_MIN } from './bounds.js';
import type { Env } from './env.js';
import {
  ADD_CONST,
  CONST_PTR_TO_DYNPTR,
  CONST_PTR_TO_MAP,
  NON_OWN_REF,
  NOT_INIT,
  PTR_TO_BTF_ID,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_STACK,
  type Reg,
  SCALAR,
  baseType,
  isPacketPointer,
  typeText,
} from './reg.js';
import { Checkpoint, DYNPTR, type Frame, ITER, SPILL, type Slot, type State } from './state.js';
import { bitsText } from './tnum.js';

function signed64(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

/** Small numbers in decimal, others in hex, as the log has it. */
export function unsignedText(value: bigint): string {
  return value <= 0xffffn ? value.toString() : `0x${value.toString(16)}`;
}

export function signedText(value: bigint): string {
  const number = signed64(value);
  if (number >= -0x8000n && number <= 0x7fffn) return number.toString();
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

interface Limit {
  readonly name: string;
  readonly value: bigint;
  omit: boolean;
}

function limitsOf(bounds: Bounds): Limit[] {
  const sMin = toBigInt(bounds.sMinLo, bounds.sMinHi);
  const sMax = toBigInt(bounds.sMaxLo, bounds.sMaxHi);
  const uMin = toBigInt(bounds.uMinLo, bounds.uMinHi);
  const uMax = toBigInt(bounds.uMaxLo, bounds.uMaxHi);
  const narrow = (value: number): bigint =>
    BigInt.asUintN(64, value >= -0x8000 && value <= 0x7fff ? BigInt(value) : BigInt(value >>> 0));
  return [
    { name: 'smin', value: sMin, omit: sMin === 0x8000_0000_0000_0000n },
    { name: 'smax', value: sMax, omit: sMax === 0x7fff_ffff_ffff_ffffn },
    { name: 'umin', value: uMin, omit: uMin === 0n },
    { name: 'umax', value: uMax, omit: uMax === 0xffff_ffff_ffff_ffffn },
    { name: 'smin32', value: narrow(bounds.s32Min), omit: bounds.s32Min === S32_MIN },
    { name: 'smax32', value: narrow(bounds.s32Max), omit: bounds.s32Max === S32_MAX },
    { name: 'umin32', value: BigInt(bounds.u32Min >>> 0), omit: bounds.u32Min === 0 },
    { name: 'umax32', value: BigInt(bounds.u32Max >>> 0), omit: bounds.u32Max === -1 },
  ];
}

/** `umin=1,smax=umax=255`: every limit that says something, equal ones joined. */
function rangeTexts(bounds: Bounds): string[] {
  const limits = limitsOf(bounds);
  const texts: string[] = [];
  for (const [i, limit] of limits.entries()) {
    if (limit.omit) continue;
    let text = `${limit.name}=`;
    const isSigned = limit.name.startsWith('s');
    const negative = isSigned && signed64(limit.value) < 0n;
    for (let other = i + 2; other < limits.length; other += 2) {
      const same = limits[other]!;
      if (same.omit || same.value !== limit.value) continue;
      if ((same.name.startsWith('s') && signed64(same.value) < 0n) !== negative) continue;
      same.omit = true;
      text += `${same.name}=`;
    }
    texts.push(text + (isSigned ? signedText(limit.value) : unsignedText(limit.value)));
  }
  return texts;
}

function plus(value: number): string {
  return value < 0 ? String(value) : `+${value}`;
}

function hasMap(base: number): boolean {
  return base === CONST_PTR_TO_MAP || base === PTR_TO_MAP_KEY || base === PTR_TO_MAP_VALUE;
}

/** A register as it stands behind `R1=`. `frame` is the one that holds it. */
export function regText(reg: Reg, frame: number, precise = false): string {
  const { type, bounds } = reg;
  const mark = precise && type === SCALAR ? 'P' : '';
  if (type === SCALAR && bounds.isConst) return mark + signedText(toBigInt(bounds.bits.vLo, bounds.bits.vHi));
  let text = mark + typeText(type);
  if (type === PTR_TO_STACK) {
    if (frame !== reg.frame) text += `[${reg.frame}]`;
    if (bounds.isConst) return text + signedText(toBigInt(bounds.bits.vLo, bounds.bits.vHi) + BigInt(reg.off));
  }
  const base = baseType(type);
  if (base === PTR_TO_BTF_ID) text += reg.struct;
  const parts: string[] = [];
  if (reg.id !== 0) {
    const distance = (reg.id & ADD_CONST) === 0 ? '' : plus(reg.off);
    parts.push(`id=${reg.id & ~ADD_CONST}${distance}`);
  }
  if (reg.refId !== 0) parts.push(`ref_obj_id=${reg.refId}`);
  if ((type & NON_OWN_REF) !== 0) parts.push('non_own_ref');
  if (hasMap(base) && reg.map !== undefined) {
    if (reg.map.name !== '') parts.push(`map=${mapName(reg.map.name)}`);
    parts.push(`ks=${reg.map.keyBytes}`, `vs=${reg.map.valueBytes}`);
  }
  if (type !== SCALAR && reg.off !== 0) parts.push(`off=${signedText(BigInt(reg.off))}`);
  if (isPacketPointer(type)) parts.push(`r=${unsignedText(BigInt.asUintN(64, BigInt(reg.range)))}`);
  if (base === PTR_TO_MEM) parts.push(`sz=${unsignedText(BigInt(reg.memBytes >>> 0))}`);
  if (type === CONST_PTR_TO_DYNPTR && reg.dynptr !== undefined) parts.push(`type=${reg.dynptr.type}`);
  if (bounds.isConst) {
    if (!bounds.isZero) parts.push(`imm=${signedText(toBigInt(bounds.bits.vLo, bounds.bits.vHi))}`);
  } else {
    parts.push(...rangeTexts(bounds));
    if (!bounds.bits.isUnknown) parts.push(`var_off=${bitsText(bounds.bits)}`);
  }
  return `${text}(${parts.join(',')})`;
}

/** The kernel keeps 15 characters of a map's name. */
export function mapName(name: string): string {
  return name.slice(0, 15);
}

const BYTE_LETTERS = '?rm0dif';

function slotText(slot: Slot, index: number, frame: Frame, precise: boolean): string | undefined {
  const letters = Array.from({ length: 8 }, (_, byte) => BYTE_LETTERS[slot.typeAt(byte)]!).join('');
  if (letters === '????????') return undefined;
  const at = `fp${-8 * (index + 1)}`;
  switch (slot.typeAt(7)) {
    case SPILL:
      return `${at}=${letters.slice(0, letters.indexOf('r'))}${regText(slot.reg, frame.no, precise)}`;
    case DYNPTR: {
      if (slot.reg.dynptr?.firstSlot !== true) return undefined;
      const parts: string[] = [];
      if (slot.reg.id !== 0) parts.push(`id=${slot.reg.id}`);
      if (slot.reg.refId !== 0) parts.push(`ref_id=${slot.reg.refId}`);
      if (slot.reg.dynptrId !== 0) parts.push(`dynptr_id=${slot.reg.dynptrId}`);
      return `${at}=dynptr_${slot.reg.dynptr.type}(${parts.join(',')})`;
    }
    case ITER: {
      const { iter, refId } = slot.reg;
      if (iter === undefined || refId === 0) return undefined;
      return `${at}=iter_${iter.name}(ref_id=${refId},state=${iter.state},depth=${iter.depth})`;
    }
    default:
      return `${at}=${letters}`;
  }
}

/** A frame of a state, with its leading space; `all` false: only what changed since it was last shown. */
export function stateText(env: Env, state: State, frameNo: number, all: boolean): string {
  const frame = state.frames[frameNo]!;
  const precise = state instanceof Checkpoint ? state.precise[frameNo] : undefined;
  let text = frame.no === 0 ? '' : ` frame${frame.no}:`;
  for (const [no, reg] of frame.regs.entries()) {
    if (reg.type === NOT_INIT || (!all && ((env.dirtyRegs >>> no) & 1) === 0)) continue;
    text += ` R${no}=${regText(reg, frame.no, ((precise?.regs ?? 0) & (1 << no)) !== 0)}`;
  }
  for (const [index, slot] of frame.stack.entries()) {
    if (!all && env.dirtySlots[index] === 0) continue;
    const shown = slotText(slot, index, frame, precise?.hasSlot(index) === true);
    if (shown !== undefined) text += ` ${shown}`;
  }
  if (state.refs.length > 0) text += ` refs=${state.refs.map((ref) => ref.id).join(',')}`;
  if (frame.inCallback) text += ' cb';
  if (frame.inAsyncCallback) text += ' async_cb';
  return text;
}

export function markShown(env: Env): void {
  env.dirtyRegs = 0;
  env.dirtySlots.fill(0);
}

/** A state on a line of its own. */
export function printState(env: Env, state: State, frameNo: number): void {
  env.log.add(`${stateText(env, state, frameNo, true)}\n`);
}

const MIN_ALIGNMENT = 8;
const ALIGNMENT = 40;

/** Spaces between an instruction and the state behind it. */
export function paddingAfter(lineChars: number): number {
  const wanted = Math.max(lineChars + MIN_ALIGNMENT / 2, ALIGNMENT);
  return Math.ceil(wanted / MIN_ALIGNMENT) * MIN_ALIGNMENT - lineChars - 1;
}
