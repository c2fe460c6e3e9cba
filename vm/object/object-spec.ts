/**
 * The blueprint of a loaded object: what the same ELF bytes and target BTF always give. Immutable and free of addresses;
 * `machine/layout` places it, engines compile it. Knows nothing of ELF.
 */
import type { Btf } from '../btf/btf.js';
import type { SpecialField } from '../btf/special-fields.js';
import type { Insn } from '../isa/insn.js';
import type { MapTypeName } from '../spec/map-types.js';
import type { AttachTypeName, ProgTypeName } from '../spec/prog-types.js';

/** Indices into `ObjectSpec.functions`, `.programs` and `.maps`. */
export type FuncId = number;
export type ProgId = number;
export type MapId = number;

/** What an instruction refers to, by its index in `FunctionSpec.insns`. */
export type Ref =
  | { readonly kind: 'map'; readonly map: MapId }
  /** `off` is a byte offset into the value of entry 0. */
  | { readonly kind: 'map-value'; readonly map: MapId; readonly off: number }
  /** A function's address (callbacks), for `ld_func`. */
  | { readonly kind: 'func'; readonly func: FuncId }
  /** The callee of a `call_local`. */
  | { readonly kind: 'call'; readonly func: FuncId }
  | { readonly kind: 'kfunc'; readonly name: string }
  /** Known, but not runnable here: a ksym variable, a missing weak symbol. */
  | { readonly kind: 'unsupported'; readonly what: string };

/** A source line, valid from `pc` on. */
export interface LineInfo {
  /** Slot from the function's start. */
  readonly pc: number;
  readonly file: string;
  /** The line's text as the compiler recorded it, indentation kept. */
  readonly text: string;
  /** 1-based. */
  readonly line: number;
  readonly col: number;
}

export interface FunctionSpec {
  readonly name: string;
  readonly section: string;
  /** Byte offset of the first instruction in its section. */
  readonly sectionOff: number;
  readonly linkage: 'global' | 'static';
  readonly insns: readonly Insn[];
  readonly refs: ReadonlyMap<number, Ref>;
  /** Sorted by pc. */
  readonly lines: readonly LineInfo[];
  /** BTF id of its FUNC type. */
  readonly btfType?: number;
}

export interface ProgramSpec {
  readonly name: string;
  readonly section: string;
  /** `unspec` where the section's name says nothing that Linux 6.18 knows; `unsupported` then says so in words. */
  readonly type: ProgTypeName | 'unspec';
  readonly attachType?: AttachTypeName;
  /** What the section name says to attach to (a kernel function, a device...), if it does. */
  readonly attachTo?: string;
  readonly flags: number;
  /** Its section's name starts with `?`: a loader leaves it out unless it is asked for. */
  readonly autoload?: false;
  readonly func: FuncId;
  /** Every function reachable by calls and function pointers, the program's own first. */
  readonly functions: readonly FuncId[];
  /** Values of the program's and its function's BTF decl tags. */
  readonly declTags: readonly string[];
  /** Why the program cannot run anywhere, if the object itself says so. */
  readonly unsupported?: string;
}

/** One `.values` initialiser: entry `index` of a map-in-map or a prog_array. */
export type MapValueRef =
  | { readonly index: number; readonly kind: 'map'; readonly map: MapId }
  | { readonly index: number; readonly kind: 'func'; readonly func: FuncId };

/** A global variable in a data section. */
export interface VariableSpec {
  readonly name: string;
  /** BTF id of its type. */
  readonly type: number;
  /** Byte offset into entry 0. */
  readonly off: number;
  readonly sizeBytes: number;
}

export interface MapSpec {
  readonly name: string;
  readonly type: MapTypeName;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly maxEntries: number;
  /** BPF_F_* bits as in bpf(2). */
  readonly flags: number;
  readonly mapExtra?: bigint;
  /** BTF type ids. */
  readonly keyType?: number;
  readonly valueType?: number;
  /** What in its values only helpers may touch; absent where there is nothing. */
  readonly special?: readonly SpecialField[];
  /** Template of the maps inside a map-in-map. */
  readonly inner?: MapSpec;
  readonly values: readonly MapValueRef[];
  /**
   * For data sections (`.rodata`, `.data`, `.bss`, `.kconfig`): the section's name and entry 0's first contents, which are
   * absent for `.bss`: zeros.
   */
  readonly section?: string;
  readonly contents?: Uint8Array;
  /** The section's variables that BTF names, in its order. */
  readonly variables?: readonly VariableSpec[];
  /** Frozen after set-up: the program may not write it (`.rodata`, `.kconfig`). */
  readonly readOnly: boolean;
  /** libbpf's `pinning` value; skep ignores it with a note. */
  readonly pinning: number;
}

/** Something the user should know that is no error ("pinning is ignored"). */
export interface Note {
  readonly code:
    | 'pinning-ignored'
    | 'map-field'
    | 'unsupported-section'
    | 'unsupported-symbol'
    | 'no-btf'
    | 'weak-symbol'
    | 'kconfig'
    | 'tail-tag'
    | 'core';
  readonly message: string;
}

export interface ObjectSpec {
  /** File name as the user gave it, for messages. */
  readonly name: string;
  readonly license: string;
  readonly functions: readonly FunctionSpec[];
  readonly programs: readonly ProgramSpec[];
  readonly maps: readonly MapSpec[];
  readonly btf?: Btf;
  readonly notes: readonly Note[];
}
