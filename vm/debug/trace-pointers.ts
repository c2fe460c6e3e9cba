/**
 * Which registers and which 8-byte words of memory hold pointers, followed from instruction to instruction: a number that happens to
 * look like an address must not be shown as one. Knows nothing of what lies where.
 */
import type { Ptr } from '../addr.js';
import type { Insn } from '../isa/insn.js';
import { INSN_ROWS } from '../spec/insns.js';

/** Words that are remembered; a program that keeps more pointers loses names, nothing else. */
const MAX_WORDS = 65_536;

export class Pointers {
  readonly #registers: boolean[] = new Array<boolean>(11).fill(false);
  readonly #saved: (readonly boolean[])[] = [];
  readonly #words = new Set<Ptr>();

  /** A run starts: r1 is the ctx, r10 the stack. */
  begin(): void {
    this.#registers.fill(false);
    this.#registers[1] = true;
    this.#registers[10] = true;
    this.#saved.length = 0;
    this.#words.clear();
  }

  has(register: number): boolean {
    return this.#registers[register] ?? false;
  }

  set(register: number, is: boolean): void {
    this.#registers[register] = is;
  }

  /** Whether a pointer was stored in the 8 bytes at `at`. */
  hasWord(at: Ptr): boolean {
    return this.#words.has(at);
  }

  /** A frame was opened; arguments stay. */
  enter(): void {
    this.#saved.push(this.#registers.slice(6, 10));
  }

  leave(): void {
    for (const [index, is] of (this.#saved.pop() ?? []).entries()) this.#registers[6 + index] = is;
  }

  /** `bytes` at `at` were overwritten. */
  overwrite(at: Ptr, bytes: number): void {
    for (let word = at - 7; word < at + bytes; word++) this.#words.delete(word);
  }

  /**
   * An instruction that is no call was executed.
   * @param at where it accessed memory
   * @param loadsPointer of a load from the ctx: the field is a pointer
   */
  follow(insn: Insn, at: Ptr, loadsPointer: boolean): void {
    const { name, dst, src } = insn;
    const registers = this.#registers;
    if (name === 'stxdw' || name === 'store_release64') {
      this.overwrite(at, 8);
      if (this.has(src) && this.#words.size < MAX_WORDS) this.#words.add(at);
      return;
    }
    const { operands, implicit } = INSN_ROWS[name];
    if (operands.includes('src:rw') || operands.includes('src:w')) registers[src] = false;
    if (implicit !== undefined && (implicit.writes & 1) !== 0) registers[0] = false;
    if (!operands.includes('dst:w') && !operands.includes('dst:rw')) return;
    if (name === 'mov64_x') registers[dst] = this.has(src);
    else if (name === 'add64_x') registers[dst] = this.has(dst) || this.has(src);
    else if (name === 'sub64_x') registers[dst] = this.has(dst) && !this.has(src);
    else if (name === 'add64_k' || name === 'sub64_k') return;
    else if (name === 'ldxdw' || name === 'load_acquire64') registers[dst] = loadsPointer || this.#words.has(at);
    else registers[dst] = loadsPointer;
  }
}
