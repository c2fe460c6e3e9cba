/** Calls: helpers, functions of the object, callbacks, tail calls. */
import { must } from '../../errors.js';
import { STACK_BYTES } from '../../machine/layout.js';
import { cells, frame, FRAME_BYTES, FRAMES_BASE, iter, MAX_FRAMES, REGS_BASE } from '../../memory/cells.js';
import { NO_ACCESS, READ_WRITE, WRITE } from '../../memory/shadow.js';
import type { Rights } from '../../memory/shadow.js';
import { helperById, HELPER_ROWS } from '../../spec/helpers.js';
import type { HelperName } from '../../spec/helpers.js';
import type { RetKind } from '../../spec/helper-row.js';
import type { Insn } from '../../isa/insn.js';
import { wordsOf } from '../call-helper.js';
import type { FunctionContext } from './function-context.js';
import { takesRegisters } from './imports.js';

const ARGUMENTS = [1, 2, 3, 4, 5] as const;

export function emitHelperCall(f: FunctionContext, insn: Insn): void {
  const name = must(helperById(insn.imm), 'a helper').name;
  const { imports } = f.module;
  const steps = imports.callback.get(name);
  if (name === 'tail_call') emitTailCall(f);
  else if (steps !== undefined) emitCallbackCall(f, steps);
  else emitPlainCall(f, name, must(imports.plain.get(name), `import ${name}`));
}

function emitPlainCall(f: FunctionContext, name: HelperName, func: number): void {
  const row = HELPER_ROWS[name];
  const { code } = f;
  f.storePlace();
  if (takesRegisters(name, f.module.checks)) {
    storeArguments(f);
    code.call(func).i32(0).memory('i64.load', REGS_BASE);
  } else {
    for (const word of wordsOf(row)) {
      f.get(word >> 1);
      if (word % 2 === 1) code.i64(32).op('i64.shr_u');
      code.op('i32.wrap_i64');
    }
    code.call(func);
    widen(f, row.ret);
  }
  f.set(0);
}

/** Makes r0 of what a helper returned. */
function widen({ code }: FunctionContext, ret: RetKind): void {
  if (ret === 'void') code.op('drop').i64(0);
  else if (ret === 'int') code.op('i64.extend_i32_s');
  else code.op('i64.extend_i32_u');
  if (ret === 'u64') code.i32(0).memory('i64.load32_u', cells.retHi).i64(32).op('i64.shl').op('i64.or');
}

/** Writes r1-r5 to the register file. */
function storeArguments(f: FunctionContext): void {
  for (const register of ARGUMENTS) {
    f.code.i32(0);
    f.get(register).memory('i64.store', REGS_BASE + 8 * register);
  }
}

export function emitLocalCall(f: FunctionContext, callee: number): void {
  const { code, module } = f;
  f.checkFuel();
  code.localGet(f.frame).i32(module.layout.stack + (MAX_FRAMES - 1) * module.layout.frameStride);
  code.op('i32.ge_u').if();
  f.trap('call-depth');
  code.end();
  openCallee(f);
  for (const register of ARGUMENTS) f.get(register);
  f.getInsns();
  code.call(must(module.functions[callee], 'a function')).localSet(f.insns);
  f.set(0);
  closeCallee(f);
}

/** Drives a helper that calls back: begin, then the callback and next until next says no. */
function emitCallbackCall(f: FunctionContext, { begin, next }: { begin: number; next: number }): void {
  const { code, module } = f;
  const block = FRAMES_BASE + frame.iter;
  f.checkFuel();
  f.storePlace();
  storeArguments(f);
  code.call(begin).localTee(f.callee).i32(0).op('i32.ge_s').if();
  openCallee(f);
  const round = code.loop();
  pushBlockOffset(f, 0);
  code.localSet(f.word);
  for (const register of ARGUMENTS) {
    code.localGet(f.word).memory('i64.load', block + iter.args + 8 * (register - 1));
  }
  f.getInsns();
  code.localGet(f.callee).callIndirect(module.type).localSet(f.insns);
  f.set(0);
  f.storePlace();
  f.getWord(0);
  f.get(0).i64(32).op('i64.shr_u').op('i32.wrap_i64').call(next).if();
  f.checkFuel();
  code.br(round).end().end();
  closeCallee(f);
  code.end();
  pushBlockOffset(f, 1);
  code.memory('i64.load', block + iter.result);
  f.set(0);
}

/** Pushes the distance of a depth's frame record from the first: the current depth and `more`. */
function pushBlockOffset({ code }: FunctionContext, more: number): void {
  code.i32(0).memory('i32.load', cells.depth).i32(more).op('i32.add').i32(FRAME_BYTES).op('i32.mul');
}

function emitTailCall(f: FunctionContext): void {
  const { code, module } = f;
  f.checkFuel();
  f.storePlace();
  f.getWord(2);
  f.getWord(3).call(module.imports.tailCall).localTee(f.callee).i32(0).op('i32.ge_s').if();
  for (const register of ARGUMENTS) f.get(register);
  f.getInsns();
  code.localGet(f.callee).returnCallIndirect(module.type).end();
}

/** Enters the frame above this function's. */
function openCallee(f: FunctionContext): void {
  addDepth(f, 1);
  markCallee(f, f.module.checks.stackInit ? WRITE : READ_WRITE);
}

function closeCallee(f: FunctionContext): void {
  markCallee(f, NO_ACCESS);
  addDepth(f, -1);
  if (!f.fixedFramePointer) f.openFrame();
}

function addDepth({ code }: FunctionContext, by: number): void {
  code.i32(0).i32(0).memory('i32.load', cells.depth).i32(by).op('i32.add').memory('i32.store', cells.depth);
}

function markCallee({ code, frame: bottom, module }: FunctionContext, rights: Rights): void {
  const { checks, layout } = module;
  if (!checks.memory) return;
  code
    .localGet(bottom)
    .i32(layout.frameStride + layout.shadowDelta)
    .op('i32.add');
  code.i32(rights).i32(STACK_BYTES).memoryFill();
}
