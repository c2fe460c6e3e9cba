/** What stopped compiled code: from the number of a place, or from where the host says it stood, to the trap cells. */
import type { Machine } from '../../machine/machine.js';
import { cells } from '../../memory/cells.js';
import { TRAP_CODES } from '../../spec/traps.js';
import type { Checks } from '../engine.js';
import { moduleName } from './compile-module.js';
import type { CompiledGroup } from './compile-module.js';
import type { Places } from './places.js';

interface Where {
  readonly places: Places;
  /** The modules that run, by the function that each begins with. */
  readonly groups: readonly (Pick<CompiledGroup, 'sections'> | undefined)[];
}

/** As V8 writes a frame of compiled code: the module's name where it has one, the function's number, the offset in the module. */
const WASM_FRAME = /(?:(\w+)-[0-9a-f]+:)?wasm-function\[(\d+)\]:0x([0-9a-f]+)/g;

/** The number of the place where a host's error says that compiled code stood, or -1. */
function placeOf(error: Error, { groups }: Where): number {
  const running = groups.filter((group) => group !== undefined);
  // The innermost frame may be of code that belongs to no function of the object, such as a map's lookup.
  for (const [, name, func, at] of (error.stack ?? '').matchAll(WASM_FRAME)) {
    // A host that does not tell modules apart is believed where there is one.
    const named = groups.find((_group, root) => moduleName(root) === name);
    const section = (named ?? (running.length === 1 ? running[0] : undefined))?.sections.get(Number(func));
    if (section === undefined) continue;
    const offset = Number(`0x${at ?? ''}`) - section.start;
    return section.marks.findLast((mark) => mark.offset <= offset)?.number ?? -1;
  }
  return -1;
}

/** Fills the trap cells after compiled code stopped itself, or JavaScript that it had called stopped it. */
export function noteStop({ memory }: Machine, where: Where, checks: Checks): void {
  const number = memory.word(cells.resume) - 1;
  if (number < 0) return;
  const { func, insn, owed, frames, trapCode, access, detail } = where.places.at(number);
  memory.setWord(cells.trapFunc, func);
  memory.setWord(cells.trapInsn, insn);
  memory.setWord(cells.depth, memory.word(cells.depth) + frames);
  const word = (at: number): bigint => BigInt(memory.word(at)) | (BigInt(memory.word(at + 4)) << 32n);
  const executed = BigInt.asUintN(64, (checks.fuel ? word(cells.fuel) : 0n) - word(cells.insns) + BigInt(owed));
  memory.setWord(cells.insns, Number(executed & 0xffff_ffffn));
  memory.setWord(cells.insns + 4, Number(executed >> 32n));
  if (memory.word(cells.trapCode) !== 0) return;
  memory.setWord(cells.trapCode, trapCode);
  memory.setWord(cells.trapAccess, access);
  if (trapCode === TRAP_CODES.memory) return;
  memory.setWord(cells.trapA, detail);
  memory.setWord(cells.trapB, 0);
}

/**
 * Fills the trap cells after the host stopped compiled code that checks nothing: which instruction, as far as the host says it, but
 * no address and no count.
 */
export function noteHostStop({ memory }: Machine, where: Where, error: Error): void {
  const number = placeOf(error, where);
  const place = number < 0 ? undefined : where.places.at(number);
  memory.setWord(cells.trapCode, place?.trapCode ?? TRAP_CODES.memory);
  memory.setWord(cells.trapFunc, place?.func ?? 0);
  memory.setWord(cells.trapInsn, place?.insn ?? 0);
  for (const cell of ['insns', 'trapA', 'trapB', 'trapAccess'] as const) memory.setWord(cells[cell], 0);
  memory.setWord(cells.insns + 4, 0);
}
