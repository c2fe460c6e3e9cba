/** ALU instructions and conditional jumps said once more, with BigInt and from RFC 9669 alone: the oracle of property tests. */
import type { InsnName } from '../../vm/spec/insns.js';

type Operation = (a: bigint, b: bigint, bits: number) => bigint;
type Condition = (a: bigint, b: bigint, bits: number) => boolean;

const s = (value: bigint, bits: number): bigint => BigInt.asIntN(bits, value);
const shift = (amount: bigint, bits: number): bigint => amount % BigInt(bits);

/** Operands come truncated to the width, unsigned; the result is truncated afterwards. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => (b === 0n ? 0n : a / b),
  mod: (a, b) => (b === 0n ? a : a % b),
  sdiv: (a, b, bits) => (b === 0n ? 0n : s(a, bits) / s(b, bits)),
  smod: (a, b, bits) => (b === 0n ? a : s(a, bits) % s(b, bits)),
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  xor: (a, b) => a ^ b,
  lsh: (a, b, bits) => a << shift(b, bits),
  rsh: (a, b, bits) => a >> shift(b, bits),
  arsh: (a, b, bits) => s(a, bits) >> shift(b, bits),
  mov: (_, b) => b,
};

const CONDITIONS: Readonly<Record<string, Condition>> = {
  jeq: (a, b) => a === b,
  jne: (a, b) => a !== b,
  jset: (a, b) => (a & b) !== 0n,
  jgt: (a, b) => a > b,
  jge: (a, b) => a >= b,
  jlt: (a, b) => a < b,
  jle: (a, b) => a <= b,
  jsgt: (a, b, bits) => s(a, bits) > s(b, bits),
  jsge: (a, b, bits) => s(a, bits) >= s(b, bits),
  jslt: (a, b, bits) => s(a, bits) < s(b, bits),
  jsle: (a, b, bits) => s(a, bits) <= s(b, bits),
};

function swapped(value: bigint, bytes: number): bigint {
  let out = 0n;
  for (let i = 0; i < bytes; i++) out = (out << 8n) | ((value >> BigInt(8 * i)) & 0xffn);
  return out;
}

/** `undefined` where the row is neither. For a jump, 1n means taken. Operands are u64; `b` is the immediate, sign-extended, for `_k`. */
export function referenceOf(name: InsnName): ((a: bigint, b: bigint) => bigint) | undefined {
  const binary = /^(\w+?)(32|64)_[kx]$/.exec(name);
  if (binary !== null) {
    const bits = Number(binary[2]);
    const operation = OPERATIONS[binary[1] ?? ''];
    const condition = CONDITIONS[binary[1] ?? ''];
    const cut = (value: bigint): bigint => BigInt.asUintN(bits, value);
    if (operation !== undefined) return (a, b) => cut(operation(cut(a), cut(b), bits));
    if (condition !== undefined) return (a, b) => (condition(cut(a), cut(b), bits) ? 1n : 0n);
  }
  const unary = /^(neg|le|be|bswap)(16|32|64)$/.exec(name);
  if (unary !== null) {
    const bits = Number(unary[2]);
    if (unary[1] === 'neg') return (a) => BigInt.asUintN(bits, -a);
    return unary[1] === 'le' ? (a) => BigInt.asUintN(bits, a) : (a) => swapped(a, bits / 8);
  }
  const extend = /^movsx(8|16|32)_(32|64)$/.exec(name);
  if (extend === null) return undefined;
  return (_, b) => BigInt.asUintN(Number(extend[2]), s(b, Number(extend[1])));
}
