/** What skep must know of a program type to run it: its ctx and what r0 means. One file a type implements it. */
import type { ProgTypeName } from '../spec/prog-types.js';

export type ByteRange = readonly [off: number, bytes: number];

export interface Hook {
  readonly type: ProgTypeName;
  /** What its packets are to the kernel. */
  readonly packet: 'xdp' | 'skb';
  readonly ctxBytes: number;
  /** Byte ranges of the ctx that programs may read, and those they may write with nothing more to it. */
  readonly readable: readonly ByteRange[];
  readonly writable: readonly ByteRange[];
  /** Fields where a store does more, or less, than a plain store. No byte of them is in `writable`. */
  readonly special: readonly SpecialField[];
  /** The verdict of a run that trapped: what Linux does with a packet whose program failed. */
  readonly trapVerdict: number;
}

/** A field that takes 4-byte stores and keeps the low 16 bits. */
export interface SpecialField {
  readonly off: number;
  /** Values from 0xffff on are ignored. */
  readonly ignoresFromFfff: boolean;
}
