/** What the verifier answers, and what it may be asked for. Values only: no judgement is made here. */
import type { SourceLine } from './program.js';

/** Capabilities that change the rules; all of them where left out. */
export interface Capabilities {
  readonly bpf: boolean;
  readonly perfmon: boolean;
  readonly netAdmin: boolean;
  readonly sysAdmin: boolean;
}

export const ALL_CAPABILITIES: Capabilities = { bpf: true, perfmon: true, netAdmin: true, sysAdmin: true };

export interface VerifyOptions {
  /**
   * As bpf(2)'s log_level: 0 nothing, 1 the path that was rejected, 2 every instruction of every path, 4 (may be added)
   * statistics alone. Default 1. The message and statistics of the verdict do not depend on it.
   */
  readonly logLevel?: number;
  /** Longest log that is kept, in characters; the rest is dropped from the front. Default 16 million. */
  readonly maxLogChars?: number;
  readonly caps?: Capabilities;
  /** CPUs that the machine may have: the processor's number is known to be below. Default 2. */
  readonly cpus?: number;
}

/** The kernel's counters, as in its last log line. */
export interface VerifyStats {
  /** Instructions looked at, over all paths. */
  readonly processed: number;
  readonly maxStatesPerInsn: number;
  readonly totalStates: number;
  readonly peakStates: number;
  /** Always 0 since Linux 6.18. */
  readonly markRead: number;
  /** Bytes of stack of each function, in the order of their code. */
  readonly stackDepths: readonly number[];
}

/** One register as the verifier knew it. */
export interface RegFact {
  readonly frame: number;
  /** 0 to 10, or a stack slot's offset from r10 (negative). */
  readonly at: number;
  /** `scalar`, `ctx`, `pkt`, `map_value`... in the kernel's words; modifiers in `or_null`. */
  readonly type: string;
  /** As the kernel prints it behind `R1=`. */
  readonly text: string;
  /** Value or fixed offset, if known: unsigned 64-bit. */
  readonly value?: bigint;
}

/** One instruction of the path that led to the rejection, oldest first. */
export interface PathStep {
  readonly insn: number;
  /** The C line, where it differs from that of the step before. */
  readonly line?: SourceLine;
  /** Whether a conditional jump was taken. */
  readonly taken?: boolean;
}

export interface RejectFacts {
  readonly path: readonly PathStep[];
  readonly registers: readonly RegFact[];
}

interface Answer {
  readonly stats: VerifyStats;
  /** Whole log, each line ended by a newline; empty at level 0. */
  readonly log: string;
}

export interface Accepted extends Answer {
  readonly kind: 'accept';
}

export interface Rejected extends Answer {
  readonly kind: 'reject';
  /** Positive. */
  readonly errno: number;
  /** The kernel's last word: one line. */
  readonly message: string;
  /** Slot of the instruction at fault, counted over the whole program; absent where it is not about one. */
  readonly insn?: number;
  readonly line?: SourceLine;
  readonly facts: RejectFacts;
}

/** Neither yes nor no: the program uses something that skep's verifier does not know. */
export interface Undecided extends Answer {
  readonly kind: 'unsupported';
  readonly what: string;
  readonly insn?: number;
  readonly line?: SourceLine;
}

export type Verdict = Accepted | Rejected | Undecided;
