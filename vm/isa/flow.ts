/**
 * Control flow of one function: basic blocks, their order and who dominates whom. Knows jumps and `exit`; calls do not end
 * blocks.
 */
import { LoadError } from '../errors.js';
import { INSN_ROWS } from '../spec/insns.js';
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

/**
 * The control flow of a function.
 * @param func its name, for the error
 * @throws LoadError `load-insn` where a jump leads to no instruction of the function
 */
export function flowOf(insns: readonly Insn[], func?: string): Flow {
  const blocks = blocksOf(insns, targetsOf(insns, func));
  return { blocks, ...dominanceOf(blocks.map(successorsOf)) };
}
