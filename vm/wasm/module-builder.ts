/** Puts a WebAssembly module together: types, imports, functions, one table, exports. Knows nothing of what it computes. */
import { InvariantError } from '../errors.js';
import { ByteWriter } from './byte-writer.js';
import type { CodeBuilder } from './code-builder.js';
import { VALUE_TYPES } from './opcodes.js';
import type { ValueType } from './opcodes.js';

/** `\0asm`, version 1. */
const PREAMBLE = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const SECTIONS = { custom: 0, type: 1, import: 2, function: 3, table: 4, export: 7, element: 9, code: 10 } as const;
const FUNCTION_TYPE = 0x60;
const KIND_FUNCTION = 0;
const KIND_TABLE = 1;
const KIND_MEMORY = 2;
const LIMITS_MIN = 0;
const LIMITS_MIN_MAX = 1;
const OP_I32_CONST = 0x41;
const OP_END = 0x0b;

export class ModuleBuilder {
  readonly #types: Uint8Array[] = [];
  readonly #typeIndex = new Map<string, number>();
  readonly #imports: ((out: ByteWriter) => void)[] = [];
  readonly #functions: { readonly type: number; body?: ReturnType<CodeBuilder['finish']> }[] = [];
  readonly #starts: number[] = [];
  readonly #exports: { readonly name: string; readonly func: number }[] = [];
  readonly #elements: { readonly at: number; readonly func: number }[] = [];
  #tableEntries: number | undefined;
  #name: string | undefined;
  #importedFunctions = 0;

  /** Index of a function type; the same signature always gives the same index. */
  type(parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${parameters.join()}>${results.join()}`;
    const known = this.#typeIndex.get(key);
    if (known !== undefined) return known;
    const out = new ByteWriter();
    out.byte(FUNCTION_TYPE);
    for (const list of [parameters, results]) {
      out.u32(list.length);
      for (const each of list) out.byte(VALUE_TYPES[each]);
    }
    const index = this.#types.push(out.finish()) - 1;
    this.#typeIndex.set(key, index);
    return index;
  }

  /** Imports a memory that never grows: the size in pages is its minimum and its maximum. */
  importMemory(module: string, name: string, pages: number): void {
    this.#imports.push((out) => {
      out.name(module);
      out.name(name);
      out.byte(KIND_MEMORY);
      out.byte(LIMITS_MIN_MAX);
      out.u32(pages);
      out.u32(pages);
    });
  }

  /** Imports a function; returns its index. Must precede every `addFunction`: imports are numbered first. */
  importFunction(module: string, name: string, type: number): number {
    if (this.#functions.length > 0) throw new InvariantError('an import behind a function');
    this.#imports.push((out) => {
      out.name(module);
      out.name(name);
      out.byte(KIND_FUNCTION);
      out.u32(type);
    });
    return this.#importedFunctions++;
  }

  /** Declares a function, to be given a body later; returns its index. */
  addFunction(type: number): number {
    return this.#importedFunctions + this.#functions.push({ type }) - 1;
  }

  setBody(func: number, code: CodeBuilder): void {
    const entry = this.#functions[func - this.#importedFunctions];
    if (entry === undefined) throw new InvariantError(`no function ${String(func)}`);
    entry.body = code.finish();
  }

  /** Imports table 0, of functions. */
  importTable(module: string, name: string, entries: number): void {
    this.#imports.push((out) => {
      out.name(module);
      out.name(name);
      out.byte(KIND_TABLE);
      out.byte(VALUE_TYPES.funcref);
      out.byte(LIMITS_MIN);
      out.u32(entries);
    });
  }

  /** Makes table 0, of functions, with so many entries. */
  makeTable(entries: number): void {
    this.#tableEntries = entries;
  }

  /** Puts a function into table 0. */
  setElement(at: number, func: number): void {
    this.#elements.push({ at, func });
  }

  /** What the host calls the module where it tells of it. */
  setName(name: string): void {
    this.#name = name;
  }

  exportFunction(name: string, func: number): void {
    this.#exports.push({ name, func });
  }

  /** Offset in the module of each function's first instruction, by index less the imports'; known once it is finished. */
  get starts(): readonly number[] {
    return this.#starts;
  }

  /** Number of a function among those that have a body. */
  bodyOf(func: number): number {
    return func - this.#importedFunctions;
  }

  finish(): Uint8Array {
    const out = new ByteWriter();
    out.bytes(PREAMBLE);
    section(out, 'type', this.#types, (body, type) => {
      body.bytes(type);
    });
    section(out, 'import', this.#imports, (body, write) => {
      write(body);
    });
    section(out, 'function', this.#functions, (body, { type }) => {
      body.u32(type);
    });
    section(out, 'table', this.#tableEntries === undefined ? [] : [this.#tableEntries], (body, entries) => {
      body.byte(VALUE_TYPES.funcref);
      body.byte(LIMITS_MIN);
      body.u32(entries);
    });
    section(out, 'export', this.#exports, (body, { name, func }) => {
      body.name(name);
      body.byte(KIND_FUNCTION);
      body.u32(func);
    });
    section(out, 'element', this.#elements, (body, { at, func }) => {
      body.u32(0);
      body.byte(OP_I32_CONST);
      body.s32(at);
      body.byte(OP_END);
      body.u32(1);
      body.u32(func);
    });
    const behindCount: number[] = [];
    const codeBytes = section(out, 'code', this.#functions, (body, { body: entry }, index) => {
      if (entry === undefined) throw new InvariantError(`function ${String(index)} has no body`);
      body.u32(entry.locals.length + entry.code.length);
      body.bytes(entry.locals);
      behindCount.push(body.length);
      body.bytes(entry.code);
    });
    const base = out.length - codeBytes;
    const name = this.#name;
    if (name !== undefined) writeName(out, name);
    this.#starts.splice(0, this.#starts.length, ...behindCount.map((offset) => base + offset));
    return out.finish();
  }
}

/** The custom section of names, with the module's. */
function writeName(out: ByteWriter, name: string): void {
  const text = new ByteWriter();
  text.name(name);
  const body = new ByteWriter();
  body.name('name');
  body.byte(0);
  body.sized(text.finish());
  out.byte(SECTIONS.custom);
  out.sized(body.finish());
}

/** A section of a vector; left out where there is nothing in it. Returns the bytes of its contents. */
function section<T>(
  out: ByteWriter,
  name: keyof typeof SECTIONS,
  items: readonly T[],
  write: (body: ByteWriter, item: T, index: number) => void,
): number {
  if (items.length === 0) return 0;
  const body = new ByteWriter();
  body.u32(items.length);
  for (const [index, item] of items.entries()) write(body, item, index);
  out.byte(SECTIONS[name]);
  out.sized(body.finish());
  return body.length;
}
