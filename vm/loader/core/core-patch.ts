/** Puts the value of a CO-RE relocation into an instruction: an immediate, an offset, or a 64-bit immediate. */
import { INSN_ROWS } from '../../spec/insns.js';
import type { InsnName } from '../../spec/insns.js';
import type { Insn } from '../../isa/insn.js';
import type { FieldWidth } from './core-values.js';

export interface Patch {
  readonly value: bigint;
  /** What the compiler put there, where that is certain. */
  readonly expected: bigint | undefined;
  /** Widths of the field here and there, for loads and stores. */
  readonly from?: FieldWidth;
  readonly to?: FieldWidth;
}

export type Patched = { readonly ok: true; readonly insn: Insn } | { readonly ok: false; readonly why: string };

const WIDTH_SUFFIX: Readonly<Record<number, string>> = { 1: 'b', 2: 'h', 4: 'w', 8: 'dw' };
const MEMORY_INSN = /^(ldx|stx|st)(b|h|w|dw)$/;
const SIGNED_LOAD = /^ldxs(b|h|w)$/;

/** The patched instruction, or why it cannot be. */
export function patchInsn(insn: Insn, patch: Patch): Patched {
  if (insn.name === 'lddw') return patchWide(insn, patch);
  const operands: readonly string[] = INSN_ROWS[insn.name].operands;
  if (MEMORY_INSN.test(insn.name) || SIGNED_LOAD.test(insn.name)) return patchMemory(insn, patch);
  if (operands.includes('imm')) {
    if (patch.expected !== undefined && BigInt.asUintN(32, patch.expected) !== BigInt(insn.imm >>> 0))
      return unexpected(insn.imm, patch);
    return { ok: true, insn: { ...insn, imm: Number(BigInt.asIntN(32, patch.value)) } };
  }
  return { ok: false, why: `${insn.name} has nothing to relocate` };
}

function unexpected(found: number | bigint, patch: Patch): Patched {
  return { ok: false, why: `the instruction holds ${String(found)} where ${String(patch.expected)} was compiled` };
}

function patchWide(insn: Insn, patch: Patch): Patched {
  const found = (BigInt(insn.immHi >>> 0) << 32n) | BigInt(insn.imm >>> 0);
  if (patch.expected !== undefined && BigInt.asUintN(64, patch.expected) !== found) return unexpected(found, patch);
  const imm = Number(BigInt.asIntN(32, patch.value));
  const immHi = Number(BigInt.asIntN(32, patch.value >> 32n));
  return { ok: true, insn: { ...insn, imm, immHi } };
}

function patchMemory(insn: Insn, patch: Patch): Patched {
  if (patch.expected !== undefined && patch.expected !== BigInt(insn.off)) return unexpected(insn.off, patch);
  if (patch.value > 0x7fffn) return { ok: false, why: `offset ${String(patch.value)} does not fit an instruction` };
  const moved = { ...insn, off: Number(patch.value) };
  const { from, to } = patch;
  if (from === undefined || to === undefined || from.sizeBytes === to.sizeBytes) return { ok: true, insn: moved };
  const suffix = WIDTH_SUFFIX[to.sizeBytes];
  const parts = MEMORY_INSN.exec(insn.name);
  if (suffix === undefined || parts === null || from.resizable === undefined || from.resizable !== to.resizable) {
    return {
      ok: false,
      why: `the field has ${String(to.sizeBytes)} bytes instead of ${String(from.sizeBytes)}, and its load cannot be widened`,
    };
  }
  return { ok: true, insn: { ...moved, name: `${parts[1] ?? ''}${suffix}` as InsnName } };
}
