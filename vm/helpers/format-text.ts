/**
 * The format language of bpf_trace_printk and its relatives: flags `0+- `, a width, `%d %i %u %x %X` with l and ll, `%c`,
 * `%s`, `%p` and some of its extensions. Anything else is refused, as the kernel refuses it. Knows no helper.
 */
import type { Ptr } from '../addr.js';
import { decodeText } from '../host.js';
import type { Machine } from '../machine/machine.js';
import { READ } from '../memory/shadow.js';
import { toBigInt } from '../u64.js';

/** A value to be formatted, as low and high word. */
export type FormatArg = readonly [lo: number, hi: number];

/** Most bytes that the strings of one call may have. */
const MAX_STRING_BYTES = 512;
/** Wider fields are as good as endless; the kernel's line ends long before. */
const MAX_WIDTH = 4096;

const SPEC =
  /%(?<flags>[0+\- ]*)(?<width>[1-9]\d*)?(?:(?<length>ll?)?(?<integer>[diuxX])|(?<other>[sc])|p(?<pointer>[A-Za-z0-9]*))/y;
/** What may follow `%s` and a bare `%p`: white space, punctuation, the end. */
const ENDS_WORD = /^(?:[\s!-/:-@[-`{-~]|$)/;
const PRINTABLE = /^[\t-\r -~\u0080-\u00ff]*$/;

/**
 * Formats a text. Each character of it and of the result is one byte: see `byteText` and `decodeFormatted`.
 * @returns undefined where the kernel answers -EINVAL: unknown or too many specifiers, control characters
 */
export function formatText(machine: Machine, format: string, args: readonly FormatArg[]): string | undefined {
  if (!PRINTABLE.test(format)) return undefined;
  let text = '';
  let used = 0;
  for (let at = 0; at < format.length;) {
    const percent = format.indexOf('%', at);
    if (percent < 0) return text + format.slice(at);
    text += format.slice(at, percent);
    if (format[percent + 1] === '%') {
      text += '%';
      at = percent + 2;
      continue;
    }
    const arg = args[used++];
    SPEC.lastIndex = percent;
    const groups = SPEC.exec(format)?.groups;
    if (arg === undefined || groups === undefined) return undefined;
    at = SPEC.lastIndex;
    const piece = formatOne(machine, groups, arg, format.slice(at));
    if (piece === undefined) return undefined;
    text += piece;
  }
  return text;
}

/** A character for each byte. */
export function byteText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}

export function bytesOfFormatted(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** For people. */
export function decodeFormatted(text: string): string {
  return decodeText(bytesOfFormatted(text));
}

function formatOne(
  machine: Machine,
  { flags = '', width = '0', length = '', integer, other, pointer = '' }: Readonly<Record<string, string | undefined>>,
  arg: FormatArg,
  rest: string,
): string | undefined {
  const columns = Math.min(Number(width), MAX_WIDTH);
  if (integer !== undefined) return padNumber(formatInteger(arg, length !== '', integer, flags), flags, columns);
  if (other === 'c') return padText(String.fromCharCode(arg[0] & 0xff), flags, columns);
  if (other === 's') return ENDS_WORD.test(rest) ? padText(readString(machine, arg), flags, columns) : undefined;
  return formatPointer(machine, pointer, arg, flags, columns);
}

function formatInteger([lo, hi]: FormatArg, long: boolean, conversion: string, flags: string): string {
  const value = toBigInt(lo, hi);
  const bits = long ? 64 : 32;
  if (conversion === 'd' || conversion === 'i') {
    const signed = BigInt.asIntN(bits, value);
    const plus = signed < 0n ? '' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
    return plus + String(signed);
  }
  const unsigned = BigInt.asUintN(bits, value);
  if (conversion === 'u') return unsigned.toString();
  return conversion === 'x' ? unsigned.toString(16) : unsigned.toString(16).toUpperCase();
}

function padText(text: string, flags: string, columns: number): string {
  return flags.includes('-') ? text.padEnd(columns) : text.padStart(columns);
}

function padNumber(text: string, flags: string, columns: number): string {
  if (!flags.includes('0') || flags.includes('-')) return padText(text, flags, columns);
  const sign = /^[-+ ]/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(columns - sign.length, '0');
}

/** Reads a NUL-terminated string; empty where the program may not read it. */
function readString({ memory, shadow }: Machine, [at, hi]: FormatArg): string {
  if (hi !== 0) return '';
  const bytes: number[] = [];
  for (let i = 0; i < MAX_STRING_BYTES - 1; i++) {
    if (!mayRead(memory.bytes, at + i, 1) || !shadow.allows(at + i, 1, READ)) return '';
    const byte = memory.u8[at + i] ?? 0;
    if (byte === 0) break;
    bytes.push(byte);
  }
  return byteText(Uint8Array.from(bytes));
}

/** Page 0 and what lies past the memory is nobody's, whether accesses are checked or not. */
function mayRead(memoryBytes: number, at: Ptr, bytes: number): boolean {
  return at >= 4096 && at + bytes <= memoryBytes;
}

/** What follows `%p` in letters and digits, of which all are taken. skep has no symbols: those are shown as numbers. */
function formatPointer(
  machine: Machine,
  extension: string,
  arg: FormatArg,
  flags: string,
  columns: number,
): string | undefined {
  const value = toBigInt(arg[0], arg[1]).toString(16);
  if (/^[Ii][46]/.test(extension)) return formatAddress(machine, arg, extension);
  if (/^[ku]s$/.test(extension)) return padText(readString(machine, arg), flags, columns);
  if (extension === '' || /^[Kx]/.test(extension)) return padText(value.padStart(16, '0'), flags, columns);
  return /^[sSB]/.test(extension) ? padText(`0x${value}`, flags, columns) : undefined;
}

/** `%pI4`, `%pi6` and their like: an address in memory; zeros where the program may not read it. */
function formatAddress({ memory, shadow }: Machine, [at, hi]: FormatArg, kind: string): string {
  const count = kind[1] === '6' ? 16 : 4;
  const readable = hi === 0 && mayRead(memory.bytes, at, count) && shadow.allows(at, count, READ);
  const bytes = readable ? memory.read(at, count) : new Uint8Array(count);
  const withMarks = kind.startsWith('I');
  if (count === 4) return Array.from(bytes, (byte) => String(byte).padStart(withMarks ? 1 : 3, '0')).join('.');
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16).padStart(4, '0'),
  );
  return groups.join(withMarks ? ':' : '');
}
