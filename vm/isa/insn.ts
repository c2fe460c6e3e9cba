/** The decoded instruction. Knows the wire's fields, not what they mean: relocation results live in `object/`. */
import type { InsnName } from '../spec/insns.js';

/** Bytes of one slot on the wire; a 64-bit immediate load takes two slots. */
export const SLOT_BYTES = 8;

/**
 * One instruction. The fields are those of the wire, discriminators included (so `imm` of `fetch_add64` is 1); fields
 * that the row does not use are 0.
 */
export interface Insn {
  readonly name: InsnName;
  readonly dst: number;
  readonly src: number;
  /** int16 */
  readonly off: number;
  /** int32 */
  readonly imm: number;
  /** High word of a 64-bit immediate (the second slot's imm), int32; 0 elsewhere. */
  readonly immHi: number;
  /** First slot, counted from the start of the function (or of the stream that was decoded). */
  readonly pc: number;
}

/** Slots that the instruction takes: 2 for 64-bit immediates, else 1. */
export function slotsOf(insn: Insn): 1 | 2 {
  return isWide(insn.name) ? 2 : 1;
}

const WIDE: ReadonlySet<InsnName> = new Set<InsnName>([
  'lddw',
  'ld_map_fd',
  'ld_map_value',
  'ld_btf_id',
  'ld_func',
  'ld_map_idx',
  'ld_map_idx_value',
]);

export function isWide(name: InsnName): boolean {
  return WIDE.has(name);
}
