/**
 * Order and dominators of a graph whose node 0 is the entry. All of it iterative and near linear, since objects are not
 * trusted. Knows no instructions.
 */

/** By node: the nodes that its edges lead to, without repetition. */
export type Graph = readonly (readonly number[])[];

export interface Dominance {
  /** Nodes that the entry reaches, in reverse postorder of a depth-first search. */
  readonly order: readonly number[];
  /** Position in `order` of a node, or -1. */
  readonly position: Int32Array;
  /** The closest node, other than itself, that lies on every path from the entry; -1 for the entry and unreachable nodes. */
  readonly dominator: Int32Array;
  /** Whether every cycle has one node through which it is entered. */
  readonly reducible: boolean;
}

interface Search {
  /** Nodes by preorder number, then what each node's number is (-1: not reached). */
  readonly preorder: readonly number[];
  readonly number: Int32Array;
  /** Preorder number of the parent in the search tree, by preorder number. */
  readonly parent: readonly number[];
  readonly postorder: readonly number[];
}

function search(successors: Graph): Search {
  const number = new Int32Array(successors.length).fill(-1);
  const preorder = [0];
  const parent = [-1];
  const postorder: number[] = [];
  const path = [{ node: 0, at: 0 }];
  number[0] = 0;
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const to = successors[top.node]?.[top.at++];
    if (to === undefined) {
      postorder.push(top.node);
      path.pop();
    } else if (number[to] === -1) {
      parent.push(number[top.node] ?? -1);
      number[to] = preorder.push(to) - 1;
      path.push({ node: to, at: 0 });
    }
  }
  return { preorder, number, parent, postorder };
}

/** Immediate dominators by preorder number (Lengauer and Tarjan 1979, the simple variant: O(m log n)). */
function dominatorsOf({ preorder, number, parent }: Search, predecessors: Graph): Int32Array {
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

/** Whether each edge that goes back in `order` leads to a node that dominates its origin. */
function isReducible(
  successors: Graph,
  order: readonly number[],
  position: Int32Array,
  dominator: Int32Array,
): boolean {
  const size = new Int32Array(successors.length).fill(1);
  for (let at = order.length - 1; at > 0; at--) size[dominator[order[at]!]!]! += size[order[at]!]!;
  // Numbers such that a node's dominator subtree is a range.
  const start = new Int32Array(successors.length);
  const free = new Int32Array(successors.length);
  for (const node of order) {
    const above = dominator[node]!;
    if (above >= 0) {
      start[node] = free[above]!;
      free[above]! += size[node]!;
    }
    free[node] = start[node]! + 1;
  }
  return order.every((from) =>
    successors[from]!.every(
      (to) => position[to]! > position[from]! || (start[from]! >= start[to]! && start[from]! < start[to]! + size[to]!),
    ),
  );
}

export function dominanceOf(successors: Graph): Dominance {
  const predecessors: number[][] = successors.map(() => []);
  for (const [from, all] of successors.entries()) for (const to of all) predecessors[to]!.push(from);
  const found = search(successors);
  const byNumber = dominatorsOf(found, predecessors);
  const dominator = new Int32Array(successors.length).fill(-1);
  for (const [at, node] of found.preorder.entries()) {
    const above = byNumber[at]!;
    dominator[node] = above < 0 ? -1 : found.preorder[above]!;
  }
  const order = found.postorder.toReversed();
  const position = new Int32Array(successors.length).fill(-1);
  for (const [at, node] of order.entries()) position[node] = at;
  return { order, position, dominator, reducible: isReducible(successors, order, position, dominator) };
}
