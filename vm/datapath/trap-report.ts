/** A trap together with the place in the program: function, pc, C line. */
import type { Trap } from '../engine/engine.js';
import type { FunctionSpec, LineInfo, ObjectSpec } from '../object/object-spec.js';
import type { TrapName } from '../spec/traps.js';

export interface TrapReport {
  readonly name: TrapName;
  readonly message: string;
  readonly func: string;
  /** Slot from the function's start. */
  readonly pc: number;
  readonly section: string;
  /** Byte offset in the section, as disassemblers print it. */
  readonly sectionOff: number;
  readonly line: LineInfo | undefined;
}

/** The line that the instruction at `pc` was compiled from. */
export function lineAt(func: FunctionSpec, pc: number): LineInfo | undefined {
  return func.lines.findLast((line) => line.pc <= pc);
}

export function reportTrap(object: ObjectSpec, trap: Trap): TrapReport {
  const func = object.functions[trap.func];
  return {
    name: trap.name,
    message: trap.message,
    func: func?.name ?? '?',
    pc: trap.pc,
    section: func?.section ?? '?',
    sectionOff: (func?.sectionOff ?? 0) + 8 * trap.pc,
    line: func === undefined ? undefined : lineAt(func, trap.pc),
  };
}
