/** Spin locks and timers: objects in a map's value that a helper is handed. Messages are Linux'. */
import { errno } from '../spec/errno.js';
import type { Env } from './env.js';
import { type FieldKind, mapRecord } from './map-record.js';
import { mapRegs } from './paths.js';
import { NON_OWN_REF, PTR_TO_MAP_VALUE, type Reg, UNKNOWN_REG } from './reg.js';
import { mapName } from './state-text.js';

/** Offset that a pointer with a constant one leads to. */
function offsetOf(reg: Reg): number {
  return reg.off + reg.bounds.bits.vLo;
}

/** The pointer leads to the value's one object of that kind. */
function checkObject(env: Env, regNo: number, kind: FieldKind): Reg {
  const reg = env.reg(regNo);
  if (!reg.bounds.isConst) {
    env.invalid(`R${regNo} doesn't have constant offset. ${kind} has to be at the constant offset`);
  }
  if (reg.type !== PTR_TO_MAP_VALUE || reg.map === undefined) env.unknown(`a ${kind} outside of a map's value`);
  const { map } = reg;
  if (map.btf === undefined) {
    env.invalid(`map '${mapName(map.name)}' has to have BTF in order to use ${kind}`);
  }
  const at = mapRecord(map).offsetOf(kind);
  if (at === undefined) env.invalid(`map '${mapName(map.name)}' has no valid ${kind}`);
  if (at !== offsetOf(reg)) {
    env.invalid(`off ${offsetOf(reg)} doesn't point to 'struct ${kind}' that is at ${at}`);
  }
  return reg;
}

export function takeLock(env: Env, regNo: number): void {
  const reg = checkObject(env, regNo, 'bpf_spin_lock');
  const { cur } = env;
  if (cur.refs.some((ref) => ref.kind === 'lock')) env.invalid('Locking two bpf_spin_locks are not allowed');
  const holder = reg.map!;
  cur.refs = [...cur.refs, { kind: 'lock', id: reg.id, insn: env.insn, holder }];
  cur.activeLocks++;
  cur.activeLockId = reg.id;
  cur.activeLockHolder = holder;
}

export function releaseLock(env: Env, regNo: number): void {
  const reg = checkObject(env, regNo, 'bpf_spin_lock');
  const { cur } = env;
  if (cur.activeLocks === 0) env.invalid('bpf_spin_unlock without taking a lock');
  const held = cur.refs.find((ref) => ref.kind === 'lock' && ref.id === reg.id && ref.holder === reg.map);
  if (held === undefined) env.invalid('bpf_spin_unlock of different lock');
  cur.refs = cur.refs.filter((ref) => ref !== held);
  cur.activeLocks--;
  cur.activeLockId = 0;
  cur.activeLockHolder = undefined;
  mapRegs(cur, (other) => ((other.type & NON_OWN_REF) === 0 ? other : UNKNOWN_REG));
}

/** A timer argument; returns the register, whose map the timer belongs to. */
export function checkTimer(env: Env, regNo: number): Reg {
  return checkObject(env, regNo, 'bpf_timer');
}

/** Only spin_unlock may be called with a lock in hand. */
export function checkCallWithLock(env: Env, mayCall: boolean): void {
  if (env.cur.activeLocks > 0 && !mayCall) {
    env.reject(errno.EINVAL, 'function calls are not allowed while holding a lock');
  }
}
