/** bpf_trace_printk and the kernel's format language, as far as programs may use it there. */
import type { Ptr } from '../addr.js';
import { decodeText } from '../host.js';
import type { Machine } from '../machine/machine.js';
import { errno } from '../spec/errno.js';
import { toBigInt } from '../u64.js';
import type { PlainHelper } from './helper.js';

/** A value to be formatted, as low and high word. */
export type FormatArg = readonly [lo: number, hi: number];

/** Longest line that the kernel's buffer takes. */
const MAX_LINE = 1024;
const MAX_STRING_BYTES = 512;

const SPEC = /%(%|([-+ #0]*)(\d*)(?:\.(\d+))?(ll|l|h|hh)?([diuxXpscoB])([A-Za-z]\w?)?)/g;

/** Reads a NUL-terminated string; undefined where the program may not read it. */
export function readString({ memory, shadow }: Machine, at: Ptr): string | undefined {
  const bytes: number[] = [];
  for (let i = 0; i < MAX_STRING_BYTES; i++) {
    if (at + i < 4096 || at + i >= memory.bytes || !shadow.allows(at + i, 1, 1)) return undefined;
    const byte = memory.u8[at + i] ?? 0;
    if (byte === 0) break;
    bytes.push(byte);
  }
  return decodeText(Uint8Array.from(bytes));
}

function formatInteger([lo, hi]: FormatArg, length: string, conversion: string): string {
  const long = length === 'l' || length === 'll';
  const bits = long ? 64 : length === 'h' ? 16 : length === 'hh' ? 8 : 32;
  const value = toBigInt(lo, hi);
  if (conversion === 'd' || conversion === 'i') return BigInt.asIntN(bits, value).toString();
  const unsigned = BigInt.asUintN(bits, value);
  if (conversion === 'x') return unsigned.toString(16);
  if (conversion === 'X') return unsigned.toString(16).toUpperCase();
  return conversion === 'o' ? unsigned.toString(8) : unsigned.toString();
}

/** `%pI4`, `%pi6` and their like: an address in memory, in text. */
function formatAddress(machine: Machine, at: Ptr, kind: string): string | undefined {
  const six = kind[1] === '6';
  if (!machine.shadow.allows(at, six ? 16 : 4, 1)) return undefined;
  const bytes = machine.memory.read(at, six ? 16 : 4);
  const short = kind.startsWith('I');
  if (!six) return Array.from(bytes, (byte) => (short ? String(byte) : String(byte).padStart(3, '0'))).join('.');
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16).padStart(4, '0'),
  );
  return short ? groups.join(':') : groups.join('');
}

function pad(text: string, flags: string, width: string): string {
  const columns = Math.min(Number(width === '' ? 0 : width), MAX_LINE);
  if (flags.includes('-')) return text.padEnd(columns);
  if (!flags.includes('0')) return text.padStart(columns);
  return text.startsWith('-') ? `-${text.slice(1).padStart(columns - 1, '0')}` : text.padStart(columns, '0');
}

/** Formats as the kernel's bpf_bprintf does; undefined where it would answer -EINVAL. */
export function formatText(machine: Machine, format: string, args: readonly FormatArg[]): string | undefined {
  let used = 0;
  let valid = true;
  const text = format.replace(
    SPEC,
    (
      _all,
      body: string,
      flags = '',
      width = '',
      precision: string | undefined,
      length = '',
      conversion = '',
      extra = '',
    ) => {
      if (body === '%') return '%';
      const arg = args[used++];
      const suffix = conversion === 'p' ? '' : extra;
      if (arg === undefined) {
        valid = false;
        return '';
      }
      let out: string;
      switch (conversion) {
        case 's':
          out = readString(machine, arg[0]) ?? '(fault)';
          if (precision !== undefined) out = out.slice(0, Number(precision));
          break;
        case 'c':
          out = String.fromCharCode(arg[0] & 0xff);
          break;
        case 'p':
          if (/^[Ii][46]/.test(extra)) return formatAddress(machine, arg[0], extra) ?? '(fault)';
          if (/^[ku]s/.test(extra)) return readString(machine, arg[0]) ?? '(fault)';
          out = `${toBigInt(arg[0], arg[1]).toString(16).padStart(16, '0')}`;
          return pad(out, flags, width) + (/^[xBKSsR]/.test(extra) ? extra.slice(1) : extra);
        default:
          out = formatInteger(arg, length, conversion);
      }
      return pad(out, flags, width) + suffix;
    },
  );
  // What is left of a percent sign that began no specifier.
  if (/%/.test(format.replace(SPEC, ''))) valid = false;
  return valid ? text.slice(0, MAX_LINE) : undefined;
}

export const tracePrintk: PlainHelper = {
  name: 'trace_printk',
  bind:
    (machine) =>
    (format = 0, bytes = 0, ...words) => {
      const text = machine.memory.read(format, bytes >>> 0);
      if (text.at(-1) !== 0) return -errno.EINVAL;
      const nul = text.indexOf(0);
      const args: FormatArg[] = [];
      for (let i = 0; i + 1 < words.length; i += 2) args.push([words[i] ?? 0, words[i + 1] ?? 0]);
      const line = formatText(machine, decodeText(text.subarray(0, nul)), args);
      if (line === undefined) return -errno.EINVAL;
      machine.world.effects.traceLine(line.replace(/\n$/, ''));
      return line.length;
    },
};
