/**
 * What the verifier is given: one program as it would be handed to bpf(BPF_PROG_LOAD), maps and BTF beside it. Can be
 * built from an `ObjectSpec` or from bare bytes. Knows no ELF and no file descriptors.
 */
import type { Btf } from '../btf/btf.js';
import type { MapTypeName } from '../spec/map-types.js';
import type { AttachTypeName, ProgTypeName } from '../spec/prog-types.js';

/** A map as the verifier sees it. */
export interface VerifierMap {
  readonly name: string;
  readonly type: MapTypeName;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly maxEntries: number;
  /** BPF_F_* bits of its creation. */
  readonly flags: number;
  /** No more writes from user space: with BPF_F_RDONLY_PROG its contents are constants. */
  readonly frozen: boolean;
  /** Entry 0 at load time; absent means zeros. Only read where the map is frozen and read-only to programs. */
  readonly contents?: Uint8Array;
  readonly mapExtra?: bigint;
  /** Where `keyType` and `valueType` live. */
  readonly btf?: Btf;
  readonly keyType?: number;
  readonly valueType?: number;
  /** Template of the maps inside a map-in-map. */
  readonly inner?: VerifierMap;
}

/** Where a function starts, and its FUNC type in `VerifierProgram.btf`. */
export interface FuncInfo {
  readonly pc: number;
  readonly type: number;
}

/** The C line from `pc` on. */
export interface SourceLine {
  readonly pc: number;
  readonly file: string;
  readonly text: string;
  readonly line: number;
  readonly col: number;
}

/** What a slot's instruction refers to beyond its own bytes. */
export type SlotRef =
  /** An ld_imm64 of a map's address, or of its value (then the second slot's immediate is the offset). */
  | { readonly kind: 'map'; readonly map: number }
  | { readonly kind: 'kfunc'; readonly name: string }
  /** An ld_imm64 of a kernel variable. */
  | { readonly kind: 'ksym'; readonly name: string }
  /** The loader knows that it cannot be resolved here. */
  | { readonly kind: 'unsupported'; readonly what: string };

export interface VerifierProgram {
  readonly name: string;
  readonly type: ProgTypeName;
  readonly attachType?: AttachTypeName;
  /** The kernel function, tracepoint or struct_ops member it is loaded for. */
  readonly attachTo?: string;
  /** BPF_F_* bits of bpf(BPF_PROG_LOAD): see `PROG_FLAGS`. */
  readonly flags: number;
  readonly license: string;
  /** 8 bytes a slot, as on the wire. May hold anything; deciding that it is no program is the verifier's job. */
  readonly insns: Uint8Array;
  readonly maps: readonly VerifierMap[];
  /** By slot. A map's ld_imm64 without an entry is a bad file descriptor. */
  readonly refs: ReadonlyMap<number, SlotRef>;
  readonly btf?: Btf;
  /** Sorted by pc; absent where the loader gives none. */
  readonly funcInfo?: readonly FuncInfo[];
  /** Sorted by pc. */
  readonly lines?: readonly SourceLine[];
  /** Names of functions by the slot of their first instruction, for messages where BTF has none. */
  readonly funcNames?: ReadonlyMap<number, string>;
}

/** Bits of `VerifierProgram.flags`. */
export const PROG_FLAGS = {
  BPF_F_STRICT_ALIGNMENT: 0x1,
  BPF_F_ANY_ALIGNMENT: 0x2,
  BPF_F_TEST_RND_HI32: 0x4,
  BPF_F_TEST_STATE_FREQ: 0x8,
  BPF_F_SLEEPABLE: 0x10,
  BPF_F_XDP_HAS_FRAGS: 0x20,
  BPF_F_XDP_DEV_BOUND_ONLY: 0x40,
  BPF_F_TEST_REG_INVARIANTS: 0x80,
} as const;
