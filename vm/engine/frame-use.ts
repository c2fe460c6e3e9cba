/** Whether a function uses its stack frame. One that never names r10 is given no rights to it. Shared by the engines. */
import type { FunctionSpec } from '../object/object-spec.js';
import { INSN_ROWS } from '../spec/insns.js';

const FRAME_POINTER = 10;

export function usesFrame({ insns }: FunctionSpec): boolean {
  return insns.some(({ name, dst, src }) => {
    const { operands } = INSN_ROWS[name];
    return (
      (dst === FRAME_POINTER && (name === 'callx' || operands.some((each) => each.startsWith('dst')))) ||
      (src === FRAME_POINTER && operands.some((each) => each.startsWith('src')))
    );
  });
}
