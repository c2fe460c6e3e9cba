/** The log's running commentary: each instruction, and behind it what it changed. Knows no judgement. */
import type { Env } from './env.js';
import { insnText } from './insn-text.js';
import { markShown, paddingAfter, stateText } from './state-text.js';
import type { State } from './state.js';

export class Trace {
  readonly #env: Env;
  #insnPosition = -1;
  #insnChars = 0;

  constructor(env: Env) {
    this.#env = env;
  }

  /** Shows what changed, behind the instruction if that is what was printed last. */
  showChanges(state: State): void {
    const env = this.#env;
    const { log } = env;
    const text = `${stateText(env, state, state.depth, false)}\n`;
    markShown(env);
    if (this.#insnPosition === log.position && this.#insnPosition > 0) {
      const line = log.takeLast().replace(/\n$/, '');
      log.add(`${line}${' '.repeat(paddingAfter(this.#insnChars))};${text}`);
    } else {
      log.add(`${env.insn}:${text}`);
    }
  }

  showInsn(): void {
    const env = this.#env;
    if (env.dirtyRegs !== 0 || env.dirtySlots.some((dirty) => dirty !== 0)) this.showChanges(env.cur);
    env.showLine(env.insn, '; ');
    const line = `${env.insn}: ${insnText(env, env.insn)}\n`;
    env.log.add(line);
    this.#insnPosition = env.log.position;
    this.#insnChars = line.length;
  }
}
