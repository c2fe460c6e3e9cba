/** The public surface of `skep/asm`; re-exports only. */
export { assemble } from './assemble.js';
export type { AsmOptions, Assembled } from './assemble.js';
export { assembleObject } from './object.js';
export type { AsmObjectOptions } from './object.js';
export { disassemble } from './disassemble.js';
export type { DisassembleOptions } from './disassemble.js';
export { disassembleSource } from './source.js';
export type { SourceOptions } from './source.js';
export { formatInsn } from './format.js';
export type { FormatOptions } from './format.js';
export { listAsmErrors } from './faults.js';
export { AsmError } from '../errors.js';
