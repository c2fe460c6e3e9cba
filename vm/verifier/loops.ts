/**
 * Strongly connected components of each function's control flow (Tarjan 1972): the loops. Iterative, since programs are
 * not trusted. Knows no states.
 */
import type { Env } from './env.js';

/** Numbers loops from 1; instructions outside loops get 0. */
export function findLoops(env: Env): void {
  const number = new Int32Array(env.count);
  const low = new Int32Array(env.count);
  const onStack = new Uint8Array(env.count);
  const stack: number[] = [];
  const step = new Uint8Array(env.count);
  let lastNumber = 0;
  let lastLoop = 0;
  const enter = (insn: number, path: number[]): void => {
    number[insn] = low[insn] = ++lastNumber;
    stack.push(insn);
    onStack[insn] = 1;
    path.push(insn);
  };
  for (let start = 0; start < env.count; start++) {
    if (number[start] !== 0 || (start > 0 && env.isLdImm64(start - 1) && env.code[start] === 0)) continue;
    const path: number[] = [];
    enter(start, path);
    for (let insn = path.at(-1); insn !== undefined; insn = path.at(-1)) {
      const at = step[insn]!++;
      if (at < 2) {
        const to = at === 0 ? env.next[insn]! : env.target[insn]!;
        if (to < 0 || to >= env.count) continue;
        if (number[to] === 0) enter(to, path);
        else if (onStack[to] !== 0) low[insn] = Math.min(low[insn]!, number[to]!);
        continue;
      }
      path.pop();
      const above = path.at(-1);
      if (above !== undefined) low[above] = Math.min(low[above]!, low[insn]!);
      if (low[insn] !== number[insn]) continue;
      const isLoop = stack.at(-1) !== insn || env.next[insn] === insn || env.target[insn] === insn;
      const loop = isLoop ? ++lastLoop : 0;
      for (let member = stack.pop(); member !== undefined; member = stack.pop()) {
        onStack[member] = 0;
        env.scc[member] = loop;
        if (member === insn) break;
      }
    }
  }
}
