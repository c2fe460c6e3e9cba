/**
 * Where a run's verdict was decided. A compiler lets many `return`s share one tail, so the instruction that sets r0 says little.
 * This keeps the run's instructions and goes back from r0: a constant was chosen by the branch that led to it; where that branch
 * asked a value which was itself a constant (an enum of reasons), the branch that chose that one. The first branch which asked
 * something computed (packet, map, clock) decided; so did the instruction that computed r0, if r0 is no constant.
 * Knows nothing of verdicts or how they are printed.
 */
import type { Probe } from '../engine/engine.js';
import { must } from '../errors.js';
import type { Insn } from '../isa/insn.js';
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import type { FuncId } from '../object/object-spec.js';
import { INSN_ROWS } from '../spec/insns.js';
import { isBranch, ValueFlow, writes } from './value-flow.js';
import type { Variable } from './value-flow.js';

/** An instruction, by its index in `FunctionSpec.insns`. */
export interface InsnPlace {
  readonly func: FuncId;
  readonly insn: number;
}

/** Instructions that are kept of a run, the last ones. A power of two. */
const KEPT = 65_536;
/** Kept instructions that one answer may look at, times visited. */
const MAX_LOOKS = 500_000;
const TAIL_CALL = 12;
const FRAME_POINTER = 10;

/** A value at a place of the run. Positions count instructions from the start of the run; -1: not known. */
interface Origin {
  /** Made of immediates only, in ways that pick among them. */
  readonly constant: boolean;
  /** The instruction that wrote it. */
  readonly root: number;
  /** For each place on its way where it met other values: the last instruction before. */
  readonly edges: readonly number[];
}

const UNKNOWN: Origin = { constant: false, root: -1, edges: [] };

export class DecisionRecorder implements Probe {
  readonly #machine: Machine;
  readonly #funcs = new Int32Array(KEPT);
  readonly #insns = new Int32Array(KEPT);
  readonly #depths = new Int8Array(KEPT);
  readonly #flows = new Map<FuncId, ValueFlow>();
  #count = 0;
  #looks = 0;

  /** Give it as probe to `Datapath.attach` of the same machine. */
  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Forgets the run before. */
  begin(): void {
    this.#count = 0;
  }

  before(func: FuncId, insn: number): void {
    const slot = this.#count & (KEPT - 1);
    this.#funcs[slot] = func;
    this.#insns[slot] = insn;
    this.#depths[slot] = this.#machine.memory.word(cells.depth);
    this.#count++;
  }

  after(): void {
    // What an instruction did is read off the code, not the machine.
  }

  /**
   * The way to the verdict, backwards: the last element decided. Empty where nothing ran; the last instruction alone where r0
   * cannot be followed. For runs that ended with `exit`.
   */
  path(): readonly InsnPlace[] {
    if (this.#count === 0) return [];
    this.#looks = 0;
    let at = this.#count - 1;
    let origin = this.#origin(at, 0);
    if (!origin.constant) return [this.#place(origin.root < 0 ? at : origin.root)];
    const path: InsnPlace[] = [this.#place(origin.root)];
    for (;;) {
      // Of several places that it passed, the last branch says most.
      const branch =
        origin.edges.length === 0
          ? this.#branchBefore(at)
          : Math.max(...origin.edges.map((edge) => this.#branchOf(edge)));
      if (branch < 0) return path;
      path.push(this.#place(branch));
      const asked = this.#operands(branch);
      const edges = asked.flatMap((each) => each.edges);
      if (edges.length === 0 || !asked.every(({ constant }) => constant)) return path;
      at = branch;
      origin = { constant: true, root: branch, edges };
    }
  }

  #place(at: number): InsnPlace {
    return { func: this.#funcAt(at), insn: this.#insns[at & (KEPT - 1)] ?? 0 };
  }

  #funcAt(at: number): FuncId {
    return this.#funcs[at & (KEPT - 1)] ?? 0;
  }

  #depthAt(at: number): number {
    return this.#depths[at & (KEPT - 1)] ?? 0;
  }

  #insnAt(at: number): Insn {
    const { func, insn } = this.#place(at);
    return must(this.#machine.object.functions[func]?.insns[insn], 'an instruction');
  }

  #flowAt(at: number): ValueFlow {
    const func = this.#funcAt(at);
    let flow = this.#flows.get(func);
    if (flow === undefined) {
      flow = new ValueFlow(must(this.#machine.object.functions[func], 'a function'));
      this.#flows.set(func, flow);
    }
    return flow;
  }

  /** Whether position `at` is still known, and may be looked at. */
  #mayLook(at: number): boolean {
    return at >= 0 && at > this.#count - KEPT && this.#looks++ < MAX_LOOKS;
  }

  /** Whether what runs at `at` is no more of the function that `next`, in a frame as deep, belongs to. */
  #isOther(at: number, next: number): boolean {
    const insn = this.#insnAt(at);
    if (insn.name === 'exit' || this.#funcAt(at) !== this.#funcAt(next)) return true;
    return insn.name === 'call_helper' && insn.imm === TAIL_CALL && this.#place(next).insn === 0;
  }

  /** The value that `variable` had before the instruction at `from`. */
  #origin(from: number, variable: Variable): Origin {
    const depth = this.#depthAt(from);
    const edges: number[] = [];
    let next = from;
    let inner = -1;
    for (let at = from - 1; this.#mayLook(at); at--) {
      const here = this.#depthAt(at);
      if (here > depth) {
        if (inner < 0) inner = at;
        continue;
      }
      if (here < depth) return this.#argument(at, variable, edges);
      if (this.#isOther(at, next)) return UNKNOWN;
      const flow = this.#flowAt(next);
      const { insn } = this.#place(next);
      if (flow.startsBlock(insn) && flow.meets(insn, variable)) edges.push(at);
      if (writes(this.#insnAt(at), variable)) {
        const origin = this.#written(at, variable, inner);
        return { ...origin, edges: [...edges, ...origin.edges] };
      }
      next = at;
      inner = -1;
    }
    return UNKNOWN;
  }

  /** An argument of the function that the call at `at` opened. */
  #argument(at: number, variable: Variable, edges: readonly number[]): Origin {
    if (variable < 1 || variable > 5 || this.#insnAt(at).name !== 'call_local') return UNKNOWN;
    const origin = this.#origin(at, variable);
    return { ...origin, edges: [...edges, ...origin.edges] };
  }

  /** What the instruction at `at` wrote; `inner` is the last position of the function that it called. */
  #written(at: number, variable: Variable, inner: number): Origin {
    const insn = this.#insnAt(at);
    const { name } = insn;
    const here = { constant: false, root: at, edges: [] };
    const copy = (of: Variable): Origin => {
      const origin = this.#origin(at, of);
      return origin.root < 0 ? { ...origin, root: at } : origin;
    };
    if (name === 'call_local') return variable === 0 && inner >= 0 ? this.#origin(inner, 0) : here;
    if (/^mov(32|64)_k$|^lddw$|^st(b|h|w|dw)$/.test(name)) return { ...here, constant: !this.#refersAt(at) };
    if (/^mov(32|64)_x$|^movsx|^stx/.test(name)) return copy(insn.src);
    if (name.startsWith('ldx')) return insn.src === FRAME_POINTER ? copy(insn.off) : here;
    // Sums are not followed: a loop's counter is one, and says nothing of what the loop saw.
    if (/^(mul|or|and|lsh|rsh|xor|arsh)(32|64)_[kx]$|^neg|^(le|be|bswap)\d/.test(name)) {
      const parts = [copy(insn.dst), ...(name.endsWith('_x') ? [copy(insn.src)] : [])];
      const edges = parts.flatMap((part) => part.edges);
      return { constant: parts.every(({ constant }) => constant), root: at, edges };
    }
    return here;
  }

  /** Whether the immediate stands for a map or a function. */
  #refersAt(at: number): boolean {
    const { func, insn } = this.#place(at);
    return this.#machine.object.functions[func]?.refs.has(insn) === true;
  }

  /** The registers that a branch compares. */
  #operands(at: number): readonly Origin[] {
    const insn = this.#insnAt(at);
    const { operands } = INSN_ROWS[insn.name];
    return [
      ...(operands.includes('dst:r') ? [this.#origin(at, insn.dst)] : []),
      ...(operands.includes('src:r') ? [this.#origin(at, insn.src)] : []),
    ];
  }

  /** The branch by which the run went on from `at`, the end of a block. */
  #branchOf(at: number): number {
    return isBranch(this.#insnAt(at)) ? at : this.#branchBefore(at);
  }

  /** The last branch before `from` that could have led past it; -1 where there is none. */
  #branchBefore(from: number): number {
    let reached = from;
    let next = from;
    // The deepest frame that may still be ours: callbacks that ran before this one lie at the same depth.
    let depth = this.#depthAt(from);
    for (let at = from - 1; this.#mayLook(at); at--) {
      const here = this.#depthAt(at);
      if (here > depth) continue;
      depth = here;
      if (here < this.#depthAt(next)) reached = at;
      else if (this.#isOther(at, next)) {
        if (this.#insnAt(at).name === 'exit') {
          depth--;
          continue;
        }
        reached = at;
      } else if (isBranch(this.#insnAt(at))) {
        const flow = this.#flowAt(at);
        if (!flow.mustReach(this.#place(reached).insn, this.#place(at).insn)) return at;
      }
      next = at;
    }
    return -1;
  }
}
