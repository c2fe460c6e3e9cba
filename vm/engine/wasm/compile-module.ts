/** One object to WebAssembly modules: their imports, a function for each eBPF function, the entry. Knows no machine. */
import { InvariantError, LoadError, must } from '../../errors.js';
import { wasm as host } from '../../host.js';
import { specialFieldsOf } from '../../hooks/special-stores.js';
import type { WasmModule } from '../../host.js';
import type { Layout } from '../../machine/layout.js';
import { cells } from '../../memory/cells.js';
import { WASM_PAGE_BYTES } from '../../memory/memory.js';
import type { FuncId, ObjectSpec } from '../../object/object-spec.js';
import { CodeBuilder } from '../../wasm/code-builder.js';
import type { Mark } from '../../wasm/code-builder.js';
import { ModuleBuilder } from '../../wasm/module-builder.js';
import type { ValueType } from '../../wasm/opcodes.js';
import type { Checks } from '../engine.js';
import { emitFunction, emitInlined } from './emit-function.js';
import type { ControlFlow } from './emit-function.js';
import { emitTrampoline } from './emit-tail-call.js';
import type { ModuleContext } from './function-context.js';
import { callKindsOf, declareImports, IMPORT_MODULE, needsOf } from './imports.js';
import type { CallKinds, Needs } from './imports.js';
import { Places } from './places.js';
import { MAIN_PARAMETERS, Plans } from './plan-functions.js';
import type { FunctionPlan } from './plan-functions.js';
import { ARGUMENTS } from './register-use.js';

/** Name of the exported entry: (r1, r2) -> nothing; r0 and the count are in cells. */
export const ENTRY = 'run';
/** Name of the exported entry of a callback that is called between runs, as a timer's: (r1, r2, r3) -> nothing. */
export const CALLBACK_ENTRY = 'callback';
const CALLBACK_PARAMETERS = [1, 2, 3] as const;

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
  readonly needs: Needs;
  /** By number of the function in the module. */
  readonly sections: ReadonlyMap<number, Section>;
}

/** A function that runs or tail calls begin with, and all that it calls. */
export interface CompiledGroup extends Omit<EmittedModule, 'bytes'> {
  readonly module: WasmModule;
}

const COUNT_AND_R0: readonly ValueType[] = ['i64', 'i64'];

/** A function's type by the registers that it takes: they and the count to r0 and the count. */
function typeOf(builder: ModuleBuilder, parameters: readonly number[]): number {
  return builder.type([...parameters.map((): ValueType => 'i64'), 'i64'], COUNT_AND_R0);
}

/**
 * An object on the way to WebAssembly: a module for each function that something begins with, made when it is first asked for.
 * Modules meet in a table that holds each function twice: as what tail calls lead to, and behind those as what is called through
 * pointers.
 */
export class ObjectCompiler {
  readonly object: ObjectSpec;
  readonly places = new Places();
  /** Whether modules need the table. */
  readonly usesTable: boolean;
  readonly #layout: Layout;
  readonly #checks: Checks;
  readonly #control: ControlFlow;
  readonly #tailCalls: boolean;
  readonly #plans: Plans;
  readonly #calls: CallKinds;
  readonly #special;
  readonly #groups: (CompiledGroup | undefined)[] = [];
  #stubs: WasmModule | undefined;

  /** @throws LoadError as `Engine.compile` does */
  constructor(object: ObjectSpec, layout: Layout, checks: Checks, options: CompileOptions = {}) {
    this.object = object;
    this.#layout = layout;
    this.#checks = checks;
    this.#control = options.control ?? 'structured';
    this.#tailCalls = options.tailCalls ?? hasTailCalls();
    this.#plans = new Plans(object);
    this.#calls = callKindsOf(object);
    this.#special = specialFieldsOf(object);
    this.usesTable = this.#calls.tailCalls || this.#calls.pointers;
  }

  /** Entries of the table. */
  get tableEntries(): number {
    return (this.#calls.pointers ? 2 : 1) * this.object.functions.length;
  }

  /** The module that begins with a function. */
  group(func: FuncId): CompiledGroup {
    const known = this.#groups[func];
    if (known !== undefined) return known;
    const { bytes, ...rest } = this.emit(func);
    return (this.#groups[func] = { ...rest, module: compileBytes(bytes) });
  }

  /** The module's bytes and what is known about them. */
  emit(func: FuncId): EmittedModule {
    const { object } = this;
    const builder = new ModuleBuilder();
    builder.setName(moduleName(func));
    builder.importMemory(IMPORT_MODULE, 'memory', Math.ceil(this.#layout.memoryBytes / WASM_PAGE_BYTES));
    if (this.usesTable) builder.importTable(IMPORT_MODULE, 'table', this.tableEntries);
    const members = this.#plans.closureOf(func);
    const needs = needsOf(
      members.map((member) => must(object.functions[member], 'a function')),
      this.#calls,
    );
    const imports = declareImports(builder, needs, this.#checks);
    const plans: FunctionPlan[] = [];
    const functions: number[] = [];
    for (const member of members) {
      const plan = this.#plans.get(member);
      plans[member] = plan;
      functions[member] = builder.addFunction(typeOf(builder, plan.parameters));
    }
    const context: ModuleContext = {
      object,
      layout: this.#layout,
      checks: this.#checks,
      imports,
      builder,
      plans,
      functions,
      mainType: typeOf(builder, MAIN_PARAMETERS),
      pointerType: typeOf(builder, ARGUMENTS),
      places: this.places,
      special: this.#special,
      tailCalls: this.#tailCalls,
      lookups: new Map(),
      emitInlined,
    };
    const marked = new Map<number, readonly Mark[]>();
    for (const member of members) {
      const at = must(functions[member], 'a function');
      const code = emitFunction(context, member, this.#control);
      builder.setBody(at, code);
      if (code.marks.length > 0) marked.set(at, code.marks);
      if (this.#calls.tailCalls) builder.setElement(member, taking(context, member, MAIN_PARAMETERS, context.mainType));
      if (this.#calls.pointers)
        builder.setElement(object.functions.length + member, taking(context, member, ARGUMENTS, context.pointerType));
    }
    exportEntry(context, func, ENTRY, MAIN_PARAMETERS);
    if (this.#calls.timers) exportEntry(context, func, CALLBACK_ENTRY, CALLBACK_PARAMETERS);
    const bytes = builder.finish();
    const sections = new Map(
      [...marked].map(([at, marks]) => [at, { marks, start: must(builder.starts[builder.bodyOf(at)], 'a start') }]),
    );
    return { bytes, needs, sections };
  }

  /** A module that fills the table: each entry has its function's module made, and goes on in what is then in its place. */
  stubs(): WasmModule {
    if (this.#stubs !== undefined) return this.#stubs;
    const builder = new ModuleBuilder();
    builder.importTable(IMPORT_MODULE, 'table', this.tableEntries);
    const make = builder.importFunction(IMPORT_MODULE, MAKE, builder.type(['i32'], []));
    const count = this.object.functions.length;
    const fill = (takes: readonly number[], first: number): void => {
      const type = typeOf(builder, takes);
      for (let func = 0; func < count; func++) {
        const code = new CodeBuilder(takes.length + 1);
        code.i32(func).call(make);
        for (let local = 0; local <= takes.length; local++) code.localGet(local);
        code.i32(first + func);
        if (this.#tailCalls) code.returnCallIndirect(type);
        else code.callIndirect(type);
        const stub = builder.addFunction(type);
        builder.setBody(stub, code);
        builder.setElement(first + func, stub);
      }
    };
    if (this.#calls.tailCalls) fill(MAIN_PARAMETERS, 0);
    if (this.#calls.pointers) fill(ARGUMENTS, count);
    return (this.#stubs = compileBytes(builder.finish()));
  }
}

/** Name of the import that has a function's module made. */
export const MAKE = 'make';

/** What the host calls a module in stacks. */
export function moduleName(func: FuncId): string {
  return `skep${String(func)}`;
}

/** A function that takes these registers: itself, or one that calls it. */
function taking(
  { builder, plans, functions }: ModuleContext,
  func: FuncId,
  takes: readonly number[],
  type: number,
): number {
  const { parameters } = must(plans[func], 'a plan');
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
}

function exportEntry(context: ModuleContext, func: FuncId, name: string, takes: readonly number[]): void {
  const { builder } = context;
  const type = builder.type(
    takes.map((): ValueType => 'i32'),
    [],
  );
  const entry = builder.addFunction(type);
  builder.setBody(entry, emitEntry(context, func, takes));
  builder.exportFunction(name, entry);
}

function emitEntry(
  { checks, mainType, tailCalls, imports, plans, functions }: ModuleContext,
  func: FuncId,
  takes: readonly number[],
): CodeBuilder {
  const code = new CodeBuilder(takes.length);
  const r0 = code.local('i64');
  const left = code.local('i64');
  const first = code.local('i64');
  const word = code.local('i32');
  for (const cell of ['trapCode', 'resume', 'depth', 'tailCalls', 'mayGoto', 'tailTarget'] as const) {
    code.i32(0).i32(0).memory('i32.store', cells[cell], 2);
  }
  if (checks.fuel) code.i32(0).memory('i64.load', cells.fuel, 3).localSet(first);
  for (const register of must(plans[func], 'a plan').parameters) {
    const at = takes.indexOf(register);
    if (at < 0) code.i64(0);
    else code.localGet(at).op('i64.extend_i32_u');
  }
  code.localGet(first).call(must(functions[func], 'a function')).localSet(left).localSet(r0);
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
  module.makeTable(1);
  module.setElement(0, func);
  module.setBody(func, code);
  tailCallsKnown = host?.validate(module.finish()) ?? false;
  return tailCallsKnown;
}

/** @throws LoadError `load-unsupported` where the host does not let code be made, as pages with a strict policy do not */
export function mustCompile(): void {
  if (host === undefined) throw new LoadError('load-unsupported', 'this host has no WebAssembly');
  compileBytes(new ModuleBuilder().finish());
}

/** @throws LoadError `load-unsupported` where the host does not take the module: for a policy, or a limit of its own */
function compileBytes(bytes: Uint8Array): WasmModule {
  if (host === undefined) throw new InvariantError('no WebAssembly');
  try {
    return new host.Module(bytes);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    if (/disallowed|content security/i.test(cause.message)) {
      throw new LoadError('load-unsupported', 'this host does not let WebAssembly be compiled', { cause });
    }
    if (!/size|maximum|limit|too (large|big)|out of memory/i.test(cause.message)) throw cause;
    throw new LoadError('load-unsupported', 'a program is larger than this host compiles', {
      hint: 'engine interp runs programs of any size',
      cause,
    });
  }
}
