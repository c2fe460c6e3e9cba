/**
 * A rejection for a reader: its class, the reason in words, the place, what the verifier knew there, the path that led
 * there, and what usually helps. A value; `cli/` renders it. Makes no judgement of its own.
 */
import { classify } from './report-classes.js';
import { registerWords } from './report-registers.js';
import type { SourceLine } from './program.js';
import type { PathStep, Rejected } from './verdict.js';

/** The instruction at fault, or one near it. */
export interface ReportInsn {
  readonly insn: number;
  /** As the log prints it. */
  readonly text: string;
}

export interface ReportRegister {
  /** `R1`, or `fp-8` for a slot of the stack. */
  readonly name: string;
  readonly frame: number;
  readonly words: string;
  /** As the log prints it. */
  readonly text: string;
}

/** A place on the path where something was decided, or another C line began. */
export interface ReportStep {
  readonly insn: number;
  readonly line?: SourceLine;
  /** Whether the conditional jump there was taken. */
  readonly taken?: boolean;
}

export interface RejectionReport {
  /** Stable name of the class, for programs. */
  readonly class: string;
  readonly family: string;
  readonly title: string;
  /** The kernel's last line. */
  readonly message: string;
  readonly errno: number;
  readonly reason: string;
  readonly at: {
    readonly insn?: number;
    readonly line?: SourceLine;
    /** What is wrong there, in a few words. */
    readonly mark: string;
    /** The instructions that ran before it, and itself; empty where the verdict has no log. */
    readonly context: readonly ReportInsn[];
  };
  readonly knew: readonly ReportRegister[];
  /** Oldest first; without steps in which nothing is decided on the same line. */
  readonly path: readonly ReportStep[];
  readonly suggestion: string;
}

/** Instructions before the one at fault that are shown with it. */
const CONTEXT_INSNS = 4;

/**
 * Explains a rejection. Instructions are taken from the verdict's log, so it should have been asked for at level 1 or 2.
 */
export function explainRejection(verdict: Rejected): RejectionReport {
  const { found, groups } = classify(verdict.message);
  const knew = registersOf(verdict);
  const fill = (text: string): string =>
    text
      .replace(/\{R(\d)\}/g, (_, group: string) => wordsOf(groups[Number(group)] ?? '', knew))
      .replace(/\{(\d)\}/g, (_, group: string) => groups[Number(group)] ?? '');
  return {
    class: found.id,
    family: found.family,
    title: found.title,
    message: verdict.message,
    errno: verdict.errno,
    reason: fill(found.reason),
    at: {
      ...(verdict.insn === undefined ? {} : { insn: verdict.insn }),
      ...(verdict.line === undefined ? {} : { line: verdict.line }),
      mark: fill(found.mark),
      context: contextOf(verdict),
    },
    knew,
    path: decisions(verdict.facts.path),
    suggestion: fill(found.suggestion),
  };
}

function registersOf(verdict: Rejected): ReportRegister[] {
  return verdict.facts.registers.map(({ frame, at, text }) => ({
    name: at < 0 ? `fp${String(at)}` : `R${String(at)}`,
    frame,
    words: registerWords(text),
    text,
  }));
}

/** The register of the innermost frame that has it. */
function wordsOf(register: string, knew: readonly ReportRegister[]): string {
  const found = knew.filter(({ name }) => name === `R${register}`).sort((a, b) => b.frame - a.frame)[0];
  return found?.words ?? 'something that nothing is known of';
}

function decisions(path: readonly PathStep[]): ReportStep[] {
  const kept: ReportStep[] = [];
  let line: SourceLine | undefined;
  for (const step of path) {
    line = step.line ?? line;
    if (step.taken === undefined && step.line === undefined) continue;
    kept.push({
      insn: step.insn,
      ...(line === undefined ? {} : { line }),
      ...(step.taken === undefined ? {} : { taken: step.taken }),
    });
  }
  return kept;
}

/** The last instructions of the log: `12: (61) r2 = *(u32 *)(r1 +0)  ; R2=...`. */
function contextOf({ log, insn }: Rejected): ReportInsn[] {
  if (insn === undefined) return [];
  const shown: ReportInsn[] = [];
  for (const line of log.split('\n')) {
    const match = /^(\d+): (\([0-9a-f]{2}\) .*?)(?:\s+;.*)?$/.exec(line);
    if (match !== null) shown.push({ insn: Number(match[1]), text: match[2] ?? '' });
  }
  const last = shown.findLastIndex((each) => each.insn === insn);
  return last < 0 ? [] : shown.slice(Math.max(0, last - CONTEXT_INSNS), last + 1);
}
