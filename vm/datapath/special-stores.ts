/** Whether an object may store to ctx fields that do more than hold bits (`Hook.special`). Looks at instructions only. */
import { hookOf } from '../hooks/table.js';
import type { ObjectSpec } from '../object/object-spec.js';

/** The verifier takes ctx stores at constant offsets only, so an instruction's own offset decides; r10 is never the ctx. */
export function storesSpecialFields(object: ObjectSpec): boolean {
  const offs = new Set(object.programs.flatMap(({ type }) => (hookOf(type)?.special ?? []).map(({ off }) => off)));
  if (offs.size === 0) return false;
  return object.functions.some(({ insns }) =>
    insns.some(({ name, dst, off }) => (name === 'stxw' || name === 'stw') && dst !== 10 && offs.has(off)),
  );
}
