/**
 * Control flow of one function: basic blocks, their order and who dominates whom. Knows jumps and `exit`; calls do not end
 * blocks.
 */
import { LoadError, must } from '../errors.js';
import { INSNS } from '../spec/insns.js';
import type { InsnName } from '../spec/insns.js';
import { dominanceOf } from './dominators.js';
import type { Dominance } from './dominators.js';
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

/** `order`, `position` and `dominator` are about indices into `blocks`. */
export interface Flow extends Dominance {
  /** In the order of their instructions; 0 is the entry. */
  readonly blocks: readonly Block[];
}

/** The field that says how far an instruction jumps, for those that do. */
const JUMPS = new Map<InsnName, 'off' | 'imm'>();
for (const { name, operands } of INSNS) {
  if (operands.includes('jump16')) JUMPS.set(name, 'off');
  else if (operands.includes('jump32')) JUMPS.set(name, 'imm');
}

/** Slots from behind the instruction to its target, for instructions that jump. */
export function jumpOf(insn: Insn): number | undefined {
  const field = JUMPS.get(insn.name);
  return field === undefined ? undefined : insn[field];
}

/** Whether execution never goes on behind the instruction. */
export function endsPath({ name }: Insn): boolean {
  return name === 'exit' || name === 'ja' || name === 'gotol';
}

/** Index of the instruction that begins at a slot, plus 1; 0 where none does. */
export function indexBySlot(insns: readonly Insn[]): Int32Array {
  const last = insns.at(-1);
  const at = new Int32Array(last === undefined ? 0 : last.pc + slotsOf(last));
  for (let i = 0; i < insns.length; i++) at[must(insns[i], 'an instruction').pc] = i + 1;
  return at;
}

/** Index of a jump's target. */
function targetOf(insn: Insn, jump: number, bySlot: Int32Array, func: string | undefined): number {
  const to = insn.pc + slotsOf(insn) + jump;
  const target = bySlot[to] ?? 0;
  if (target !== 0) return target - 1;
  throw new LoadError('load-insn', `jump out of range from insn ${insn.pc} to ${to}`, {
    data: { pc: insn.pc },
    where: { pc: insn.pc, ...(func === undefined ? {} : { func }) },
  });
}

/** Index of each jump's target by the jump's index, -1 for other instructions; throws as `flowOf` does. */
function targetsOf(insns: readonly Insn[], func: string | undefined): Int32Array {
  const targets = new Int32Array(insns.length).fill(-1);
  const bySlot = indexBySlot(insns);
  for (let index = 0; index < insns.length; index++) {
    const insn = must(insns[index], 'an instruction');
    const jump = jumpOf(insn);
    if (jump !== undefined) targets[index] = targetOf(insn, jump, bySlot, func);
  }
  return targets;
}

/** @throws LoadError `load-insn` as `flowOf` does, without the work */
export function checkJumps(insns: readonly Insn[], func?: string): void {
  let bySlot: Int32Array | undefined;
  for (const insn of insns) {
    const jump = jumpOf(insn);
    if (jump !== undefined) targetOf(insn, jump, (bySlot ??= indexBySlot(insns)), func);
  }
}

function blocksOf(insns: readonly Insn[], targets: Int32Array): readonly Block[] {
  /** By instruction: whether a block starts there, then, counted up, the number of its block less 1. */
  const starts = new Int32Array(insns.length + 1);
  starts[0] = 1;
  for (let index = 0; index < insns.length; index++) {
    const target = targets[index] ?? -1;
    if (target >= 0) starts[target] = 1;
    if (target >= 0 || endsPath(must(insns[index], 'an instruction'))) starts[index + 1] = 1;
  }
  const firsts: number[] = [];
  for (let index = 0; index < Math.max(1, insns.length); index++) {
    if (starts[index] !== 0) firsts.push(index);
    starts[index] = firsts.length - 1;
  }
  return firsts.map((first, block): Block => {
    const last = (firsts[block + 1] ?? insns.length) - 1;
    const insn = insns[last];
    const goesOn = insn === undefined || !endsPath(insn);
    const target = targets[last] ?? -1;
    return makeBlock(
      first,
      last,
      target < 0 ? undefined : starts[target],
      goesOn && block + 1 < firsts.length ? block + 1 : undefined,
      goesOn && block + 1 === firsts.length,
    );
  });
}

/** Without properties that are not there: a spread for each would take most of the time. */
function makeBlock(
  first: number,
  last: number,
  taken: number | undefined,
  next: number | undefined,
  fallsOff: boolean,
): Block {
  if (taken === undefined) {
    return next === undefined ? { first, last, fallsOff } : { first, last, next, fallsOff };
  }
  return next === undefined ? { first, last, taken, fallsOff } : { first, last, taken, next, fallsOff };
}

/**
 * Whether a function can come to an instruction twice.
 * @throws LoadError `load-insn` as `flowOf` does
 */
export function hasLoop(insns: readonly Insn[], func?: string): boolean {
  if (!insns.some((insn) => (jumpOf(insn) ?? 0) < 0)) return false;
  const blocks = blocksOf(insns, targetsOf(insns, func));
  /** By block: 1 on the way from the entry to here, 2 behind us. */
  const state = new Uint8Array(blocks.length);
  const path = [0];
  while (path.length > 0) {
    const at = must(path.at(-1), 'a block');
    if (state[at] !== 0) {
      state[at] = 2;
      path.pop();
      continue;
    }
    state[at] = 1;
    for (const to of successorsOf(must(blocks[at], 'a block'))) {
      if (state[to] === 1) return true;
      if (state[to] === 0) path.push(to);
    }
  }
  return false;
}

/** Blocks that may follow, without repetition. */
export function successorsOf({ next, taken }: Block): readonly number[] {
  if (next === undefined) return taken === undefined ? [] : [taken];
  return taken === undefined || taken === next ? [next] : [next, taken];
}

/**
 * The control flow of a function.
 * @param func its name, for the error
 * @throws LoadError `load-insn` where a jump leads to no instruction of the function
 */
export function flowOf(insns: readonly Insn[], func?: string): Flow {
  const blocks = blocksOf(insns, targetsOf(insns, func));
  return { blocks, ...dominanceOf(blocks.map(successorsOf)) };
}
