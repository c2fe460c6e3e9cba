/**
 * Watches a check run on engine `interp`: which branch decided on its r0, and what that branch and the code before it compared.
 * Knows nothing of what the values mean.
 */
import type { Probe } from '../engine/engine.js';
import { must } from '../errors.js';
import type { Machine } from '../machine/machine.js';
import type { FunctionSpec } from '../object/object-spec.js';
import { DecisionRecorder } from '../replay/decisions.js';
import { isBranch } from '../replay/value-flow.js';
import { Origins } from './origins.js';
import type { Origin } from './origins.js';

/** Two values that code compared, by a jump or by the difference of their bits. */
export interface Comparison {
  readonly left: Origin | undefined;
  readonly right: Origin | undefined;
  /** Low words as the comparison saw them. */
  readonly leftWord: number;
  readonly rightWord: number;
}

/** The branch that decided, the last time that it ran. */
export interface Decision {
  readonly func: FunctionSpec;
  readonly insn: number;
  /** What the branch asked, unless nothing could decide but the value returned. */
  readonly asked?: Comparison;
  /** Comparisons between this branch and the one before it that found a difference or might have. */
  readonly before: readonly Comparison[];
}

interface Branch {
  readonly asked: Comparison;
  readonly before: readonly Comparison[];
}

/** Comparisons without a branch that are kept. */
const MAX_BEFORE = 1024;

export class CheckWatch implements Probe {
  readonly #machine: Machine;
  readonly #recorder: DecisionRecorder;
  readonly #origins: Origins;
  readonly #branches = new Map<string, Branch>();
  #before: Comparison[] = [];

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#recorder = new DecisionRecorder(machine);
    this.#origins = new Origins(machine);
  }

  /** To be called before each run. */
  begin(): void {
    this.#recorder.begin();
    this.#origins.begin();
    this.#branches.clear();
    this.#before = [];
  }

  before(func: number, index: number): void {
    this.#recorder.before(func, index);
    const insn = must(this.#machine.object.functions[func]?.insns[index], 'an instruction');
    const { dst, src, imm, name } = insn;
    const takesImmediate = name.endsWith('_k');
    const compared = (): Comparison => ({
      left: this.#origins.of(dst),
      right: takesImmediate ? undefined : this.#origins.of(src),
      leftWord: this.#origins.word(dst),
      rightWord: takesImmediate ? imm >>> 0 : this.#origins.word(src),
    });
    if (isBranch(insn)) {
      this.#branches.set(key(func, index), { asked: compared(), before: this.#before });
      this.#before = [];
    } else if (/^(?:xor|sub)(?:32|64)_x$/.test(name)) {
      const each = compared();
      if (each.left !== undefined && each.right !== undefined && this.#before.length < MAX_BEFORE) {
        this.#before.push(each);
      }
    }
    this.#origins.follow(insn);
  }

  after(): void {
    // Values are read as the next instruction finds them.
  }

  /** Undefined where nothing ran. */
  decision(): Decision | undefined {
    const place = this.#recorder.path().at(-1);
    if (place === undefined) return undefined;
    const { func, insn } = place;
    const branch = this.#branches.get(key(func, insn));
    return {
      func: must(this.#machine.object.functions[func], 'a function'),
      insn,
      ...(branch ?? { before: [] }),
    };
  }
}

function key(func: number, insn: number): string {
  return `${String(func)} ${String(insn)}`;
}
