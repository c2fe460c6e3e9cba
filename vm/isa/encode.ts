/** Instructions to bytes. The inverse of `decode`: the row gives the opcode, the instruction every other field. */
import { INSN_ROWS } from '../spec/insns.js';
import { SLOT_BYTES, slotsOf } from './insn.js';
import type { Insn } from './insn.js';

/** Encodes one instruction at slot `pc` of `view`. */
export function encodeOne(view: DataView, pc: number, insn: Insn): void {
  const at = pc * SLOT_BYTES;
  view.setUint8(at, INSN_ROWS[insn.name].op);
  view.setUint8(at + 1, (insn.src << 4) | insn.dst);
  view.setInt16(at + 2, insn.off, true);
  view.setInt32(at + 4, insn.imm, true);
  if (slotsOf(insn) === 2) {
    view.setUint32(at + SLOT_BYTES, 0, true);
    view.setInt32(at + SLOT_BYTES + 4, insn.immHi, true);
  }
}

/** Encodes instructions one after another; their `pc` fields are not looked at. */
export function encode(insns: readonly Insn[]): Uint8Array {
  const slots = insns.reduce((sum, insn) => sum + slotsOf(insn), 0);
  const bytes = new Uint8Array(slots * SLOT_BYTES);
  const view = new DataView(bytes.buffer);
  let pc = 0;
  for (const insn of insns) {
    encodeOne(view, pc, insn);
    pc += slotsOf(insn);
  }
  return bytes;
}
