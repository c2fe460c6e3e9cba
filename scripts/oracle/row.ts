/**
 * One recorded answer of a kernel, whatever file it came from: a program, what bpf(BPF_PROG_LOAD) said of it, and what
 * runs of it returned. Data only; knows no file format.
 */
import type { Btf } from '../../vm/btf/btf.js';
import type { MapTypeName } from '../../vm/spec/map-types.js';
import type { ProgTypeName } from '../../vm/spec/prog-types.js';
import type { VerifierProgram } from '../../vm/verifier/program.js';
import type { Capabilities } from '../../vm/verifier/verdict.js';

/** Bytes that a map holds before the run: an entry's value, or the map that it holds. */
export interface RowEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array | { readonly map: string } | 'template';
}

export interface RowMap {
  readonly name: string;
  readonly type: MapTypeName;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly frozen: boolean;
  readonly mapExtra?: bigint;
  readonly btf?: Btf;
  readonly keyType?: number;
  readonly valueType?: number;
  readonly inner?: RowMap;
  readonly entries: readonly RowEntry[];
  /** Of a prog_array: which program is where. */
  readonly programs: readonly { readonly index: number; readonly program: RowCode }[];
}

/** Instructions as on the wire, and what they refer to by slot. */
export interface RowCode {
  readonly name: string;
  readonly insns: Uint8Array;
  /** Slot -> index in the row's maps. */
  readonly maps: ReadonlyMap<number, number>;
  readonly kfuncs: ReadonlyMap<number, string>;
  readonly symbols: ReadonlyMap<number, string>;
  readonly functions: ReadonlyMap<number, { readonly name: string; readonly linkage: 'global' | 'static' }>;
}

/** A run of BPF_PROG_TEST_RUN whose answer must be reproduced. */
export interface RowRun {
  readonly input: Uint8Array;
  /** int32 */
  readonly retval: number;
  /** What the packet starts with afterwards, where it changed. */
  readonly output?: Uint8Array;
}

export interface Row {
  readonly name: string;
  readonly type: ProgTypeName;
  /** `net`, `vehicle` or `other`. */
  readonly group: string;
  /** How much of the verifier it takes; absent where nobody classified it. */
  readonly tier?: number;
  /** Why the row says nothing about the verifier. */
  readonly excluded?: string;
  readonly caps: Capabilities;
  /** What the kernel said. */
  readonly live: {
    readonly accepts: boolean;
    readonly errno: number;
    /** The log's last line that is no statistic. */
    readonly message?: string;
    readonly processed?: number;
  };
  /** Microseconds that the kernel took to verify it. */
  readonly kernelUs?: number;
  /** Made when it is asked for: objects are large. */
  readonly program: () => VerifierProgram;
  readonly code?: RowCode;
  readonly maps: readonly RowMap[];
  readonly runs: readonly RowRun[];
}

/** A file of recorded answers. */
export interface RowFile {
  readonly kind: 'selftests' | 'counters';
  readonly rows: readonly Row[];
}
