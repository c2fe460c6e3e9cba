/**
 * One access to memory: what must hold before it, and its address. An address outside the memory is found by a comparison in
 * front of the access, not by the host, so that the trap can say which address it was and where the program stood.
 */
import { STACK_BYTES } from '../../machine/layout.js';
import { cells } from '../../memory/cells.js';
import { READ, READ_WRITE, WRITE } from '../../memory/shadow.js';
import { WRITE_ACCESS } from '../../memory/raise.js';
import { TRAP_CODES } from '../../spec/traps.js';
import type { FunctionContext } from './function-context.js';

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

/** Addresses at and above this are never a guest's, however large the memory. */
const ADDRESS_LIMIT = 2 ** 31;

/** Pushes a word that repeats a byte over the width of an access. */
function pushRepeated(f: FunctionContext, byte: number, bytes: AccessBytes): void {
  const word = Math.imul(byte, 0x01010101) >>> (bytes < 4 ? 32 - 8 * bytes : 0);
  if (bytes === 8) f.code.i64(word, word);
  else f.code.i32(word);
}

/** An access: `bytes` bytes at register `base` + `off`. */
interface Access {
  readonly base: number;
  readonly off: number;
  readonly bytes: AccessBytes;
  readonly rights: AccessRights;
}

/** Stops the run, if the word on the stack is not 0, with the address in 64 bits. */
function stopIf(f: FunctionContext, { base, off, bytes, rights }: Access): void {
  const { code } = f;
  code.if();
  code.i32(0);
  f.get(base);
  if (off !== 0) code.i64(off).op('i64.add');
  code.memory('i64.store', cells.trapA);
  code
    .i32(0)
    .i32(bytes + (rights === READ ? 0 : WRITE_ACCESS))
    .memory('i32.store', cells.trapAccess);
  code.i32(0).i32(TRAP_CODES.memory).memory('i32.store', cells.trapCode);
  f.storePlace();
  code.op('unreachable').end();
}

/** Whether the bytes lie in this function's own stack frame whatever happened before. */
function inFrame(f: FunctionContext, { base, off, bytes }: Access): boolean {
  return base === 10 && f.fixedFramePointer && off >= -STACK_BYTES && off + bytes <= 0;
}

/** Emits the checks of an access. */
export function openAccess(f: FunctionContext, access: Access): Address {
  const { checks } = f.module;
  if (inFrame(f, access)) {
    const address = { push: () => f.code.localGet(f.frame), offset: STACK_BYTES + access.off };
    if (checks.memory && checks.stackInit) checkShadow(f, address, access);
    return address;
  }
  return checks.memory ? openChecked(f, access) : openUnchecked(f, access);
}

/** Stays in the memory. The base's low word is what counts, as in `interp`. */
function openUnchecked(f: FunctionContext, access: Access): Address {
  const { code } = f;
  const { base, off, bytes } = access;
  const push = (): void => {
    f.getWord(base);
    if (off !== 0) code.i32(off).op('i32.add');
  };
  push();
  code.i32(Math.min(f.module.layout.memoryBytes, ADDRESS_LIMIT) - bytes).op('i32.gt_u');
  stopIf(f, access);
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
  stopIf(f, access);
  const at = { push: () => code.localGet(address).op('i32.wrap_i64'), offset: 0 };
  checkShadow(f, at, access);
  return at;
}

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
  stopIf(f, access);
  // Where reads of what was never written are refused, writing gives the right to read.
  if (rights !== WRITE || !module.checks.stackInit) return;
  at.push();
  pushRepeated(f, READ_WRITE, bytes);
  code.memory(SHADOW_STORES[bytes], at.offset + module.layout.shadowDelta);
}
