/** One run of instructions: where each stands, which labels it has, and its bytes once names are resolved. */
import { encodeOne } from '../isa/encode.js';
import { isWide, SLOT_BYTES } from '../isa/insn.js';
import type { Insn } from '../isa/insn.js';
import { HELPER_ROWS, helperByName } from '../spec/helpers.js';
import type { AsmFaults } from './faults.js';
import { quote } from './lex.js';
import type { Token } from './lex.js';
import type { InsnStatement } from './parse.js';
import { suggestion } from '../suggest.js';

export interface PlacedInsn {
  readonly statement: InsnStatement;
  /** Slot from the start of the run. */
  readonly pc: number;
}

/** What `resolve` makes of a name; fields left out stay as they are. */
export type Resolved = Partial<Pick<Insn, 'name' | 'src' | 'off' | 'imm' | 'immHi'>>;

export class CodeRun {
  readonly insns: PlacedInsn[] = [];
  /** Slots whose bytes the text gives. */
  readonly raw: { readonly pc: number; readonly value: bigint }[] = [];
  /** Label -> slot. */
  readonly labels = new Map<string, number>();
  /** Slots so far. */
  slots = 0;

  add(statement: InsnStatement): void {
    this.insns.push({ statement, pc: this.slots });
    this.slots += isWide(statement.row.name) ? 2 : 1;
  }

  addRaw(value: bigint): void {
    this.raw.push({ pc: this.slots, value });
    this.slots++;
  }

  /** The bytes; `resolve` is asked for every instruction that names something. */
  encode(resolve: (placed: PlacedInsn) => Resolved): Uint8Array {
    const bytes = new Uint8Array(this.slots * SLOT_BYTES);
    const view = new DataView(bytes.buffer);
    for (const placed of this.insns) {
      const { row, dst, src, off, imm, immHi, use } = placed.statement;
      const more = use === undefined ? {} : resolve(placed);
      encodeOne(view, placed.pc, { name: row.name, dst, src, off, imm, immHi, pc: placed.pc, ...more });
    }
    for (const { pc, value } of this.raw) view.setBigInt64(pc * SLOT_BYTES, BigInt.asIntN(64, value), true);
    return bytes;
  }

  /** The fields of a jump to a label of this run. */
  resolveJump({ pc }: PlacedInsn, symbol: Token, field: 'off' | 'imm', faults: AsmFaults): Resolved {
    const target = this.labels.get(symbol.text);
    if (target === undefined) {
      const hint = suggestion(symbol.text, this.labels.keys());
      faults.add('asm-label', `there is no label ${quote(symbol.text)} here`, symbol, hint, { label: symbol.text });
      return {};
    }
    const distance = target - pc - 1;
    if (field === 'off' && (distance < -0x8000 || distance > 0x7fff)) {
      const message = `${quote(symbol.text)} is ${String(distance)} slots away, and a jump reaches -32768 to 32767`;
      faults.add('asm-range', message, symbol, 'gotol jumps farther', { distance });
      return {};
    }
    return field === 'off' ? { off: distance } : { imm: distance };
  }
}

/** The fields of a call to a helper by name. */
export function resolveHelper(symbol: Token, functions: Iterable<string>, faults: AsmFaults): Resolved {
  const helper = helperByName(symbol.text);
  if (helper !== undefined) return { imm: helper.id };
  const names = [...functions, ...Object.keys(HELPER_ROWS)];
  const full = symbol.text.startsWith('bpf_') ? names.map((name) => `bpf_${name}`) : names;
  const hint = suggestion(symbol.text, full) ?? 'kernel functions are declared with .extern';
  faults.add('asm-helper', `there is no helper or function ${quote(symbol.text)}`, symbol, hint, { name: symbol.text });
  return {};
}
