/** What the verifier knew when it rejected a program, for reports: the path that led there, and the registers. */
import { toBigInt } from '../u64.js';
import type { Env } from './env.js';
import { NOT_INIT, type Reg, SCALAR, typeText } from './reg.js';
import { regText } from './state-text.js';
import type { HistoryEntry, State } from './state.js';
import type { PathStep, RegFact, RejectFacts } from './verdict.js';

/** Steps that a report shows at most; the oldest are left out. */
const MAX_STEPS = 10_000;

export function rejectFacts(env: Env): RejectFacts {
  if (env.processed === 0) return { path: [], registers: [] };
  return { path: pathOf(env), registers: registersOf(env) };
}

function registersOf(env: Env): RegFact[] {
  const facts: RegFact[] = [];
  for (const frame of env.cur.frames) {
    for (const [no, reg] of frame.regs.entries()) if (reg.type !== NOT_INIT) facts.push(factOf(reg, frame.no, no));
    for (const [index, slot] of frame.stack.entries()) {
      if (slot.isSpill) facts.push(factOf(slot.reg, frame.no, -8 * (index + 1)));
    }
  }
  return facts;
}

function factOf(reg: Reg, frame: number, at: number): RegFact {
  const { bits } = reg.bounds;
  const value = bits.isConst ? toBigInt(bits.vLo, bits.vHi) + (reg.type === SCALAR ? 0n : BigInt(reg.off)) : undefined;
  return {
    frame,
    at,
    type: typeText(reg.type),
    text: regText(reg, frame),
    ...(value === undefined ? {} : { value: BigInt.asUintN(64, value) }),
  };
}

/** Instructions from the entry to the one at fault, as the history lets them be walked back. */
function pathOf(env: Env): PathStep[] {
  const insns: number[] = [];
  let state: State | undefined = env.cur;
  let insn = env.insn;
  while (state !== undefined && insns.length < MAX_STEPS) {
    let entry: HistoryEntry | undefined = state.history;
    for (let at = insn; at >= 0 && insns.length < MAX_STEPS;) {
      if (env.code[at] !== 0) insns.push(at);
      if (at === state.firstInsn && (entry === undefined || (entry.count === 1 && entry.insn === at))) break;
      if (entry?.insn === at) {
        at = entry.prevInsn;
        entry = entry.before;
      } else {
        at--;
      }
    }
    insn = state.parent?.lastInsn ?? -1;
    if (insn < 0) break;
    state = state.parent;
  }
  insns.reverse();
  return insns.map((at, i) => stepOf(env, at, insns[i + 1], insns[i - 1]));
}

function stepOf(env: Env, insn: number, next: number | undefined, before: number | undefined): PathStep {
  const line = env.lineOf(insn);
  const isNew = line !== undefined && (before === undefined || env.lineOf(before) !== line);
  const isJump = (env.code[insn]! & 7) === 5 || (env.code[insn]! & 7) === 6;
  const op = env.code[insn]! & 0xf0;
  const isConditional = isJump && op !== 0x00 && op !== 0x80 && op !== 0x90;
  return {
    insn,
    ...(isNew ? { line } : {}),
    ...(isConditional && next !== undefined ? { taken: next !== insn + 1 } : {}),
  };
}
