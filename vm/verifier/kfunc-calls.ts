/**
 * The call of a kernel function: whether the program may call it, its arguments, what it does to the state and what it
 * returns. Messages and their order are Linux'.
 */
import type { ProgTypeName } from '../spec/prog-types.js';
import type { Env } from './env.js';
import { checkDynptr, makeDynptr } from './dynptrs.js';
import { sliceFlag } from './dynptr-slots.js';
import { checkHelperMemory, checkKfuncSize } from './helper-args.js';
import { type IterPlace, checkIter, destroyIter, makeIter, stepIter } from './iterators.js';
import { type KfuncArg, type KfuncProto, kfuncAt } from './kfunc-protos.js';
import { mapRegs } from './paths.js';
import { markPrecise } from './precision.js';
import {
  DYNPTR_FLAGS,
  MAYBE_NULL,
  NOT_INIT_REG,
  PTR_TO_BTF_ID,
  PTR_TO_CTX,
  PTR_TO_MEM,
  RCU,
  RDONLY,
  type Reg,
  SCALAR,
  TRUSTED,
  UNKNOWN_REG,
  UNTRUSTED,
  pointerReg,
  typeText,
} from './reg.js';
import { clearCallerSaved } from './reg-check.js';
import { mayTouchPacket } from './memory.js';
import type { Verifier } from './verifier.js';

/** What the arguments together mean. */
interface KfuncFacts {
  iter: IterPlace | undefined;
  dynptr: Reg | undefined;
  refId: number;
  constant: number;
}

export function checkKfuncCall(v: Verifier): void {
  const env: Env = v.env;
  const { insn } = env;
  const ref = env.ref(insn);
  if (ref?.kind !== 'kfunc') env.unknown('a kfunc without a name');
  const { name } = ref;
  const proto = kfuncAt(env, insn);
  const { type } = env.program;
  if (proto === undefined || proto.unsureTypes?.has(type) === true) env.unknown(`kfunc ${name}`);
  if (env.cur.activeLocks > 0 && proto.underLock !== true) {
    env.invalid('function calls are not allowed while holding a lock');
  }
  if (proto.types?.has(type) === false) env.deny(`calling kernel function ${name} is not allowed`);
  const facts: KfuncFacts = { iter: undefined, dynptr: undefined, refId: 0, constant: 0 };
  for (let i = 0; i < proto.args.length; i++) checkKfuncArg(v, i, proto, facts);
  changeLocks(env, proto, name);
  clearCallerSaved(env);
  const result = resultOf(env, proto, facts);
  if ((result.type & MAYBE_NULL) !== 0) result.id = env.newId();
  env.setReg(0, result);
  if (proto.role === 'iter-destroy') destroyIter(v, facts.iter!, proto.iter!);
  if (proto.role === 'iter-next') stepIter(v, facts.iter!);
}

function checkKfuncArg(v: Verifier, index: number, proto: KfuncProto, facts: KfuncFacts): void {
  const env: Env = v.env;
  const regNo = index + 1;
  const kind: KfuncArg = proto.args[index]!;
  if (kind === 'ignored' || kind === 'size') return;
  const reg = env.reg(regNo);
  if (kind === 'scalar' || kind === 'const') {
    if (reg.type !== SCALAR) env.invalid(`R${regNo} is not a scalar`);
    if (kind === 'const') facts.constant = constantOf(env, regNo, reg);
    return;
  }
  if (proto.trusted === true && (reg.isNull || (reg.type & MAYBE_NULL) !== 0)) {
    env.deny(`Possibly NULL pointer passed to trusted arg${index}`);
  }
  if (reg.refId !== 0) facts.refId = reg.refId;
  switch (kind) {
    case 'ctx':
      if (reg.type !== PTR_TO_CTX) {
        env.invalid(`arg#${index} expected pointer to ctx, but got ${typeText(reg.type)}`);
      }
      return;
    case 'dynptr':
      facts.dynptr = checkDynptr(v, regNo);
      return;
    case 'dynptr:new': {
      const parent = facts.dynptr?.dynptr?.type;
      makeDynptr(v, regNo, proto.dynptr ?? parent!, facts.dynptr?.refId ?? 0);
      return;
    }
    case 'iter:new':
      makeIter(v, regNo, proto.iter!);
      return;
    case 'iter': {
      const place = checkIter(v, regNo, proto.iter!);
      facts.iter = place;
      facts.refId = env.cur.frames[place.frame]!.stack[place.slot]!.reg.refId;
      return;
    }
    case 'buffer?':
      if (!reg.isNull) checkKfuncSize(v, regNo + 1, index);
      facts.constant = constantOf(env, regNo + 1, env.reg(regNo + 1));
      return;
    case 'mem8':
      checkHelperMemory(v, regNo, 8, false, true, undefined);
      checkHelperMemory(v, regNo, 8, true, true, undefined);
  }
}

function constantOf(env: Env, regNo: number, { bounds }: Reg): number {
  if (!bounds.isConst) env.invalid(`R${regNo} must be a known constant`);
  markPrecise(env, regNo);
  return bounds.bits.vLo >>> 0;
}

function changeLocks(env: Env, { role }: KfuncProto, name: string): void {
  const { cur } = env;
  switch (role) {
    case 'rcu-lock':
      if (cur.rcuLocks > 0) env.invalid(`nested rcu read lock (kernel function ${name})`);
      cur.rcuLocks++;
      break;
    case 'rcu-unlock':
      if (cur.rcuLocks === 0) env.invalid(`unmatched rcu read unlock (kernel function ${name})`);
      cur.rcuLocks = 0;
      mapRegs(cur, withoutRcu);
      break;
    case 'preempt-disable':
      cur.preemptLocks++;
      break;
    case 'preempt-enable':
      if (cur.preemptLocks === 0) env.invalid(`unmatched attempt to enable preemption (kernel function ${name})`);
      cur.preemptLocks--;
      break;
    default:
  }
}

/** Names of the kernel's structures behind contexts. */
const KERNEL_CTX: Partial<Record<ProgTypeName, string>> = {
  xdp: 'xdp_buff',
  socket_filter: 'sk_buff',
  sched_cls: 'sk_buff',
  sched_act: 'sk_buff',
  cgroup_skb: 'sk_buff',
  lwt_in: 'sk_buff',
  lwt_out: 'sk_buff',
  lwt_xmit: 'sk_buff',
  lwt_seg6local: 'sk_buff',
  sk_skb: 'sk_buff',
  cgroup_sock: 'sock',
  cgroup_sock_addr: 'bpf_sock_addr_kern',
  cgroup_sockopt: 'bpf_sockopt_kern',
  cgroup_sysctl: 'bpf_sysctl_kern',
  sock_ops: 'bpf_sock_ops_kern',
  sk_msg: 'sk_msg',
  sk_lookup: 'bpf_sk_lookup_kern',
  sk_reuseport: 'sk_reuseport_kern',
  flow_dissector: 'bpf_flow_dissector',
};

/** The context as the kernel keeps it. */
function kernelCtx(env: Env): Reg {
  const { type } = env.program;
  const reg = pointerReg(PTR_TO_BTF_ID | TRUSTED);
  reg.struct = KERNEL_CTX[type] ?? env.unknown(`the kernel's own context of ${type} programs`);
  return reg;
}

/** What was protected is not any more. */
function withoutRcu(reg: Reg): Reg {
  if ((reg.type & RCU) === 0) return reg;
  const out = reg.copy();
  out.type = (reg.type & ~(RCU | MAYBE_NULL)) | UNTRUSTED;
  return out;
}

/** A register of its own, which the caller may change. */
function resultOf(env: Env, proto: KfuncProto, facts: KfuncFacts): Reg {
  switch (proto.ret) {
    case 'int':
      return UNKNOWN_REG;
    case 'void':
      return NOT_INIT_REG;
    case 'int-pointer?': {
      const reg = pointerReg(PTR_TO_MEM | RDONLY | MAYBE_NULL);
      reg.memBytes = 4;
      reg.refId = facts.refId;
      return reg;
    }
    case 'slice?': {
      const isReadOnly = proto.role === 'slice';
      const { dynptr } = facts;
      if (!isReadOnly && !mayTouchPacket(env, true)) env.invalid('the prog does not allow writes to packet data');
      const flag = sliceFlag(dynptr!.dynptr!.type) & DYNPTR_FLAGS;
      const reg = pointerReg(PTR_TO_MEM | flag | (isReadOnly ? RDONLY : 0) | MAYBE_NULL);
      reg.memBytes = facts.constant;
      reg.dynptrId = dynptr!.id;
      return reg;
    }
    case 'kernel-ctx':
      return kernelCtx(env);
  }
}
