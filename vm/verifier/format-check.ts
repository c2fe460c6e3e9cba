/** The format string of bpf_snprintf, which must be a constant. Messages are Linux'. */
import { errno } from '../spec/errno.js';
import type { Env } from './env.js';

/** Conversions that take one argument, as bpf_snprintf's description lists them. */
const CONVERSION = /^%(?:%|-?0?\d*(?:l{0,2}[diux]|[cs]|p(?:[KxsSBh]|[iI][46])?)|[ku]s|pk?s)/;

/** r3 points to the format, r5 is the length of the arguments. */
export function checkFormat(env: Env): void {
  const { bounds } = env.reg(5);
  const bytes = bounds.bits.vLo >>> 0;
  if (bytes % 8 !== 0) env.fail(errno.EINVAL);
  const reg = env.reg(3);
  const { map } = reg;
  const contents = map?.contents;
  let format = '';
  for (let at = reg.off + reg.bounds.bits.vLo; contents !== undefined && at < contents.length; at++) {
    const byte = contents[at]!;
    if (byte === 0) break;
    format += String.fromCharCode(byte);
  }
  if (!isFormat(format, bytes / 8)) env.invalid('Invalid format string');
}

/** Whether every conversion is known and has its argument. */
function isFormat(format: string, args: number): boolean {
  let used = 0;
  for (let at = 0; at < format.length; at++) {
    const code = format.charCodeAt(at);
    const isPrintable = (code >= 0x20 && code < 0x7f) || (code >= 0x09 && code <= 0x0d);
    if (!isPrintable) return false;
    if (format[at] !== '%') continue;
    const found = CONVERSION.exec(format.slice(at));
    if (found === null) return false;
    at += found[0].length - 1;
    if (found[0] !== '%%') used++;
  }
  return used <= args;
}
