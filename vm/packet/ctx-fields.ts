/** What a socket buffer carries before the program sees it: what other programs, or the stack, put there. */
import { ctxOff } from './sk-buff.js';
import type { SkBuff } from './sk-buff.js';

/** Fields of struct __sk_buff; what is left out is 0 or follows from the packet. */
export interface CtxFields {
  readonly mark?: number;
  readonly priority?: number;
  /** The first words of cb, five at most. */
  readonly cb?: readonly number[];
  readonly tcIndex?: number;
  readonly tcClassid?: number;
  readonly queueMapping?: number;
  readonly ingressIfindex?: number;
  /** ns */
  readonly tstamp?: number;
}

const CB_WORDS = 5;

const WORDS = [
  ['mark', ctxOff.mark],
  ['priority', ctxOff.priority],
  ['tcIndex', ctxOff.tcIndex],
  ['tcClassid', ctxOff.tcClassid],
  ['queueMapping', ctxOff.queueMapping],
  ['ingressIfindex', ctxOff.ingressIfindex],
] as const;

/** Writes them into the ctx of a buffer that was just received. */
export function putCtxFields(skb: SkBuff, fields: CtxFields): void {
  for (const [name, off] of WORDS) {
    const value = fields[name];
    if (value !== undefined) skb.setField(off, value);
  }
  for (const [index, word] of (fields.cb ?? []).slice(0, CB_WORDS).entries()) skb.setField(ctxOff.cb + 4 * index, word);
  if (fields.tstamp !== undefined) {
    skb.setField(ctxOff.tstamp, fields.tstamp % 2 ** 32);
    skb.setField(ctxOff.tstamp + 4, Math.floor(fields.tstamp / 2 ** 32));
  }
}
