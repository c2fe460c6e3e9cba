/**
 * What a class of rejections is: how the kernel's last word is recognised, why Linux says so, and what people usually do about
 * it. Holds no class.
 */

/** How a register came to hold a number where a pointer had been: the packet moved, or what it pointed to was given back. */
export type PointerLoss = 'moved' | 'released';

/** Things that only some classes are about. */
interface Traits {
  /** Counts only where the register that the message names lost its pointer in this way. */
  readonly lost?: PointerLoss;
  /** Is about the whole program: the instruction that was looked at last has nothing to do with it. */
  readonly whole?: true;
}

/**
 * In the texts `{1}` is what the pattern's first group matched; `{R1}` the register that it names and `{r0}` R0, in words, as
 * the verifier knew them; `{range}` what groups 3 and 4 limit; `{held}` where a reference came from; `{rounds}` how often the
 * path came round; `{was}`, `{insn}` and `{call}` what a lost pointer was, and where it was lost.
 */
export interface RejectionClass extends Traits {
  /** Stable, for programs. */
  readonly id: string;
  /** What kind of rule was broken, and how. */
  readonly family: string;
  readonly title: string;
  /** Matches the message's line. The first row that matches counts. */
  readonly pattern: RegExp;
  readonly reason: string;
  /** What is wrong at the marked place, in a few words. */
  readonly mark: string;
  readonly suggestion: string;
}

export function row(
  id: string,
  family: string,
  title: string,
  pattern: RegExp,
  mark: string,
  reason: string,
  suggestion: string,
  traits: Traits = {},
): RejectionClass {
  return { id, family, title, pattern, mark, reason, suggestion, ...traits };
}

export const REGISTERS = 'Register type safety';
export const PACKET = 'Packet access';
export const MEMORY = 'Memory bounds';
export const STACK = 'Stack';
export const CTX = 'Context';
export const ARITHMETIC = 'Pointer arithmetic';
export const CALLS = 'Calls';
export const RESOURCES = 'Resources';
export const FLOW = 'Control flow';
export const ENCODING = 'Instruction encoding';
export const LIMITS = 'Limits';
export const PRIVILEGE = 'Privilege';
