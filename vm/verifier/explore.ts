/**
 * The exploration: follows one path after another, instruction by instruction, until each has ended or met a checkpoint.
 * Messages and counters are Linux'.
 */
import { errno } from '../spec/errno.js';
import { checkAlu } from './alu.js';
import { checkLocalCall, leave } from './calls.js';
import { type Env, JUMP_POINT, MAX_PROCESSED, PRUNE_POINT } from './env.js';
import { checkHelperCall } from './helper-calls.js';
import { checkJump } from './jumps.js';
import { checkKfuncCall } from './kfunc-calls.js';
import { checkLoad, checkLdAbs, checkLdImm, checkStore, checkStoreImm } from './load-store.js';
import { checkCallWithLock } from './locks.js';
import {
  ALU,
  ALU64,
  CALL,
  EXIT,
  JA,
  JMP,
  JMP32,
  LD,
  LDX,
  PSEUDO_CALL,
  PSEUDO_KFUNC_CALL,
  SRC_REG,
  ST,
  STX,
  classOf,
  opOf,
} from './opcodes.js';
import type { Pruner } from './prune.js';
import { checkExit } from './returns.js';
import { checkNothingHeld } from './refs.js';
import { printState } from './state-text.js';
import type { State } from './state.js';
import type { Verifier } from './verifier.js';

const SPIN_UNLOCK = 94;

/** Explores everything from a state on. */
export function explore(v: Verifier, pruner: Pruner, start: State, insn: number): void {
  const { env } = v;
  env.cur = start;
  env.insn = insn;
  let previous = -1;
  let newPath = false;
  for (;;) {
    env.historyEntry = undefined;
    env.prevInsn = previous;
    if (++env.processed > MAX_PROCESSED) {
      env.reject(errno.E2BIG, `BPF program is too large. Processed ${env.processed} insn`);
    }
    env.cur.lastInsn = previous;
    env.cur.insn = env.insn;
    let ended = false;
    if (env.has(env.insn, PRUNE_POINT) && pruner.isVisited(env.insn)) {
      if (env.log.showsPaths) {
        env.log.add(newPath ? `\nfrom ${env.prevInsn} to ${env.insn}: safe\n` : `${env.insn}: safe\n`);
      }
      ended = true;
    } else {
      if (env.has(env.insn, JUMP_POINT)) env.remember(-1, false, false, undefined);
      if (env.log.showsPaths) {
        if (newPath && env.log.keepsPaths) {
          env.log.add(`\nfrom ${env.prevInsn} to ${env.insn}:`);
          printState(env, env.cur, env.cur.depth);
          newPath = false;
        }
        v.trace.showInsn();
      }
      previous = env.insn;
      v.liveness.beginInsn(env.insn);
      const inner = env.cur.depth > 0;
      ended = checkInsn(v);
      v.liveness.endInsn();
      if (inner && !ended && opOf(env.code[previous]!) === EXIT && classOf(env.code[previous]!) === JMP) newPath = true;
    }
    if (!ended) continue;
    env.touchAll();
    v.liveness.update(env.cur);
    pruner.visits.finish(env.cur);
    const next = env.pending.pop();
    if (next === undefined) return;
    env.cur = next.state;
    env.insn = next.insn;
    previous = next.prevInsn;
    if (!env.log.keepsPaths) env.log.cut(next.logPosition);
    v.liveness.forgetChain();
    newPath = true;
  }
}

/** One instruction; leaves in `env.insn` where the path goes on. True: it ends. */
function checkInsn(v: Verifier): boolean {
  const env: Env = v.env;
  const code = env.code[env.insn]!;
  switch (classOf(code)) {
    case ALU:
    case ALU64:
      checkAlu(v);
      env.insn++;
      return false;
    case LDX:
      checkLoad(v);
      env.insn++;
      return false;
    case STX:
      checkStore(v);
      env.insn++;
      return false;
    case ST:
      checkStoreImm(v);
      env.insn++;
      return false;
    case JMP:
    case JMP32:
      env.jumps++;
      return checkJmp(v, code);
    case LD:
      if (env.isLdImm64(env.insn)) {
        checkLdImm(v);
        env.insn += 2;
      } else {
        checkLdAbs(v, code);
      }
      return false;
    default:
      env.invalid(`unknown insn class ${classOf(code)}`);
  }
}

function checkJmp(v: Verifier, code: number): boolean {
  const env: Env = v.env;
  const { insn } = env;
  const narrow = classOf(code) === JMP32;
  const src = env.src[insn]!;
  const reserved = (code & SRC_REG) !== 0 || src !== 0 || env.dst[insn] !== 0;
  switch (opOf(code)) {
    case CALL: {
      const known = src === 0 || src === PSEUDO_CALL || src === PSEUDO_KFUNC_CALL;
      const badOff = src !== PSEUDO_KFUNC_CALL && env.off[insn] !== 0;
      if ((code & SRC_REG) !== 0 || badOff || !known || env.dst[insn] !== 0 || narrow) {
        env.invalid('BPF_CALL uses reserved fields');
      }
      checkCall(v, src);
      return false;
    }
    case JA:
      if (reserved || (narrow ? env.off[insn] !== 0 : env.imm[insn] !== 0)) {
        env.invalid('BPF_JA uses reserved fields');
      }
      env.insn += 1 + (narrow ? env.imm[insn]! : env.off[insn]!);
      return false;
    case EXIT:
      if (reserved || env.imm[insn] !== 0 || narrow) env.invalid('BPF_EXIT uses reserved fields');
      checkNothingHeld(env, env.cur.depth === 0, 'BPF_EXIT instruction in main prog');
      if (env.cur.depth > 0) {
        v.liveness.update(env.cur);
        leave(v);
        return false;
      }
      checkExit(env);
      return true;
    default:
      checkJump(v);
      return false;
  }
}

function checkCall(v: Verifier, src: number): void {
  const { env } = v;
  if (src === PSEUDO_CALL) {
    checkLocalCall(v);
  } else if (src === PSEUDO_KFUNC_CALL) {
    checkKfuncCall(v);
    env.insn++;
  } else {
    checkCallWithLock(env, env.imm[env.insn] === SPIN_UNLOCK);
    checkHelperCall(v);
  }
  env.dirtyRegs |= 1;
}
