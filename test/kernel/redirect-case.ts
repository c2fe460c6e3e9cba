/**
 * What cases of the redirect table are made of: a program that leaves r0 of its helper at packet+16 and 64 bytes of its
 * stack behind it. Knows no case.
 */
import type { MapSpec } from '../../vm/object/object-spec.js';
import { bytesOf } from '../machine/harness.js';

export interface RedirectCase {
  readonly name: string;
  readonly type: 'xdp' | 'sched_cls';
  readonly text: string;
  readonly maps?: readonly MapSpec[];
  /** Entries of map 0, written from outside. */
  readonly entries?: readonly (readonly [key: Uint8Array, value: Uint8Array])[];
}

export type Type = RedirectCase['type'];

export const PACKET = bytesOf(`02000000000202000000000108004500005a0000000040110000c0000201c0000209${'00'.repeat(94)}`);
export const R0_OFF = 16;
export const ANSWER_BYTES = 72;
/** Where the 64 bytes that come back lie. */
export const OUT = -96;

/** Runs `body`, with r6 = ctx; r0 and the stack go into the packet. */
export function program(type: Type, body: string, before = ''): string {
  const [data, end] = type === 'xdp' ? [0, 4] : [76, 80];
  const words = Array.from({ length: 8 }, (_, i) => 8 * i);
  return `
    r6 = r1
    ${words.map((at) => `*(u64 *)(r10 - ${-OUT - at}) = 0`).join('\n')}
    ${before}
    ${body}
    r9 = r0
    r7 = *(u32 *)(r6 + ${data})
    r8 = *(u32 *)(r6 + ${end})
    r2 = r7
    r2 += ${R0_OFF + ANSWER_BYTES}
    if r2 > r8 goto short
    *(u64 *)(r7 + ${R0_OFF}) = r9
    ${words.map((at) => `r2 = *(u64 *)(r10 - ${-OUT - at})\n*(u64 *)(r7 + ${R0_OFF + 8 + at}) = r2`).join('\n')}
    r0 = 0
    exit
  short:
    r0 = 255
    exit`;
}

/** `ctx` is r6, `out` the 64 bytes that come back. */
export function call(helper: string, ...args: readonly (number | string)[]): string {
  const load = (arg: number | string, r: string): string =>
    arg === 'ctx' ? `${r} = r6` : arg === 'out' ? `${r} = r10\n${r} += ${OUT}` : `${r} = ${arg}`;
  return `${args.map((arg, i) => load(arg, `r${i + 1}`)).join('\n')}\ncall ${helper}`;
}

export function of(type: Type, helper: string, ...args: readonly (number | string)[]): RedirectCase {
  return { name: `${type} ${helper} ${args.join(' ')}`, type, text: program(type, call(helper, ...args)) };
}
