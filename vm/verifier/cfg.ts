/**
 * The control flow of the whole program: every instruction is reached, nothing jumps into the second slot of a 64-bit
 * load; where states are compared and histories noted. Knows no states.
 */
import { errno } from '../spec/errno.js';
import { helperById } from '../spec/helpers.js';
import { CALLS_CALLBACK, type Env, FORCE_CHECKPOINT, ITER_NEXT, JUMP_POINT, MAY_GOTO, PRUNE_POINT } from './env.js';
import { isIterNext } from './iter-names.js';
import {
  CALL,
  EXIT,
  JA,
  JCOND,
  JMP,
  JMP32,
  PSEUDO_CALL,
  PSEUDO_KFUNC_CALL,
  SRC_REG,
  classOf,
  opOf,
} from './opcodes.js';
import { jumpOffset } from './structure.js';

const DISCOVERED = 0x10;
const EXPLORED = 0x20;
const FALLTHROUGH = 1;
const BRANCH = 2;

const TIMER_SET_CALLBACK = 170;
const SYNC_CALLBACKS: ReadonlySet<number> = new Set([164, 180, 181, 209]);

/** Whether the helper calls back while it runs. */
export function callsBack(helper: number): boolean {
  return SYNC_CALLBACKS.has(helper);
}

/** Whether the helper remembers a callback for later. */
export function callsBackLater(helper: number): boolean {
  return helper === TIMER_SET_CALLBACK;
}

class Walk {
  readonly env: Env;
  readonly state: Uint8Array;
  readonly stack: number[] = [];

  constructor(env: Env) {
    this.env = env;
    this.state = new Uint8Array(env.count);
  }

  /** Follows an edge; true: the target must be looked at first. */
  push(from: number, to: number, edge: number): boolean {
    const { env, state } = this;
    if (state[from]! >= (DISCOVERED | edge)) return false;
    if (to < 0 || to >= env.count) {
      env.showLine(from, `${from}: `);
      env.invalid(`jump out of range from insn ${from} to ${to}`);
    }
    if (edge === BRANCH) env.marks[to]! |= PRUNE_POINT | JUMP_POINT;
    if (state[to] === 0) {
      state[from] = DISCOVERED | edge;
      state[to] = DISCOVERED;
      this.stack.push(to);
      return true;
    }
    if ((state[to]! & 0xf0) === DISCOVERED) {
      if (env.caps.bpf) return false;
      env.invalid(`back-edge from insn ${from} to ${to}`);
    }
    state[from] = DISCOVERED | edge;
    return false;
  }

  visit(insn: number): boolean {
    const { env } = this;
    if (env.isFuncPointer(insn)) return this.visitCall(insn, true);
    const code = env.code[insn]!;
    const kind = classOf(code);
    if (kind !== JMP && kind !== JMP32) return this.push(insn, insn + (env.isLdImm64(insn) ? 2 : 1), FALLTHROUGH);
    switch (opOf(code)) {
      case EXIT:
        return false;
      case CALL:
        this.noteCall(insn);
        return this.visitCall(insn, env.src[insn] === PSEUDO_CALL);
      case JA: {
        if ((code & SRC_REG) !== 0) env.fail(errno.EINVAL);
        const to = insn + jumpOffset(env, insn) + 1;
        if (this.push(insn, to, FALLTHROUGH)) return true;
        env.marks[to]! |= PRUNE_POINT | JUMP_POINT;
        return false;
      }
      default:
        env.marks[insn]! |= PRUNE_POINT;
        if (opOf(code) === JCOND) env.marks[insn]! |= FORCE_CHECKPOINT | MAY_GOTO;
        if (this.push(insn, insn + 1, FALLTHROUGH)) return true;
        return this.push(insn, insn + env.off[insn]! + 1, BRANCH);
    }
  }

  noteCall(insn: number): void {
    const { env } = this;
    const subprog = env.subprogs[env.subprogOf(insn)]!;
    if (env.src[insn] === 0) {
      const id = env.imm[insn]!;
      if (callsBackLater(id)) env.marks[insn]! |= PRUNE_POINT;
      if (callsBack(id)) env.marks[insn]! |= CALLS_CALLBACK | FORCE_CHECKPOINT | PRUNE_POINT | JUMP_POINT;
      if (helperById(id)?.movesPacket === true) subprog.changesPacket = true;
    } else if (env.src[insn] === PSEUDO_KFUNC_CALL) {
      const ref = env.ref(insn);
      if (ref?.kind === 'kfunc' && isIterNext(ref.name)) {
        env.marks[insn]! |= PRUNE_POINT | FORCE_CHECKPOINT | ITER_NEXT;
      }
    }
  }

  visitCall(insn: number, visitCallee: boolean): boolean {
    const { env } = this;
    const next = insn + (env.isLdImm64(insn) ? 2 : 1);
    if (this.push(insn, next, FALLTHROUGH)) return true;
    env.marks[next]! |= PRUNE_POINT | JUMP_POINT;
    if (!visitCallee) return false;
    const callee = insn + env.imm[insn]! + 1;
    env.marks[insn]! |= PRUNE_POINT;
    const caller = env.subprogs[env.subprogOf(insn)]!;
    const called = env.subprogs[env.subprogOf(callee)]!;
    caller.changesPacket ||= called.changesPacket;
    caller.mightSleep ||= called.mightSleep;
    return this.push(insn, callee, BRANCH);
  }

  run(): void {
    this.state[0] = DISCOVERED;
    this.stack.push(0);
    for (let insn = this.stack.at(-1); insn !== undefined; insn = this.stack.at(-1)) {
      if (this.visit(insn)) continue;
      this.state[insn] = EXPLORED;
      this.stack.pop();
    }
  }
}

export function checkCfg(env: Env): void {
  const walk = new Walk(env);
  walk.run();
  for (let insn = 0; insn < env.count; insn++) {
    if (walk.state[insn] !== EXPLORED) env.invalid(`unreachable insn ${insn}`);
    if (!env.isLdImm64(insn)) continue;
    if (walk.state[insn + 1] !== 0) env.invalid(`jump into the middle of ldimm64 insn ${insn}`);
    insn++;
  }
}

/** Instructions that may follow within the function: the one behind and the jump's target, by instruction; -1 for none. */
export function findSuccessors(env: Env): void {
  for (let insn = 0; insn < env.count; insn++) {
    env.next[insn] = nextOf(env, insn);
    env.target[insn] = targetOf(env, insn);
    if (env.isLdImm64(insn)) insn++;
  }
}

function nextOf(env: Env, insn: number): number {
  const code = env.code[insn]!;
  const kind = classOf(code);
  if ((kind === JMP || kind === JMP32) && (opOf(code) === EXIT || opOf(code) === JA)) return -1;
  return insn + (env.isLdImm64(insn) ? 2 : 1);
}

function targetOf(env: Env, insn: number): number {
  const code = env.code[insn]!;
  const kind = classOf(code);
  if ((kind !== JMP && kind !== JMP32) || opOf(code) === EXIT || opOf(code) === CALL) return -1;
  return insn + jumpOffset(env, insn) + 1;
}

/** Each function's instructions, successors before predecessors as far as there are no loops. */
export function computePostorder(env: Env): void {
  const order = new Int32Array(env.count);
  const seen = new Uint8Array(env.count);
  let count = 0;
  for (const subprog of env.subprogs) {
    subprog.postorderStart = count;
    const stack = [subprog.start];
    const entered = new Uint8Array(subprog.end - subprog.start);
    seen[subprog.start] = 1;
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      if (entered[top - subprog.start] !== 0) {
        order[count++] = top;
        stack.pop();
        continue;
      }
      entered[top - subprog.start] = 1;
      for (const to of [env.next[top]!, env.target[top]!]) {
        if (to < 0 || seen[to] !== 0) continue;
        seen[to] = 1;
        stack.push(to);
      }
    }
    subprog.postorderEnd = count;
  }
  env.postorder = order.subarray(0, count);
}
