/** 32-bit division with RFC 9669's answers for a zero divisor. Operands and results are int32. */

export function divU32(a: number, b: number): number {
  return b === 0 ? 0 : (a >>> 0) / (b >>> 0);
}

export function modU32(a: number, b: number): number {
  return b === 0 ? a : (a >>> 0) % (b >>> 0);
}

/** INT32_MIN / -1 wraps to INT32_MIN when stored as int32. */
export function divS32(a: number, b: number): number {
  return b === 0 ? 0 : a / b;
}

export function modS32(a: number, b: number): number {
  return b === 0 ? a : a % b;
}
