/** What an emitter of one instruction is. */
import type { Insn } from '../../isa/insn.js';
import type { FunctionContext } from './function-context.js';

/** Emits an instruction that does not trap by its nature. A conditional jump pushes its condition. */
export type Emit = (f: FunctionContext, insn: Insn) => void;
