/**
 * The call of a helper: whether the program may call it, its arguments, what it does to the state and what it returns.
 * Messages and their order are Linux'.
 */
import { errno } from '../spec/errno.js';
import { helperById } from '../spec/helpers.js';
import { MAP_FLAGS } from '../spec/map-types.js';
import { UNKNOWN_BOUNDS } from './bounds.js';
import { eachArguments, leave, loopArguments, pushAsyncCallback, pushCallback, timerArguments } from './calls.js';
import { releaseDynptr } from './dynptr-slots.js';
import type { Env } from './env.js';
import { CallFacts, checkArg } from './helper-args.js';
import { alwaysHasEntries, checkHelperFitsMap } from './helper-maps.js';
import { type HelperProto, kernelSockOf, mayCallHelper, protoOf } from './helper-protos.js';
import { mapRecord } from './map-record.js';
import { checkMemAccess } from './memory.js';
import { pushBranch } from './paths.js';
import { markPrecise } from './precision.js';
import type { VerifierMap } from './program.js';
import {
  MAYBE_NULL,
  NOT_INIT_REG,
  PTR_TO_BTF_ID,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_SOCKET,
  PTR_TO_SOCK_COMMON,
  PTR_TO_TCP_SOCK,
  RINGBUF,
  type Reg,
  UNKNOWN_REG,
  pointerReg,
  scalarReg,
  typeText,
} from './reg.js';
import { clearCallerSaved } from './reg-check.js';
import { acquireRef, checkNothingHeld, forgetPacketPointers, releaseRef } from './refs.js';
import { helperName } from './structure.js';
import { checkFormat } from './format-check.js';
import type { Verifier } from './verifier.js';

const MAP_LOOKUP = 1;
const GET_SMP_PROCESSOR_ID = 8;
const TAIL_CALL = 12;
const GET_LOCAL_STORAGE = 81;
const TCP_SOCK = 96;
const SK_FULLSOCK = 95;
const FOR_EACH_MAP_ELEM = 164;
const SNPRINTF = 165;
const TIMER_SET_CALLBACK = 170;
const LOOP = 181;
const DYNPTR_FROM_MEM = 197;
const DYNPTR_WRITE = 202;

/** Helpers that change a map. */
const MAP_WRITERS: ReadonlySet<number> = new Set([2, 3, 87, 88]);
const LAST_HELPER = 211;
/** Lookups of sockets, reservation of a record. */
const ACQUIRES: ReadonlySet<number> = new Set([84, 85, 99, 131]);
/** The largest negative errno that a helper returns. */
const MAX_ERRNO = 4095;
/** Helpers that return at most the length of their buffer. */
const RETURNS_LENGTH: ReadonlySet<number> = new Set([45, 67, 114, 115, 141]);

function holdsSocks(map: VerifierMap | undefined): boolean {
  return map?.type === 'sockmap' || map?.type === 'sockhash';
}

function findProto(env: Env, id: number): HelperProto {
  if (id < 0 || id > LAST_HELPER) env.invalid(`invalid func ${helperName(id)}#${id}`);
  const may = id === 0 ? false : mayCallHelper(env, id);
  if (may === undefined) env.unknown(`helpers of ${env.program.type} programs`);
  if (!may) env.invalid(`program of this type cannot use helper ${helperName(id)}#${id}`);
  if (!env.isGpl && helperById(id)?.gplOnly === true) {
    env.invalid('cannot call GPL-restricted function from non-GPL compatible program');
  }
  return protoOf(env, id) ?? env.unknown(`helper ${helperName(id)}`);
}

export function checkHelperCall(v: Verifier): void {
  const { env } = v;
  const { insn } = env;
  const id = env.imm[insn]!;
  const proto = findProto(env, id);
  const facts = new CallFacts();
  for (let i = 0; i < proto.args.length; i++) checkArg(v, i, proto.args, proto.packet, id, facts);
  const { map } = facts;
  if (map !== undefined && MAP_WRITERS.has(id) && (map.flags & MAP_FLAGS.BPF_F_RDONLY_PROG) !== 0) {
    env.deny('write into map forbidden');
  }
  if (id === TAIL_CALL) noteTailCallKey(env, map);
  for (let i = 0; i < facts.raw.bytes; i++) {
    checkMemAccess(v, { ptrReg: facts.raw.regNo, off: i, bytes: 1, isWrite: true, valueReg: -1 });
  }
  release(env, facts, id);
  if (facts.releasesDynptr) releaseDynptr(v, 1);
  checkSpecial(v, id, facts);
  clearCallerSaved(env);
  setResult(env, id, proto, facts);
  if (map !== undefined) checkHelperFitsMap(env, map, id);
  if (id === TAIL_CALL) {
    if (env.cur.depth > 0) tailCallFromFunction(v);
    else env.insn++;
    return;
  }
  const dynptr = facts.dynptr?.dynptr?.type;
  const writesPacket = id === DYNPTR_WRITE && (dynptr === 'skb' || dynptr === 'skb_meta');
  if (writesPacket || helperById(id)?.movesPacket === true) forgetPacketPointers(env);
  env.insn++;
}

/** Where the tail call succeeds, the other program's result is the function's; where it fails, the function goes on. */
function tailCallFromFunction(v: Verifier): void {
  const { env } = v;
  pushBranch(env, env.insn + 1, env.insn);
  forgetPacketPointers(env);
  env.setReg(0, UNKNOWN_REG);
  leave(v);
}

/** A tail call to a known program relies on the index. */
function noteTailCallKey(env: Env, map: VerifierMap | undefined): void {
  if (map?.type !== 'prog_array') {
    env.log.add('expected prog array map for tail call');
    env.fail(errno.EINVAL);
  }
  const { bounds } = env.reg(3);
  const isKnown = bounds.isConst && bounds.bits.vHi === 0 && bounds.bits.vLo >>> 0 < map.maxEntries;
  if (isKnown) markPrecise(env, 3);
}

function release(env: Env, facts: CallFacts, id: number): void {
  if (facts.releaseReg === 0) return;
  const wasHeld = facts.refId !== 0 ? releaseRef(env, facts.refId) : env.reg(facts.releaseReg).isNull;
  if (!wasHeld) env.invalid(`func ${helperName(id)}#${id} reference has not been acquired before`);
}

function checkSpecial(v: Verifier, id: number, facts: CallFacts): void {
  const { env } = v;
  switch (id) {
    case TAIL_CALL:
      checkNothingHeld(env, true, 'tail_call');
      break;
    case GET_LOCAL_STORAGE:
      if (!env.reg(2).isNull) env.invalid("get_local_storage() doesn't support non-zero flags");
      break;
    case FOR_EACH_MAP_ELEM:
      checkIterable(env, facts.map);
      pushCallback(v, facts.callback, eachArguments);
      break;
    case TIMER_SET_CALLBACK:
      pushAsyncCallback(v, facts.callback, timerArguments);
      break;
    case DYNPTR_FROM_MEM:
      if (env.reg(1).type !== PTR_TO_MAP_VALUE) {
        env.deny(`Unsupported reg type ${typeText(env.reg(1).type)} for bpf_dynptr_from_mem data`);
      }
      break;
    case SNPRINTF:
      checkFormat(env);
      break;
    case LOOP:
      checkLoop(v, facts);
      break;
    default:
  }
}

const ITERABLE: ReadonlySet<string> = new Set([
  'hash',
  'percpu_hash',
  'lru_hash',
  'lru_percpu_hash',
  'array',
  'percpu_array',
]);

function checkIterable(env: Env, map: VerifierMap | undefined): void {
  if (map !== undefined && ITERABLE.has(map.type)) return;
  env.reject(errno.ENOTSUPP, 'callback function not allowed for map');
}

/** The callback is explored until its rounds are used up, or repeat themselves. */
function checkLoop(v: Verifier, facts: CallFacts): void {
  const { env } = v;
  if (env.reg(4).isNull) markPrecise(env, 4);
  markPrecise(env, 1);
  const { bounds } = env.reg(1);
  const rounds = bounds.uMaxHi === 0 ? bounds.uMaxLo >>> 0 : Number.MAX_SAFE_INTEGER;
  const { frame } = env;
  if (frame.callbackDepth < rounds) {
    pushCallback(v, facts.callback, loopArguments);
    return;
  }
  frame.callbackDepth = 0;
  if (env.log.keepsPaths) env.log.add(`frame${env.cur.depth} bpf_loop iteration limit reached\n`);
}

function setResult(env: Env, id: number, proto: HelperProto, facts: CallFacts): void {
  const result = resultOf(env, id, proto, facts);
  if ((result.type & MAYBE_NULL) !== 0) result.id = env.newId();
  if (id === TCP_SOCK || id === SK_FULLSOCK || kernelSockOf(id) !== undefined) {
    result.refId = facts.refId;
  } else if (ACQUIRES.has(id) || (id === MAP_LOOKUP && holdsSocks(facts.map))) {
    result.id = result.refId = acquireRef(env, env.insn);
  }
  env.setReg(0, result);
}

/** A register of its own, which the caller may change. */
function resultOf(env: Env, id: number, proto: HelperProto, facts: CallFacts): Reg {
  switch (proto.ret) {
    case 'int':
      return integerOf(env, id, facts);
    case 'void':
      return NOT_INIT_REG;
    case 'sock?':
      return pointerReg(PTR_TO_SOCKET | MAYBE_NULL);
    case 'sock_common?':
      return pointerReg(PTR_TO_SOCK_COMMON | MAYBE_NULL);
    case 'tcp_sock?':
      return pointerReg(PTR_TO_TCP_SOCK | MAYBE_NULL);
    case 'ringbuf_mem?': {
      const reg = pointerReg(PTR_TO_MEM | MAYBE_NULL | RINGBUF);
      reg.memBytes = facts.allocBytes;
      return reg;
    }
    case 'kernel_sock?': {
      const reg = pointerReg(PTR_TO_BTF_ID | MAYBE_NULL);
      reg.struct = kernelSockOf(id) ?? '';
      return reg;
    }
    case 'dynptr_mem?': {
      const reg = pointerReg(PTR_TO_MEM | MAYBE_NULL);
      reg.memBytes = facts.allocBytes;
      reg.dynptrId = facts.dynptr!.id;
      reg.refId = facts.dynptr!.refId;
      return reg;
    }
    case 'mapval':
    case 'mapval?':
      return mapValueOf(env, id, proto.ret === 'mapval?', facts);
  }
}

function mapValueOf(env: Env, id: number, mayBeNull: boolean, facts: CallFacts): Reg {
  const map = facts.map!;
  const isThere = id === MAP_LOOKUP && alwaysHasEntries(map) && facts.constKey >= 0 && facts.constKey < map.maxEntries;
  const orNull = mayBeNull && !isThere;
  const reg = pointerReg(PTR_TO_MAP_VALUE | (orNull ? MAYBE_NULL : 0));
  reg.map = map;
  reg.mapUid = facts.mapUid;
  const record = mapRecord(map);
  if (!orNull && (record.has('bpf_spin_lock') || record.has('bpf_res_spin_lock'))) reg.id = env.newId();
  return reg;
}

function integerOf(env: Env, id: number, facts: CallFacts): Reg {
  if (id === GET_SMP_PROCESSOR_ID) {
    const bounds = UNKNOWN_BOUNDS.clone();
    const last = env.cpus - 1;
    bounds.uMaxLo = bounds.sMaxLo = bounds.u32Max = bounds.s32Max = last;
    bounds.uMaxHi = bounds.sMaxHi = 0;
    bounds.sMinLo = bounds.sMinHi = bounds.s32Min = 0;
    bounds.sync();
    return scalarReg(bounds);
  }
  if (RETURNS_LENGTH.has(id)) {
    const bounds = UNKNOWN_BOUNDS.clone();
    bounds.sMaxLo = bounds.s32Max = facts.maxSize | 0;
    bounds.sMaxHi = 0;
    bounds.sMinLo = bounds.s32Min = -MAX_ERRNO;
    bounds.sMinHi = -1;
    bounds.sync();
    return scalarReg(bounds);
  }
  return UNKNOWN_REG;
}
