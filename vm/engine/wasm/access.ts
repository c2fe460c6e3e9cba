/**
 * One access to memory: what must hold before it, and its address. With the memory check a comparison and the shadow decide, so
 * that a trap can say which address it was; without it only the host's own bounds do.
 */
import { STACK_BYTES } from '../../machine/layout.js';
import { READ, READ_WRITE, WRITE } from '../../memory/shadow.js';
import { WRITE_ACCESS } from '../../memory/raise.js';
import type { FunctionContext } from './function-context.js';
import { constantRights } from './constant-rights.js';

export type AccessBytes = 1 | 2 | 4 | 8;
type AccessRights = typeof READ | typeof WRITE | typeof READ_WRITE;

/** How to reach the bytes once they may be reached. */
export interface Address {
  /** Pushes an i32. */
  readonly push: () => void;
  /** To be added by the access itself. */
  readonly offset: number;
}

const SHADOW_LOADS = { 1: 'i32.load8_u', 2: 'i32.load16_u', 4: 'i32.load', 8: 'i64.load' } as const;
const SHADOW_STORES = { 1: 'i32.store8', 2: 'i32.store16', 4: 'i32.store', 8: 'i64.store' } as const;

/** Pushes a word that repeats a byte over the width of an access. */
function pushRepeated(f: FunctionContext, byte: number, bytes: AccessBytes): void {
  const word = Math.imul(byte, 0x01010101) >>> (bytes < 4 ? 32 - 8 * bytes : 0);
  if (bytes === 8) f.code.i64(word, word);
  else f.code.i32(word);
}

/** An access: `bytes` bytes at register `base` + `off`. */
export interface Access {
  readonly base: number;
  readonly off: number;
  readonly bytes: AccessBytes;
  readonly rights: AccessRights;
}

/** Distance of the access from the frame's lowest byte, where it lies in this function's own frame whatever happened before. */
export function frameOffset(f: FunctionContext, base: number, off: number, bytes: number): number | undefined {
  const fromTop = f.knownAs(base, 'frame');
  if (fromTop === undefined) return undefined;
  const at = STACK_BYTES + fromTop + off;
  return at >= 0 && at + bytes <= STACK_BYTES ? at : undefined;
}

/** Emits the checks of an access. */
export function openAccess(f: FunctionContext, access: Access): Address {
  const { checks } = f.module;
  const { base, off, bytes, rights } = access;
  const inFrame = frameOffset(f, base, off, bytes);
  if (inFrame !== undefined) {
    const address = { push: () => f.code.localGet(f.frame), offset: inFrame };
    if (checks.memory && checks.stackInit) {
      f.get(base);
      if (off !== 0) f.code.i64(off).op('i64.add');
      f.code.localSet(f.address);
      checkShadow(f, address, access);
    }
    return address;
  }
  const constant = f.knownAs(base, 'number');
  if (constant !== undefined && (constantRights(f.module, constant + off, bytes) & rights) === rights) {
    return { push: () => f.code.i32(0), offset: constant + off };
  }
  if (checks.memory) return openChecked(f, access);
  f.markPlace();
  return openUnchecked(f, access);
}

/** The base's low word is what counts, as in `interp`. */
function openUnchecked(f: FunctionContext, { base, off }: Access): Address {
  if (off >= 0) return { push: () => f.getWord(base), offset: off };
  const push = (): void => {
    f.getWord(base).i32(off).op('i32.add');
  };
  return { push, offset: 0 };
}

/** Stays in the guest's half, where every byte has its shadow; the shadow must then give the rights. */
function openChecked(f: FunctionContext, access: Access): Address {
  const { code, address } = f;
  f.get(access.base);
  if (access.off !== 0) code.i64(access.off).op('i64.add');
  code
    .localTee(address)
    .i64(f.module.layout.shadowDelta - access.bytes, 0)
    .op('i64.gt_u');
  f.refuseIf(accessCode(access));
  const at = { push: () => code.localGet(address).op('i32.wrap_i64'), offset: 0 };
  checkShadow(f, at, access);
  return at;
}

/** Longest range that is checked in place. */
export const MAX_CHECKED_BYTES = 128;

/**
 * Refuses a range at a register, as a helper's argument is refused: the trap tells of all of it. Does nothing where the range
 * lies in the function's own frame.
 */
export function checkRange(f: FunctionContext, base: number, bytes: number, rights: AccessRights): void {
  if (frameOffset(f, base, 0, bytes) !== undefined) return;
  const constant = f.knownAs(base, 'number');
  if (constant !== undefined && (constantRights(f.module, constant, bytes) & rights) === rights) return;
  const { code, address } = f;
  const access = bytes + (rights === READ ? 0 : WRITE_ACCESS);
  f.get(base)
    .localTee(address)
    .i64(f.module.layout.shadowDelta - bytes, 0)
    .op('i64.gt_u');
  f.refuseIf(access);
  let off = 0;
  for (const part of [8, 4, 2, 1] as const) {
    for (; off + part <= bytes; off += part) {
      const wide = part === 8 ? 'i64' : 'i32';
      code
        .localGet(address)
        .op('i32.wrap_i64')
        .memory(SHADOW_LOADS[part], off + f.module.layout.shadowDelta);
      pushRepeated(f, rights, part);
      code.op(`${wide}.and`);
      pushRepeated(f, rights, part);
      code.op(`${wide}.ne`);
      f.refuseIf(access);
    }
  }
}

function accessCode({ bytes, rights }: Access): number {
  return bytes + (rights === READ ? 0 : WRITE_ACCESS);
}

/** Refuses bytes without the rights; the local `address` must hold where they are. */
function checkShadow(f: FunctionContext, at: Address, access: Access): void {
  const { code, module } = f;
  const { bytes, rights } = access;
  const wide = bytes === 8 ? 'i64' : 'i32';
  at.push();
  code.memory(SHADOW_LOADS[bytes], at.offset + module.layout.shadowDelta);
  pushRepeated(f, rights, bytes);
  code.op(`${wide}.and`);
  pushRepeated(f, rights, bytes);
  code.op(`${wide}.ne`);
  f.refuseIf(accessCode(access));
  // Where reads of what was never written are refused, writing gives the right to read.
  if (rights !== WRITE || !module.checks.stackInit) return;
  at.push();
  pushRepeated(f, READ_WRITE, bytes);
  code.memory(SHADOW_STORES[bytes], at.offset + module.layout.shadowDelta);
}
