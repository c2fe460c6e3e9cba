/** Assembly text to tokens, line by line. Also reads the templates of `spec/insns`. Knows no instruction or directive. */
import { concatBytes } from '../bytes.js';
import { decodeText, encodeText } from '../host.js';
import type { AsmFaults } from './faults.js';

export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'sign' | 'hole' | 'end';
  /** As written; of a string, its contents; of a hole, its name. */
  readonly text: string;
  /** Of a string. */
  readonly bytes?: Uint8Array;
  /** Of a number. */
  readonly value?: bigint;
  /** 1-based. */
  readonly line: number;
  readonly col: number;
}

/** The tokens of one line, without the final `end`. */
export interface TokenLine {
  readonly line: number;
  readonly tokens: readonly Token[];
  readonly end: Token;
  /** Tokens after a `;` that does not open the line: a comment, unless they read as an instruction. */
  readonly afterSemicolon?: string;
}

const WORD = /[A-Za-z_.$][\w.$]*/y;
const NUMBER = /\d\w*/y;
const SIGN = /s(?:>>=|>=|<=|\/=|%=|[<>])|<<=|>>=|[-+*/|&^%=!<>]=|[-+*/|&%=<>()[\],:@]/y;
const HOLE = /\{(\w+)\}/y;
const NUMERAL = /^(?:0[xX][0-9a-fA-F]+|\d+)$/;
/** Longer numerals cannot fit 64 bits, and converting huge ones takes quadratic time. */
const MAX_NUMERAL_CHARS = 40;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0', '\\': '\\', '"': '"' };

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Blanks out block comments, newlines kept, so that columns stay true. */
function withoutBlockComments(text: string, faults: AsmFaults): string {
  let out = '';
  let at = 0;
  let line = 1;
  let lineStart = 0;
  let inString = false;
  let from = 0;
  while (at < text.length) {
    const char = text[at];
    if (char === '\n') {
      line++;
      lineStart = at + 1;
      inString = false;
    } else if (inString) {
      if (char === '\\') at++;
      else if (char === '"') inString = false;
    } else if (char === '"') {
      inString = true;
    } else if (char === '#' || char === ';' || text.startsWith('//', at)) {
      // A line comment hides what looks like the start of a block comment.
      const next = text.indexOf('\n', at);
      at = next < 0 ? text.length : next;
      continue;
    } else if (text.startsWith('/*', at)) {
      const close = text.indexOf('*/', at + 2);
      const end = close < 0 ? text.length : close + 2;
      if (close < 0) faults.add('asm-syntax', 'this comment is never closed', { line, col: at - lineStart + 1 });
      const comment = text.slice(at, end);
      out += text.slice(from, at) + comment.replace(/[^\n]/g, ' ');
      const newlines = comment.split('\n').length - 1;
      if (newlines > 0) {
        line += newlines;
        lineStart = at + comment.lastIndexOf('\n') + 1;
      }
      at = end;
      from = end;
      continue;
    }
    at++;
  }
  return out + text.slice(from);
}

/** Reads the string that opens at `at`; undefined if it is not closed. `\xNN` is one byte, other text is UTF-8. */
function readString(text: string, at: number): { bytes: Uint8Array; next: number } | undefined {
  const parts: Uint8Array[] = [];
  let i = at + 1;
  while (i < text.length) {
    const char = text[i] ?? '';
    if (char === '"') return { bytes: concatBytes(parts), next: i + 1 };
    if (char === '\\') {
      const escape = text[i + 1] ?? '';
      const hex = escape === 'x' ? /^[0-9a-fA-F]{2}/.exec(text.slice(i + 2, i + 4)) : null;
      parts.push(hex === null ? encodeText(ESCAPES[escape] ?? escape) : Uint8Array.of(Number.parseInt(hex[0], 16)));
      i += hex === null ? 2 : 4;
    } else {
      const plain = /[^"\\]+/y;
      plain.lastIndex = i;
      const run = plain.exec(text)?.[0] ?? char;
      parts.push(encodeText(run));
      i += run.length;
    }
  }
  return undefined;
}

/** Tokens of one line of text that holds no block comment. */
export function lexLine(text: string, line: number, faults: AsmFaults): TokenLine {
  const tokens: Token[] = [];
  let at = 0;
  let afterSemicolon: string | undefined;
  const push = (kind: Token['kind'], tokenText: string, more: Pick<Token, 'value' | 'bytes'> = {}): void => {
    tokens.push({ kind, text: tokenText, line, col: at + 1, ...more });
  };
  while (at < text.length) {
    const char = text[at] ?? '';
    if (char === ' ' || char === '\t' || char === '\r') {
      at++;
      continue;
    }
    if (char === '#' || text.startsWith('//', at)) break;
    if (char === ';') {
      if (tokens.length > 0) afterSemicolon = text.slice(at + 1);
      break;
    }
    if (char === '"') {
      const string = readString(text, at);
      if (string === undefined) {
        faults.add('asm-syntax', 'this string is never closed', { line, col: at + 1 });
        break;
      }
      push('string', decodeText(string.bytes), { bytes: string.bytes });
      at = string.next;
      continue;
    }
    const sign = matchAt(SIGN, text, at);
    const word = sign === null ? matchAt(WORD, text, at) : null;
    const number = matchAt(NUMBER, text, at);
    const hole = matchAt(HOLE, text, at);
    if (sign !== null) {
      push('sign', sign[0]);
      at += sign[0].length;
    } else if (word !== null) {
      push('word', word[0]);
      at += word[0].length;
    } else if (number !== null) {
      if (!NUMERAL.test(number[0])) {
        faults.add('asm-syntax', `${quote(number[0])} is not a number`, { line, col: at + 1 }, numberHint(number[0]));
        push('number', number[0], { value: 0n });
      } else if (number[0].length > MAX_NUMERAL_CHARS) {
        faults.add('asm-range', `a number of ${String(number[0].length)} digits does not fit`, { line, col: at + 1 });
        push('number', number[0], { value: 0n });
      } else {
        push('number', number[0], { value: BigInt(number[0]) });
      }
      at += number[0].length;
    } else if (hole !== null) {
      push('hole', hole[1] ?? '');
      at += hole[0].length;
    } else {
      const point = String.fromCodePoint(text.codePointAt(at) ?? 0);
      faults.add('asm-syntax', `unexpected character ${quote(point)}`, { line, col: at + 1 });
      break;
    }
  }
  const end: Token = { kind: 'end', text: '', line, col: at + 1 };
  return { line, tokens, end, ...(afterSemicolon === undefined ? {} : { afterSemicolon }) };
}

function numberHint(text: string): string | undefined {
  if (/^[0-9a-fA-F]+$/.test(text)) return `hexadecimal numbers start with 0x: 0x${text}`;
  return undefined;
}

/** Quotes a piece of the user's text for a message, cut to a readable length. */
export function quote(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 37)}...` : text;
  return JSON.stringify(short);
}

/** All lines that hold a token. */
export function lexText(text: string, faults: AsmFaults): TokenLine[] {
  const lines: TokenLine[] = [];
  let number = 0;
  for (const line of withoutBlockComments(text, faults).split('\n')) {
    number++;
    if (faults.full) break;
    const lexed = lexLine(line, number, faults);
    if (lexed.tokens.length > 0) lines.push(lexed);
  }
  return lines;
}
