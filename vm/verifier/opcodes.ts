/**
 * The wire's numbers as the verifier takes them apart: it must look at instructions that do not decode, too.
 */

/** Low three bits of the opcode. */
export const LD = 0;
export const LDX = 1;
export const ST = 2;
export const STX = 3;
export const ALU = 4;
export const JMP = 5;
export const JMP32 = 6;
export const ALU64 = 7;

/** High four bits of an ALU opcode. */
export const ADD = 0x00;
export const SUB = 0x10;
export const MUL = 0x20;
export const DIV = 0x30;
export const OR = 0x40;
export const AND = 0x50;
export const LSH = 0x60;
export const RSH = 0x70;
export const NEG = 0x80;
export const MOD = 0x90;
export const XOR = 0xa0;
export const MOV = 0xb0;
export const ARSH = 0xc0;
export const END = 0xd0;

/** High four bits of a jump opcode. */
export const JA = 0x00;
export const CALL = 0x80;
export const EXIT = 0x90;
/** may_goto */
export const JCOND = 0xe0;

/** Bit 3: the second operand is a register. */
export const SRC_REG = 0x08;

/** Bits 3-4 of a load or store: how many bytes. */
export const SIZE_MASK = 0x18;
const SIZES: readonly number[] = [4, 2, 1, 8];

export function sizeOf(code: number): 1 | 2 | 4 | 8 {
  return SIZES[(code & SIZE_MASK) >> 3] as 1 | 2 | 4 | 8;
}

/** Bits 5-7 of a load or store. */
export const MODE_MASK = 0xe0;
export const MODE_ABS = 0x20;
export const MODE_IND = 0x40;
export const MODE_MEM = 0x60;
export const MODE_MEMSX = 0x80;
export const MODE_ATOMIC = 0xc0;

export const LD_IMM64 = 0x18;

/** src of an ld_imm64. */
export const PSEUDO_MAP_FD = 1;
export const PSEUDO_MAP_VALUE = 2;
export const PSEUDO_BTF_ID = 3;
export const PSEUDO_FUNC = 4;
export const PSEUDO_MAP_IDX = 5;
export const PSEUDO_MAP_IDX_VALUE = 6;

/** src of a call. */
export const PSEUDO_CALL = 1;
export const PSEUDO_KFUNC_CALL = 2;

/** imm of an atomic instruction. */
export const ATOMIC_FETCH = 0x01;
export const ATOMIC_XCHG = 0xe1;
export const ATOMIC_CMPXCHG = 0xf1;
export const ATOMIC_LOAD_ACQ = 0x100;
export const ATOMIC_STORE_REL = 0x110;

export function classOf(code: number): number {
  return code & 7;
}

export function opOf(code: number): number {
  return code & 0xf0;
}
