/**
 * Where compiled code can stop, and what is then known without having been computed: function, instruction, trap, the bytes of
 * an access. Compiled code notes only a place's number. Knows no code.
 */
import { must } from '../../errors.js';
import { TRAP_CODES } from '../../spec/traps.js';
import type { TrapName } from '../../spec/traps.js';

export interface Place {
  readonly func: number;
  /** Index into the function's instructions. */
  readonly insn: number;
  /** Instructions executed that the count does not hold yet, this one included. */
  readonly owed: number;
  /** Frames that are open though the depth does not say so. */
  readonly frames: number;
  /** Why a run stops here; left out where JavaScript will say it. */
  readonly trap?: TrapName;
  /** As `trapAccess` has it. */
  readonly access?: number;
  /** What `trapA` holds, where it is no address. */
  readonly detail?: number;
}

const WORDS = 7;

/** Places by number, in words: there are about as many as instructions. */
export class Places {
  readonly #words: number[] = [];

  /** Returns the place's number. */
  add({ func, insn, owed, frames, trap, access = 0, detail = 0 }: Place): number {
    const code = trap === undefined ? 0 : TRAP_CODES[trap];
    return this.#words.push(func, insn, owed, frames, code, access, detail) / WORDS - 1;
  }

  finish(): Float64Array {
    return Float64Array.from(this.#words);
  }
}

/** A place by its number, the trap as its code. */
export function placeAt(
  places: Float64Array,
  number: number,
): Omit<Required<Place>, 'trap'> & { readonly trapCode: number } {
  const word = (index: number): number => must(places[WORDS * number + index], 'a place');
  return {
    func: word(0),
    insn: word(1),
    owed: word(2),
    frames: word(3),
    trapCode: word(4),
    access: word(5),
    detail: word(6),
  };
}
