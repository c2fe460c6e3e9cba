/**
 * Token lines to statements: labels, directives, instructions with what they refer to. Fields are range-checked here;
 * names are resolved when the sections are laid out.
 */
import { fromBigInt, hiWord } from '../u64.js';
import type { InsnName, InsnRow } from '../spec/insns.js';
import type { AsmFaults } from './faults.js';
import { lexLine, lexText, quote } from './lex.js';
import type { Token, TokenLine } from './lex.js';
import { matchInsn, MNEMONICS } from './pattern.js';
import type { Match, Mismatch, Value } from './pattern.js';
import { suggestion } from '../suggest.js';

/** What a name in an instruction is used for; `field` holds the resolved number. */
export type Use =
  | { readonly kind: 'jump'; readonly symbol: Token; readonly field: 'off' | 'imm' }
  | { readonly kind: 'call'; readonly symbol: Token }
  | { readonly kind: 'wide'; readonly symbol: Token; readonly addend: bigint; readonly want?: 'map' | 'func' };

/** The wire's fields of an instruction; those that `use` decides are still 0. */
export interface InsnStatement {
  readonly kind: 'insn';
  readonly at: Token;
  readonly row: InsnRow<InsnName>;
  readonly dst: number;
  readonly src: number;
  readonly off: number;
  readonly imm: number;
  readonly immHi: number;
  readonly use?: Use;
}

export interface LabelStatement {
  readonly kind: 'label';
  readonly at: Token;
  readonly name: string;
}

export interface DirectiveStatement {
  readonly kind: 'directive';
  readonly at: Token;
  /** With the dot. */
  readonly name: string;
  readonly args: readonly Token[];
  readonly end: Token;
}

export type Statement = InsnStatement | LabelStatement | DirectiveStatement;

/** Reads a whole text. What is wrong goes into `faults`; the statement is then left out. */
export function parseText(text: string, faults: AsmFaults, directives: readonly string[]): Statement[] {
  const statements: Statement[] = [];
  for (const line of lexText(text, faults)) {
    if (faults.full) break;
    parseLine(line, faults, directives, statements);
  }
  return statements;
}

function parseLine(line: TokenLine, faults: AsmFaults, directives: readonly string[], into: Statement[]): void {
  let start = 0;
  for (;;) {
    const [first, second] = [line.tokens[start], line.tokens[start + 1]];
    if (first?.kind !== 'word' || second?.kind !== 'sign' || second.text !== ':') break;
    into.push({ kind: 'label', at: first, name: first.text });
    start += 2;
  }
  const tokens = line.tokens.slice(start);
  const first = tokens[0];
  if (first !== undefined) {
    if (first.kind === 'word' && directives.includes(first.text)) {
      into.push({ kind: 'directive', at: first, name: first.text, args: tokens.slice(1), end: line.end });
    } else {
      const insn = parseInsn(tokens, line.end, faults, directives);
      if (insn !== undefined) into.push(insn);
    }
  }
  if (line.afterSemicolon !== undefined) refuseHiddenInsn(line, line.afterSemicolon, faults);
}

/**
 * `;` starts a comment, but other assemblers separate statements by it: an instruction behind one must not be lost
 * silently.
 */
function refuseHiddenInsn(line: TokenLine, comment: string, faults: AsmFaults): void {
  const text = comment.split(';')[0] ?? '';
  const quiet = faults.muted();
  const { tokens, end } = lexLine(text, line.line, quiet);
  if (tokens.length === 0 || quiet.any) return;
  if ('row' in matchInsn(tokens, end)) {
    const hint = 'write one instruction a line, or start the comment with // or #';
    faults.add(
      'asm-syntax',
      `the instruction ${quote(text.trim())} stands in a comment: ';' starts one`,
      line.end,
      hint,
    );
  }
}

function parseInsn(
  tokens: readonly Token[],
  end: Token,
  faults: AsmFaults,
  directives: readonly string[],
): InsnStatement | undefined {
  const match = matchInsn(tokens, end);
  if ('row' in match) return fieldsOf(match, tokens[0] ?? end, faults);
  const first = tokens[0];
  if (first?.kind === 'word' && first.text.startsWith('.')) {
    const hint = suggestion(first.text, directives);
    faults.add('asm-directive', `unknown directive ${quote(first.text)}`, first, hint, { name: first.text });
  } else {
    reportMismatch(match, tokens, faults);
  }
  return undefined;
}

function reportMismatch({ at, expected, register }: Mismatch, tokens: readonly Token[], faults: AsmFaults): void {
  if (register === 'unknown') {
    const hint = 'registers are r0-r10 and, for their low halves, w0-w10';
    faults.add('asm-register', `there is no register ${quote(at.text)}`, at, hint, { register: at.text });
    return;
  }
  if (register === 'differs') {
    const hint = 'the instruction reads and writes one register; copy the other one first';
    faults.add('asm-register', `${quote(at.text)} must be the register that was named before`, at, hint);
    return;
  }
  const found = at.kind === 'end' ? 'the end of the line' : quote(at.text);
  const message =
    at === tokens[0] ? `no instruction starts with ${found}` : `expected ${list(expected)}, found ${found}`;
  faults.add('asm-syntax', message, at, hintFor(at, expected, tokens), { expected });
}

function hintFor(at: Token, expected: readonly string[], tokens: readonly Token[]): string | undefined {
  const first = tokens[0];
  if (first?.kind === 'number' && tokens[1]?.text === ':') {
    return 'this is a listing; skep disasm --asm prints text that can be assembled';
  }
  if (at.kind === 'word') {
    const words =
      at === first ? MNEMONICS : expected.filter((word) => word.startsWith("'")).map((word) => word.slice(1, -1));
    return suggestion(
      at.text,
      words.filter((word) => /^\w/.test(word)),
    );
  }
  if (at.kind === 'sign' && at.text === ':') return 'labels are words: a letter first, then letters, digits, _ . $';
  return undefined;
}

const MAX_LISTED = 8;

function list(words: readonly string[]): string {
  if (words.length === 0) return 'something else';
  if (words.length > MAX_LISTED) return `${words.slice(0, MAX_LISTED).join(', ')} or another operator`;
  return words.length === 1 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} or ${words[words.length - 1] ?? ''}`;
}

function fieldsOf({ row, holes }: Match, at: Token, faults: AsmFaults): InsnStatement | undefined {
  const has = (operand: string): boolean => row.operands.some((each) => each.startsWith(operand));
  const draft = {
    kind: 'insn' as const,
    at,
    row,
    dst: Number(holes.get('dst')?.number ?? 0n),
    src: row.src ?? Number(holes.get('src')?.number ?? 0n),
    off: row.off ?? 0,
    imm: row.imm ?? 0,
    immHi: 0,
  };
  let use: Use | undefined;
  const faultsBefore = faults.count;
  const check = (value: Value, min: bigint, max: bigint, what: string, hint?: string): number => {
    if (value.number >= min && value.number <= max) return Number(BigInt.asIntN(64, value.number)) | 0;
    const range = `${String(min)} to ${String(max)}`;
    faults.add('asm-range', `${what} ${String(value.number)} does not fit: ${range}`, value.at, hint, {
      value: value.number,
      min,
      max,
    });
    return 0;
  };

  const off = holes.get('mem') ?? holes.get('array');
  if (off !== undefined) draft.off = check(off, -0x8000n, 0x7fffn, 'offset');

  const imm = holes.get('imm') ?? holes.get('plus') ?? holes.get('spaces');
  if (imm !== undefined) draft.imm = check(imm, -0x8000_0000n, maxImm(row), 'number', immHint(row, imm));

  const wide = holes.get('imm64');
  if (wide?.symbol !== undefined) {
    const { symbol, number: addend, kind } = wide;
    use = { kind: 'wide', symbol, addend, ...(kind === undefined ? {} : { want: kind }) };
  } else if (wide !== undefined) {
    check(wide, -0x8000_0000_0000_0000n, 0xffff_ffff_ffff_ffffn, 'number');
    draft.imm = fromBigInt(wide.number);
    draft.immHi = hiWord[0] ?? 0;
  }

  const jump = holes.get('jump');
  if (jump !== undefined) {
    const field = has('jump32') ? 'imm' : 'off';
    if (jump.symbol !== undefined) use = { kind: 'jump', symbol: jump.symbol, field };
    else if (field === 'imm') draft.imm = check(jump, -0x8000_0000n, 0x7fff_ffffn, 'jump');
    else draft.off = check(jump, -0x8000n, 0x7fffn, 'jump', 'gotol jumps farther');
  }

  const func = holes.get('func');
  if (func !== undefined) draft.imm = check(func, -0x8000_0000n, 0x7fff_ffffn, 'call distance');
  const callee = holes.get('helper');
  if (callee?.symbol !== undefined) use = { kind: 'call', symbol: callee.symbol };
  else if (callee !== undefined) draft.imm = check(callee, -0x8000_0000n, 0x7fff_ffffn, 'helper number');

  return faults.count === faultsBefore ? { ...draft, ...(use === undefined ? {} : { use }) } : undefined;
}

/** Whether the immediate is widened by its sign, so that 0xffffffff would not mean what it says. */
function widensBySign({ group }: InsnRow<InsnName>): boolean {
  return group === 'base64' || group === 'divmul64';
}

function maxImm(row: InsnRow<InsnName>): bigint {
  return widensBySign(row) ? 0x7fff_ffffn : 0xffff_ffffn;
}

function immHint(row: InsnRow<InsnName>, { number }: Value): string | undefined {
  if (!widensBySign(row)) return undefined;
  if (row.name === 'mov64_k') return 'write `ll` behind a 64-bit number';
  const same = number <= 0xffff_ffffn ? ` (${String(BigInt.asIntN(32, number))} has the same low word)` : '';
  return `a 32-bit number is widened by its sign${same}; load the number into a register with ll`;
}
