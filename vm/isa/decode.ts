/** Bytes to instructions, from the rows of `spec/insns`. Refuses what no row describes; judges nothing else. */
import { viewOf } from '../bytes.js';
import { INSNS } from '../spec/insns.js';
import type { InsnRow, InsnName } from '../spec/insns.js';
import { SLOT_BYTES } from './insn.js';
import type { Insn } from './insn.js';

interface Shape {
  readonly row: InsnRow<InsnName>;
  readonly usesDst: boolean;
  readonly usesSrc: boolean;
  readonly usesOff: boolean;
  readonly usesImm: boolean;
  readonly wide: boolean;
}

function shapeOf(row: InsnRow<InsnName>): Shape {
  const has = (...kinds: string[]): boolean =>
    row.operands.some((operand) => kinds.includes(operand.split(':')[0] ?? ''));
  return {
    row,
    usesDst: has('dst'),
    usesSrc: has('src'),
    usesOff: has('off', 'jump16'),
    usesImm: has('imm', 'imm64', 'jump32'),
    wide: has('imm64'),
  };
}

/** Opcode byte -> candidate shapes. */
const BY_OPCODE: readonly (readonly Shape[])[] = Array.from({ length: 256 }, (_, op) =>
  INSNS.filter((row) => row.op === op).map(shapeOf),
);

const MAX_REGISTER = 10;

/** Why a slot was refused. */
export interface DecodeFault {
  /** Slot index. */
  readonly pc: number;
  readonly reason: 'opcode' | 'register' | 'reserved-field' | 'second-slot' | 'length';
  readonly message: string;
}

export type DecodeResult =
  { readonly ok: true; readonly insns: readonly Insn[] } | { readonly ok: false; readonly fault: DecodeFault };

/** Decodes the instruction at slot `pc` of `bytes`, whose length is a multiple of 8. */
export function decodeOne(view: DataView, pc: number): Insn | DecodeFault {
  const at = pc * SLOT_BYTES;
  const op = view.getUint8(at);
  const registers = view.getUint8(at + 1);
  const dst = registers & 15;
  const src = registers >>> 4;
  const off = view.getInt16(at + 2, true);
  const imm = view.getInt32(at + 4, true);
  const shapes = BY_OPCODE[op] ?? [];
  const opcodeText = `0x${op.toString(16).padStart(2, '0')}`;
  if (shapes.length === 0) return { pc, reason: 'opcode', message: `unknown opcode ${opcodeText}` };
  const shape = shapes.find(
    ({ row, usesDst, usesSrc, usesOff, usesImm }) =>
      (usesDst || dst === 0) &&
      (usesSrc || src === (row.src ?? 0)) &&
      (usesOff || off === (row.off ?? 0)) &&
      (usesImm || imm === (row.imm ?? 0)),
  );
  if (shape === undefined) {
    return {
      pc,
      reason: 'reserved-field',
      message: `opcode ${opcodeText} uses reserved fields: dst ${String(dst)}, src ${String(src)}, off ${String(off)}, imm ${String(imm)}`,
    };
  }
  if (dst > MAX_REGISTER || (shape.usesSrc && src > MAX_REGISTER)) {
    const register = dst > MAX_REGISTER ? dst : src;
    return { pc, reason: 'register', message: `register r${String(register)} does not exist` };
  }
  let immHi = 0;
  if (shape.wide) {
    if (at + 2 * SLOT_BYTES > view.byteLength) {
      return { pc, reason: 'second-slot', message: 'the second slot of a 64-bit immediate is missing' };
    }
    if (view.getUint32(at + SLOT_BYTES, true) !== 0) {
      return {
        pc,
        reason: 'second-slot',
        message: 'the second slot of a 64-bit immediate has nonzero reserved fields',
      };
    }
    immHi = view.getInt32(at + SLOT_BYTES + 4, true);
  }
  return { name: shape.row.name, dst, src, off, imm, immHi, pc };
}

/** Decodes a whole stream; pcs count from its start. */
export function decode(bytes: Uint8Array): DecodeResult {
  if (bytes.length % SLOT_BYTES !== 0) {
    const message = `${String(bytes.length)} bytes are not a whole number of 8-byte slots`;
    return { ok: false, fault: { pc: Math.floor(bytes.length / SLOT_BYTES), reason: 'length', message } };
  }
  const view = viewOf(bytes);
  const insns: Insn[] = [];
  const slots = bytes.length / SLOT_BYTES;
  for (let pc = 0; pc < slots;) {
    const one = decodeOne(view, pc);
    if ('reason' in one) return { ok: false, fault: one };
    insns.push(one);
    pc += BY_OPCODE[view.getUint8(pc * SLOT_BYTES)]?.[0]?.wide === true ? 2 : 1;
  }
  return { ok: true, insns };
}
