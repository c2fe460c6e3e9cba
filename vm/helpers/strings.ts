/** Helpers that read numbers from text and compare texts. Models of kernel/bpf/helpers.c of Linux 6.18. */
import type { Ptr } from '../addr.js';
import type { Machine } from '../machine/machine.js';
import { raiseTrap } from '../memory/raise.js';
import { READ } from '../memory/shadow.js';
import { errno } from '../spec/errno.js';
import { hiWord, fromBigInt } from '../u64.js';
import type { PlainHelper } from './helper.js';

const BASE_MASK = 0x1f;
const BASES: readonly number[] = [0, 8, 10, 16];
/** What is looked at behind white space and sign: the kernel copies that much. */
const MAX_DIGITS_BYTES = 63;
const MAX_U64 = (1n << 64n) - 1n;
const MAX_S64 = (1n << 63n) - 1n;

/** What isspace takes for white space, the no-break space of Latin-1 included. */
function isSpace(byte: number): boolean {
  return (byte >= 9 && byte <= 13) || byte === 0x20 || byte === 0xa0;
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : 99;
}

interface Parsed {
  readonly value: bigint;
  readonly negative: boolean;
  /** Bytes that belong to the number, with what is in front of it. */
  readonly consumed: number;
}

/** The number that the text begins with, or a negative errno. */
function parse(text: Uint8Array, flags: number, flagsHi: number): Parsed | number {
  if (flagsHi !== 0 || (flags & ~BASE_MASK) !== 0 || !BASES.includes(flags)) return -errno.EINVAL;
  let at = 0;
  while (at < text.length && isSpace(text[at] ?? 0)) at++;
  const negative = text[at] === 0x2d;
  if (negative) at++;
  if (at >= text.length) return -errno.EINVAL;
  const rest = text.subarray(at, at + MAX_DIGITS_BYTES);
  const isHex = rest[0] === 0x30 && ((rest[1] ?? 0) | 0x20) === 0x78;
  let base = flags;
  if (base === 0) base = rest[0] !== 0x30 ? 10 : isHex && digitOf(rest[2] ?? 0) < 16 ? 16 : 8;
  const from = base === 16 && isHex ? 2 : 0;
  let end = from;
  let value = 0n;
  while (end < rest.length && digitOf(rest[end] ?? 0) < base) {
    value = value * BigInt(base) + BigInt(digitOf(rest[end] ?? 0));
    end++;
  }
  if (value > MAX_U64) return -errno.ERANGE;
  return end === from ? -errno.EINVAL : { value, negative, consumed: at + end };
}

function bindParser(machine: Machine, accept: (parsed: Parsed) => bigint | number) {
  const { memory } = machine;
  return (text = 0, bytes = 0, flags = 0, flagsHi = 0, out = 0): number => {
    const put = (value: bigint): void => {
      memory.view.setInt32(out, fromBigInt(value), true);
      memory.view.setInt32(out + 4, hiWord[0] ?? 0, true);
    };
    const parsed = parse(memory.read(text, bytes >>> 0), flags, flagsHi);
    put(0n);
    if (typeof parsed === 'number') return parsed;
    const value = accept(parsed);
    if (typeof value === 'number') return value;
    put(value);
    return parsed.consumed;
  };
}

export const strtol: PlainHelper = {
  name: 'strtol',
  bind: (machine) =>
    bindParser(machine, ({ value, negative }) => {
      if (value > MAX_S64 + (negative ? 1n : 0n)) return -errno.ERANGE;
      return negative ? -value : value;
    }),
};

export const strtoul: PlainHelper = {
  name: 'strtoul',
  bind: (machine) => bindParser(machine, ({ value, negative }) => (negative ? -errno.EINVAL : value)),
};

/** Strings are constants of programs, and no longer. */
const MAX_STRING_BYTES = 1 << 16;

export const strncmp: PlainHelper = {
  name: 'strncmp',
  bind:
    ({ memory, shadow }) =>
    (one = 0, bytes = 0, other = 0) => {
      const { u8 } = memory;
      const allowed = (at: Ptr): boolean => at >= 0 && at < memory.bytes && shadow.allows(at, 1, READ);
      for (let i = 0; i < Math.min(bytes >>> 0, MAX_STRING_BYTES); i++) {
        if (!allowed(other + i)) return raiseTrap(memory, 'memory', other + i, 0, 1);
        const a = u8[one + i] ?? 0;
        const b = u8[other + i] ?? 0;
        if (a !== b) return a < b ? -1 : 1;
        if (a === 0) return 0;
      }
      return 0;
    },
};
