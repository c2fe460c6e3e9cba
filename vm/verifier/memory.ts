/**
 * Loads and stores: which memory a pointer reaches, and what a load leaves in the register. Dispatches to the stack, the
 * context and the rest; messages are Linux'.
 */
import { MAP_FLAGS } from '../spec/map-types.js';
import { UNKNOWN_BOUNDS, UNKNOWN_U16, UNKNOWN_U32, UNKNOWN_U8, type Bounds, constBounds } from './bounds.js';
import { checkCtxAccess, checkFlowKeysAccess, checkSockAccess } from './ctx-access.js';
import type { Env } from './env.js';
import { mapRecord } from './map-record.js';
import type { VerifierMap } from './program.js';
import {
  CONST_PTR_TO_MAP,
  MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_CTX,
  PTR_TO_FLOW_KEYS,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_END,
  PTR_TO_PACKET_META,
  PTR_TO_SOCKET,
  PTR_TO_SOCK_COMMON,
  PTR_TO_STACK,
  PTR_TO_TCP_SOCK,
  PTR_TO_TP_BUFFER,
  PTR_TO_XDP_SOCK,
  RDONLY,
  type Reg,
  type RegType,
  SCALAR,
  UNKNOWN_REG,
  UNTRUSTED,
  baseType,
  isPacketPointer,
  isSockPointer,
  pointerReg,
  scalarReg,
  typeText,
} from './reg.js';
import { signExtend64, truncate } from './scalar-alu.js';
import { checkStackBounds, readStack, writeStack } from './stack.js';
import { MAX_VAR_OFF, hasDirectValue, isConstantMap } from './structure.js';
import { addBits, bitsText, constBits } from './tnum.js';
import type { Verifier } from './verifier.js';

/** Alignment that Linux assumes of the network header. */
const IP_ALIGN = 2;

/** A known value of at most 53 bits, as a double. */
function toDouble(lo: number, hi: number): number {
  return hi * 2 ** 32 + (lo >>> 0);
}

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  [PTR_TO_FLOW_KEYS]: 'flow keys ',
  [PTR_TO_MAP_KEY]: 'key ',
  [PTR_TO_MAP_VALUE]: 'value ',
  [PTR_TO_CTX]: 'context ',
  [PTR_TO_STACK]: 'stack ',
  [PTR_TO_SOCKET]: 'sock ',
  [PTR_TO_SOCK_COMMON]: 'sock_common ',
  [PTR_TO_TCP_SOCK]: 'tcp_sock ',
  [PTR_TO_XDP_SOCK]: 'xdp_sock ',
};

export function checkAlignment(env: Env, reg: Reg, off: number, bytes: number, strictOnce: boolean): void {
  const strict = env.strictAlignment || strictOnce || reg.type === PTR_TO_STACK;
  if (!strict || bytes === 1) return;
  const isPacket = isPacketPointer(reg.type);
  const fixed = reg.off + off + (isPacket ? IP_ALIGN : 0);
  if (addBits(reg.bounds.bits, constBits(fixed, fixed >> 31)).isAligned(bytes)) return;
  const variable = bitsText(reg.bounds.bits);
  env.deny(
    isPacket
      ? `misaligned packet access off ${IP_ALIGN}+${variable}+${reg.off}+${off} size ${bytes}`
      : `misaligned ${DESCRIPTIONS[reg.type] ?? ''}access off ${variable}+${reg.off}+${off} size ${bytes}`,
  );
}

/** Whether [off, off + bytes) lies in a region; says so where it does not. */
function isInRegion(
  env: Env,
  regNo: number,
  off: number,
  bytes: number,
  regionBytes: number,
  zeroAllowed: boolean,
): boolean {
  if (off >= 0 && (bytes > 0 || (bytes === 0 && zeroAllowed)) && off + bytes <= regionBytes) return true;
  const reg = env.reg(regNo);
  switch (reg.type) {
    case PTR_TO_MAP_KEY:
      env.log.add(`invalid access to map key, key_size=${regionBytes} off=${off} size=${bytes}\n`);
      break;
    case PTR_TO_MAP_VALUE:
      env.log.add(`invalid access to map value, value_size=${regionBytes} off=${off} size=${bytes}\n`);
      break;
    case PTR_TO_PACKET:
    case PTR_TO_PACKET_META:
    case PTR_TO_PACKET_END:
      env.log.add(
        `invalid access to packet, off=${off} size=${bytes}, R${regNo}(id=${reg.id},off=${off},r=${regionBytes})\n`,
      );
      break;
    default:
      env.log.add(`invalid access to memory, mem_size=${regionBytes >>> 0} off=${off} size=${bytes}\n`);
  }
  return false;
}

/** An access at a variable offset lies in a region wherever the offset is. */
export function checkRegion(
  env: Env,
  regNo: number,
  off: number,
  bytes: number,
  regionBytes: number,
  zeroAllowed: boolean,
): void {
  const { bounds } = env.reg(regNo);
  const min = toDouble(bounds.sMinLo, bounds.sMinHi);
  if (bounds.sMinHi < 0) {
    const sum = min + off;
    if (sum < 0) {
      env.deny(`R${regNo} min value is negative, either use unsigned index or do a if (index >=0) check.`);
    }
  }
  if (!isInRegion(env, regNo, min + off, bytes, regionBytes, zeroAllowed)) {
    env.deny(`R${regNo} min value is outside of the allowed memory range`);
  }
  if (bounds.uMaxHi !== 0 || bounds.uMaxLo >>> 0 >= MAX_VAR_OFF) {
    env.deny(`R${regNo} unbounded memory access, make sure to bounds check any such access`);
  }
  if (!isInRegion(env, regNo, (bounds.uMaxLo >>> 0) + off, bytes, regionBytes, zeroAllowed)) {
    env.deny(`R${regNo} max value is outside of the allowed memory range`);
  }
}

/** The map's flags let programs do that. */
export function checkMapRights(env: Env, map: VerifierMap, off: number, bytes: number, isWrite: boolean): void {
  const forbids = isWrite ? MAP_FLAGS.BPF_F_RDONLY_PROG : MAP_FLAGS.BPF_F_WRONLY_PROG;
  if ((map.flags & forbids) === 0) return;
  env.deny(
    `${isWrite ? 'write into' : 'read from'} map forbidden, value_size=${map.valueBytes} off=${off} size=${bytes}`,
  );
}

/** An access to a map's value: in its bounds, and to nothing that only helpers may touch. */
export function checkMapAccess(
  env: Env,
  regNo: number,
  off: number,
  bytes: number,
  zeroAllowed: boolean,
  byHelper: boolean,
): void {
  const reg = env.reg(regNo);
  const map = reg.map!;
  checkRegion(env, regNo, off, bytes, map.valueBytes, zeroAllowed);
  const { fields } = mapRecord(map);
  if (fields.length === 0) return;
  const min = toDouble(reg.bounds.sMinLo, reg.bounds.sMinHi) + off;
  const max = (reg.bounds.uMaxLo >>> 0) + off + bytes;
  for (const field of fields) {
    if (min >= field.off + field.bytes || field.off >= max) continue;
    if (field.kind === 'kptr')
      env.unknown(`access to a kernel pointer in a map's value${byHelper ? ' by a helper' : ''}`);
    env.deny(`${field.kind} cannot be accessed directly by load/store`);
  }
}

/** The packet, up to what a comparison with its end has shown to exist. */
export function checkPacketAccess(env: Env, regNo: number, off: number, bytes: number, zeroAllowed: boolean): void {
  const reg = env.reg(regNo);
  if (reg.bounds.sMinHi < 0) {
    env.deny(`R${regNo} min value is negative, either use unsigned index or do a if (index >=0) check.`);
  }
  if (reg.range < 0) env.invalid(`R${regNo} offset is outside of the packet`);
  if (!isInRegion(env, regNo, off, bytes, reg.range, zeroAllowed)) {
    env.deny(`R${regNo} offset is outside of the packet`);
  }
}

/** A pointer must be used as it was given. */
export function checkUnmodified(env: Env, reg: Reg, regNo: number, fixedOffAllowed: boolean): void {
  if (reg.off < 0) env.deny(`negative offset ${typeText(reg.type)} ptr R${regNo} off=${reg.off} disallowed`);
  if (!fixedOffAllowed && reg.off !== 0) {
    env.deny(`dereference of modified ${typeText(reg.type)} ptr R${regNo} off=${reg.off} disallowed`);
  }
  if (!reg.bounds.isZero) {
    env.deny(`variable ${typeText(reg.type)} access var_off=${bitsText(reg.bounds.bits)} disallowed`);
  }
}

const READ_ONLY_PACKETS: ReadonlySet<string> = new Set([
  'lwt_in',
  'lwt_out',
  'lwt_seg6local',
  'sk_reuseport',
  'flow_dissector',
  'cgroup_skb',
]);
const WRITABLE_PACKETS: ReadonlySet<string> = new Set([
  'sched_cls',
  'sched_act',
  'xdp',
  'lwt_xmit',
  'sk_skb',
  'sk_msg',
  'cgroup_sockopt',
]);

/** Whether packets may be touched at all, by loads and stores. */
export function mayTouchPacket(env: Env, isWrite: boolean): boolean {
  const { type } = env.program;
  return WRITABLE_PACKETS.has(type) || (!isWrite && READ_ONLY_PACKETS.has(type));
}

/** Whether a helper may be handed packet memory, given what its prototype says. */
export function mayPassPacket(env: Env, protoAllows: boolean): boolean {
  const { type } = env.program;
  if (type === 'cgroup_sockopt') return true;
  return (WRITABLE_PACKETS.has(type) || READ_ONLY_PACKETS.has(type)) && protoAllows;
}

/** What an unknown value of so many bytes is. */
function unknownReg(bytes: number): Reg {
  switch (bytes) {
    case 1:
      return UNKNOWN_REG_U8;
    case 2:
      return UNKNOWN_REG_U16;
    case 4:
      return UNKNOWN_REG_U32;
    default:
      return UNKNOWN_REG;
  }
}

const UNKNOWN_REG_U8 = scalarReg(UNKNOWN_U8);
const UNKNOWN_REG_U16 = scalarReg(UNKNOWN_U16);
const UNKNOWN_REG_U32 = scalarReg(UNKNOWN_U32);

function loadUnknown(env: Env, dstReg: number, bytes: number, signed: boolean): void {
  if (dstReg < 0) return;
  env.setReg(
    dstReg,
    signed && bytes < 8 ? scalarReg(signExtend64(UNKNOWN_BOUNDS, bytes as 1 | 2 | 4)) : unknownReg(bytes),
  );
}

/** What a constant map holds there. */
function constantOf(map: VerifierMap, off: number, bytes: number, signed: boolean): Bounds {
  const from = map.contents;
  let lo = 0;
  let hi = 0;
  for (let i = 0; i < bytes; i++) {
    const byte = from?.[off + i] ?? 0;
    if (i < 4) lo |= byte << (8 * i);
    else hi |= byte << (8 * (i - 4));
  }
  if (bytes < 8 && signed) {
    const unused = 32 - 8 * bytes;
    lo = (lo << unused) >> unused;
    hi = lo >> 31;
  }
  return constBounds(lo, hi);
}

/** Kinds whose loads and stores need code of their own. */
function needsOwnCode(type: RegType): boolean {
  switch (baseType(type)) {
    case PTR_TO_CTX:
    case PTR_TO_SOCKET:
    case PTR_TO_SOCK_COMMON:
    case PTR_TO_TCP_SOCK:
    case PTR_TO_XDP_SOCK:
    case PTR_TO_BTF_ID:
      return true;
    default:
      return false;
  }
}

/** One instruction may not go through different kinds of pointers on different paths. */
export function checkSameKind(env: Env, type: RegType): void {
  const before = env.ptrTypes[env.insn]!;
  if (before === 0) env.ptrTypes[env.insn] = type;
  else if (before !== type && (needsOwnCode(type) || needsOwnCode(before))) {
    env.invalid('same insn cannot be used with different pointers');
  }
}

export interface Access {
  readonly ptrReg: number;
  readonly off: number;
  readonly bytes: 1 | 2 | 4 | 8;
  readonly isWrite: boolean;
  /** Stored, or loaded into; -1 for none. */
  readonly valueReg: number;
  readonly strictOnce?: boolean;
  readonly signed?: boolean;
}

/** The access is allowed; a load's register gets its new state. */
export function checkMemAccess(v: Verifier, access: Access): void {
  const { env } = v;
  const { ptrReg, bytes, isWrite, valueReg, signed = false } = access;
  const reg = env.reg(ptrReg);
  checkAlignment(env, reg, access.off, bytes, access.strictOnce ?? false);
  const off = access.off + reg.off;
  switch (reg.type) {
    case PTR_TO_STACK: {
      checkStackBounds(v, ptrReg, off, bytes, isWrite);
      if (isWrite) {
        writeStack(v, ptrReg, off, bytes, valueReg);
        return;
      }
      readStack(v, ptrReg, off, bytes, valueReg);
      const loaded = valueReg < 0 ? undefined : env.reg(valueReg);
      if (loaded?.type === SCALAR && bytes < 8) {
        const narrow = bytes as 1 | 2 | 4;
        env.setReg(
          valueReg,
          loaded.withBounds(signed ? signExtend64(loaded.bounds, narrow) : truncate(loaded.bounds, narrow)),
        );
      }
      return;
    }
    case PTR_TO_PACKET:
    case PTR_TO_PACKET_META:
      if (isWrite && !mayTouchPacket(env, true)) env.deny('cannot write into packet');
      checkPacketAccess(env, ptrReg, off, bytes, false);
      break;
    case PTR_TO_MAP_VALUE: {
      const map = reg.map!;
      checkMapRights(env, map, off, bytes, isWrite);
      checkMapAccess(env, ptrReg, off, bytes, false, false);
      if (
        !isWrite &&
        valueReg >= 0 &&
        reg.bounds.isConst &&
        isConstantMap(map) &&
        hasDirectValue(map) &&
        map.type === 'array'
      ) {
        env.setReg(valueReg, scalarReg(constantOf(map, off + reg.bounds.bits.vLo, bytes, signed)));
        return;
      }
      break;
    }
    case PTR_TO_CTX: {
      checkUnmodified(env, reg, ptrReg, false);
      const type = checkCtxAccess(env, off, bytes, isWrite, signed);
      if (!isWrite && valueReg >= 0 && type !== SCALAR) {
        const pointer = pointerReg(type);
        if ((type & MAYBE_NULL) !== 0) pointer.id = env.newId();
        env.setReg(valueReg, pointer);
        return;
      }
      break;
    }
    case PTR_TO_MAP_KEY:
      if (isWrite) env.deny(`write to change key R${ptrReg} not allowed`);
      checkRegion(env, ptrReg, off, bytes, reg.map!.keyBytes, false);
      break;
    case PTR_TO_FLOW_KEYS:
      checkFlowKeysAccess(env, off, bytes);
      break;
    default:
      checkOtherAccess(env, ptrReg, reg, off, bytes, isWrite);
  }
  if (!isWrite) loadUnknown(env, valueReg, bytes, signed);
}

/** Names of the kernel's structures behind maps, by the map's type. */
function mapStructName({ type }: VerifierMap): string | undefined {
  switch (type) {
    case 'array':
    case 'percpu_array':
    case 'prog_array':
    case 'perf_event_array':
    case 'cgroup_array':
    case 'array_of_maps':
      return 'bpf_array';
    case 'hash':
    case 'percpu_hash':
    case 'lru_hash':
    case 'lru_percpu_hash':
    case 'hash_of_maps':
      return 'bpf_htab';
    default:
      return undefined;
  }
}

/** A map as the kernel keeps it: nothing to write; of what may be read, only its first field is known here. */
function checkMapStruct(
  env: Env,
  ptrReg: number,
  map: VerifierMap,
  off: number,
  bytes: number,
  isWrite: boolean,
): void {
  const name = mapStructName(map);
  if (name !== undefined && off < 0) env.deny(`R${ptrReg} is ${name} invalid negative access: off=${off}`);
  if (name !== undefined && isWrite) env.deny(`only read from ${name} is supported`);
  if (name !== 'bpf_array' || off !== 0 || bytes !== 8) {
    env.unknown(`access to a map's own structure through R${ptrReg}`);
  }
}

function checkOtherAccess(env: Env, ptrReg: number, reg: Reg, off: number, bytes: number, isWrite: boolean): void {
  const { type } = reg;
  const base = baseType(type);
  if (base === PTR_TO_MEM) {
    if ((type & MAYBE_NULL) !== 0) env.deny(`R${ptrReg} invalid mem access '${typeText(type)}'`);
    if (isWrite && (type & RDONLY) !== 0) env.deny(`R${ptrReg} cannot write into ${typeText(type)}`);
    const probed = (type & (RDONLY | UNTRUSTED)) === (RDONLY | UNTRUSTED);
    if (!probed) checkRegion(env, ptrReg, off, bytes, reg.memBytes, false);
  } else if (isSockPointer(type)) {
    if (isWrite) env.deny(`R${ptrReg} cannot write into ${typeText(type)}`);
    if (reg.bounds.sMinHi < 0) {
      env.deny(`R${ptrReg} min value is negative, either use unsigned index or do a if (index >=0) check.`);
    }
    checkSockAccess(env, ptrReg, type, off, bytes);
  } else if (base === PTR_TO_BTF_ID && (type & MAYBE_NULL) === 0) {
    env.unknown(`access to a kernel structure through R${ptrReg}`);
  } else if (type === CONST_PTR_TO_MAP) {
    checkMapStruct(env, ptrReg, reg.map!, off, bytes, isWrite);
  } else if (base === PTR_TO_BUF || type === PTR_TO_TP_BUFFER) {
    env.unknown(`access to a buffer through R${ptrReg}`);
  } else {
    env.deny(`R${ptrReg} invalid mem access '${typeText(type)}'`);
  }
}
