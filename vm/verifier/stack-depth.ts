/** How much stack the functions of a program need together, over every chain of calls. Messages are Linux'. */
import { errno } from '../spec/errno.js';
import type { Env } from './env.js';
import { MAX_FRAMES, MAX_STACK } from './state.js';

const MAX_BEFORE_TAIL_CALL = 256;

/** As a JIT rounds a frame. */
function rounded(bytes: number): number {
  return (bytes + 15) & ~15;
}

interface Call {
  readonly subprog: number;
  /** Slot behind the call. */
  readonly back: number;
}

export function checkStackDepth(env: Env): void {
  for (let no = env.subprogs.length - 1; no >= 0; no--) {
    if (no === 0 || env.subprogs[no]!.isAsyncCallback) walk(env, no);
  }
}

function walk(env: Env, from: number): void {
  const calls: Call[] = [];
  let depth = 0;
  let subprog = from;
  let insn = env.subprogs[from]!.start;
  const enter = (): void => {
    const { hasTailCall, stackBytes } = env.subprogs[subprog]!;
    if (subprog > 0 && hasTailCall && depth >= MAX_BEFORE_TAIL_CALL) {
      env.deny(`tail_calls are not allowed when call stack of previous frames is ${depth} bytes. Too large`);
    }
    depth += rounded(stackBytes);
    if (depth > MAX_STACK) {
      env.deny(`combined stack size of ${calls.length + 1} calls is ${depth}. Too large`);
    }
  };
  enter();
  for (;;) {
    const { end } = env.subprogs[subprog]!;
    let callee = -1;
    for (; insn < end; insn++) {
      const isCall = env.isLocalCall(insn);
      if (!isCall && !env.isFuncPointer(insn)) continue;
      const target = env.subprogAt(insn + env.imm[insn]! + 1);
      if (env.subprogs[target]!.isAsyncCallback && !isCall) continue;
      callee = target;
      break;
    }
    if (callee >= 0) {
      calls.push({ subprog, back: insn + 1 });
      subprog = callee;
      insn = env.subprogs[callee]!.start;
      if (calls.length >= MAX_FRAMES) {
        env.reject(errno.E2BIG, `the call stack of ${calls.length} frames is too deep !`);
      }
      enter();
      continue;
    }
    const back = calls.pop();
    if (back === undefined) return;
    depth -= rounded(env.subprogs[subprog]!.stackBytes);
    subprog = back.subprog;
    insn = back.back;
  }
}
