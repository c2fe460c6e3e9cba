/**
 * Control flow of one function: basic blocks, their order and who dominates whom. All of it iterative and near linear, since
 * objects are not trusted. Knows jumps and `exit`; calls do not end blocks.
 */
import { LoadError } from '../errors.js';
import { INSN_ROWS } from '../spec/insns.js';
import { slotsOf } from './insn.js';
import type { Insn } from './insn.js';

/** A run of instructions that is only entered at its first and only left at its last. */
export interface Block {
  /** Indices into the function's instructions, both inclusive. */
  readonly first: number;
  readonly last: number;
  /** The block that a jump at `last` leads to. */
  readonly taken?: number;
  /** The block behind it, where it can go on there. */
  readonly next?: number;
  /** It can go on there, but the function ends. */
  readonly fallsOff: boolean;
}

export interface Flow {
  /** In the order of their instructions; 0 is the entry. */
  readonly blocks: readonly Block[];
  /** Blocks that the entry reaches, in reverse postorder of a depth-first search. */
  readonly order: readonly number[];
  /** Position in `order` of a block, or -1. */
  readonly position: Int32Array;
  /** The closest block, other than itself, that lies on every path from the entry; -1 for the entry and unreachable blocks. */
  readonly dominator: Int32Array;
  /** Whether every cycle has one block through which it is entered. */
  readonly reducible: boolean;
}

/** Slots from behind the instruction to its target, for instructions that jump. */
export function jumpOf(insn: Insn): number | undefined {
  const { operands } = INSN_ROWS[insn.name];
  if (operands.includes('jump16')) return insn.off;
  return operands.includes('jump32') ? insn.imm : undefined;
}

/** Whether execution never goes on behind the instruction. */
export function endsPath({ name }: Insn): boolean {
  return name === 'exit' || name === 'ja' || name === 'gotol';
}

/** Index of each jump's target by the jump's index; throws as `flowOf` does. */
function targetsOf(insns: readonly Insn[], func: string | undefined): ReadonlyMap<number, number> {
  const indexAt = new Map(insns.map((insn, index) => [insn.pc, index]));
  const targets = new Map<number, number>();
  for (const [index, insn] of insns.entries()) {
    const jump = jumpOf(insn);
    if (jump === undefined) continue;
    const to = insn.pc + slotsOf(insn) + jump;
    const target = indexAt.get(to);
    if (target === undefined) {
      throw new LoadError('load-insn', `jump out of range from insn ${insn.pc} to ${to}`, {
        data: { pc: insn.pc },
        where: { pc: insn.pc, ...(func === undefined ? {} : { func }) },
      });
    }
    targets.set(index, target);
  }
  return targets;
}

function blocksOf(insns: readonly Insn[], targets: ReadonlyMap<number, number>): readonly Block[] {
  const starts = new Set([0, ...targets.values()]);
  for (const [index, insn] of insns.entries()) {
    if ((targets.has(index) || endsPath(insn)) && index + 1 < insns.length) starts.add(index + 1);
  }
  const firsts = [...starts].sort((a, b) => a - b);
  const blockAt = new Map(firsts.map((first, block) => [first, block]));
  return firsts.map((first, block): Block => {
    const last = (firsts[block + 1] ?? insns.length) - 1;
    const insn = insns[last];
    const goesOn = insn === undefined || !endsPath(insn);
    const target = targets.get(last);
    const taken = target === undefined ? undefined : blockAt.get(target);
    return {
      first,
      last,
      ...(taken === undefined ? {} : { taken }),
      ...(goesOn && block + 1 < firsts.length ? { next: block + 1 } : {}),
      fallsOff: goesOn && block + 1 === firsts.length,
    };
  });
}

/** Blocks that may follow, without repetition. */
export function successorsOf({ next, taken }: Block): readonly number[] {
  if (next === undefined) return taken === undefined ? [] : [taken];
  return taken === undefined || taken === next ? [next] : [next, taken];
}

interface Search {
  /** Blocks by preorder number, then what each block's number is (-1: not reached). */
  readonly preorder: readonly number[];
  readonly number: Int32Array;
  /** Preorder number of the parent in the search tree, by preorder number. */
  readonly parent: readonly number[];
  readonly postorder: readonly number[];
}

function search(successors: readonly (readonly number[])[]): Search {
  const number = new Int32Array(successors.length).fill(-1);
  const preorder = [0];
  const parent = [-1];
  const postorder: number[] = [];
  const path = [{ block: 0, at: 0 }];
  number[0] = 0;
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const to = successors[top.block]?.[top.at++];
    if (to === undefined) {
      postorder.push(top.block);
      path.pop();
    } else if (number[to] === -1) {
      parent.push(number[top.block] ?? -1);
      number[to] = preorder.push(to) - 1;
      path.push({ block: to, at: 0 });
    }
  }
  return { preorder, number, parent, postorder };
}

/** Immediate dominators by preorder number (Lengauer and Tarjan 1979, the simple variant: O(m log n)). */
function dominatorsOf({ preorder, number, parent }: Search, predecessors: readonly (readonly number[])[]): Int32Array {
  const count = preorder.length;
  const semi = Int32Array.from({ length: count }, (_, v) => v);
  const best = semi.slice();
  const ancestor = new Int32Array(count).fill(-1);
  const dominator = new Int32Array(count).fill(-1);
  const bucket: number[][] = Array.from({ length: count }, () => []);
  const path: number[] = [];
  /** The vertex with the least semidominator on the way up to, not including, the root of v's linked tree. */
  const evaluate = (v: number): number => {
    if (ancestor[v]! === -1) return v;
    for (let up = v; ancestor[ancestor[up]!]! !== -1; up = ancestor[up]!) path.push(up);
    for (let at = path.pop(); at !== undefined; at = path.pop()) {
      const above = ancestor[at]!;
      if (semi[best[above]!]! < semi[best[at]!]!) best[at] = best[above]!;
      ancestor[at] = ancestor[above]!;
    }
    return best[v]!;
  };
  for (let w = count - 1; w > 0; w--) {
    for (const from of predecessors[preorder[w]!]!) {
      if (number[from] === -1) continue;
      const least = semi[evaluate(number[from]!)]!;
      if (least < semi[w]!) semi[w] = least;
    }
    bucket[semi[w]!]!.push(w);
    const up = parent[w]!;
    ancestor[w] = up;
    for (const v of bucket[up]!) {
      const u = evaluate(v);
      dominator[v] = semi[u]! < semi[v]! ? u : up;
    }
    bucket[up]!.length = 0;
  }
  for (let w = 1; w < count; w++) if (dominator[w] !== semi[w]) dominator[w] = dominator[dominator[w]!]!;
  return dominator;
}

/** Whether each edge that goes back in `order` leads to a block that dominates its origin. */
function isReducible(
  successors: readonly (readonly number[])[],
  order: readonly number[],
  position: Int32Array,
  dominator: Int32Array,
): boolean {
  const size = new Int32Array(successors.length).fill(1);
  for (let at = order.length - 1; at > 0; at--) size[dominator[order[at]!]!]! += size[order[at]!]!;
  // Numbers such that a block's dominator subtree is a range.
  const start = new Int32Array(successors.length);
  const free = new Int32Array(successors.length);
  for (const block of order) {
    const above = dominator[block]!;
    if (above >= 0) {
      start[block] = free[above]!;
      free[above]! += size[block]!;
    }
    free[block] = start[block]! + 1;
  }
  return order.every((from) =>
    successors[from]!.every(
      (to) => position[to]! > position[from]! || (start[from]! >= start[to]! && start[from]! < start[to]! + size[to]!),
    ),
  );
}

/**
 * The control flow of a function.
 * @param func its name, for the error
 * @throws LoadError `load-insn` where a jump leads to no instruction of the function
 */
export function flowOf(insns: readonly Insn[], func?: string): Flow {
  const blocks = blocksOf(insns, targetsOf(insns, func));
  const successors = blocks.map(successorsOf);
  const predecessors: number[][] = blocks.map(() => []);
  for (const [from, all] of successors.entries()) for (const to of all) predecessors[to]?.push(from);
  const found = search(successors);
  const byNumber = dominatorsOf(found, predecessors);
  const dominator = new Int32Array(blocks.length).fill(-1);
  for (const [at, block] of found.preorder.entries()) {
    const above = byNumber[at] ?? -1;
    dominator[block] = above < 0 ? -1 : (found.preorder[above] ?? -1);
  }
  const order = found.postorder.toReversed();
  const position = new Int32Array(blocks.length).fill(-1);
  for (const [at, block] of order.entries()) position[block] = at;
  return { blocks, order, position, dominator, reducible: isReducible(successors, order, position, dominator) };
}
