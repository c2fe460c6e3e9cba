/** One eBPF function to one WebAssembly function, or into the code of the function that calls it. */
import { InvariantError, must } from '../../errors.js';
import type { Ptr } from '../../addr.js';
import { counterPtr } from '../../machine/layout.js';
import type { CodeBuilder } from '../../wasm/code-builder.js';
import { emitInsns } from './emit-insn.js';
import { FunctionContext } from './function-context.js';
import type { ModuleContext } from './function-context.js';
import { knownValues } from './known-values.js';
import { owedOf } from './owed.js';
import { writesFramePointer } from './register-use.js';
import { emitDispatch, emitStructured } from './structure.js';
import type { BlockEmitter } from './structure.js';

/** Blocks in blocks beyond which hosts compile slowly; a jump table takes over. */
const DEEPEST = 500;

/** How jumps are compiled: nested blocks where that works, or always a jump table. */
export type ControlFlow = 'structured' | 'dispatch';

/** @throws LoadError `load-unsupported` where this engine lacks an instruction */
export function emitFunction(module: ModuleContext, func: number, control: ControlFlow): CodeBuilder {
  const { flow } = must(module.plans[func], 'a plan');
  const structured = control === 'structured' && flow.reducible ? emitWith('structured', module, func) : undefined;
  return structured ?? must(emitWith('dispatch', module, func), 'code');
}

/** Emits a function in the place of its call; its r0 becomes the caller's. */
export function emitInlined(caller: FunctionContext, func: number): void {
  const f = new FunctionContext(caller.module, func, true, caller);
  if (!emitStructured(f.plan.flow, blockEmitter(f), Infinity)) throw new InvariantError('a small function is too deep');
  caller.code.end();
  caller.owed = 0;
  caller.inlinedInsns += f.spec.insns.length;
}

function emitWith(control: ControlFlow, module: ModuleContext, func: number): CodeBuilder | undefined {
  const plan = must(module.plans[func], 'a plan');
  const f = new FunctionContext(module, func, !writesFramePointer(plan.spec.insns, plan.shapes));
  if (!plan.frameless) f.openFrame();
  const emitter = blockEmitter(f);
  if (control === 'dispatch') emitDispatch(plan.flow, emitter, f.next);
  else if (!emitStructured(plan.flow, emitter, DEEPEST)) return undefined;
  return f.finish();
}

/** Adds 1 to a block's count. */
function countEntry(code: CodeBuilder, at: Ptr): void {
  code.i32(0).i32(0).memory('i64.load', at, 3).i64(1).op('i64.add').memory('i64.store', at, 3);
}

function blockEmitter(f: FunctionContext): BlockEmitter {
  const { spec } = f;
  const { flow, shapes } = f.plan;
  const { blocks } = flow;
  const { layout, checks } = f.module;
  const owed = owedOf(spec, shapes, flow, f.owed, checks.fuel);
  const known = knownValues(spec, shapes, flow, layout, f.known);
  // The entry may be a loop, at whose start nothing may be owed.
  if (f.owed !== owed.begin[0]) f.settle();
  /** Instructions to take from the count on the way. */
  const due = (from: number, to: number, jumps: boolean): number =>
    owed.end[from]! - (owed.looks(from, to, jumps) ? 0 : owed.begin[to]!);
  return {
    code: f.code,
    body(at) {
      const { first, last } = must(blocks[at], 'a block');
      f.owed = owed.begin[at]!;
      known.load(at, f.known);
      if (checks.counters) countEntry(f.code, counterPtr(layout, f.func, at));
      const goesOn = emitInsns(f, first, last);
      if (goesOn && f.owed !== owed.end[at]) throw new InvariantError('the count is not what was planned');
      return goesOn;
    },
    acts: (from, to, jumps) => owed.looks(from, to, jumps) || due(from, to, jumps) !== 0,
    act(from, to, jumps) {
      f.charge(due(from, to, jumps));
      if (!owed.looks(from, to, jumps)) return;
      f.at = must(blocks[from], 'a block').last;
      f.owed = 0;
      f.checkFuel();
      f.charge(-owed.begin[to]!);
    },
    fallOff(at) {
      f.at = must(blocks[at], 'a block').last;
      f.owed = owed.end[at]!;
      f.trap('fall-off');
    },
  };
}
