/**
 * Where the instruction count is kept: not at each block, but where ways meet that cost differently, and where loops close. By
 * block, how many executed instructions the count does not hold yet where it begins and ends. Knows no code.
 */
import { must } from '../../errors.js';
import { successorsOf } from '../../isa/flow.js';
import type { Flow } from '../../isa/flow.js';
import type { FunctionSpec } from '../../object/object-spec.js';
import { callKindOf } from './plan-functions.js';
import type { Shape } from './register-use.js';

export interface Owed {
  readonly begin: Int32Array;
  readonly end: Int32Array;
  /** Whether fuel is looked at on the way from one block to another. */
  readonly looks: (from: number, to: number, jumps: boolean) => boolean;
}

/** Whether the count is made exact at the instruction. */
function settles(name: string, imm: number): boolean {
  const kind = callKindOf(name, imm);
  return kind !== 'none' && kind !== 'plain';
}

/** @param atEntry what is owed where the function begins */
export function owedOf(spec: FunctionSpec, shapes: readonly Shape[], flow: Flow, atEntry: number, fuel: boolean): Owed {
  const { blocks, order, position } = flow;
  const begin = new Int32Array(blocks.length);
  const end = new Int32Array(blocks.length);
  const looks = (from: number, to: number, jumps: boolean): boolean =>
    fuel && jumps && must(blocks[to], 'a block').first <= must(blocks[from], 'a block').last;
  /** By block: what ways from above owe, those by a conditional jump twice, since they have no room for a subtraction. */
  const votes: (number[] | undefined)[] = blocks.map(() => undefined);
  const isHeader = new Uint8Array(blocks.length);
  for (const from of order) {
    for (const to of successorsOf(must(blocks[from], 'a block')))
      if (position[to]! <= position[from]!) isHeader[to] = 1;
  }
  for (const at of order) {
    const block = must(blocks[at], 'a block');
    if (isHeader[at] !== 0) begin[at] = 0;
    else if (position[at] === 0) begin[at] = atEntry;
    else begin[at] = mostVoted(votes[at] ?? []);
    let owed = begin[at];
    for (let index = block.first; index <= block.last; index++) {
      owed++;
      if (!shapes[index]!.isCall) continue;
      const { name, imm } = must(spec.insns[index], 'an instruction');
      if (settles(name, imm)) owed = 0;
    }
    end[at] = owed;
    const vote = (to: number, jumps: boolean): void => {
      const value = looks(at, to, jumps) ? 0 : owed;
      const list = (votes[to] ??= []);
      list.push(value);
      if (jumps && block.next !== undefined) list.push(value);
    };
    if (block.taken !== undefined && block.taken !== block.next) vote(block.taken, true);
    if (block.next !== undefined) vote(block.next, false);
  }
  return { begin, end, looks };
}

function mostVoted(values: readonly number[]): number {
  const [only = 0] = values;
  if (values.every((value) => value === only)) return only;
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best = 0;
  let most = 0;
  for (const [value, count] of counts) {
    if (count <= most) continue;
    most = count;
    best = value;
  }
  return best;
}
