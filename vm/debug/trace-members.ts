/** The path to a byte range inside a C type: `credit_ns`, `network.word[2]`. Knows no values. */
import type { Btf, BtfId } from '../btf/btf.js';

/** More levels than this nobody nests. */
const MAX_DEPTH = 16;

/**
 * @param off bytes from the start of a value of the type
 * @param bytes of the access; the path goes no deeper than what holds all of them
 * @returns undefined where no member is there; '' where the whole type is meant
 */
export function memberPath(btf: Btf, id: BtfId, off: number, bytes: number): string | undefined {
  let type = btf.resolved(id);
  let at = off;
  let path = '';
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    if (type.kind === 'array') {
      const element = btf.sizeOf(type.type);
      if (element === undefined || element === 0 || bytes > element) break;
      path += `[${String(Math.floor(at / element))}]`;
      at %= element;
      type = btf.resolved(type.type);
    } else if (type.kind === 'struct' || type.kind === 'union') {
      const inside = at;
      const member = type.members.findLast(({ bitOff }) => bitOff <= inside * 8);
      if (member === undefined) return undefined;
      const start = Math.floor(member.bitOff / 8);
      const size = btf.sizeOf(member.type);
      if (size === undefined || inside + bytes > start + size) break;
      if (member.name !== '') path += path === '' ? member.name : `.${member.name}`;
      at -= start;
      type = btf.resolved(member.type);
    } else break;
  }
  return at === 0 ? path : `${path}+${String(at)}`;
}
