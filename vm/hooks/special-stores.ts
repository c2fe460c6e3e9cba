/** Which stores of an object may go to ctx fields that do more than hold bits (`Hook.special`). Looks at instructions only. */
import type { Insn } from '../isa/insn.js';
import type { ObjectSpec } from '../object/object-spec.js';
import type { SpecialField } from './hook.js';
import { hookOf } from './table.js';

/** By offset, the special fields of all hooks that the object has programs for. */
export function specialFieldsOf(object: ObjectSpec): ReadonlyMap<number, SpecialField> {
  const fields = object.programs.flatMap(({ type, attachType }) => hookOf(type, attachType)?.special ?? []);
  return new Map(fields.map((field) => [field.off, field]));
}

/**
 * The field that a store writes if its base is the ctx. The verifier takes ctx stores at constant offsets only, so the
 * instruction's own offset decides; r10 is never the ctx.
 */
export function specialStore(
  fields: ReadonlyMap<number, SpecialField>,
  { name, dst, off }: Insn,
): SpecialField | undefined {
  return (name === 'stxw' || name === 'stw') && dst !== 10 ? fields.get(off) : undefined;
}

export function storesSpecialFields(object: ObjectSpec): boolean {
  const fields = specialFieldsOf(object);
  return fields.size > 0 && object.functions.some(({ insns }) => insns.some((insn) => specialStore(fields, insn)));
}
