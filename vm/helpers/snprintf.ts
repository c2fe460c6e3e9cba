/** Formatting with arguments in an array of u64: into the program's memory, or as a line for whoever watches. */
import type { Ptr } from '../addr.js';
import type { Machine } from '../machine/machine.js';
import { raiseTrap } from '../memory/raise.js';
import { READ } from '../memory/shadow.js';
import { errno } from '../spec/errno.js';
import { bytesOfFormatted, byteText, decodeFormatted, formatText } from './format-text.js';
import type { FormatArg } from './format-text.js';
import type { PlainHelper } from './helper.js';

/** MAX_BPRINTF_VARARGS. */
const MAX_ARGS = 12;
const ARG_BYTES = 8;
/** Of trace_vprintk, terminating NUL included. */
const LINE_BYTES = 1024;
/** Formats are constants of programs: none is longer. */
const MAX_FORMAT_BYTES = 1 << 16;

export const snprintf: PlainHelper = {
  name: 'snprintf',
  bind:
    (machine) =>
    (out = 0, outBytes = 0, format = 0, data = 0, dataBytes = 0) => {
      const args = readArgs(machine, data, dataBytes);
      if (args === undefined) return -errno.EINVAL;
      const text = formatText(machine, readFormat(machine, format), args);
      if (text === undefined) return -errno.EINVAL;
      const bytes = bytesOfFormatted(text);
      const room = outBytes >>> 0;
      if (room > 0) {
        const kept = bytes.subarray(0, room - 1);
        machine.memory.write(out, kept);
        machine.memory.u8[out + kept.length] = 0;
      }
      // What it would have taken, with its NUL.
      return bytes.length + 1;
    },
};

export const traceVprintk: PlainHelper = {
  name: 'trace_vprintk',
  bind:
    (machine) =>
    (format = 0, formatBytes = 0, data = 0, dataBytes = 0) => {
      const args = readArgs(machine, data, dataBytes);
      const text = machine.memory.read(format, formatBytes >>> 0);
      const nul = text.indexOf(0);
      if (args === undefined || nul < 0) return -errno.EINVAL;
      const line = formatText(machine, byteText(text.subarray(0, nul)), args);
      if (line === undefined) return -errno.EINVAL;
      machine.world.effects.traceLine(decodeFormatted(line.slice(0, LINE_BYTES - 1).replace(/\n$/, '')));
      return line.length;
    },
};

function readArgs({ memory: { view } }: Machine, data: Ptr, bytes: number): readonly FormatArg[] | undefined {
  const count = (bytes >>> 0) / ARG_BYTES;
  if (!Number.isInteger(count) || count > MAX_ARGS || (count > 0 && data === 0)) return undefined;
  return Array.from({ length: count }, (_, i) => [
    view.getInt32(data + ARG_BYTES * i, true),
    view.getInt32(data + ARG_BYTES * i + 4, true),
  ]);
}

/** The constant up to its NUL; traps where memory ends before it that the program may read. */
function readFormat({ memory, shadow }: Machine, format: Ptr): string {
  for (let at = format; at < format + MAX_FORMAT_BYTES; at++) {
    if (at < 0 || at >= memory.bytes || !shadow.allows(at, 1, READ)) return raiseTrap(memory, 'memory', at, 0, 1);
    if (memory.u8[at] === 0) return byteText(memory.u8.subarray(format, at));
  }
  return raiseTrap(memory, 'memory', format, 0, MAX_FORMAT_BYTES);
}
