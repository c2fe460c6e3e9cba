/**
 * How a register came to hold a number where a pointer had been: looks through the log of the path for the last pointer in it,
 * and for the call behind that. Knows the log's spelling, no states.
 */
import { HELPER_ROWS } from '../spec/helpers.js';
import type { HelperRow } from '../spec/helper-row.js';
import type { PointerLoss } from './report-class.js';
import { registerWords } from './report-registers.js';

export interface LostPointer {
  readonly how: PointerLoss;
  /** What it was, in words. */
  readonly was: string;
  /** Where it was lost. */
  readonly insn: number;
  /** What was called there. */
  readonly call: string;
}

const ROWS: Readonly<Record<string, HelperRow | undefined>> = HELPER_ROWS;

/** @param register as the message names it, `7` */
export function findLostPointer(log: string, register: string): LostPointer | undefined {
  const lines = log.split('\n');
  const held = new RegExp(`[ :]R${register}=(\\S+)`);
  let last = lines.length - 1;
  let text: string | undefined;
  for (; last >= 0 && text === undefined; last--) {
    const line = lines[last] ?? '';
    if (/^\d+: |^from \d+ to \d+/.test(line)) text = held.exec(line)?.[1];
  }
  if (text === undefined || /^P?(?:scalar|-?\d|0x)/.test(text)) return undefined;
  const how: PointerLoss = text.startsWith('pkt') ? 'moved' : 'released';
  for (const line of lines.slice(last + 2)) {
    const call = /^(\d+): \(85\) call (bpf_(\w+)#\d+|pc[+-]\d+|\w+)/.exec(line);
    if (call === null) continue;
    const [, insn = '', what = '', helper = ''] = call;
    const fits = how === 'moved' ? ROWS[helper]?.movesPacket === true : /submit|discard|release/.test(what);
    if (!fits && !what.startsWith('pc')) continue;
    return {
      how,
      was: registerWords(text).split(/[,;]/)[0] ?? '',
      insn: Number(insn),
      call: what.replace(/#\d+$/, ''),
    };
  }
  return undefined;
}
