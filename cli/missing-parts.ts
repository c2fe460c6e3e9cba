/** Where a run came to something that skep does not run, or that no kernel has: no verdict, but a reason to stop. */
import type { TrapReport, Where } from '../vm/index.js';

/** Whether the trap says nothing of the program, only that something is missing. */
export function isNotThere({ name }: TrapReport): boolean {
  return name.startsWith('unsupported-') || name === 'unknown-helper';
}

export function trapPlace({ func, pc, line }: TrapReport): Where {
  return { func, pc, ...(line === undefined ? {} : { source: { file: line.file, line: line.line, text: line.text } }) };
}
