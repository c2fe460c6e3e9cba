/**
 * Permissions, byte by byte, in the upper half of the memory at a constant distance. A byte's shadow is a bit set:
 * 1 readable, 2 writable; 0, the state of memory never touched, means no access. So a huge map costs shadow only where it
 * has entries. Knows bytes, not what lies there.
 */
import type { Ptr } from '../addr.js';
import type { Memory } from './memory.js';

export type Rights = 0 | 1 | 2 | 3;
export const NO_ACCESS = 0;
export const READ = 1;
export const WRITE = 2;
export const READ_WRITE = 3;

export class Shadow {
  readonly memory: Memory;
  /** Distance from a byte to its shadow; 0 where this machine has none and every `mark` is a no-op. */
  readonly delta: number;

  constructor(memory: Memory, delta: number) {
    this.memory = memory;
    this.delta = delta;
  }

  mark(at: Ptr, bytes: number, rights: Rights): void {
    if (this.delta !== 0 && bytes > 0) this.memory.u8.fill(rights, at + this.delta, at + this.delta + bytes);
  }

  /** Whether all of [at, at + bytes) has the rights; a range outside the guest half has none. */
  allows(at: Ptr, bytes: number, rights: Rights): boolean {
    if (this.delta === 0) return true;
    if (at < 0 || bytes < 0 || at + bytes > this.delta) return false;
    const { u8 } = this.memory;
    const end = at + this.delta + bytes;
    for (let i = at + this.delta; i < end; i++) if (((u8[i] ?? 0) & rights) !== rights) return false;
    return true;
  }
}
