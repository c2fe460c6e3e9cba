/** Helpers that read the world's cells, as plain loads; each does what its JavaScript does. */
import { cells } from '../../memory/cells.js';
import type { CalleeName } from '../callee.js';
import type { FunctionContext } from './function-context.js';

/** False, and nothing emitted, where it is not one of them. */
export function emitWorldHelper(f: FunctionContext, name: CalleeName): boolean {
  const { code } = f;
  switch (name) {
    case 'ktime_get_ns':
    case 'ktime_get_boot_ns':
    case 'ktime_get_tai_ns':
      code.i32(0).memory('i64.load', cells.clock, 3);
      f.set(0);
      return true;
    case 'get_smp_processor_id':
      code.i32(0).memory('i64.load32_u', cells.cpu, 2);
      f.set(0);
      return true;
    case 'get_prandom_u32':
      emitRandom(f);
      return true;
    default:
      return false;
  }
}

/** `nextRandom` of the world. */
function emitRandom(f: FunctionContext): void {
  const { code, word } = f;
  code.i32(0).i32(0).memory('i32.load', cells.random, 2).i32(0x9e3779b9).op('i32.add').localTee(word);
  code.memory('i32.store', cells.random, 2);
  for (const [shift, factor] of [
    [16, 0x21f0aaad],
    [15, 0x735a2d97],
    [15, 1],
  ] as const) {
    code.localGet(word).localGet(word).i32(shift).op('i32.shr_u').op('i32.xor');
    if (factor !== 1) code.i32(factor).op('i32.mul');
    code.localSet(word);
  }
  code.localGet(word);
  f.setWord(0);
}
