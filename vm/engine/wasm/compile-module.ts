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
import type { Mark } from '../../wasm/code-builder.js';
import { ModuleBuilder } from '../../wasm/module-builder.js';
import type { ValueType } from '../../wasm/opcodes.js';
import type { Checks } from '../engine.js';
import { emitFunction, emitInlined } from './emit-function.js';
import type { ControlFlow } from './emit-function.js';
import { emitTrampoline } from './emit-tail-call.js';
import type { ModuleContext } from './function-context.js';
import { declareImports, IMPORT_MODULE, needsOf } from './imports.js';
import type { Needs } from './imports.js';
import { Places } from './places.js';
import { MAIN_PARAMETERS, planFunctions } from './plan-functions.js';
import { ARGUMENTS } from './register-use.js';

/** Name of the exported entry: (function, r1, r2) -> nothing; r0 and the count are in cells. */
export const ENTRY = 'run';
/** Name of the exported entry of callbacks that are called between runs, as a timer's: (function, r1, r2, r3) -> nothing. */
export const CALLBACK_ENTRY = 'callback';

export interface CompileOptions {
  readonly control?: ControlFlow;
  /** Whether to use the host's tail calls; left out, whether it has them. */
  readonly tailCalls?: boolean;
}

/** Where a function's code lies in the module, and the places in it. */
interface Section {
  readonly start: number;
  readonly marks: readonly Mark[];
}

export interface EmittedModule {
  readonly bytes: Uint8Array;
  readonly places: Float64Array;
  /** By number of the function in the module. */
  readonly sections: ReadonlyMap<number, Section>;
}

export interface CompiledModule extends Omit<EmittedModule, 'bytes'> {
  readonly module: WasmModule;
  readonly needs: Needs;
}

const COUNT_AND_R0: readonly ValueType[] = ['i64', 'i64'];

/** A function's type by the registers that it takes: they and the count to r0 and the count. */
function typeOf(builder: ModuleBuilder, parameters: readonly number[]): number {
  return builder.type([...parameters.map((): ValueType => 'i64'), 'i64'], COUNT_AND_R0);
}

/** The module's bytes and what is known about them; `compileModule` has the errors. */
export function emitModule(
  object: ObjectSpec,
  layout: Layout,
  checks: Checks,
  { control = 'structured', tailCalls = hasTailCalls() }: CompileOptions = {},
): EmittedModule {
  const builder = new ModuleBuilder();
  builder.importMemory(IMPORT_MODULE, 'memory', Math.ceil(layout.memoryBytes / WASM_PAGE_BYTES));
  const needs = needsOf(object);
  const imports = declareImports(builder, needs, checks);
  const plans = planFunctions(object);
  const functions = plans.map(({ parameters }) => builder.addFunction(typeOf(builder, parameters)));
  const mainType = typeOf(builder, MAIN_PARAMETERS);
  const pointerType = typeOf(builder, ARGUMENTS);
  const entry = builder.addFunction(builder.type(['i32', 'i32', 'i32'], []));
  const places = new Places();
  const special = specialFieldsOf(object);
  const context: ModuleContext = {
    object,
    layout,
    checks,
    imports,
    builder,
    plans,
    functions,
    mainType,
    pointerType,
    places,
    special,
    tailCalls,
    lookups: new Map(),
    emitInlined,
  };
  const marked = new Map<number, readonly Mark[]>();
  for (const [func, at] of functions.entries()) {
    const code = emitFunction(context, func, control);
    builder.setBody(at, code);
    if (code.marks.length > 0) marked.set(at, code.marks);
  }
  const usesPointers = needs.callback.length > 0 || needs.registerCalls || needs.timers;
  builder.setTable([
    ...entriesFor(context, MAIN_PARAMETERS, mainType),
    ...(usesPointers ? entriesFor(context, ARGUMENTS, pointerType) : []),
  ]);
  builder.setBody(entry, emitEntry(context));
  builder.exportFunction(ENTRY, entry);
  if (needs.timers) {
    const callbackEntry = builder.addFunction(builder.type(['i32', 'i32', 'i32', 'i32'], []));
    builder.setBody(callbackEntry, emitCallbackEntry(context));
    builder.exportFunction(CALLBACK_ENTRY, callbackEntry);
  }
  const bytes = builder.finish();
  const sections = new Map(
    [...marked].map(([at, marks]) => [at, { marks, start: must(builder.starts[builder.bodyOf(at)], 'a start') }]),
  );
  return { bytes, places: places.finish(), sections };
}

/** All functions, each taking the same registers: itself, or one that calls it. */
function entriesFor({ builder, plans, functions }: ModuleContext, takes: readonly number[], type: number): number[] {
  return plans.map(({ parameters }, func) => {
    const target = must(functions[func], 'a function');
    if (parameters.length === takes.length && parameters.every((register, i) => register === takes[i])) return target;
    const code = new CodeBuilder(takes.length + 1);
    for (const register of parameters) {
      const at = takes.indexOf(register);
      if (at < 0) code.i64(0);
      else code.localGet(at);
    }
    code.localGet(takes.length).call(target);
    const wrapper = builder.addFunction(type);
    builder.setBody(wrapper, code);
    return wrapper;
  });
}

function emitEntry(context: ModuleContext): CodeBuilder {
  return emitStart(context, 3, (code, first) => {
    code.localGet(1).op('i64.extend_i32_u').localGet(2).op('i64.extend_i32_u').localGet(first);
    code.localGet(0).callIndirect(context.mainType);
  });
}

function emitCallbackEntry(context: ModuleContext): CodeBuilder {
  return emitStart(context, 4, (code, first) => {
    for (const parameter of [1, 2, 3]) code.localGet(parameter).op('i64.extend_i32_u');
    code.i64(0).i64(0).localGet(first);
    code.localGet(0).i32(context.functions.length).op('i32.add').callIndirect(context.pointerType);
  });
}

/** @param call leaves r0 and what is left of the count, which begins with that of a local */
function emitStart(
  { checks, mainType, tailCalls, imports }: ModuleContext,
  parameters: number,
  call: (code: CodeBuilder, first: number) => void,
): CodeBuilder {
  const code = new CodeBuilder(parameters);
  const r0 = code.local('i64');
  const left = code.local('i64');
  const first = code.local('i64');
  const word = code.local('i32');
  for (const cell of ['trapCode', 'resume', 'depth', 'tailCalls', 'mayGoto', 'tailTarget'] as const) {
    code.i32(0).i32(0).memory('i32.store', cells[cell], 2);
  }
  if (checks.fuel) code.i32(0).memory('i64.load', cells.fuel, 3).localSet(first);
  call(code, first);
  code.localSet(left).localSet(r0);
  if (!tailCalls && imports.tailCall >= 0) emitTrampoline(code, { mainType }, left, word, () => code.localSet(r0));
  code.i32(0).localGet(r0).memory('i64.store', cells.r0, 3);
  code.i32(0).localGet(first).localGet(left).op('i64.sub').memory('i64.store', cells.insns, 3);
  return code;
}

let tailCallsKnown: boolean | undefined;

/** Whether the host knows `return_call_indirect`. */
function hasTailCalls(): boolean {
  if (tailCallsKnown !== undefined) return tailCallsKnown;
  const module = new ModuleBuilder();
  const type = module.type([], []);
  const func = module.addFunction(type);
  const code = new CodeBuilder(0);
  code.i32(0).returnCallIndirect(type);
  module.setTable([func]);
  module.setBody(func, code);
  tailCallsKnown = host?.validate(module.finish()) ?? false;
  return tailCallsKnown;
}

/** @throws LoadError as `Engine.compile` does */
export function compileModule(
  object: ObjectSpec,
  layout: Layout,
  checks: Checks,
  options?: CompileOptions,
): CompiledModule {
  if (host === undefined) throw new LoadError('load-unsupported', 'this host has no WebAssembly');
  if (checks.memory && layout.shadowDelta === 0)
    throw new InvariantError('the memory check needs a layout with shadow');
  if (checks.counters && layout.counters.length === 0)
    throw new InvariantError('counting blocks needs a layout with counters');
  const { bytes, ...rest } = emitModule(object, layout, checks, options);
  return { module: compileBytes(host, bytes), needs: needsOf(object), ...rest };
}

/** @throws LoadError `load-unsupported` where the host does not let code be made, as pages with a strict policy do not */
function compileBytes(wasm: NonNullable<typeof host>, bytes: Uint8Array): WasmModule {
  try {
    return new wasm.Module(bytes);
  } catch (cause) {
    if (!(cause instanceof Error) || !/disallowed|content security/i.test(cause.message)) throw cause;
    throw new LoadError('load-unsupported', 'this host does not let WebAssembly be compiled', { cause });
  }
}
