/** Calls: helpers, functions of the object, callbacks, functions by pointer. */
import type { Insn } from '../../isa/insn.js';
import { must } from '../../errors.js';
import { STACK_BYTES } from '../../machine/layout.js';
import { cells, frame, FRAME_BYTES, FRAMES_BASE, iter, MAX_FRAMES, REGS_BASE } from '../../memory/cells.js';
import { NO_ACCESS, READ_WRITE, WRITE } from '../../memory/shadow.js';
import type { Rights } from '../../memory/shadow.js';
import type { RetKind } from '../../spec/helper-row.js';
import { wordsOf } from '../call-helper.js';
import { calleeNameOf, callRowOf } from '../callee.js';
import type { CalleeName } from '../callee.js';
import { emitTailCall, followTailCalls } from './emit-tail-call.js';
import type { FunctionContext } from './function-context.js';
import { checkArguments } from './check-arguments.js';
import { emitWorldHelper } from './emit-world.js';
import { emitMapLookup } from './emit-map-lookup.js';
import { INLINED_INSNS_A_CALLER } from './plan-functions.js';
import { ARGUMENTS } from './register-use.js';

/** A call of a helper or kfunc. */
export function emitHelperCall(f: FunctionContext): void {
  const name = must(calleeNameOf(f.spec, f.at), 'a callee');
  const { imports } = f.module;
  const steps = imports.callback.get(name);
  if (name === 'tail_call') emitTailCall(f);
  else if (steps !== undefined) emitCallbackCall(f, name, steps);
  else if (!emitWorldHelper(f, name) && !(name === 'map_lookup_elem' && emitMapLookup(f)))
    emitPlainCall(f, name, must(imports.plain.get(name), `import ${name}`));
}

function emitPlainCall(f: FunctionContext, name: CalleeName, func: number): void {
  const row = callRowOf(name);
  const { code } = f;
  const checked = f.module.imports.checked.get(name);
  if (checked !== undefined && !checkArguments(f, name)) {
    f.storePlace();
    storeArguments(f, row.args.length);
    code.call(checked).i32(0).memory('i64.load', REGS_BASE);
  } else {
    f.storePlace();
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

/** Writes r1 to rn to the register file. */
function storeArguments(f: FunctionContext, count: number): void {
  for (const register of ARGUMENTS.slice(0, count)) {
    f.code.i32(0);
    f.get(register).memory('i64.store', REGS_BASE + 8 * register);
  }
}

/** Stops a call that would open one frame too many. */
function checkDepth(f: FunctionContext): void {
  if (!f.plan.mayBeTooDeep) return;
  f.code
    .localGet(f.depth)
    .i32(MAX_FRAMES - 1)
    .op('i32.ge_u');
  f.trapIf('call-depth');
}

export function emitLocalCall(f: FunctionContext, callee: number): void {
  const { code, module } = f;
  const plan = must(module.plans[callee], 'a plan');
  f.settle();
  f.checkFuel();
  checkDepth(f);
  if (plan.inlined && f.inlinedInsns + plan.spec.insns.length <= INLINED_INSNS_A_CALLER) {
    module.emitInlined(f, callee);
  } else {
    if (!plan.frameless) openCallee(f, plan.touchesFrame);
    for (const register of plan.parameters) f.get(register);
    code.localGet(f.left).call(must(module.functions[callee], 'a function')).localSet(f.left);
    f.set(0);
    followTailCalls(f);
    if (!plan.frameless) closeCallee(f, plan.touchesFrame || plan.tails);
  }
  restoreFramePointer(f);
}

/** callx: a register holds a function's address or, the meaning it was reserved for, a helper's number. */
export function emitRegisterCall(f: FunctionContext, { dst }: Insn): void {
  const { code, module } = f;
  f.settle();
  f.checkFuel();
  f.storePlace();
  storeArguments(f, ARGUMENTS.length);
  f.getWord(dst);
  f.get(dst).i64(32).op('i64.shr_u').op('i32.wrap_i64');
  code.call(module.imports.registerCall).localTee(f.callee).i32(0).op('i32.ge_s').if();
  checkDepth(f);
  openCallee(f);
  for (const register of ARGUMENTS) f.get(register);
  callPointer(f);
  closeCallee(f);
  restoreFramePointer(f);
  code.else();
  code.i32(0).memory('i64.load', REGS_BASE);
  f.set(0);
  code.end();
}

/** Calls the function whose number is in `callee`, with r1-r5 on the stack. */
function callPointer(f: FunctionContext): void {
  const { code, module } = f;
  code.localGet(f.left).localGet(f.callee);
  code.i32(module.object.functions.length).op('i32.add').callIndirect(module.pointerType).localSet(f.left);
  f.set(0);
  followTailCalls(f);
}

/** Drives a helper that calls back: begin, then the callback and next until next says no. */
function emitCallbackCall(
  f: FunctionContext,
  name: CalleeName,
  { begin, next }: { begin: number; next: number },
): void {
  const { code } = f;
  const block = FRAMES_BASE + frame.iter;
  f.settle();
  f.checkFuel();
  f.storePlace();
  storeArguments(f, callRowOf(name).args.length);
  code.call(begin).localTee(f.callee).i32(0).op('i32.ge_s').if();
  openCallee(f);
  const round = code.loop();
  pushBlockOffset(f);
  code.localSet(f.word);
  for (const register of ARGUMENTS) {
    code.localGet(f.word).memory('i64.load', block + iter.args + 8 * (register - 1));
  }
  callPointer(f);
  f.storePlace();
  f.getWord(0);
  f.get(0).i64(32).op('i64.shr_u').op('i32.wrap_i64').call(next).if();
  f.checkFuel();
  code.br(round).end().end();
  closeCallee(f);
  code.end();
  pushBlockOffset(f);
  code.memory('i64.load', block + iter.result);
  f.set(0);
  restoreFramePointer(f);
}

/** Pushes the distance from the first frame record to that of the frame above this function's. */
function pushBlockOffset({ code, depth }: FunctionContext): void {
  code.localGet(depth).i32(1).op('i32.add').i32(FRAME_BYTES).op('i32.mul');
}

/** Enters the frame above this function's; `framed`: with rights to it. */
function openCallee(f: FunctionContext, framed = true): void {
  f.code.i32(0).localGet(f.depth).i32(1).op('i32.add').memory('i32.store', cells.depth);
  if (framed) markCallee(f, f.module.checks.stackInit ? WRITE : READ_WRITE);
}

function closeCallee(f: FunctionContext, framed = true): void {
  if (framed) markCallee(f, NO_ACCESS);
  f.code.i32(0).localGet(f.depth).memory('i32.store', cells.depth);
}

/** A call gives a function its own r10 back. */
function restoreFramePointer(f: FunctionContext): void {
  if (f.fixedFramePointer) return;
  f.code.localGet(f.frame).i32(STACK_BYTES).op('i32.add').op('i64.extend_i32_u');
  f.set(10);
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
