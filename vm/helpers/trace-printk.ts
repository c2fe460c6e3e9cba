/** bpf_trace_printk: a line for whoever watches the world's effects. */
import { errno } from '../spec/errno.js';
import { byteText, decodeFormatted, formatText } from './format-text.js';
import type { FormatArg } from './format-text.js';
import type { PlainHelper } from './helper.js';

/** The kernel's buffer, terminating NUL included. */
const BUFFER_BYTES = 1024;

export const tracePrintk: PlainHelper = {
  name: 'trace_printk',
  bind:
    (machine) =>
    (format = 0, bytes = 0, ...words) => {
      const text = machine.memory.read(format, bytes >>> 0);
      const nul = text.indexOf(0);
      if (nul < 0) return -errno.EINVAL;
      const args: FormatArg[] = [];
      for (let i = 0; i + 1 < words.length; i += 2) args.push([words[i] ?? 0, words[i + 1] ?? 0]);
      const line = formatText(machine, byteText(text.subarray(0, nul)), args);
      if (line === undefined) return -errno.EINVAL;
      machine.world.effects.traceLine(decodeFormatted(line.slice(0, BUFFER_BYTES - 1).replace(/\n$/, '')));
      // As snprintf counts: with what did not fit.
      return line.length;
    },
};
