/**
 * From a control flow graph to WebAssembly's nested blocks. Where the graph is reducible: one tree walk over dominators, a
 * block around what several jumps lead to, a loop around what jumps lead back to (N. Ramsey, "Beyond Relooper", ICFP 2022).
 * Elsewhere a loop around a jump table. Both iterative. Knows no instruction.
 */
import { must } from '../../errors.js';
import { successorsOf } from '../../isa/flow.js';
import type { Block, Flow } from '../../isa/flow.js';
import type { CodeBuilder, Label } from '../../wasm/code-builder.js';

/** What fills the structure in. */
export interface BlockEmitter {
  readonly code: CodeBuilder;
  /** Emits a block; of a jump at its end with two ways to go, the condition is left on the stack. False: the end is never reached. */
  body(at: number): boolean;
  /** Whether something must be emitted on the way from one block to another; `jumps` by the jump at its end. */
  acts(from: number, to: number, jumps: boolean): boolean;
  /** Emits that. */
  act(from: number, to: number, jumps: boolean): void;
  /** Emits what happens where a block runs past the function's end. */
  fallOff(at: number): void;
}

/** Whether the jump at the block's end has a condition. */
function isConditional({ taken, next, fallsOff }: Block): boolean {
  return taken !== undefined && (next !== undefined || fallsOff);
}

interface Joints {
  /** By block: several blocks lead here from above; a block below leads back here. */
  readonly merges: readonly boolean[];
  readonly headers: readonly boolean[];
  /** Merge blocks by their immediate dominator, in flow order. */
  readonly children: readonly (readonly number[])[];
}

function jointsOf({ blocks, order, position, dominator }: Flow): Joints {
  const entries = blocks.map(() => 0);
  const headers = blocks.map(() => false);
  for (const from of order) {
    for (const to of successorsOf(must(blocks[from], 'a block'))) {
      if (position[to]! <= position[from]!) headers[to] = true;
      else entries[to]!++;
    }
  }
  const merges = entries.map((count) => count > 1);
  const children: number[][] = blocks.map(() => []);
  for (const block of order) if (merges[block] === true) children[dominator[block]!]!.push(block);
  return { merges, headers, children };
}

/**
 * Emits a reducible graph.
 * @returns false where blocks nest deeper than `deepest`; what was emitted is then of no use
 */
export function emitStructured(flow: Flow, emitter: BlockEmitter, deepest: number): boolean {
  const { blocks, position } = flow;
  const { code } = emitter;
  const { merges, headers, children } = jointsOf(flow);
  const joined: Label[] = [];
  const loops: Label[] = [];
  const work: (() => void)[] = [];
  const end = (): void => {
    code.end();
  };
  /** The label of a jump to a block that is not simply emitted in its place. */
  const labelOf = (from: number, to: number): Label | undefined => {
    if (position[to]! <= position[from]!) return must(loops[to], 'a loop');
    return merges[to] === true ? must(joined[to], 'a block') : undefined;
  };
  const go = (from: number, to: number, jumps = false): void => {
    emitter.act(from, to, jumps);
    const label = labelOf(from, to);
    if (label !== undefined) code.br(label);
    else work.push(() => tree(to));
  };
  const goOn = (from: number, block: Block): void => {
    if (block.next !== undefined) go(from, block.next);
    else if (block.fallsOff) emitter.fallOff(from);
  };
  const tree = (at: number): void => {
    if (headers[at] === true) {
      loops[at] = code.loop();
      work.push(end);
    }
    const inside = must(children[at], 'children');
    for (const child of inside.toReversed()) {
      joined[child] = code.block();
      work.push(() => tree(child), end);
    }
    work.push(() => leaf(at));
  };
  const leaf = (at: number): void => {
    const block = must(blocks[at], 'a block');
    if (!emitter.body(at)) return;
    const { taken, next } = block;
    if (taken === undefined) goOn(at, block);
    else if (!isConditional(block)) {
      go(at, taken, true);
    } else if (taken === next) {
      code.op('drop');
      go(at, next);
    } else {
      const label = emitter.acts(at, taken, true) ? undefined : labelOf(at, taken);
      if (label !== undefined) {
        code.brIf(label);
        goOn(at, block);
        return;
      }
      code.if();
      work.push(() => {
        code.end();
        goOn(at, block);
      });
      go(at, taken, true);
    }
  };
  work.push(() => tree(0));
  for (let step = work.pop(); step !== undefined; step = work.pop()) {
    if (code.depth > deepest) return false;
    step();
  }
  code.op('unreachable');
  return true;
}

/** Emits any graph: each block sets which one is next. `next` is a local of type i32. */
export function emitDispatch({ blocks, order, position }: Flow, emitter: BlockEmitter, next: number): void {
  const { code } = emitter;
  const loop = code.loop();
  const labels = order.map(() => code.block()).toReversed();
  code.localGet(next).brTable(labels, must(labels[0], 'a block'));
  const go = (from: number, to: number, jumps: boolean): void => {
    emitter.act(from, to, jumps);
    code.i32(position[to]!).localSet(next).br(loop);
  };
  for (const at of order) {
    code.end();
    const block = must(blocks[at], 'a block');
    if (!emitter.body(at)) continue;
    if (block.taken !== undefined) {
      const conditional = isConditional(block);
      if (conditional) code.if();
      go(at, block.taken, true);
      if (conditional) code.end();
    }
    if (block.next !== undefined) go(at, block.next, false);
    else if (block.fallsOff) emitter.fallOff(at);
  }
  code.end().op('unreachable');
}
