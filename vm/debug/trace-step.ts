/** What one executed instruction did, as text and numbers that JSON can hold. Knows no machine and no terminal. */
import type { TrapReport } from '../datapath/trap-report.js';
import type { LineInfo } from '../object/object-spec.js';

export interface RegisterChange {
  /** `r0` to `r9`. */
  readonly name: string;
  /** The whole register, unsigned, as `0x1f`. */
  readonly value: string;
  /** `packet+14`, `NULL`, or the number in decimal and hexadecimal. */
  readonly text: string;
}

export interface MemoryAccess {
  /** An atomic instruction updates: it reads and writes. */
  readonly kind: 'read' | 'write' | 'update';
  /** `packet+36`, `stack-8`, "map `conns` value+4". */
  readonly place: string;
  /** What lies there: `tcp.dstport`, `data_end`, a variable's or a member's name. */
  readonly field?: string;
  readonly bytes: number;
  /** The bytes there, at most the first 256, in the order of memory, as hexadecimal digits; of a write those after it. */
  readonly data: string;
  /** The value in words; of packet fields in host order, addresses as people write them. */
  readonly text: string;
}

/** A call of a helper, or what it came to once its callbacks are done. */
export interface HelperCall {
  readonly name: string;
  readonly args: readonly string[];
  /** Absent where callbacks run first. */
  readonly result?: string;
}

export interface TraceStep {
  /** From 1. */
  readonly step: number;
  readonly func: string;
  /** Slot from the function's start. */
  readonly pc: number;
  /** Open calls: 0 in the program itself. */
  readonly depth: number;
  readonly insn: string;
  /** Undefined where the object was compiled without -g. */
  readonly line: LineInfo | undefined;
  /** Registers that the instruction wrote, and others that changed by it; r10 left out. */
  readonly registers: readonly RegisterChange[];
  readonly memory: readonly MemoryAccess[];
  readonly call?: HelperCall;
  /** Of a conditional jump. `to` is the slot that it jumps to; a jump to the next instruction is never `taken`. */
  readonly branch?: { readonly taken: boolean; readonly to: number };
  /** The function that runs next, in a frame of its own. */
  readonly enters?: string;
  /** The program that a tail call went on with. */
  readonly tailCall?: string;
  /** After `exit`: what was returned, and to whom; the same callback begins anew where `again` is set. */
  readonly returns?: { readonly value: string; readonly to: string; readonly again: boolean };
  readonly trap?: TrapReport;
}
