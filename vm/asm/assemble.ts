/** Assembles a text without sections to bare instructions. Knows no ELF. */
import type { Insn } from '../isa/insn.js';
import { CodeRun, resolveHelper } from './code.js';
import type { PlacedInsn, Resolved } from './code.js';
import { DIRECTIVES } from './directives.js';
import { AsmFaults } from './faults.js';
import { quote } from './lex.js';
import { parseText } from './parse.js';

export interface AsmOptions {
  /** The file's name, for messages. */
  readonly file?: string;
}

export interface Assembled {
  /** Slots of 8 bytes, little endian. */
  readonly bytes: Uint8Array;
  /** Label -> slot. */
  readonly labels: ReadonlyMap<string, number>;
  /** Slot -> 1-based line of the text. */
  readonly lines: ReadonlyMap<number, number>;
}

/**
 * Assembles instructions and labels. Calls and function addresses of labels become distances, as a loaded program has
 * them. Directives, maps and data need `assembleObject`. Throws `AsmError`: the first mistake, further ones (up to 20)
 * in `data.others`.
 */
export function assemble(text: string, options: AsmOptions = {}): Assembled {
  const faults = new AsmFaults(text, options.file);
  const run = new CodeRun();
  for (const statement of parseText(text, faults, DIRECTIVES)) {
    if (statement.kind === 'insn') {
      run.add(statement);
    } else if (statement.kind === 'label') {
      if (run.labels.has(statement.name)) {
        const data = { label: statement.name };
        faults.add(
          'asm-duplicate',
          `the label ${quote(statement.name)} is already there`,
          statement.at,
          undefined,
          data,
        );
      }
      run.labels.set(statement.name, run.slots);
    } else {
      const hint = 'assemble the text to an object (assembleObject, or skep asm without --raw)';
      faults.add('asm-directive', `bare instructions have no ${statement.name}`, statement.at, hint);
    }
  }
  const bytes = run.encode((placed) => resolve(run, placed, faults));
  faults.throwIfAny();
  const lines = new Map(run.insns.map(({ statement, pc }) => [pc, statement.at.line]));
  return { bytes, labels: run.labels, lines };
}

function resolve(run: CodeRun, placed: PlacedInsn, faults: AsmFaults): Resolved {
  const { use } = placed.statement;
  if (use === undefined) return {};
  if (use.kind === 'jump') return run.resolveJump(placed, use.symbol, use.field, faults);
  const target = run.labels.get(use.symbol.text);
  const distance = target === undefined ? undefined : target - placed.pc - 1;
  if (use.kind === 'call') {
    return distance === undefined
      ? resolveHelper(use.symbol, run.labels.keys(), faults)
      : { ...LOCAL_CALL, imm: distance };
  }
  if (distance !== undefined && use.want !== 'map') return { ...FUNCTION_ADDRESS, imm: distance };
  const code = use.want === 'map' ? 'asm-map' : 'asm-label';
  const hint = 'bare instructions refer to labels of their own; maps and data need an object';
  faults.add(code, `there is no ${use.want ?? 'label'} ${quote(use.symbol.text)} here`, use.symbol, hint);
  return {};
}

/** A call of a function in the same program. */
export const LOCAL_CALL = { name: 'call_local', src: 1 } as const satisfies Partial<Insn>;
/** The address of a function in the same program. */
const FUNCTION_ADDRESS = { name: 'ld_func', src: 4 } as const satisfies Partial<Insn>;
