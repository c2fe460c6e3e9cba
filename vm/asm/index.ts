/** The public surface of `skep/asm`; re-exports only. */
export { assemble } from './assemble.js';
export type { AsmOptions, Assembled } from './assemble.js';
export { AsmError } from '../errors.js';
