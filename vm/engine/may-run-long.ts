/** Whether a program can execute more than it has instructions: by a loop, or by calling back. Shared by what chooses engines. */
import { must } from '../errors.js';
import { isCallback } from '../helpers/helper.js';
import { hasLoop } from '../isa/flow.js';
import type { FuncId, FunctionSpec, ObjectSpec } from '../object/object-spec.js';
import { calleesOf, implementationOf } from './callee.js';

/** What tail calls lead to is not looked at: there are at most 33 of them. */
export function mayRunLong({ functions }: ObjectSpec, func: FuncId): boolean {
  const reached = new Set([func]);
  for (const each of reached) {
    const spec = must(functions[each], 'a function');
    if (callsBack(spec) || hasLoop(spec.insns, spec.name)) return true;
    for (const ref of spec.refs.values()) if (ref.kind === 'call') reached.add(ref.func);
  }
  return false;
}

function callsBack(spec: FunctionSpec): boolean {
  for (const name of calleesOf([spec])) {
    const callee = implementationOf(name);
    if (callee !== undefined && isCallback(callee)) return true;
  }
  return spec.insns.some(({ name }) => name === 'callx');
}
