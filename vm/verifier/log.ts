/**
 * The verifier's log: text that can be cut back to an earlier position when a path turns out well. Knows no states.
 */

/** Kept without a level, where only the last message is asked for. */
const QUIET_PIECES = 256;

export class Log {
  /** Bits of bpf(2)'s log_level: 1 or 2 for paths, 4 for statistics. */
  readonly level: number;
  readonly #maxChars: number;
  #pieces: string[] = [];
  #chars = 0;
  /** Pieces dropped from the front. */
  #dropped = 0;

  constructor(level: number, maxChars: number) {
    this.level = level;
    this.#maxChars = maxChars;
  }

  /** Whether states and instructions are printed. */
  get showsPaths(): boolean {
    return (this.level & 3) !== 0;
  }

  /** Whether all paths stay in the log. */
  get keepsPaths(): boolean {
    return (this.level & 2) !== 0;
  }

  get position(): number {
    return this.#dropped + this.#pieces.length;
  }

  add(text: string): void {
    this.#pieces.push(text);
    this.#chars += text.length;
    if (this.level === 0 ? this.#pieces.length > QUIET_PIECES : this.#chars > this.#maxChars) this.#dropFront();
  }

  #dropFront(): void {
    const count = this.#pieces.length >> 1;
    for (const piece of this.#pieces.splice(0, count)) this.#chars -= piece.length;
    this.#dropped += count;
  }

  /** Forgets everything since `position`. */
  cut(position: number): void {
    const keep = Math.max(0, position - this.#dropped);
    while (this.#pieces.length > keep) this.#chars -= this.#pieces.pop()!.length;
  }

  /** Takes the last piece back. */
  takeLast(): string {
    const last = this.#pieces.pop() ?? '';
    this.#chars -= last.length;
    return last;
  }

  /** The last line that is not empty, without its newline. */
  lastLine(): string {
    let tail = '';
    for (let i = this.#pieces.length - 1; i >= 0; i--) {
      tail = this.#pieces[i]! + tail;
      const line = tail.trimEnd();
      const newline = line.lastIndexOf('\n');
      if (newline >= 0) return line.slice(newline + 1);
    }
    return tail.trim();
  }

  text(): string {
    return this.level === 0 ? '' : this.#pieces.join('');
  }
}
