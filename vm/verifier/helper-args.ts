/**
 * A helper's arguments: that each register is of a kind that the helper takes, and that memory is as large as it says.
 * Messages and their order are Linux'.
 */
import type { VerifierMap } from './program.js';
import { type Env, Rejection } from './env.js';
import { type ArgKind, isKernelSock } from './helper-protos.js';
import { alwaysHasEntries } from './helper-maps.js';
import { checkDynptr, checkReleasedDynptr, makeDynptr } from './dynptrs.js';
import { checkTimer, releaseLock, takeLock } from './locks.js';
import {
  checkAlignment,
  checkMapAccess,
  checkMapRights,
  checkPacketAccess,
  checkRegion,
  checkUnmodified,
  mayPassPacket,
} from './memory.js';
import { demand, followDemand, markPrecise } from './precision.js';
import {
  CONST_PTR_TO_DYNPTR,
  CONST_PTR_TO_MAP,
  MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_CTX,
  PTR_TO_FUNC,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_SOCKET,
  PTR_TO_SOCK_COMMON,
  PTR_TO_STACK,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
  RDONLY,
  RINGBUF,
  type Reg,
  type RegType,
  SCALAR,
  TRUSTED,
  DYNPTR_FLAGS,
  baseType,
  isPacketPointer,
  typeText,
} from './reg.js';
import { checkReadable } from './reg-check.js';
import { type RawMemory, checkStackRange } from './stack.js';
import { SPILL, ZERO } from './state.js';
import { hasDirectValue, isConstantMap } from './structure.js';
import type { Verifier } from './verifier.js';

/** Lengths from here on are unbounded. */
const MAX_VAR_SIZE = 1 << 29;

/** What the arguments together mean. */
export class CallFacts {
  map: VerifierMap | undefined = undefined;
  mapUid = 0;
  /** Argument whose reference is given back. */
  releaseReg = 0;
  /** The one reference among the arguments. */
  refId = 0;
  /** Of the `alloc` argument. */
  allocBytes = 0;
  /** What is known of the dynptr among the arguments. */
  dynptr: Reg | undefined = undefined;
  /** It is argument 1, and given back. */
  releasesDynptr = false;
  /** Function that a callback argument names. */
  callback = -1;
  /** Largest length. */
  maxSize = 0;
  /** Memory that the helper fills, on the stack. */
  readonly raw: RawMemory = { regNo: -1, bytes: 0 };
  /** The memory argument before a length is filled. */
  fills = false;
  /** Index that a map is looked up by, if known; -1 otherwise. */
  constKey = -1;
}

const MEM: readonly RegType[] = [
  PTR_TO_STACK,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_MEM | RINGBUF,
  PTR_TO_BUF,
  PTR_TO_BTF_ID | TRUSTED,
];
const SCALARS: readonly RegType[] = [SCALAR];
const SOCKS: readonly RegType[] = [PTR_TO_SOCK_COMMON, PTR_TO_SOCKET, PTR_TO_TCP_SOCK, PTR_TO_XDP_SOCK];
const SOCKS_OR_BTF: readonly RegType[] = [...SOCKS, PTR_TO_BTF_ID, PTR_TO_BTF_ID | TRUSTED];

interface KindFacts {
  readonly types: readonly RegType[];
  readonly mayBeNull?: true;
  /** The helper only reads the memory. */
  readonly readOnly?: true;
  readonly isMemory?: true;
  readonly releases?: true;
}

const CTX: readonly RegType[] = [PTR_TO_CTX];
const MAP_PTR: readonly RegType[] = [CONST_PTR_TO_MAP];
const MAP_VALUE: readonly RegType[] = [PTR_TO_MAP_VALUE];
const DYNPTRS: readonly RegType[] = [PTR_TO_STACK, CONST_PTR_TO_DYNPTR];

const KINDS: Readonly<Record<Exclude<ArgKind, 'any'>, KindFacts>> = {
  ctx: { types: CTX },
  'ctx?': { types: CTX, mayBeNull: true },
  map: { types: MAP_PTR },
  key: { types: MEM },
  val: { types: MEM },
  'val?': { types: MEM, mayBeNull: true },
  uval: { types: MEM },
  mem: { types: MEM, readOnly: true, isMemory: true },
  'mem?': { types: MEM, readOnly: true, isMemory: true, mayBeNull: true },
  umem: { types: MEM, isMemory: true },
  'umem?': { types: MEM, isMemory: true, mayBeNull: true },
  wmem: { types: MEM, isMemory: true },
  in20: { types: MEM, readOnly: true, isMemory: true },
  in40: { types: MEM, readOnly: true, isMemory: true },
  out8: { types: MEM, isMemory: true },
  io4: { types: MEM, isMemory: true },
  size: { types: SCALARS },
  size0: { types: SCALARS },
  alloc: { types: SCALARS },
  str: { types: MAP_VALUE },
  func: { types: [PTR_TO_FUNC] },
  'stack?': { types: [PTR_TO_STACK], mayBeNull: true },
  sk: { types: SOCKS_OR_BTF },
  skc: { types: SOCKS },
  fullsock: { types: [PTR_TO_SOCKET] },
  'fullsock?': { types: [PTR_TO_SOCKET], mayBeNull: true },
  'release-sk': { types: SOCKS_OR_BTF, releases: true },
  'release-mem': { types: [PTR_TO_MEM | RINGBUF], releases: true },
  lock: { types: [PTR_TO_MAP_VALUE] },
  timer: { types: MAP_VALUE },
  dynptr: { types: DYNPTRS },
  'new-local': { types: DYNPTRS },
  'new-ringbuf': { types: DYNPTRS },
  'release-dynptr': { types: DYNPTRS },
};

/** Types that a lock argument may have, beside a map's value. */
const LOCK_TYPES_TEXT = 'map_value, ptr_';

export function checkArg(
  v: Verifier,
  index: number,
  kinds: readonly ArgKind[],
  packetAllowed: boolean,
  helper: number,
  facts: CallFacts,
): void {
  const { env } = v;
  const regNo = index + 1;
  const stated = kinds[index]!;
  checkReadable(env, regNo);
  if (stated === 'any') return;
  const reg = env.reg(regNo);
  if (isPacketPointer(reg.type) && !mayPassPacket(env, packetAllowed)) {
    env.deny('helper access to the packet is not allowed');
  }
  const kind =
    stated === 'val' || stated === 'val?' || stated === 'uval' ? valueKind(env, stated, helper, facts) : stated;
  const about = KINDS[kind];
  const isNull = reg.isNull && about.mayBeNull === true;
  if (!isNull) {
    checkType(env, regNo, reg, kind, about);
    checkOffset(env, regNo, reg, about);
  }
  if (about.releases === true) {
    if (reg.refId === 0 && !reg.isNull) {
      env.invalid(`R${regNo} must be referenced when passed to release function`);
    }
    facts.releaseReg = regNo;
  }
  if (reg.refId !== 0) {
    if (facts.refId !== 0) env.deny(`more than one arg with ref_obj_id R${regNo} ${reg.refId} ${facts.refId}`);
    facts.refId = reg.refId;
  }
  checkMeaning(v, regNo, reg, kind, kinds[index - 1], helper, facts);
}

/** A map of sockets takes a socket for a value; a bloom filter is asked with one. */
function valueKind(
  env: Env,
  kind: 'val' | 'val?' | 'uval',
  helper: number,
  facts: CallFacts,
): 'val' | 'val?' | 'uval' | 'sk' {
  const PEEK = 89;
  const type = facts.map?.type;
  if (type === 'sockmap' || type === 'sockhash') {
    if (kind !== 'val') env.invalid('invalid arg_type for sockmap/sockhash');
    return 'sk';
  }
  return type === 'bloom_filter' && helper === PEEK ? 'val' : kind;
}

function checkType(env: Env, regNo: number, reg: Reg, kind: ArgKind, about: KindFacts): void {
  let { type } = reg;
  if (about.readOnly === true) type &= ~RDONLY;
  if (about.mayBeNull === true) type &= ~MAYBE_NULL;
  if (about.isMemory === true) type &= ~DYNPTR_FLAGS;
  if (!about.types.includes(type)) {
    const expected = kind === 'lock' ? LOCK_TYPES_TEXT : about.types.map(typeText).join(', ');
    env.deny(`R${regNo} type=${typeText(reg.type)} expected=${expected}`);
  }
  const isSock = about.types === SOCKS_OR_BTF && isKernelSock(reg.struct);
  if (baseType(type) === PTR_TO_BTF_ID && !isSock) env.unknown(`a kernel structure as argument ${regNo} of a helper`);
}

/** Pointers of these types may have any offset; the others must be as they were given. */
const FREE_OFFSETS: ReadonlySet<RegType> = new Set([
  PTR_TO_STACK,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_MEM | RDONLY,
  PTR_TO_MEM | RINGBUF,
  PTR_TO_BUF,
  PTR_TO_BUF | RDONLY,
  CONST_PTR_TO_DYNPTR,
  SCALAR,
]);

function checkOffset(env: Env, regNo: number, reg: Reg, about: KindFacts): void {
  if (about.releases === true) {
    if (reg.off !== 0) {
      env.invalid(`R${regNo} must have zero offset when passed to release func or trusted arg to kfunc`);
    }
    checkUnmodified(env, reg, regNo, false);
  } else if (!FREE_OFFSETS.has(reg.type)) {
    checkUnmodified(env, reg, regNo, false);
  }
}

function checkMeaning(
  v: Verifier,
  regNo: number,
  reg: Reg,
  kind: ArgKind,
  before: ArgKind | undefined,
  helper: number,
  facts: CallFacts,
): void {
  const { env } = v;
  switch (kind) {
    case 'map':
      if (facts.map !== undefined && (facts.map !== reg.map || facts.mapUid !== reg.mapUid)) {
        env.invalid(
          `timer pointer in R1 map_uid=${facts.mapUid} doesn't match map pointer in R2 map_uid=${reg.mapUid}`,
        );
      }
      facts.map = reg.map;
      facts.mapUid = reg.mapUid;
      break;
    case 'key': {
      const map = facts.map!;
      checkHelperMemory(v, regNo, map.keyBytes, false, false, undefined);
      if (alwaysHasEntries(map)) facts.constKey = constantKey(v, reg, map.keyBytes);
      break;
    }
    case 'val':
    case 'val?':
    case 'uval':
      if (kind === 'val?' && reg.isNull) break;
      checkHelperMemory(
        v,
        regNo,
        facts.map!.valueBytes,
        kind === 'uval',
        false,
        kind === 'uval' ? facts.raw : undefined,
      );
      break;
    case 'mem':
    case 'mem?':
    case 'wmem':
      facts.fills = false;
      break;
    case 'umem':
    case 'umem?':
      facts.fills = true;
      break;
    case 'in20':
    case 'in40':
      checkHelperMemory(v, regNo, kind === 'in20' ? 20 : 40, false, false, undefined);
      break;
    case 'out8':
      checkHelperMemory(v, regNo, 8, true, false, facts.raw);
      checkAlignment(env, reg, 0, 8, true);
      break;
    case 'io4':
      checkHelperMemory(v, regNo, 4, true, false, undefined);
      checkAlignment(env, reg, 0, 4, true);
      break;
    case 'size':
    case 'size0':
      checkSize(v, regNo, reg, before ?? 'mem', kind === 'size0', facts);
      break;
    case 'alloc':
      if (!reg.bounds.isConst) env.deny(`R${regNo} is not a known constant'`);
      facts.allocBytes = reg.bounds.bits.vLo >>> 0;
      markPrecise(env, regNo);
      break;
    case 'str':
      checkConstString(env, regNo, reg);
      break;
    case 'func':
      facts.callback = reg.subprog;
      break;
    case 'lock': {
      const SPIN_LOCK = 93;
      if (helper === SPIN_LOCK) takeLock(env, regNo);
      else releaseLock(env, regNo);
      break;
    }
    case 'timer': {
      const timer = checkTimer(env, regNo);
      facts.map = timer.map;
      facts.mapUid = timer.mapUid;
      break;
    }
    case 'dynptr':
      facts.dynptr = checkDynptr(v, regNo);
      break;
    case 'new-local':
      makeDynptr(v, regNo, 'local');
      break;
    case 'new-ringbuf':
      makeDynptr(v, regNo, 'ringbuf');
      break;
    case 'release-dynptr':
      checkReleasedDynptr(v, regNo);
      facts.releasesDynptr = true;
      break;
    default:
  }
}

/** A length, and the memory argument before it. */
function checkSize(
  v: Verifier,
  regNo: number,
  reg: Reg,
  memory: ArgKind,
  zeroAllowed: boolean,
  facts: CallFacts,
): void {
  const { env } = v;
  const { bounds } = reg;
  facts.maxSize = bounds.uMaxHi === 0 ? bounds.uMaxLo >>> 0 : 0xffff_ffff;
  const raw = facts.fills && bounds.isConst ? facts.raw : undefined;
  if (bounds.sMinHi < 0) {
    env.deny(`R${regNo} min value is negative, either use unsigned or 'var &= const'`);
  }
  if ((bounds.uMinLo | bounds.uMinHi) === 0 && !zeroAllowed) {
    const max = BigInt.asIntN(64, (BigInt(bounds.uMaxHi) << 32n) | BigInt(bounds.uMaxLo >>> 0));
    env.deny(`R${regNo} invalid zero-sized read: u64=[0,${max}]`);
  }
  if (bounds.uMaxHi !== 0 || bounds.uMaxLo >>> 0 >= MAX_VAR_SIZE) {
    env.deny(`R${regNo} unbounded memory access, use 'var &= const' or 'if (var < const)'`);
  }
  const isWrite = memory === 'umem' || memory === 'umem?' || memory === 'wmem';
  checkHelperMemory(v, regNo - 1, bounds.uMaxLo >>> 0, isWrite, zeroAllowed, raw);
  markPrecise(env, regNo);
}

/** The length of memory that a kernel function may read and write, and that memory; arguments count from 0 here. */
export function checkKfuncSize(v: Verifier, regNo: number, memoryArg: number): void {
  const { env } = v;
  const reg = env.reg(regNo);
  if (reg.type !== SCALAR) env.unknown(`${typeText(reg.type)} as a length`);
  try {
    for (const kind of ['mem', 'wmem'] as const) checkSize(v, regNo, reg, kind, true, new CallFacts());
  } catch (error) {
    if (error instanceof Rejection) {
      env.log.add(`arg#${memoryArg} arg#${memoryArg + 1} memory, len pair leads to invalid memory access\n`);
    }
    throw error;
  }
}

/** Memory of a known size that a helper reads, or writes. */
export function checkHelperMemory(
  v: Verifier,
  regNo: number,
  bytes: number,
  isWrite: boolean,
  zeroAllowed: boolean,
  raw: RawMemory | undefined,
): void {
  const { env } = v;
  const reg = env.reg(regNo);
  const refuseReadOnly = (): void => {
    if (isWrite) env.deny(`R${regNo} cannot write into ${typeText(reg.type)}`);
  };
  switch (baseType(reg.type)) {
    case PTR_TO_PACKET:
    case PTR_TO_PACKET_META:
      checkPacketAccess(env, regNo, reg.off, bytes, zeroAllowed);
      return;
    case PTR_TO_MAP_KEY:
      refuseReadOnly();
      checkRegion(env, regNo, reg.off, bytes, reg.map!.keyBytes, false);
      return;
    case PTR_TO_MAP_VALUE:
      checkMapRights(env, reg.map!, reg.off, bytes, isWrite);
      checkMapAccess(env, regNo, reg.off, bytes, zeroAllowed, true);
      return;
    case PTR_TO_MEM:
      if ((reg.type & RDONLY) !== 0) refuseReadOnly();
      checkRegion(env, regNo, reg.off, bytes, reg.memBytes, zeroAllowed);
      return;
    case PTR_TO_STACK:
      checkStackRange(v, regNo, reg.off, bytes, zeroAllowed, isWrite, raw);
      return;
    case PTR_TO_BUF:
    case PTR_TO_BTF_ID:
      env.unknown(`a kernel structure or buffer as R${regNo} of a helper`);
      return;
    default:
      if (zeroAllowed && bytes === 0 && reg.isNull) return;
      env.deny(`R${regNo} type=${typeText(reg.type)} expected=fp`);
  }
}

/** A string in a map that nobody can change, with its end. */
function checkConstString(env: Env, regNo: number, reg: Reg): void {
  const map = reg.map!;
  if (!isConstantMap(map)) env.deny(`R${regNo} does not point to a readonly map'`);
  if (!reg.bounds.isConst) env.deny(`R${regNo} is not a constant address'`);
  if (!hasDirectValue(map)) env.deny('no direct value access support for this map type');
  checkMapAccess(env, regNo, reg.off, map.valueBytes - reg.off, false, true);
  const off = reg.off + reg.bounds.bits.vLo;
  const end = map.contents?.indexOf(0, off) ?? off;
  if (end < 0 || end >= map.valueBytes) env.invalid('string is not zero-terminated');
}

/** The number that a key on the stack is known to hold, -1 where it is not. */
function constantKey(v: Verifier, reg: Reg, bytes: number): number {
  const { env } = v;
  if (reg.type !== PTR_TO_STACK || !reg.bounds.isConst) return -1;
  const byte = -(reg.off + reg.bounds.bits.vLo) - 1;
  const index = byte >> 3;
  const slot = env.cur.frames[reg.frame]!.stack[index];
  if (slot === undefined) return -1;
  const first = byte & 7;
  let zeros = 0;
  for (let i = first; i >= 0 && slot.typeAt(i) === ZERO; i--) zeros++;
  if (zeros >= bytes) return 0;
  if (!slot.isSpilledScalar) return -1;
  let spilled = 0;
  for (let i = first; i >= 0 && slot.typeAt(i) === SPILL; i--) spilled++;
  if (spilled !== bytes || !slot.reg.bounds.isConst) return -1;
  demand.frame = env.cur.depth;
  demand.addSlot(reg.frame, index);
  followDemand(env, env.cur);
  const { vLo, vHi } = slot.reg.bounds.bits;
  return vHi === 0 ? vLo >>> 0 : -1;
}
