/** Loads, stores and atomics. One CPU runs at a time, so that atomics are plain accesses and may be unaligned. */
import { READ, READ_WRITE, WRITE } from '../../memory/shadow.js';
import { cells } from '../../memory/cells.js';
import type { SpecialField } from '../../hooks/hook.js';
import { specialStore } from '../../hooks/special-stores.js';
import type { Insn } from '../../isa/insn.js';
import type { InsnName } from '../../spec/insns.js';
import type { MemoryOp, PlainOp } from '../../wasm/opcodes.js';
import { openAccess } from './access.js';
import type { AccessBytes } from './access.js';
import { swapWord } from './emit-alu.js';
import type { Emit } from './emit.js';
import type { FunctionContext } from './function-context.js';

function load(op: MemoryOp, bytes: AccessBytes): Emit {
  return (f, { dst, src, off }) => {
    const address = openAccess(f, { base: src, off, bytes, rights: READ });
    address.push();
    f.code.memory(op, address.offset);
    f.set(dst);
  };
}

function store(op: MemoryOp, bytes: AccessBytes): Emit {
  return orSpecial((f, { dst, src, off }) => {
    const address = openAccess(f, { base: dst, off, bytes, rights: WRITE });
    address.push();
    f.get(src).memory(op, address.offset);
  });
}

function storeImm(op: MemoryOp, bytes: AccessBytes): Emit {
  return orSpecial((f, { dst, off, imm }) => {
    const address = openAccess(f, { base: dst, off, bytes, rights: WRITE });
    address.push();
    f.code.i64(imm).memory(op, address.offset);
  });
}

/** A plain store, but where it may go to a ctx field that does more than hold bits, that field's behaviour comes first. */
function orSpecial(plain: Emit): Emit {
  return (f, insn) => {
    const field = specialStore(f.module.special, insn);
    if (field === undefined) {
      plain(f, insn);
      return;
    }
    const { code } = f;
    const { ctx } = f.module.layout;
    f.get(insn.dst).i64(ctx, 0).op('i64.eq');
    code.i32(0).memory('i32.load', cells.ctxSpecial);
    code
      .i32(insn.off >> 2)
      .op('i32.shr_u')
      .op('i32.and')
      .if();
    emitSpecialStore(f, insn, field, ctx + insn.off);
    code.else();
    plain(f, insn);
    code.end();
  };
}

/** Keeps 16 bits. As Linux does, compares all of a register, but an immediate as int32. */
function emitSpecialStore(f: FunctionContext, { name, src, imm }: Insn, field: SpecialField, at: number): void {
  const { code } = f;
  const isImmediate = name === 'stw';
  if (isImmediate && field.ignoresFromFfff && imm >= 0xffff) return;
  const compares = !isImmediate && field.ignoresFromFfff;
  if (compares) f.get(src).i64(0xffff, 0).op('i64.lt_u').if();
  code.i32(0);
  if (isImmediate) code.i32(imm & 0xffff);
  else f.getWord(src).i32(0xffff).op('i32.and');
  code.memory('i32.store', at);
  if (compares) code.end();
}

const LOADS = { 32: 'i64.load32_u', 64: 'i64.load' } as const;
const STORES = { 32: 'i64.store32', 64: 'i64.store' } as const;

/** Read, combine with src, write; with `fetch`, src takes what was there. */
function combine(op: PlainOp | 'exchange', bits: 32 | 64, fetch: boolean): Emit {
  return (f, { dst, src, off }) => {
    const { code, scratch } = f;
    const address = openAccess(f, { base: dst, off, bytes: bits === 32 ? 4 : 8, rights: READ_WRITE });
    address.push();
    code.memory(LOADS[bits], address.offset).localSet(scratch);
    address.push();
    if (op !== 'exchange') code.localGet(scratch);
    f.get(src);
    if (op !== 'exchange') code.op(op);
    code.memory(STORES[bits], address.offset);
    if (!fetch) return;
    code.localGet(scratch);
    f.set(src);
  };
}

/** Writes src if r0 is what is there; r0 takes what was there. */
function compareExchange(bits: 32 | 64): Emit {
  return (f, { dst, src, off }) => {
    const { code, scratch } = f;
    const address = openAccess(f, { base: dst, off, bytes: bits === 32 ? 4 : 8, rights: READ_WRITE });
    address.push();
    code.memory(LOADS[bits], address.offset).localTee(scratch);
    f.get(0);
    if (bits === 32) code.i64(-1, 0).op('i64.and');
    code.op('i64.eq').if();
    address.push();
    f.get(src).memory(STORES[bits], address.offset).end();
    code.localGet(scratch);
    f.set(0);
  };
}

const PACKET_LOADS = { 1: 'i32.load8_u', 2: 'i32.load16_u', 4: 'i32.load' } as const;

/** LD_ABS and LD_IND: big-endian loads from the packet; where it ends before, the function returns 0. */
function loadPacket(bytes: 1 | 2 | 4, indirect: boolean): Emit {
  return (f, { src, imm }) => {
    const { code, scratch } = f;
    if (indirect) {
      f.get(src).op('i64.extend32_s').i64(imm).op('i64.add');
    } else {
      code.i64(imm);
    }
    code.localTee(scratch);
    code.i32(0).memory('i32.load', cells.packetEnd).i32(0).memory('i32.load', cells.packetData).op('i32.sub');
    code.op('i64.extend_i32_s').i64(bytes).op('i64.sub').op('i64.gt_s');
    code.localGet(scratch).i64(0).op('i64.lt_s').op('i32.or').if();
    code.i64(0);
    f.set(0);
    f.leave();
    code.end();
    code.localGet(scratch).op('i32.wrap_i64').i32(0).memory('i32.load', cells.packetData).op('i32.add');
    code.memory(PACKET_LOADS[bytes], 0);
    if (bytes !== 1) swapWord(f, bytes === 2 ? 16 : 32);
    f.setWord(0);
  };
}

export const MEMORY = {
  ldxb: load('i64.load8_u', 1),
  ldxh: load('i64.load16_u', 2),
  ldxw: load('i64.load32_u', 4),
  ldxdw: load('i64.load', 8),
  ldxsb: load('i64.load8_s', 1),
  ldxsh: load('i64.load16_s', 2),
  ldxsw: load('i64.load32_s', 4),
  stxb: store('i64.store8', 1),
  stxh: store('i64.store16', 2),
  stxw: store('i64.store32', 4),
  stxdw: store('i64.store', 8),
  stb: storeImm('i64.store8', 1),
  sth: storeImm('i64.store16', 2),
  stw: storeImm('i64.store32', 4),
  stdw: storeImm('i64.store', 8),
  load_acquire8: load('i64.load8_u', 1),
  load_acquire16: load('i64.load16_u', 2),
  load_acquire32: load('i64.load32_u', 4),
  load_acquire64: load('i64.load', 8),
  store_release8: store('i64.store8', 1),
  store_release16: store('i64.store16', 2),
  store_release32: store('i64.store32', 4),
  store_release64: store('i64.store', 8),
  lock_add32: combine('i64.add', 32, false),
  lock_add64: combine('i64.add', 64, false),
  lock_or32: combine('i64.or', 32, false),
  lock_or64: combine('i64.or', 64, false),
  lock_and32: combine('i64.and', 32, false),
  lock_and64: combine('i64.and', 64, false),
  lock_xor32: combine('i64.xor', 32, false),
  lock_xor64: combine('i64.xor', 64, false),
  fetch_add32: combine('i64.add', 32, true),
  fetch_add64: combine('i64.add', 64, true),
  fetch_or32: combine('i64.or', 32, true),
  fetch_or64: combine('i64.or', 64, true),
  fetch_and32: combine('i64.and', 32, true),
  fetch_and64: combine('i64.and', 64, true),
  fetch_xor32: combine('i64.xor', 32, true),
  fetch_xor64: combine('i64.xor', 64, true),
  xchg32: combine('exchange', 32, true),
  xchg64: combine('exchange', 64, true),
  cmpxchg32: compareExchange(32),
  cmpxchg64: compareExchange(64),
  ldabsb: loadPacket(1, false),
  ldabsh: loadPacket(2, false),
  ldabsw: loadPacket(4, false),
  ldindb: loadPacket(1, true),
  ldindh: loadPacket(2, true),
  ldindw: loadPacket(4, true),
} satisfies Partial<Record<InsnName, Emit>>;
