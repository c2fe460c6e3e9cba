/**
 * Where functions are judged by their BTF prototypes: global ones, which are verified by themselves, and what a call says
 * about the prototype of any. Prototypes are not read yet: a call of a global function is undecided.
 */
import type { Verifier } from './verifier.js';

/** Whether the arguments of a call are what the callee's BTF says. Nothing follows from it for static functions. */
export function matchesBtf(_v: Verifier, _subprog: number): boolean {
  return true;
}

/** The call of a global function, which is assumed to be valid. */
export function checkGlobalCall(v: Verifier, subprog: number, _matches: boolean): void {
  v.env.unknown(`a call of the global function ${v.env.subprogs[subprog]!.name}`);
}

/** Verifies by themselves the global functions that were called. */
export function checkGlobalFuncs(_v: Verifier): void {
  return;
}
