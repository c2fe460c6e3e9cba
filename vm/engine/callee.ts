/** What a call instruction calls: a helper by number or a kfunc by name, with its row. Engines treat both alike. */
import { must } from '../errors.js';
import type { Helper } from '../helpers/helper.js';
import { helperOf } from '../helpers/table.js';
import type { Kfunc } from '../kfuncs/kfunc.js';
import { kfuncOf } from '../kfuncs/table.js';
import type { FunctionSpec } from '../object/object-spec.js';
import type { CallRow } from '../spec/helper-row.js';
import { helperById, HELPER_ROWS } from '../spec/helpers.js';
import type { HelperName } from '../spec/helpers.js';
import { kfuncByName } from '../spec/kfuncs.js';

/** A helper's name, or a kfunc's; no name is both. */
export type CalleeName = string;

/** Whom the instruction at `index` calls; undefined where it is no such call, or Linux has none of that number or name. */
export function calleeNameOf(func: FunctionSpec, index: number): CalleeName | undefined {
  const insn = func.insns[index];
  if (insn?.name === 'call_helper') return helperById(insn.imm)?.name;
  const ref = func.refs.get(index);
  return insn?.name === 'call_kfunc' && ref?.kind === 'kfunc' ? kfuncByName(ref.name)?.name : undefined;
}

/** All that some functions call. */
export function calleesOf(functions: readonly FunctionSpec[]): ReadonlySet<CalleeName> {
  const names = new Set<CalleeName>();
  for (const func of functions) {
    for (let index = 0; index < func.insns.length; index++) {
      const insn = func.insns[index];
      if (insn?.name !== 'call_helper' && insn?.name !== 'call_kfunc') continue;
      const name = calleeNameOf(func, index);
      if (name !== undefined) names.add(name);
    }
  }
  return names;
}

/** The implementation; undefined where skep has none, and for `tail_call`. */
export function implementationOf(name: CalleeName): Helper | Kfunc | undefined {
  return isHelper(name) ? helperOf(name) : kfuncOf(name);
}

export function callRowOf(name: CalleeName): CallRow {
  return isHelper(name) ? HELPER_ROWS[name] : must(kfuncByName(name), `kfunc ${name}`);
}

function isHelper(name: CalleeName): name is HelperName {
  return Object.hasOwn(HELPER_ROWS, name);
}
