/** Which bytes of a ctx a program type may touch at an attach point, from the recorded rights and the layout's rows. */
import { CTX_LAYOUTS } from '../spec/ctx.js';
import type { CtxField, CtxName } from '../spec/ctx.js';
import type { AttachTypeName, ProgTypeName } from '../spec/prog-types.js';
import { ctxAccess } from '../spec/rights.js';
import type { Access } from '../spec/rights.js';
import type { ByteRange, Hook } from './hook.js';

/** Runs of bytes for which `holds`. */
function rangesWhere(bytes: number, holds: (off: number) => boolean): ByteRange[] {
  const ranges: [number, number][] = [];
  for (let off = 0; off < bytes; off++) {
    if (!holds(off)) continue;
    const last = ranges.at(-1);
    if (last !== undefined && last[0] + last[1] === off) last[1]++;
    else ranges.push([off, 1]);
  }
  return ranges;
}

/** Nothing may be touched where Linux has no such attach point for the type. */
export function ctxRanges(
  type: ProgTypeName,
  attach: AttachTypeName | undefined,
  layout: CtxName,
): Pick<Hook, 'ctxBytes' | 'readable' | 'writable' | 'special'> {
  const { bytes }: { bytes: number } = CTX_LAYOUTS[layout];
  const fields: readonly CtxField[] = CTX_LAYOUTS[layout].fields;
  const rights = ctxAccess(type, attach);
  const allows = (access: Access, off: number): boolean =>
    [1, 2, 4, 8].some((width) => rights?.allows(access, off - (off % width), width) === true);
  const special = fields.filter(
    ({ storeBits, off, bytes }) => storeBits !== undefined && rights?.allows('write', off, bytes) === true,
  );
  const isSpecial = (at: number): boolean => special.some(({ off, bytes }) => at >= off && at < off + bytes);
  return {
    ctxBytes: bytes,
    readable: rangesWhere(bytes, (off) => allows('read', off)),
    writable: rangesWhere(bytes, (off) => allows('write', off) && !isSpecial(off)),
    special: special.map(({ off, onStore }) => ({ off, ignoresFromFfff: onStore === 'ignore-from-ffff' })),
  };
}
