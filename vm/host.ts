/**
 * What skep takes from the JavaScript host: WebAssembly and text codecs. The only file under `vm/` that reads
 * `globalThis`, so that the library runs unchanged in Node.js, browsers and workers.
 */

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
export type WasmModule = object;
export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}
export interface WasmTable {
  get(index: number): unknown;
  set(index: number, value: unknown): void;
}
interface WasmNamespace {
  Memory: new (limits: { initial: number; maximum: number }) => WasmMemory;
  Module: new (bytes: Uint8Array) => WasmModule;
  Instance: new (module: WasmModule, imports: Readonly<Record<string, Record<string, unknown>>>) => WasmInstance;
  Table: new (limits: { element: 'anyfunc'; initial: number; maximum?: number }) => WasmTable;
  RuntimeError: new (message?: string) => Error;
  validate(bytes: Uint8Array): boolean;
}
interface Host {
  readonly WebAssembly?: WasmNamespace;
  readonly TextDecoder: new (label?: string, options?: { fatal?: boolean }) => { decode(bytes: Uint8Array): string };
  readonly TextEncoder: new () => { encode(text: string): Uint8Array };
}

const host = globalThis as unknown as Host;

/** The host's WebAssembly, or undefined where there is none (some locked-down embeddings). */
export const wasm: WasmNamespace | undefined = host.WebAssembly;

const decoder = new host.TextDecoder('utf-8');
const encoder = new host.TextEncoder();

/** Decodes UTF-8; malformed bytes become U+FFFD. */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}
