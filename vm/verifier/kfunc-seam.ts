/**
 * Where kernel functions, dynptrs and iterators join the verifier. Nothing of them is known yet: a program that uses one
 * is undecided.
 */
import type { Frame } from './state.js';
import type { Verifier } from './verifier.js';

/** A store into a dynptr's slot ends the dynptr. No dynptr can exist yet. */
export function destroyDynptr(_v: Verifier, _frame: Frame, _slot: number): void {
  return;
}

/** The call of a kernel function. */
export function checkKfuncCall(v: Verifier): void {
  const ref = v.env.ref(v.env.insn);
  v.env.unknown(ref?.kind === 'kfunc' ? `kfunc ${ref.name}` : 'a kfunc without a name');
}
