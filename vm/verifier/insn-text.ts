/**
 * One instruction as the kernel's verifier prints it, opcode in front: `(61) r2 = *(u32 *)(r1 +0)`. Must print what does
 * not decode, too; that is why the assembler's printer is of no use here.
 */
import type { Env } from './env.js';
import {
  ALU,
  ALU64,
  ATOMIC_CMPXCHG,
  ATOMIC_FETCH,
  ATOMIC_LOAD_ACQ,
  ATOMIC_STORE_REL,
  ATOMIC_XCHG,
  CALL,
  DIV,
  END,
  EXIT,
  JA,
  JCOND,
  JMP,
  JMP32,
  LD,
  LDX,
  LD_IMM64,
  MODE_ABS,
  MODE_ATOMIC,
  MODE_IND,
  MODE_MASK,
  MODE_MEM,
  MODE_MEMSX,
  MOD,
  MOV,
  NEG,
  PSEUDO_CALL,
  PSEUDO_KFUNC_CALL,
  SRC_REG,
  ST,
  STX,
  classOf,
  opOf,
  sizeOf,
} from './opcodes.js';
import { helperName } from './structure.js';
import { hex } from './tnum.js';

const ALU_SIGNS: readonly string[] = [
  '+=',
  '-=',
  '*=',
  '/=',
  '|=',
  '&=',
  '<<=',
  '>>=',
  'neg',
  '%=',
  '^=',
  '=',
  's>>=',
  'endian',
];
const JUMP_SIGNS: readonly string[] = [
  'jmp',
  '==',
  '>',
  '>=',
  '&',
  '!=',
  's>',
  's>=',
  'call',
  'exit',
  '<',
  '<=',
  's<',
  's<=',
];
const ATOMIC_NAMES: Readonly<Record<number, readonly [sign: string, name: string]>> = {
  0x00: ['+=', 'add'],
  0x40: ['|=', 'or'],
  0x50: ['&=', 'and'],
  0xa0: ['^=', 'xor'],
};

/** `+=` and its like, as messages about pointer arithmetic quote it. */
export function aluSign(op: number): string {
  return ALU_SIGNS[op >> 4] ?? '?';
}

function plus(value: number): string {
  return value < 0 ? String(value) : `+${value}`;
}

export function insnText(env: Env, insn: number): string {
  const code = env.code[insn]!;
  return `(${code.toString(16).padStart(2, '0')}) ${body(env, insn, code)}`;
}

function body(env: Env, insn: number, code: number): string {
  switch (classOf(code)) {
    case ALU:
    case ALU64:
      return aluText(env, insn, code);
    case LD:
      return ldText(env, insn, code);
    case LDX: {
      const mode = code & MODE_MASK;
      const sign = mode === MODE_MEMSX ? 's' : 'u';
      if (mode !== MODE_MEM && mode !== MODE_MEMSX) return `BUG_${hexByte(code)}`;
      return `r${env.dst[insn]!} = *(${sign}${sizeOf(code) * 8} *)(r${env.src[insn]!} ${plus(env.off[insn]!)})`;
    }
    case ST:
      if ((code & MODE_MASK) !== MODE_MEM) return `BUG_st_${hexByte(code)}`;
      return `*(u${sizeOf(code) * 8} *)(r${env.dst[insn]!} ${plus(env.off[insn]!)}) = ${env.imm[insn]!}`;
    case STX:
      return stxText(env, insn, code);
    case JMP:
    case JMP32:
      return jumpText(env, insn, code);
    default:
      return '';
  }
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, '0');
}

function aluText(env: Env, insn: number, code: number): string {
  const wide = classOf(code) === ALU64;
  const letter = wide ? 'r' : 'w';
  const dst = env.dst[insn]!;
  const imm = env.imm[insn]!;
  const op = opOf(code);
  if (op === END) {
    const name = wide ? 'bswap' : (code & SRC_REG) === 0 ? 'le' : 'be';
    return `r${dst} = ${name}${imm} r${dst}`;
  }
  if (op === NEG) return `${letter}${dst} = -${letter}${dst}`;
  const off = env.off[insn]!;
  const isSigned = off === 1 && (op === DIV || op === MOD);
  const sign = `${isSigned ? 's' : ''}${aluSign(op)}`;
  if ((code & SRC_REG) === 0) return `${letter}${dst} ${sign} ${imm}`;
  const extension = op === MOV && (off === 8 || off === 16 || off === 32) ? `(s${off})` : '';
  return `${letter}${dst} ${sign} ${extension}${letter}${env.src[insn]!}`;
}

function ldText(env: Env, insn: number, code: number): string {
  const imm = env.imm[insn]!;
  switch (code & MODE_MASK) {
    case MODE_ABS:
      return `r0 = *(u${sizeOf(code) * 8} *)skb[${imm}]`;
    case MODE_IND:
      return `r0 = *(u${sizeOf(code) * 8} *)skb[r${env.src[insn]!} + ${imm}]`;
    default: {
      if (code !== LD_IMM64) return `BUG_ld_${hexByte(code)}`;
      return `r${env.dst[insn]!} = ${hex(imm, env.imm[insn + 1] ?? 0)}`;
    }
  }
}

function stxText(env: Env, insn: number, code: number): string {
  const bits = sizeOf(code) * 8;
  const dst = `(u${bits} *)(r${env.dst[insn]!} ${plus(env.off[insn]!)})`;
  const src = env.src[insn]!;
  if ((code & MODE_MASK) === MODE_MEM) return `*${dst} = r${src}`;
  if ((code & MODE_MASK) !== MODE_ATOMIC) return `BUG_${hexByte(code)}`;
  const imm = env.imm[insn]!;
  const wide = bits === 64 ? '64' : '';
  if (imm === ATOMIC_CMPXCHG) return `r0 = atomic${wide}_cmpxchg(${dst}, r0, r${src})`;
  if (imm === ATOMIC_XCHG) return `r${src} = atomic${wide}_xchg(${dst}, r${src})`;
  if (imm === ATOMIC_LOAD_ACQ)
    return `r${env.dst[insn]!} = load_acquire((u${bits} *)(r${src} ${plus(env.off[insn]!)}))`;
  if (imm === ATOMIC_STORE_REL) return `store_release(${dst}, r${src})`;
  const known = ATOMIC_NAMES[imm & ~ATOMIC_FETCH];
  if (known === undefined) return `BUG_${hexByte(code)}`;
  if ((imm & ATOMIC_FETCH) === 0) return `lock *${dst} ${known[0]} r${src}`;
  return `r${src} = atomic${wide}_fetch_${known[1]}(${dst}, r${src})`;
}

function jumpText(env: Env, insn: number, code: number): string {
  const letter = classOf(code) === JMP ? 'r' : 'w';
  const imm = env.imm[insn]!;
  const jump = `pc${plus(env.off[insn]!)}`;
  switch (opOf(code)) {
    case CALL: {
      if (env.src[insn] === PSEUDO_CALL) return `call pc${plus(imm)}`;
      const ref = env.ref(insn);
      const isKfunc = env.src[insn] === PSEUDO_KFUNC_CALL;
      const name = isKfunc ? (ref?.kind === 'kfunc' ? ref.name : 'kernel-function') : helperName(imm);
      return `call ${name}#${imm}`;
    }
    case JA:
      return letter === 'r' ? `goto ${jump}` : `gotol pc${plus(imm)}`;
    case JCOND:
      return `may_goto ${jump}`;
    case EXIT:
      return 'exit';
    default: {
      const operand = (code & SRC_REG) === 0 ? `0x${(imm >>> 0).toString(16)}` : `${letter}${env.src[insn]!}`;
      return `if ${letter}${env.dst[insn]!} ${JUMP_SIGNS[code >> 4] ?? '?'} ${operand} goto ${jump}`;
    }
  }
}
