/** One object to one WebAssembly module: its imports, a function for each eBPF function, the entry. Knows no machine. */
import { InvariantError, LoadError, must } from '../../errors.js';
import { wasm as host } from '../../host.js';
import { specialFieldsOf } from '../../hooks/special-stores.js';
import type { WasmModule } from '../../host.js';
import type { Layout } from '../../machine/layout.js';
import { cells } from '../../memory/cells.js';
import { WASM_PAGE_BYTES } from '../../memory/memory.js';
import type { ObjectSpec } from '../../object/object-spec.js';
import { CodeBuilder } from '../../wasm/code-builder.js';
import { ModuleBuilder } from '../../wasm/module-builder.js';
import type { Checks } from '../engine.js';
import { emitFunction } from './emit-function.js';
import type { ControlFlow } from './emit-function.js';
import { PARAMETERS, RESULTS } from './function-context.js';
import { declareImports, IMPORT_MODULE, needsOf } from './imports.js';
import type { Needs } from './imports.js';

/** Name of the exported entry: (function, r1, r2) -> nothing; r0 and the count are in cells. */
export const ENTRY = 'run';

export interface CompiledModule {
  readonly module: WasmModule;
  readonly needs: Needs;
}

/** The module's bytes, for tools and tests; `compileModule` has the errors. */
export function emitModule(object: ObjectSpec, layout: Layout, checks: Checks, control: ControlFlow): Uint8Array {
  const module = new ModuleBuilder();
  module.importMemory(IMPORT_MODULE, 'memory', Math.ceil(layout.memoryBytes / WASM_PAGE_BYTES));
  const imports = declareImports(module, needsOf(object), checks);
  const type = module.type(PARAMETERS, RESULTS);
  const functions = object.functions.map(() => module.addFunction(type));
  const entry = module.addFunction(module.type(['i32', 'i32', 'i32'], []));
  module.setTable(functions);
  module.exportFunction(ENTRY, entry);
  const context = { object, layout, checks, imports, functions, type, special: specialFieldsOf(object) };
  for (const [index, spec] of object.functions.entries()) {
    module.setBody(must(functions[index], 'a function'), emitFunction(context, index, spec, control));
  }
  module.setBody(entry, emitEntry(type));
  return module.finish();
}

function emitEntry(type: number): CodeBuilder {
  const code = new CodeBuilder(3);
  const r0 = code.local('i64');
  const insns = code.local('i64');
  code.localGet(1).op('i64.extend_i32_u').localGet(2).op('i64.extend_i32_u');
  for (let zeros = PARAMETERS.length - 2; zeros > 0; zeros--) code.i64(0);
  code.localGet(0).callIndirect(type).localSet(insns).localSet(r0);
  code.i32(0).localGet(r0).memory('i64.store', cells.r0);
  code.i32(0).localGet(insns).memory('i64.store', cells.insns);
  return code;
}

let tailCalls: boolean | undefined;

/** Whether the host knows `return_call_indirect`. */
function hasTailCalls(): boolean {
  if (tailCalls !== undefined) return tailCalls;
  const module = new ModuleBuilder();
  const type = module.type([], []);
  const func = module.addFunction(type);
  const code = new CodeBuilder(0);
  code.i32(0).returnCallIndirect(type);
  module.setTable([func]);
  module.setBody(func, code);
  tailCalls = host?.validate(module.finish()) ?? false;
  return tailCalls;
}

/** @throws LoadError as `Engine.compile` does */
export function compileModule(
  object: ObjectSpec,
  layout: Layout,
  checks: Checks,
  control: ControlFlow,
): CompiledModule {
  if (host === undefined) throw new LoadError('load-unsupported', 'this host has no WebAssembly');
  if (checks.memory && layout.shadowDelta === 0)
    throw new InvariantError('the memory check needs a layout with shadow');
  const needs = needsOf(object);
  if (needs.tailCalls && !hasTailCalls()) {
    throw new LoadError('load-unsupported', "tail calls in engine wasm need the host's return_call_indirect", {
      data: { feature: 'return_call_indirect' },
      hint: 'engine interp needs none',
    });
  }
  return { module: new host.Module(emitModule(object, layout, checks, control)), needs };
}
