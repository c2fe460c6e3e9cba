/**
 * A rejection for a reader: its class, the reason in words, the place, what the verifier knew there, the path that led
 * there, and what usually helps. A value; `cli/` renders it. Makes no judgement of its own.
 */
import { classify } from './report-classes.js';
import { findLostPointer } from './report-lost.js';
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
  const register = /^R(\d+) invalid mem access 'scalar'$/.exec(verdict.message)?.[1];
  const lost = register === undefined ? undefined : findLostPointer(verdict.log, register);
  const { found, groups } = classify(verdict.message, lost?.how);
  const knew = registersOf(verdict);
  const words: Readonly<Record<string, () => string>> = {
    r0: () => wordsOf('0', knew),
    range: () => ((groups[3] ?? '') === '' ? '' : `, here to a number from ${groups[3] ?? ''} to ${groups[4] ?? ''}`),
    held: () => heldWords(verdict),
    rounds: () => roundsWords(verdict),
    was: () => lost?.was ?? '',
    insn: () => String(lost?.insn ?? ''),
    call: () => (lost?.call.startsWith('pc') === true ? 'a function of the program' : (lost?.call ?? '')),
  };
  const fill = (text: string): string =>
    text
      .replace(/\{R(\d)\}/g, (_, group: string) => wordsOf(groups[Number(group)] ?? '', knew))
      .replace(/\{(\d)\}/g, (_, group: string) => groups[Number(group)] ?? '')
      .replace(/\{(\w+)\}/g, (blank, name: string) => words[name]?.() ?? blank);
  const isWhole = found.whole === true;
  return {
    class: found.id,
    family: found.family,
    title: found.title,
    message: verdict.message,
    errno: verdict.errno,
    reason: fill(found.reason),
    at: {
      ...(verdict.insn === undefined || isWhole ? {} : { insn: verdict.insn }),
      ...(verdict.line === undefined || isWhole ? {} : { line: verdict.line }),
      mark: fill(found.mark),
      context: isWhole ? [] : contextOf(verdict),
    },
    knew: isWhole ? [] : knew,
    path: isWhole ? [] : decisions(verdict.facts.path),
    suggestion: fill(found.suggestion),
  };
}

/** Where the first reference that is still held came from, as a sentence. */
function heldWords({ log, facts }: Rejected): string {
  const insn = Number(/^Unreleased reference id=\d+ alloc_insn=(\d+)$/m.exec(log)?.[1] ?? NaN);
  if (Number.isNaN(insn)) return '';
  const at = facts.path.findLastIndex((step) => step.insn === insn);
  const line = facts.path.slice(0, at + 1).findLast((step) => step.line !== undefined)?.line;
  return ` It came from insn ${String(insn)}${line === undefined ? '.' : `: \`${line.text.trim()}\` (line ${String(line.line)}).`}`;
}

/** Rounds that make a loop worth telling of. */
const MANY_ROUNDS = 50;

/** The instruction that the path has come to most often, as a sentence. */
function roundsWords({ facts }: Rejected): string {
  const times = new Map<number, number>();
  for (const { insn } of facts.path) times.set(insn, (times.get(insn) ?? 0) + 1);
  const [insn, rounds] = [...times].reduce((most, each) => (each[1] > most[1] ? each : most), [0, 0]);
  if (rounds < MANY_ROUNDS) return '';
  return ` This path has come to insn ${String(insn)} at least ${String(rounds)} times: a loop of which the verifier sees no end.`;
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
    if (step.taken === undefined && (step.line === undefined || isSameLine(step.line, kept.at(-1)?.line))) continue;
    kept.push({
      insn: step.insn,
      ...(line === undefined ? {} : { line }),
      ...(step.taken === undefined ? {} : { taken: step.taken }),
    });
  }
  return kept;
}

function isSameLine(a: SourceLine, b: SourceLine | undefined): boolean {
  return a.file === b?.file && a.line === b.line;
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
