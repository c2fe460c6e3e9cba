/** Pointers into the linear memory. Knows nothing of what lies there. */

/** An offset in linear memory, 0 <= p < 2^31. Guests see it zero-extended to 64 bits. */
export type Ptr = number;

/** Rounds up to a multiple of `align`, a power of two; exact up to 2^53 (no 32-bit wrap). */
export function alignUp(value: number, align: number): number {
  const rest = value % align;
  return rest === 0 ? value : value + align - rest;
}
