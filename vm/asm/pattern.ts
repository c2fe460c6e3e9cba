/**
 * Matches the tokens of a statement against the spellings of `spec/insns`. All spellings form one tree, so that a
 * mismatch knows what could have stood there. Knows no labels or sections: what a name stands for is decided later.
 */
import { must } from '../errors.js';
import { INSNS } from '../spec/insns.js';
import type { InsnName, InsnRow } from '../spec/insns.js';
import { AsmFaults } from './faults.js';
import { lexLine } from './lex.js';
import type { Token } from './lex.js';

/** A number, or a name with an addend, as it stands in an operand. */
export interface Value {
  readonly at: Token;
  readonly number: bigint;
  /** A label, function or data symbol; `number` is then added to it. */
  readonly symbol?: Token;
  /** `map x` or `func x`: what the name must be. */
  readonly kind?: 'map' | 'func';
}

/** What a hole of a template took in. */
interface Capture {
  readonly hole: string;
  readonly value: Value;
}

interface Taken {
  readonly next: number;
  readonly value: Value;
}

/** A matched statement: the row and the operands by the names of their holes. */
export interface Match {
  readonly row: InsnRow<InsnName>;
  readonly holes: ReadonlyMap<string, Value>;
}

/** A mismatch: the token that could not be read, and what could have stood there. */
export interface Mismatch {
  readonly at: Token;
  readonly expected: readonly string[];
  /** The token is a register that does not exist, or not the one that the instruction already named. */
  readonly register?: 'unknown' | 'differs';
}

const REGISTER = /^([rw])(\d{1,9})$/;
const MAX_REGISTER = 10;

type Tokens = readonly Token[];

function isSign(token: Token | undefined, text: string): boolean {
  return token?.kind === 'sign' && token.text === text;
}

function takeRegister(halves: string) {
  return (tokens: Tokens, at: number): Taken | undefined => {
    const token = tokens[at];
    const match = token?.kind === 'word' ? REGISTER.exec(token.text) : null;
    if (token === undefined || match === null) return undefined;
    const number = Number(match[2]);
    if (number > MAX_REGISTER || String(number) !== match[2] || !halves.includes(match[1] ?? '')) return undefined;
    return { next: at + 1, value: { at: token, number: BigInt(number) } };
  };
}

/** `5`, `-5`, `+5`, and `- 5` with space. */
function takeNumber(tokens: Tokens, at: number): Taken | undefined {
  const first = tokens[at];
  const signed = isSign(first, '-') || isSign(first, '+');
  const token = tokens[signed ? at + 1 : at];
  if (first === undefined || token?.kind !== 'number') return undefined;
  const magnitude = token.value ?? 0n;
  return { next: signed ? at + 2 : at + 1, value: { at: first, number: isSign(first, '-') ? -magnitude : magnitude } };
}

/** Nothing, ` + 4`, ` - 8` or ` + -8`. */
function takeAddend(tokens: Tokens, at: number): Taken | undefined {
  const first = tokens[at];
  if (first === undefined) return undefined;
  if (!isSign(first, '+') && !isSign(first, '-')) return { next: at, value: { at: first, number: 0n } };
  const taken = takeNumber(tokens, at) ?? (isSign(first, '+') ? takeNumber(tokens, at + 1) : undefined);
  return taken && { next: taken.next, value: { at: first, number: taken.value.number } };
}

/** A slot count (`+5`, `-3`, `pc+5`) or a label. */
function takeJump(tokens: Tokens, at: number): Taken | undefined {
  const token = tokens[at];
  if (token?.kind !== 'word') return takeNumber(tokens, at);
  return takeFromPc(tokens, at) ?? { next: at + 1, value: { at: token, number: 0n, symbol: token } };
}

function takeFromPc(tokens: Tokens, at: number): Taken | undefined {
  const token = tokens[at];
  const signed = isSign(tokens[at + 1], '+') || isSign(tokens[at + 1], '-');
  return token?.kind === 'word' && token.text === 'pc' && signed ? takeNumber(tokens, at + 1) : undefined;
}

/** A number, or `[map|func] NAME [+ 8]`. */
function takeWide(tokens: Tokens, at: number): Taken | undefined {
  const token = tokens[at];
  if (token?.kind !== 'word') return takeNumber(tokens, at);
  const next = tokens[at + 1];
  const isKind = (token.text === 'map' || token.text === 'func') && next?.kind === 'word' && next.text !== 'll';
  const symbol = isKind ? next : token;
  const addend = takeAddend(tokens, isKind ? at + 2 : at + 1);
  if (addend === undefined) return undefined;
  const kind = isKind ? { kind: token.text === 'map' ? ('map' as const) : ('func' as const) } : {};
  return { next: addend.next, value: { at: token, number: addend.value.number, symbol, ...kind } };
}

function takeCallee(tokens: Tokens, at: number): Taken | undefined {
  const token = tokens[at];
  if (token?.kind !== 'word') return takeNumber(tokens, at);
  return { next: at + 1, value: { at: token, number: 0n, symbol: token } };
}

/** Two numbers below 65536, the first one in the high half. */
function takePair(tokens: Tokens, at: number): Taken | undefined {
  const high = takeNumber(tokens, at);
  if (high === undefined || !isSign(tokens[high.next], ',')) return undefined;
  const low = takeNumber(tokens, high.next + 1);
  if (low === undefined) return undefined;
  const fits = [high, low].every(({ value }) => value.number >= 0n && value.number < 0x1_0000n);
  // Out of range for any immediate, so that the range check reports it.
  const number = fits ? (high.value.number << 16n) | low.value.number : 1n << 64n;
  return { next: low.next, value: { at: high.value.at, number } };
}

/** Nothing, or `, 1`. */
function takeNext(tokens: Tokens, at: number): Taken | undefined {
  const first = tokens[at];
  if (first === undefined) return undefined;
  return isSign(first, ',') ? takeNumber(tokens, at + 1) : { next: at, value: { at: first, number: 0n } };
}

interface HoleReader {
  readonly words: string;
  readonly take: (tokens: Tokens, at: number) => Taken | undefined;
}

const HOLES: Readonly<Record<string, HoleReader>> = {
  dst: { words: 'a register r0-r10', take: takeRegister('r') },
  src: { words: 'a register r0-r10', take: takeRegister('r') },
  wdst: { words: 'a register w0-w10', take: takeRegister('w') },
  wsrc: { words: 'a register w0-w10', take: takeRegister('w') },
  xdst: { words: 'a register', take: takeRegister('rw') },
  xsrc: { words: 'a register', take: takeRegister('rw') },
  mem: { words: "'+' or '-' and an offset", take: takeAddend },
  plus: { words: "'+' or '-' and an offset", take: takeAddend },
  imm: { words: 'a number', take: takeNumber },
  imm64: { words: 'a number or a name', take: takeWide },
  jump: { words: 'a label or a slot count', take: takeJump },
  helper: { words: 'a helper, function or number', take: takeCallee },
  func: { words: 'pc+N', take: takeFromPc },
  array: { words: "',' and a number", take: takeNext },
  spaces: { words: 'two address spaces', take: takePair },
};

interface Branch {
  readonly literals: Map<string, Branch>;
  readonly holes: { readonly name: string; readonly reader: HoleReader; readonly branch: Branch }[];
  row?: InsnRow<InsnName>;
}

function newBranch(): Branch {
  return { literals: new Map(), holes: [] };
}

/** Numbers by value, so that 1 and 0x1 are the same literal. */
function literalKey(token: Token): string {
  return token.kind === 'number' ? `#${String(token.value ?? 0n)}` : token.text;
}

function buildTree(): Branch {
  const root = newBranch();
  for (const row of INSNS as readonly InsnRow<InsnName>[]) {
    for (const text of [row.text, ...(row.also ?? [])]) {
      const faults = new AsmFaults(text);
      const { tokens } = lexLine(text, 1, faults);
      faults.throwIfAny();
      let branch = root;
      for (const token of tokens)
        branch = token.kind === 'hole' ? holeBranch(branch, token) : literalBranch(branch, token);
      branch.row ??= row;
    }
  }
  return root;
}

function holeBranch(branch: Branch, { text }: Token): Branch {
  const known = branch.holes.find((each) => each.name === text);
  if (known !== undefined) return known.branch;
  const next = newBranch();
  branch.holes.push({ name: text, reader: must(HOLES[text], `reader of the hole {${text}}`), branch: next });
  return next;
}

function literalBranch(branch: Branch, token: Token): Branch {
  const key = literalKey(token);
  const known = branch.literals.get(key);
  if (known !== undefined) return known;
  const next = newBranch();
  branch.literals.set(key, next);
  return next;
}

const TREE = buildTree();

/** Words that can open an instruction, for hints. */
export const MNEMONICS: readonly string[] = [...TREE.literals.keys()].filter((key) => /^[a-z_]{3,}$/.test(key));

/** The token that names another register than the template's first mention of it did (`r1 = -r2`). */
function clashOf(captures: readonly Capture[]): Token | undefined {
  const registers = new Map<string, bigint>();
  for (const { hole, value } of captures) {
    const field = fieldOf(hole);
    if (field === undefined) continue;
    const known = registers.get(field);
    if (known !== undefined && known !== value.number) return value.at;
    registers.set(field, value.number);
  }
  return undefined;
}

function fieldOf(hole: string): 'dst' | 'src' | undefined {
  if (hole.endsWith('dst')) return 'dst';
  return hole.endsWith('src') ? 'src' : undefined;
}

/** Reads one statement; `end` stands behind its last token. */
export function matchInsn(statement: Tokens, end: Token): Match | Mismatch {
  const tokens = [...statement, end];
  let farthest = 0;
  let expected = new Set<string>();
  const captures: Capture[] = [];
  let clash: Token | undefined;

  const miss = (at: number, words: Iterable<string>): void => {
    if (at < farthest) return;
    if (at > farthest) expected = new Set();
    farthest = at;
    for (const word of words) expected.add(word);
  };

  const walk = (branch: Branch, at: number): InsnRow<InsnName> | undefined => {
    const token = tokens[at] ?? end;
    if (token.kind === 'end' && branch.row !== undefined) {
      const differs = clashOf(captures);
      if (differs === undefined) return branch.row;
      clash ??= differs;
    }
    const literal =
      token.kind === 'end' || token.kind === 'string' ? undefined : branch.literals.get(literalKey(token));
    const found = literal && walk(literal, at + 1);
    if (found !== undefined) return found;
    for (const { name, reader, branch: next } of branch.holes) {
      const taken = reader.take(tokens, at);
      if (taken === undefined) {
        miss(at, [reader.words]);
        continue;
      }
      captures.push({ hole: name, value: taken.value });
      const row = walk(next, taken.next);
      if (row !== undefined) return row;
      captures.pop();
    }
    miss(
      at,
      [...branch.literals.keys()].map((key) => (key.startsWith('#') ? key.slice(1) : `'${key}'`)),
    );
    if (branch.row !== undefined) miss(at, ['the end of the line']);
    return undefined;
  };

  const row = walk(TREE, 0);
  if (row !== undefined) {
    const holes = new Map<string, Value>();
    for (const { hole, value } of captures) holes.set(fieldOf(hole) ?? hole, value);
    return { row, holes };
  }
  if (clash !== undefined) return { at: clash, expected: [], register: 'differs' };
  const at = tokens[farthest] ?? end;
  const register = at.kind === 'word' ? REGISTER.exec(at.text) : null;
  const unknown =
    register !== null && (Number(register[2]) > MAX_REGISTER || String(Number(register[2])) !== register[2]);
  return { at, expected: [...expected], ...(unknown ? { register: 'unknown' } : {}) };
}
