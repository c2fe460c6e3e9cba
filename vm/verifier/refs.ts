/** References that a program holds and must give back: sockets, ring buffer records. Knows no helpers. */
import { errno } from '../spec/errno.js';
import type { Env } from './env.js';
import { mapRegs } from './paths.js';
import {
  DYNPTR_PACKET_FLAGS,
  NOT_INIT_REG,
  PTR_TO_MEM,
  type Reg,
  UNKNOWN_REG,
  baseType,
  isAnyPacketPointer,
} from './reg.js';

/** Takes a new reference; its id. */
export function acquireRef(env: Env, insn: number): number {
  const id = env.newId();
  env.cur.refs = [...env.cur.refs, { kind: 'ptr', id, insn }];
  return id;
}

/** A register whose object is gone. */
export function goneReg(env: Env): Reg {
  return env.caps.perfmon ? UNKNOWN_REG : NOT_INIT_REG;
}

/** Gives a reference back, and with it every copy of the pointer; false where it was not held. */
export function releaseRef(env: Env, id: number): boolean {
  const { cur } = env;
  if (!cur.refs.some((ref) => ref.kind === 'ptr' && ref.id === id)) return false;
  cur.refs = cur.refs.filter((ref) => ref.kind !== 'ptr' || ref.id !== id);
  const gone = goneReg(env);
  mapRegs(cur, (reg) => (reg.refId === id ? gone : reg));
  return true;
}

/** The packet may have moved: what pointed into it does not any more. */
export function forgetPacketPointers(env: Env): void {
  const gone = goneReg(env);
  mapRegs(env.cur, (reg) => {
    const isSlice = (reg.type & DYNPTR_PACKET_FLAGS) !== 0 && baseType(reg.type) === PTR_TO_MEM;
    return isAnyPacketPointer(reg.type) || isSlice ? gone : reg;
  });
}

function checkRefs(env: Env): boolean {
  if (env.cur.depth > 0) return true;
  let held = false;
  for (const ref of env.cur.refs) {
    if (ref.kind !== 'ptr') continue;
    env.log.add(`Unreleased reference id=${ref.id} alloc_insn=${ref.insn}\n`);
    held = true;
  }
  return !held;
}

/** Rejects what must not happen with a lock or a reference in hand. */
export function checkNothingHeld(env: Env, checkLocks: boolean, what: string): void {
  const { cur } = env;
  if (checkLocks && cur.activeLocks > 0) env.invalid(`${what} cannot be used inside bpf_spin_lock-ed region`);
  if (!checkRefs(env)) env.reject(errno.EINVAL, `${what} would lead to reference leak`);
  if (checkLocks && cur.rcuLocks > 0) env.invalid(`${what} cannot be used inside bpf_rcu_read_lock-ed region`);
  if (checkLocks && cur.preemptLocks > 0) {
    env.invalid(`${what} cannot be used inside bpf_preempt_disable-ed region`);
  }
}
