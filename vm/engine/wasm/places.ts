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
  #words = new Int32Array(WORDS * 64);
  #count = 0;

  /** Returns the place's number. */
  add({ func, insn, owed, frames, trap, access = 0, detail = 0 }: Place): number {
    const at = WORDS * this.#count;
    if (at === this.#words.length) {
      const grown = new Int32Array(2 * at);
      grown.set(this.#words);
      this.#words = grown;
    }
    const words = this.#words;
    words[at] = func;
    words[at + 1] = insn;
    words[at + 2] = owed;
    words[at + 3] = frames;
    words[at + 4] = trap === undefined ? 0 : TRAP_CODES[trap];
    words[at + 5] = access;
    words[at + 6] = detail;
    return this.#count++;
  }

  /** A place by its number, the trap as its code. */
  at(number: number): Omit<Required<Place>, 'trap'> & { readonly trapCode: number } {
    const word = (index: number): number => must(this.#words[WORDS * number + index], 'a place');
    return {
      func: word(0),
      insn: word(1),
      owed: word(2),
      frames: word(3),
      trapCode: word(4),
      access: word(5) >>> 0,
      detail: word(6),
    };
  }
}
