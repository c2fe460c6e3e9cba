/**
 * Conditional jumps: which way they can go, and what either way tells of the registers compared and of all that are tied
 * to them. Messages and their order are Linux'.
 */
import { type Comparison, decide, flip, refine } from './compare.js';
import type { Env } from './env.js';
import { mapRecord } from './map-record.js';
import { JA, JCOND, JMP32, SRC_REG, classOf, opOf } from './opcodes.js';
import { mapRegs, pushBranch } from './paths.js';
import { markPrecise } from './precision.js';
import {
  ADD_CONST,
  ADD_CONST32,
  ALLOC,
  AT_PKT_END,
  BEYOND_PKT_END,
  CONST_PTR_TO_MAP,
  MAYBE_NULL,
  NON_OWN_REF,
  PTR_TO_BTF_ID,
  PTR_TO_FUNC,
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
  PTR_TO_XDP_SOCK,
  RCU,
  type Reg,
  type RegType,
  SCALAR,
  TRUSTED,
  UNTRUSTED,
  USER,
  baseType,
  constReg,
  isAnyPacketPointer,
} from './reg.js';
import { checkReadable, soundReg } from './reg-check.js';
import { applyAlu } from './scalar-alu.js';
import type { LinkedReg, State } from './state.js';
import { constBounds } from './bounds.js';
import type { Verifier } from './verifier.js';
import { widenFrom } from './widen.js';

const MAX_PACKET_OFF = 0xffff;
/** Registers that one comparison can inform. */
const MAX_LINKED = 6;

const COMPARISONS: Readonly<Record<number, Comparison>> = {
  0x10: 'eq',
  0x20: 'gt',
  0x30: 'ge',
  0x40: 'set',
  0x50: 'ne',
  0x60: 'sgt',
  0x70: 'sge',
  0xa0: 'lt',
  0xb0: 'le',
  0xc0: 'slt',
  0xd0: 'sle',
};

/** A conditional jump; leaves in `env.insn` where the path goes on. */
export function checkJump(v: Verifier): void {
  const env: Env = v.env;
  const { insn } = env;
  const code = env.code[insn]!;
  const op = opOf(code);
  if (op === JA || op > JCOND) env.invalid(`invalid BPF_JMP/JMP32 opcode ${op.toString(16)}`);
  if (op === JCOND) {
    checkMayGoto(env, code);
    return;
  }
  const dst = env.dst[insn]!;
  const src = env.src[insn]!;
  const byReg = (code & SRC_REG) !== 0;
  checkReadable(env, dst);
  const dstReg = env.reg(dst);
  let srcReg: Reg;
  if (byReg) {
    if (env.imm[insn] !== 0) env.invalid('BPF_JMP/JMP32 uses reserved fields');
    checkReadable(env, src);
    srcReg = env.reg(src);
  } else {
    if (src !== 0) env.invalid('BPF_JMP/JMP32 uses reserved fields');
    const imm = env.imm[insn]!;
    srcReg = constReg(imm, imm >> 31);
  }
  const srcIsStack = byReg && srcReg.type === PTR_TO_STACK;
  const dstIsStack = dstReg.type === PTR_TO_STACK;
  if (srcIsStack || dstIsStack) env.remember(-1, srcIsStack, dstIsStack, undefined);
  const narrow = classOf(code) === JMP32;
  const comparison = COMPARISONS[op];
  if (comparison === undefined) env.invalid(`invalid BPF_JMP/JMP32 opcode ${op.toString(16)}`);
  const taken = predict(comparison, dstReg, srcReg, narrow);
  if (taken !== undefined) {
    if (dstReg.type === SCALAR) markPrecise(env, dst);
    if (byReg && srcReg.type === SCALAR) markPrecise(env, src);
    if (env.log.showsPaths) v.trace.showChanges(env.cur);
    env.insn = insn + 1 + (taken ? env.off[insn]! : 0);
    return;
  }
  branch(v, comparison, dst, src, dstReg, srcReg, byReg, narrow);
  if (env.log.showsPaths) v.trace.showChanges(env.cur);
  env.insn = insn + 1;
}

function checkMayGoto(env: Env, code: number): void {
  const { insn } = env;
  if (code !== 0xe5 || env.src[insn] !== 0 || env.dst[insn] !== 0 || env.imm[insn] !== 0) {
    env.invalid(`invalid may_goto imm ${env.imm[insn]!}`);
  }
  const queued = pushBranch(env, insn + 1, insn);
  queued.mayGotoDepth++;
  widenFrom(env, env.cur.parent, insn, queued);
  env.insn = insn + 1 + env.off[insn]!;
}

/** Whether the jump is certainly taken, or certainly not. */
function predict(op: Comparison, a: Reg, b: Reg, narrow: boolean): boolean | undefined {
  if (a.type === SCALAR && b.type === SCALAR) return decide(op, a.bounds, b.bounds, narrow);
  if (isAnyPacketPointer(a.type) && isAnyPacketPointer(b.type) && !narrow) return predictPacket(op, a, b);
  const [ptr, num] = isKnownNumber(b, narrow) ? [a, b] : [b, a];
  if (!isKnownNumber(num, narrow) || !isNotNull(ptr)) return undefined;
  const isZero = num.bounds.bits.vLo === 0 && (narrow || num.bounds.bits.vHi === 0);
  if (!isZero) return undefined;
  return op === 'eq' ? false : op === 'ne' ? true : undefined;
}

function isKnownNumber(reg: Reg, narrow: boolean): boolean {
  return reg.type === SCALAR && (narrow ? reg.bounds.lowIsConst : reg.bounds.isConst);
}

const NEVER_NULL: ReadonlySet<RegType> = new Set([
  PTR_TO_SOCKET,
  PTR_TO_TCP_SOCK,
  PTR_TO_MAP_VALUE,
  PTR_TO_MAP_KEY,
  PTR_TO_SOCK_COMMON,
  PTR_TO_MEM,
  CONST_PTR_TO_MAP,
  PTR_TO_FUNC,
]);

function isNotNull(reg: Reg): boolean {
  const { type } = reg;
  if ((type & MAYBE_NULL) !== 0) return false;
  const base = baseType(type);
  if (base === PTR_TO_MEM) return (type & UNTRUSTED) === 0;
  if (base === PTR_TO_BTF_ID) {
    const unsafe = UNTRUSTED | USER | RCU;
    return reg.refId !== 0 || ((type & (TRUSTED | ALLOC)) !== 0 && (type & unsafe) === 0);
  }
  return NEVER_NULL.has(base);
}

function predictPacket(op: Comparison, a: Reg, b: Reg): boolean | undefined {
  let packet = a;
  let comparison = op;
  if (b.type !== PTR_TO_PACKET_END) {
    if (a.type !== PTR_TO_PACKET_END) return undefined;
    packet = b;
    comparison = flip(op);
  }
  if (packet.range >= 0) return undefined;
  const beyond = packet.range === BEYOND_PKT_END;
  switch (comparison) {
    case 'le':
    case 'gt':
      return beyond ? comparison === 'gt' : undefined;
    case 'lt':
    case 'ge':
      return beyond || packet.range === AT_PKT_END ? comparison === 'ge' : undefined;
    default:
      return undefined;
  }
}

function branch(
  v: Verifier,
  op: Comparison,
  dst: number,
  src: number,
  dstReg: Reg,
  srcReg: Reg,
  byReg: boolean,
  narrow: boolean,
): void {
  const { env } = v;
  const { insn } = env;
  const linked: LinkedReg[] = [];
  if (byReg && srcReg.type === SCALAR && srcReg.id !== 0) collectLinked(env, srcReg.id, linked);
  if (dstReg.type === SCALAR && dstReg.id !== 0) collectLinked(env, dstReg.id, linked);
  if (linked.length > 1) env.remember(-1, false, false, linked);
  const here = env.cur;
  const there = pushBranch(env, insn + env.off[insn]! + 1, insn);
  if (dstReg.type === SCALAR && srcReg.type === SCALAR) {
    refineBoth(env, op, dst, src, byReg, narrow, there);
    if (linked.length > 0) {
      if (byReg && srcReg.id !== 0) syncLinked(here, there, src, linked);
      if (dstReg.id !== 0) syncLinked(here, there, dst, linked);
    }
  }
  if (!narrow && byReg && dstReg.type !== SCALAR && srcReg.type !== SCALAR) {
    liftNull(op, dst, src, dstReg, srcReg, here, there);
  }
  const isNullCheck =
    !narrow && !byReg && env.imm[insn] === 0 && (op === 'eq' || op === 'ne') && (dstReg.type & MAYBE_NULL) !== 0;
  if (isNullCheck) {
    markNull(here, dst, op === 'ne');
    markNull(there, dst, op === 'eq');
  } else if (byReg && !narrow) {
    matchPacket(op, dst, src, dstReg, srcReg, here, there);
  }
}

/** Narrows the compared numbers on both ways. */
function refineBoth(
  env: Env,
  op: Comparison,
  dst: number,
  src: number,
  byReg: boolean,
  narrow: boolean,
  there: State,
): void {
  const dstReg = env.reg(dst);
  const srcReg = byReg ? env.reg(src) : undefined;
  const same = byReg && dst === src;
  const imm = env.imm[env.insn]!;
  const falseDst = dstReg.withBounds(dstReg.bounds.clone());
  const trueDst = dstReg.withBounds(dstReg.bounds.clone());
  let falseSrc: Reg | undefined;
  let trueSrc: Reg | undefined;
  if (same) {
    falseSrc = falseDst;
    trueSrc = trueDst;
  } else if (srcReg !== undefined) {
    falseSrc = srcReg.withBounds(srcReg.bounds.clone());
    trueSrc = srcReg.withBounds(srcReg.bounds.clone());
  }
  refine(op, falseDst.bounds, falseSrc?.bounds ?? constBounds(imm, imm >> 31).clone(), narrow, false);
  refine(op, trueDst.bounds, trueSrc?.bounds ?? constBounds(imm, imm >> 31).clone(), narrow, true);
  const thereRegs = there.top.regs;
  const sound = (way: string, a: Reg, b: Reg | undefined): readonly [Reg, Reg | undefined] => {
    const first = soundReg(env, a, `${way}_reg1`);
    if (b === undefined) return [first, undefined];
    const second = soundReg(env, same ? first : b, `${way}_reg2`);
    return [same ? second : first, second];
  };
  const onJump = sound('true', trueDst, trueSrc);
  const behind = sound('false', falseDst, falseSrc);
  thereRegs[dst] = onJump[0];
  if (onJump[1] !== undefined) thereRegs[src] = onJump[1];
  env.cur.top.regs[dst] = behind[0];
  if (behind[1] !== undefined) env.cur.top.regs[src] = behind[1];
}

/** Live registers and spilled ones with an id; what does not fit any more is untied. */
function collectLinked(env: Env, id: number, linked: LinkedReg[]): void {
  const state = env.cur;
  const wanted = id & ~ADD_CONST;
  const isWanted = (reg: Reg): boolean => reg.type === SCALAR && (reg.id & ~ADD_CONST) === wanted;
  for (let frame = state.depth; frame >= 0; frame--) {
    const { regs, stack } = state.frames[frame]!;
    const live = env.liveRegs[state.insnOf(frame)]!;
    for (let index = 0; index < 10; index++) {
      const reg = regs[index]!;
      if (reg.id === 0 || ((live >>> index) & 1) === 0 || !isWanted(reg)) continue;
      if (linked.length < MAX_LINKED) linked.push({ frame, index, isReg: true });
      else regs[index] = reg.withId(0);
    }
    for (let index = 0; index < stack.length; index++) {
      const slot = stack[index]!;
      if (!slot.isSpill || slot.reg.id === 0 || !isWanted(slot.reg)) continue;
      if (linked.length < MAX_LINKED) linked.push({ frame, index, isReg: false });
      else state.frames[frame]!.setSlot(index, slot.with(slot.reg.withId(0)));
    }
  }
}

function syncLinked(here: State, there: State, no: number, linked: readonly LinkedReg[]): void {
  syncLinkedIn(here, here.top.regs[no]!, linked);
  syncLinkedIn(there, there.top.regs[no]!, linked);
}

/** What is known of a number is known of its copies. */
function syncLinkedIn(state: State, known: Reg, linked: readonly LinkedReg[]): void {
  if (known.id === 0) return;
  for (const { frame, index, isReg } of linked) {
    const { regs, stack } = state.frames[frame]!;
    const reg = isReg ? regs[index]! : stack[index]!.reg;
    if (reg.type !== SCALAR || reg === known || (reg.id & ~ADD_CONST) !== (known.id & ~ADD_CONST)) continue;
    // Distances of different widths do not combine.
    if (((reg.id ^ known.id) & ADD_CONST) === ADD_CONST) continue;
    const synced = syncedWith(reg, known);
    if (isReg) regs[index] = synced;
    else state.frames[frame]!.setSlot(index, stack[index]!.with(synced));
  }
}

function syncedWith(reg: Reg, known: Reg): Reg {
  const bothPlain = ((reg.id | known.id) & ADD_CONST) === 0;
  if (bothPlain || reg.off === known.off) return known;
  const distance = reg.off - known.off;
  const delta = constBounds(distance | 0, Math.floor(distance / 2 ** 32));
  const out = known.copy();
  out.off = reg.off;
  out.id = reg.id;
  const narrow = ((reg.id | known.id) & ADD_CONST32) !== 0;
  out.bounds = applyAlu('add', known.bounds, delta, narrow ? 32 : 64);
  return out;
}

/** Equal to a pointer that is not NULL: not NULL either. */
function liftNull(op: Comparison, dst: number, src: number, dstReg: Reg, srcReg: Reg, here: State, there: State): void {
  const srcMaybe = (srcReg.type & MAYBE_NULL) !== 0;
  const dstMaybe = (dstReg.type & MAYBE_NULL) !== 0;
  if (srcMaybe === dstMaybe) return;
  if (baseType(srcReg.type) === PTR_TO_BTF_ID || baseType(dstReg.type) === PTR_TO_BTF_ID) return;
  const equal = op === 'eq' ? there : op === 'ne' ? here : undefined;
  if (equal === undefined) return;
  const { regs } = equal.top;
  const no = srcMaybe ? src : dst;
  regs[no] = notNull(regs[no]!);
}

/** The pointer without "or NULL"; what a lookup gives depends on the map. */
export function notNull(reg: Reg): Reg {
  const out = reg.copy();
  const { map } = reg;
  if (baseType(reg.type) === PTR_TO_MAP_VALUE && map !== undefined) {
    if (map.inner !== undefined) {
      out.type = CONST_PTR_TO_MAP;
      out.map = map.inner;
      const record = mapRecord(map.inner);
      if (record.has('bpf_timer') || record.has('bpf_wq')) out.mapUid = reg.id;
    } else if (map.type === 'xskmap') {
      out.type = PTR_TO_XDP_SOCK;
    } else if (map.type === 'sockmap' || map.type === 'sockhash') {
      out.type = PTR_TO_SOCKET;
    } else {
      out.type = PTR_TO_MAP_VALUE;
    }
    return out;
  }
  out.type &= ~MAYBE_NULL;
  return out;
}

/** Whether the register's id says which lock it is. */
export function mayHoldLock(reg: Reg): boolean {
  if (reg.type === PTR_TO_MAP_VALUE && reg.map !== undefined) {
    const record = mapRecord(reg.map);
    return record.has('bpf_spin_lock') || record.has('bpf_res_spin_lock');
  }
  return (reg.type & ALLOC) !== 0;
}

/** After a comparison with NULL, in every copy of the pointer. */
function markNull(state: State, no: number, isNull: boolean): void {
  const { id, refId } = state.top.regs[no]!;
  if (refId !== 0 && refId === id && isNull) {
    state.refs = state.refs.filter((ref) => ref.kind !== 'ptr' || ref.id !== id);
  }
  mapRegs(state, (reg) => {
    if ((reg.type & MAYBE_NULL) === 0 || reg.id !== id || (id === 0 && (reg.type & RCU) === 0)) return reg;
    if (!reg.bounds.isZero || (reg.off !== 0 && (reg.type & (ALLOC | NON_OWN_REF)) === 0)) return reg;
    if (isNull) {
      const out = reg.copy();
      out.type = SCALAR;
      out.id = 0;
      out.refId = 0;
      return out;
    }
    const out = notNull(reg);
    if (!mayHoldLock(out)) out.id = 0;
    return out;
  });
}

/** A pointer just as it was read from the context. */
function isFreshPacket(reg: Reg): boolean {
  return reg.type === PTR_TO_PACKET && reg.id === 0 && reg.off === 0 && reg.bounds.isZero;
}

/** Comparisons of packet pointers with an end: one side learns how far the packet reaches. */
function matchPacket(
  op: Comparison,
  dst: number,
  src: number,
  dstReg: Reg,
  srcReg: Reg,
  here: State,
  there: State,
): void {
  if (op !== 'gt' && op !== 'lt' && op !== 'ge' && op !== 'le') return;
  const dstLeads =
    (dstReg.type === PTR_TO_PACKET && srcReg.type === PTR_TO_PACKET_END) ||
    (dstReg.type === PTR_TO_PACKET_META && isFreshPacket(srcReg));
  const srcLeads =
    (dstReg.type === PTR_TO_PACKET_END && srcReg.type === PTR_TO_PACKET) ||
    (isFreshPacket(dstReg) && srcReg.type === PTR_TO_PACKET_META);
  if (!dstLeads && !srcLeads) return;
  const pointer = dstLeads ? dstReg : srcReg;
  const no = dstLeads ? dst : src;
  const seen = dstLeads ? op : flip(op);
  // pointer > end: falls through where it is at most the end, jumps where it is beyond.
  switch (seen) {
    case 'gt':
      extendRange(here, pointer, false);
      markEnd(there, no, true);
      break;
    case 'ge':
      extendRange(here, pointer, true);
      markEnd(there, no, false);
      break;
    case 'lt':
      extendRange(there, pointer, true);
      markEnd(here, no, false);
      break;
    default:
      extendRange(there, pointer, false);
      markEnd(here, no, true);
  }
}

/** `open`: the pointer is below the end, so one byte more is readable. */
function extendRange(state: State, pointer: Reg, open: boolean): void {
  if (pointer.off < 0 || (pointer.off === 0 && open)) return;
  const { uMaxHi, uMaxLo } = pointer.bounds;
  if (uMaxHi !== 0 || uMaxLo >>> 0 > MAX_PACKET_OFF || (uMaxLo >>> 0) + pointer.off > MAX_PACKET_OFF) return;
  const range = pointer.off + (open ? 1 : 0);
  mapRegs(state, (reg) => {
    if (reg.type !== pointer.type || reg.id !== pointer.id || reg.range >= range) return reg;
    const out = reg.copy();
    out.range = range;
    return out;
  });
}

function markEnd(state: State, no: number, beyond: boolean): void {
  const reg = state.top.regs[no]!;
  if (reg.type !== PTR_TO_PACKET) return;
  const out = reg.copy();
  out.range = beyond ? BEYOND_PKT_END : AT_PKT_END;
  state.top.regs[no] = out;
}
