/**
 * One instruction to text, by the templates of `spec/insns`. For listings, traces and messages; knows no ELF.
 */
import { must } from '../errors.js';
import type { Insn } from '../isa/insn.js';
import { helperById } from '../spec/helpers.js';
import { INSN_ROWS } from '../spec/insns.js';
import type { InsnName } from '../spec/insns.js';

export interface FormatOptions {
  /**
   * `skep` (the default) loses nothing, so that `assemble` gives the instruction back; `llvm` is what llvm-objdump 19
   * prints, which for calls and pseudo loads says less.
   */
  readonly style?: 'skep' | 'llvm';
  /** Shows loads, stores and adds of 32 bits and less with w registers, as `llvm-objdump --mcpu=v4` does. */
  readonly alu32?: boolean;
  /** Names of slots: a jump to one shows the name instead of the distance. */
  readonly labels?: ReadonlyMap<number, string>;
  /**
   * What instructions refer to, by their slot: a call shows `call NAME`, a 64-bit load `r1 = NAME ll` (so `NAME` may be
   * `map conns`).
   */
  readonly refs?: ReadonlyMap<number, string>;
}

type Part = string | { readonly hole: string };

function partsOf(template: string): readonly Part[] {
  return template.split(/(\{\w+\})/).map((piece) => (piece.startsWith('{') ? { hole: piece.slice(1, -1) } : piece));
}

const ENTRIES = Object.entries(INSN_ROWS) as [InsnName, (typeof INSN_ROWS)[InsnName]][];
const SKEP_PARTS = new Map(ENTRIES.map(([name, row]) => [name, partsOf(row.text)]));
const LLVM_PARTS = new Map(ENTRIES.map(([name, row]) => [name, partsOf(row.llvm ?? row.text)]));

/** Signed hexadecimal: `0x1f`, `-0x8`. */
export function hex(value: number | bigint): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

function withSign(value: number): string {
  return value < 0 ? hex(value) : `+${hex(value)}`;
}

function addend(value: number): string {
  return value < 0 ? ` - ${hex(-value)}` : ` + ${hex(value)}`;
}

/** Distance from the slot after the jump, in slots; undefined for what does not jump. */
export function jumpDistance(insn: Insn): number | undefined {
  const { operands } = INSN_ROWS[insn.name];
  if (operands.includes('jump16')) return insn.off;
  return operands.includes('jump32') ? insn.imm : undefined;
}

type Writer = (insn: Insn, options: FormatOptions) => string;

const WRITERS: Readonly<Record<string, Writer>> = {
  dst: ({ dst }) => `r${String(dst)}`,
  src: ({ src }) => `r${String(src)}`,
  wdst: ({ dst }) => `w${String(dst)}`,
  wsrc: ({ src }) => `w${String(src)}`,
  xdst: ({ dst }, { alu32 }) => `${alu32 === true ? 'w' : 'r'}${String(dst)}`,
  xsrc: ({ src }, { alu32 }) => `${alu32 === true ? 'w' : 'r'}${String(src)}`,
  mem: ({ off }) => addend(off),
  plus: ({ imm }) => (imm === 0 ? '' : addend(imm)),
  imm: ({ imm }) => hex(imm),
  imm64: ({ imm, immHi }) => hex((BigInt(immHi) << 32n) | BigInt(imm >>> 0)),
  low: ({ imm }) => hex(imm >>> 0),
  jump: (insn, { labels }) => {
    const distance = jumpDistance(insn) ?? 0;
    return labels?.get(insn.pc + 1 + distance) ?? withSign(distance);
  },
  helper: ({ imm }) => {
    const helper = helperById(imm);
    return helper === undefined ? hex(imm) : `bpf_${helper.name}`;
  },
  func: ({ imm }) => `pc${withSign(imm)}`,
  array: ({ off }) => (off === 0 ? '' : `, ${hex(off)}`),
  spaces: ({ imm }) => `${hex(imm >>> 16)}, ${hex(imm & 0xffff)}`,
};

/** The instruction's text, without address or indentation. */
export function formatInsn(insn: Insn, options: FormatOptions = {}): string {
  const ref = options.refs?.get(insn.pc);
  if (ref !== undefined) {
    const row = INSN_ROWS[insn.name];
    if (row.operands.includes('imm64')) return `r${String(insn.dst)} = ${ref} ll`;
    if (row.text.startsWith('call ')) return `call ${ref}`;
  }
  const parts = must((options.style === 'llvm' ? LLVM_PARTS : SKEP_PARTS).get(insn.name), `row of ${insn.name}`);
  let text = '';
  for (const part of parts) {
    text += typeof part === 'string' ? part : must(WRITERS[part.hole], `writer of {${part.hole}}`)(insn, options);
  }
  return text;
}
