/**
 * The one linear memory: everything a program can point at, and all run state. Knows no addresses (`cells.ts`,
 * `machine/layout.ts` do) and no permissions (`shadow.ts`).
 */
import type { Ptr } from '../addr.js';
import { LoadError } from '../errors.js';
import { wasm } from '../host.js';
import type { WasmMemory } from '../host.js';

export const WASM_PAGE_BYTES = 65536;

/** Default size: lazily backed, so that only what is written costs RAM. */
export const DEFAULT_MEMORY_BYTES = 2 ** 31;

export class Memory {
  readonly bytes: number;
  /** What the wasm engine imports; undefined where the host has no WebAssembly. */
  readonly host: WasmMemory | undefined;
  readonly buffer: ArrayBuffer;
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly view: DataView;

  /**
   * Allocates the memory at its final size: it never grows, so views never detach.
   * @param bytes rounded up to 64 KiB; at most 2^31 for guests, up to 2^32 where a shadow lies above them.
   * @throws LoadError `load-memory` where the host refuses that much address space.
   */
  constructor(bytes: number) {
    const pages = Math.ceil(bytes / WASM_PAGE_BYTES);
    this.bytes = pages * WASM_PAGE_BYTES;
    try {
      this.host = wasm === undefined ? undefined : new wasm.Memory({ initial: pages, maximum: pages });
      this.buffer = this.host === undefined ? new ArrayBuffer(this.bytes) : this.host.buffer;
    } catch (cause) {
      throw new LoadError('load-memory', `the host cannot reserve ${String(this.bytes)} bytes of memory`, {
        data: { bytes: this.bytes },
        hint: 'ask for less with --memory',
        cause,
      });
    }
    this.u8 = new Uint8Array(this.buffer);
    this.u32 = new Uint32Array(this.buffer);
    this.i32 = new Int32Array(this.buffer);
    this.view = new DataView(this.buffer);
  }

  /** Copies `bytes` bytes out; the result does not alias the memory. */
  read(at: Ptr, bytes: number): Uint8Array {
    return this.u8.slice(at, at + bytes);
  }

  write(at: Ptr, data: Uint8Array): void {
    this.u8.set(data, at);
  }

  /** u32 at a 4-byte aligned address. */
  word(at: Ptr): number {
    return this.u32[at >>> 2] ?? 0;
  }

  setWord(at: Ptr, value: number): void {
    this.u32[at >>> 2] = value;
  }
}
