/** One eBPF function to one WebAssembly function. */
import { flowOf } from '../../isa/flow.js';
import type { Block, Flow } from '../../isa/flow.js';
import type { FunctionSpec } from '../../object/object-spec.js';
import { INSN_ROWS } from '../../spec/insns.js';
import type { CodeBuilder } from '../../wasm/code-builder.js';
import { emitInsns } from './emit-insn.js';
import { FunctionContext } from './function-context.js';
import type { ModuleContext } from './function-context.js';
import { emitDispatch, emitStructured } from './structure.js';
import type { BlockEmitter } from './structure.js';

/** Blocks in blocks beyond which hosts compile slowly; a jump table takes over. */
const DEEPEST = 500;

/** How jumps are compiled: nested blocks where that works, or always a jump table. */
export type ControlFlow = 'structured' | 'dispatch';

/** @throws LoadError `load-insn` where a jump leaves the function, `load-unsupported` where this engine lacks an instruction */
export function emitFunction(
  module: ModuleContext,
  func: number,
  spec: FunctionSpec,
  control: ControlFlow,
): CodeBuilder {
  const flow = flowOf(spec.insns, spec.name);
  const structured =
    control === 'structured' && flow.reducible ? emitWith('structured', module, func, spec, flow) : undefined;
  return structured ?? emitWith('dispatch', module, func, spec, flow)!;
}

function writesFramePointer({ insns }: FunctionSpec): boolean {
  return insns.some(({ name, dst, src }) => {
    const { operands } = INSN_ROWS[name];
    const writes = (role: 'dst' | 'src'): boolean =>
      operands.some((each) => each === `${role}:w` || each === `${role}:rw`);
    return (dst === 10 && writes('dst')) || (src === 10 && writes('src'));
  });
}

function emitWith(
  control: ControlFlow,
  module: ModuleContext,
  func: number,
  spec: FunctionSpec,
  flow: Flow,
): CodeBuilder | undefined {
  const f = new FunctionContext(module, func, spec, !writesFramePointer(spec));
  f.openFrame();
  const emitter = blockEmitter(f, flow);
  if (control === 'dispatch') emitDispatch(flow, emitter, f.next);
  else if (!emitStructured(flow, emitter, DEEPEST)) return undefined;
  return f.code;
}

function blockEmitter(f: FunctionContext, { blocks }: Flow): BlockEmitter {
  const { checks } = f.module;
  const goesBack = ({ last, taken }: Block): boolean => taken !== undefined && blocks[taken]!.first <= last;
  return {
    code: f.code,
    body: ({ first, last }) => emitInsns(f, first, last),
    guardsJump: (block) => checks.fuel && goesBack(block),
    guard: (block) => {
      if (goesBack(block)) f.checkFuel();
    },
    fallOff: ({ last }) => {
      f.at = last;
      f.ahead = 0;
      f.trap('fall-off');
    },
  };
}
