/**
 * Tail calls: the next program takes this function's place, frame and depth. Where the host cannot do that, the function returns
 * with the next program's number in a cell, and whoever called it goes on there (a trampoline).
 */
import { must } from '../../errors.js';
import { STACK_BYTES } from '../../machine/layout.js';
import { cells, REGS_BASE } from '../../memory/cells.js';
import { READ_WRITE, WRITE } from '../../memory/shadow.js';
import { MAX_TAIL_CALLS } from '../limits.js';
import type { CodeBuilder } from '../../wasm/code-builder.js';
import type { FunctionContext, ModuleContext } from './function-context.js';
import { MAIN_PARAMETERS } from './plan-functions.js';

export function emitTailCall(f: FunctionContext): void {
  const { code } = f;
  f.settle();
  f.checkFuel();
  const map = f.knownAs(2, 'map');
  if (map !== undefined && f.module.object.maps[map]?.type === 'prog_array') {
    emitKnown(f, map);
    return;
  }
  f.storePlace();
  f.getWord(2);
  f.getWord(3).call(f.module.imports.tailCall).localTee(f.callee).i32(0).op('i32.ge_s').if();
  leaveFor(f);
  code.end();
}

/** The entry is looked up here: its number less 1, and 0 where it is empty. */
function emitKnown(f: FunctionContext, map: number): void {
  const { code, module } = f;
  const { maxEntries } = must(module.object.maps[map], 'a map');
  const { base } = must(module.layout.maps[map], 'a placed map');
  f.getWord(3).localTee(f.word).i32(maxEntries).op('i32.lt_u').if();
  code.localGet(f.word).i32(2).op('i32.shl').memory('i32.load', base, 2).localTee(f.callee).if();
  code.i32(0).memory('i32.load', cells.tailCalls, 2).localTee(f.word).i32(MAX_TAIL_CALLS).op('i32.lt_u').if();
  code.i32(0).localGet(f.word).i32(1).op('i32.add').memory('i32.store', cells.tailCalls, 2);
  const { checks, layout } = module;
  // What the frame held is the next program's to read, but not initialised.
  if (checks.memory && (checks.stackInit || !f.plan.touchesFrame)) {
    code
      .localGet(f.frame)
      .i32(layout.shadowDelta)
      .op('i32.add')
      .i32(checks.stackInit ? WRITE : READ_WRITE);
    code.i32(STACK_BYTES).memoryFill();
  }
  code.localGet(f.callee).i32(1).op('i32.sub').localSet(f.callee);
  leaveFor(f);
  code.end().end().end();
}

/** Goes on in the function whose number is in `callee`. */
function leaveFor(f: FunctionContext): void {
  const { code, module } = f;
  if (module.tailCalls) {
    for (const register of MAIN_PARAMETERS) f.get(register);
    code.localGet(f.left).localGet(f.callee);
    f.markPlace('bad-map');
    code.returnCallIndirect(module.mainType);
    return;
  }
  for (const register of MAIN_PARAMETERS) {
    code.i32(0);
    f.get(register).memory('i64.store', REGS_BASE + 8 * register);
  }
  code.i32(0).localGet(f.callee).i32(1).op('i32.add').memory('i32.store', cells.tailTarget);
  code.i64(0).localGet(f.left).op('return');
}

/** Behind a call, its r0 in r0: where the host has no tail calls, runs the programs that it asked for. */
export function followTailCalls(f: FunctionContext): void {
  if (f.module.tailCalls || f.module.imports.tailCall < 0) return;
  emitTrampoline(f.code, f.module, f.left, f.word, () => f.set(0));
}

/** @param setR0 pops r0 */
export function emitTrampoline(
  code: CodeBuilder,
  module: Pick<ModuleContext, 'mainType'>,
  left: number,
  word: number,
  setR0: () => void,
): void {
  code.i32(0).memory('i32.load', cells.tailTarget).localTee(word).if();
  const again = code.loop();
  code.i32(0).i32(0).memory('i32.store', cells.tailTarget);
  for (const register of MAIN_PARAMETERS) code.i32(0).memory('i64.load', REGS_BASE + 8 * register);
  code.localGet(left).localGet(word).i32(1).op('i32.sub').callIndirect(module.mainType).localSet(left);
  setR0();
  code.i32(0).memory('i32.load', cells.tailTarget).localTee(word).brIf(again);
  code.end().end();
}
