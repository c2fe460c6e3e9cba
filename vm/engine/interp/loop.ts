/**
 * The interpreter's loop: one switch over lowered code. A register is two int32 words of linear memory, low first. Long on purpose:
 * V8 compiles it as one function. Which op does what is all it knows; frames, calls and atomics are in `frames.ts`.
 */
import { raiseTrap } from '../../memory/raise.js';
import { must } from '../../errors.js';
import { TRAPS } from '../../spec/traps.js';
import { bswap16, bswap32, divS, divU, hiWord, modS, modU, mul } from '../../u64.js';
import type { Status } from '../engine.js';
import { divS32, divU32, modS32, modU32 } from './div32.js';
import { INSN_WORDS } from './lower.js';
import { REGISTERS } from './registers.js';
import type { Frames } from './frames.js';
import { noAccess, outOfFuel } from './stop.js';

/** A constant of this module: V8 folds the array's address into the loop, which it does not for an import. */
const R = REGISTERS;

/**
 * Runs from `frames.pc` for at most `frames.budget` instructions; both are up to date when it returns or throws.
 * Words of an instruction: 0 op, 1 and 2 the word offsets of dst and src, 3 jump target or off, 4 and 5 immediate.
 * @throws the stop signals of `stop.ts`, a TrapSignal, or a RangeError where an access left the memory
 */
export function runLoop(frames: Frames): Status {
  const { code, view, delta, helpers, memory, fuelFloor } = frames;
  const { i32 } = memory;
  let pc = frames.pc;
  let budget = frames.budget;
  let a = 0;
  let lo = 0;
  let hi = 0;
  try {
    // What is no instruction of the program still belongs to the step before it.
    while (budget-- > 0 || code[pc] === 118 || code[pc]! >= 160) {
      const d = code[pc + 1]!;
      const s = code[pc + 2]!;
      switch (code[pc]!) {
        // 32-bit ALU: the high word becomes 0.
        case 0: // add32_k
          R[d] = R[d]! + code[pc + 4]!;
          R[d + 1] = 0;
          break;
        case 1: // add32_x
          R[d] = R[d]! + R[s]!;
          R[d + 1] = 0;
          break;
        case 2: // sub32_k
          R[d] = R[d]! - code[pc + 4]!;
          R[d + 1] = 0;
          break;
        case 3: // sub32_x
          R[d] = R[d]! - R[s]!;
          R[d + 1] = 0;
          break;
        case 4: // mul32_k
          R[d] = Math.imul(R[d]!, code[pc + 4]!);
          R[d + 1] = 0;
          break;
        case 5: // mul32_x
          R[d] = Math.imul(R[d]!, R[s]!);
          R[d + 1] = 0;
          break;
        case 6: // or32_k
          R[d] = R[d]! | code[pc + 4]!;
          R[d + 1] = 0;
          break;
        case 7: // or32_x
          R[d] = R[d]! | R[s]!;
          R[d + 1] = 0;
          break;
        case 8: // and32_k
          R[d] = R[d]! & code[pc + 4]!;
          R[d + 1] = 0;
          break;
        case 9: // and32_x
          R[d] = R[d]! & R[s]!;
          R[d + 1] = 0;
          break;
        case 10: // xor32_k
          R[d] = R[d]! ^ code[pc + 4]!;
          R[d + 1] = 0;
          break;
        case 11: // xor32_x
          R[d] = R[d]! ^ R[s]!;
          R[d + 1] = 0;
          break;
        case 12: // lsh32_k
          R[d] = R[d]! << code[pc + 4]!;
          R[d + 1] = 0;
          break;
        case 13: // lsh32_x
          R[d] = R[d]! << R[s]!;
          R[d + 1] = 0;
          break;
        case 14: // rsh32_k
          R[d] = R[d]! >>> code[pc + 4]!;
          R[d + 1] = 0;
          break;
        case 15: // rsh32_x
          R[d] = R[d]! >>> R[s]!;
          R[d + 1] = 0;
          break;
        case 16: // arsh32_k
          R[d] = R[d]! >> code[pc + 4]!;
          R[d + 1] = 0;
          break;
        case 17: // arsh32_x
          R[d] = R[d]! >> R[s]!;
          R[d + 1] = 0;
          break;
        case 18: // div32_k
          R[d] = divU32(R[d]!, code[pc + 4]!);
          R[d + 1] = 0;
          break;
        case 19: // div32_x
          R[d] = divU32(R[d]!, R[s]!);
          R[d + 1] = 0;
          break;
        case 20: // mod32_k
          R[d] = modU32(R[d]!, code[pc + 4]!);
          R[d + 1] = 0;
          break;
        case 21: // mod32_x
          R[d] = modU32(R[d]!, R[s]!);
          R[d + 1] = 0;
          break;
        case 22: // sdiv32_k
          R[d] = divS32(R[d]!, code[pc + 4]!);
          R[d + 1] = 0;
          break;
        case 23: // sdiv32_x
          R[d] = divS32(R[d]!, R[s]!);
          R[d + 1] = 0;
          break;
        case 24: // smod32_k
          R[d] = modS32(R[d]!, code[pc + 4]!);
          R[d + 1] = 0;
          break;
        case 25: // smod32_x
          R[d] = modS32(R[d]!, R[s]!);
          R[d + 1] = 0;
          break;
        case 26: // mov32_k
          R[d] = code[pc + 4]!;
          R[d + 1] = 0;
          break;
        case 27: // mov32_x
          R[d] = R[s]!;
          R[d + 1] = 0;
          break;
        case 28: // neg32
          R[d] = -R[d]!;
          R[d + 1] = 0;
          break;
        case 29: // movsx8_32
          R[d] = (R[s]! << 24) >> 24;
          R[d + 1] = 0;
          break;
        case 30: // movsx16_32
          R[d] = (R[s]! << 16) >> 16;
          R[d + 1] = 0;
          break;

        // 64-bit ALU.
        case 31: // add64_k
          lo = R[d]!;
          a = (lo + code[pc + 4]!) | 0;
          R[d + 1] = R[d + 1]! + code[pc + 5]! + (a >>> 0 < lo >>> 0 ? 1 : 0);
          R[d] = a;
          break;
        case 32: // add64_x
          lo = R[d]!;
          a = (lo + R[s]!) | 0;
          R[d + 1] = R[d + 1]! + R[s + 1]! + (a >>> 0 < lo >>> 0 ? 1 : 0);
          R[d] = a;
          break;
        case 33: // sub64_k
          lo = R[d]!;
          a = code[pc + 4]!;
          R[d + 1] = R[d + 1]! - code[pc + 5]! - (lo >>> 0 < a >>> 0 ? 1 : 0);
          R[d] = lo - a;
          break;
        case 34: // sub64_x
          lo = R[d]!;
          a = R[s]!;
          R[d + 1] = R[d + 1]! - R[s + 1]! - (lo >>> 0 < a >>> 0 ? 1 : 0);
          R[d] = lo - a;
          break;
        case 35: // mul64_k
          R[d] = mul(R[d]!, R[d + 1]!, code[pc + 4]!, code[pc + 5]!);
          R[d + 1] = hiWord[0]!;
          break;
        case 36: // mul64_x
          R[d] = mul(R[d]!, R[d + 1]!, R[s]!, R[s + 1]!);
          R[d + 1] = hiWord[0]!;
          break;
        case 37: // or64_k
          R[d] = R[d]! | code[pc + 4]!;
          R[d + 1] = R[d + 1]! | code[pc + 5]!;
          break;
        case 38: // or64_x
          R[d] = R[d]! | R[s]!;
          R[d + 1] = R[d + 1]! | R[s + 1]!;
          break;
        case 39: // and64_k
          R[d] = R[d]! & code[pc + 4]!;
          R[d + 1] = R[d + 1]! & code[pc + 5]!;
          break;
        case 40: // and64_x
          R[d] = R[d]! & R[s]!;
          R[d + 1] = R[d + 1]! & R[s + 1]!;
          break;
        case 41: // xor64_k
          R[d] = R[d]! ^ code[pc + 4]!;
          R[d + 1] = R[d + 1]! ^ code[pc + 5]!;
          break;
        case 42: // xor64_x
          R[d] = R[d]! ^ R[s]!;
          R[d + 1] = R[d + 1]! ^ R[s + 1]!;
          break;
        case 43: // lsh64_k
          a = code[pc + 4]! & 63;
          lo = R[d]!;
          if (a >= 32) {
            R[d + 1] = lo << (a - 32);
            R[d] = 0;
          } else if (a !== 0) {
            R[d + 1] = (R[d + 1]! << a) | (lo >>> (32 - a));
            R[d] = lo << a;
          }
          break;
        case 44: // lsh64_x
          a = R[s]! & 63;
          lo = R[d]!;
          if (a >= 32) {
            R[d + 1] = lo << (a - 32);
            R[d] = 0;
          } else if (a !== 0) {
            R[d + 1] = (R[d + 1]! << a) | (lo >>> (32 - a));
            R[d] = lo << a;
          }
          break;
        case 45: // rsh64_k
          a = code[pc + 4]! & 63;
          hi = R[d + 1]!;
          if (a >= 32) {
            R[d] = hi >>> (a - 32);
            R[d + 1] = 0;
          } else if (a !== 0) {
            R[d] = (R[d]! >>> a) | (hi << (32 - a));
            R[d + 1] = hi >>> a;
          }
          break;
        case 46: // rsh64_x
          a = R[s]! & 63;
          hi = R[d + 1]!;
          if (a >= 32) {
            R[d] = hi >>> (a - 32);
            R[d + 1] = 0;
          } else if (a !== 0) {
            R[d] = (R[d]! >>> a) | (hi << (32 - a));
            R[d + 1] = hi >>> a;
          }
          break;
        case 47: // arsh64_k
          a = code[pc + 4]! & 63;
          hi = R[d + 1]!;
          if (a >= 32) {
            R[d] = hi >> (a - 32);
            R[d + 1] = hi >> 31;
          } else if (a !== 0) {
            R[d] = (R[d]! >>> a) | (hi << (32 - a));
            R[d + 1] = hi >> a;
          }
          break;
        case 48: // arsh64_x
          a = R[s]! & 63;
          hi = R[d + 1]!;
          if (a >= 32) {
            R[d] = hi >> (a - 32);
            R[d + 1] = hi >> 31;
          } else if (a !== 0) {
            R[d] = (R[d]! >>> a) | (hi << (32 - a));
            R[d + 1] = hi >> a;
          }
          break;
        case 49: // div64_k
          R[d] = divU(R[d]!, R[d + 1]!, code[pc + 4]!, code[pc + 5]!);
          R[d + 1] = hiWord[0]!;
          break;
        case 50: // div64_x
          R[d] = divU(R[d]!, R[d + 1]!, R[s]!, R[s + 1]!);
          R[d + 1] = hiWord[0]!;
          break;
        case 51: // mod64_k
          R[d] = modU(R[d]!, R[d + 1]!, code[pc + 4]!, code[pc + 5]!);
          R[d + 1] = hiWord[0]!;
          break;
        case 52: // mod64_x
          R[d] = modU(R[d]!, R[d + 1]!, R[s]!, R[s + 1]!);
          R[d + 1] = hiWord[0]!;
          break;
        case 53: // sdiv64_k
          R[d] = divS(R[d]!, R[d + 1]!, code[pc + 4]!, code[pc + 5]!);
          R[d + 1] = hiWord[0]!;
          break;
        case 54: // sdiv64_x
          R[d] = divS(R[d]!, R[d + 1]!, R[s]!, R[s + 1]!);
          R[d + 1] = hiWord[0]!;
          break;
        case 55: // smod64_k
          R[d] = modS(R[d]!, R[d + 1]!, code[pc + 4]!, code[pc + 5]!);
          R[d + 1] = hiWord[0]!;
          break;
        case 56: // smod64_x
          R[d] = modS(R[d]!, R[d + 1]!, R[s]!, R[s + 1]!);
          R[d + 1] = hiWord[0]!;
          break;
        case 57: // mov64_k
          R[d] = code[pc + 4]!;
          R[d + 1] = code[pc + 5]!;
          break;
        case 58: // mov64_x
          R[d] = R[s]!;
          R[d + 1] = R[s + 1]!;
          break;
        case 59: // neg64
          lo = R[d]!;
          R[d + 1] = ~R[d + 1]! + (lo === 0 ? 1 : 0);
          R[d] = -lo;
          break;
        case 60: // movsx8_64
          lo = (R[s]! << 24) >> 24;
          R[d] = lo;
          R[d + 1] = lo >> 31;
          break;
        case 61: // movsx16_64
          lo = (R[s]! << 16) >> 16;
          R[d] = lo;
          R[d + 1] = lo >> 31;
          break;
        case 62: // movsx32_64
          lo = R[s]!;
          R[d] = lo;
          R[d + 1] = lo >> 31;
          break;
        case 63: // le16
          R[d] = R[d]! & 0xffff;
          R[d + 1] = 0;
          break;
        case 64: // le32
          R[d + 1] = 0;
          break;
        case 65: // le64
          break;
        case 66: // be16
          R[d] = bswap16(R[d]!);
          R[d + 1] = 0;
          break;
        case 67: // be32
          R[d] = bswap32(R[d]!);
          R[d + 1] = 0;
          break;
        case 68: // be64
          lo = R[d]!;
          R[d] = bswap32(R[d + 1]!);
          R[d + 1] = bswap32(lo);
          break;
        case 69: // bswap16
          R[d] = bswap16(R[d]!);
          R[d + 1] = 0;
          break;
        case 70: // bswap32
          R[d] = bswap32(R[d]!);
          R[d + 1] = 0;
          break;
        case 71: // bswap64
          lo = R[d]!;
          R[d] = bswap32(R[d + 1]!);
          R[d + 1] = bswap32(lo);
          break;
        case 72: // lddw
          R[d] = code[pc + 4]!;
          R[d + 1] = code[pc + 5]!;
          break;

        // Jumps.
        case 73: // jeq64_k
          if (R[d]! === code[pc + 4]! && R[d + 1]! === code[pc + 5]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 74: // jeq64_x
          if (R[d]! === R[s]! && R[d + 1]! === R[s + 1]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 75: // jeq32_k
          if (R[d]! === code[pc + 4]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 76: // jeq32_x
          if (R[d]! === R[s]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 77: // jne64_k
          if (R[d]! !== code[pc + 4]! || R[d + 1]! !== code[pc + 5]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 78: // jne64_x
          if (R[d]! !== R[s]! || R[d + 1]! !== R[s + 1]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 79: // jne32_k
          if (R[d]! !== code[pc + 4]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 80: // jne32_x
          if (R[d]! !== R[s]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 81: // jset64_k
          if (((R[d]! & code[pc + 4]!) | (R[d + 1]! & code[pc + 5]!)) !== 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 82: // jset64_x
          if (((R[d]! & R[s]!) | (R[d + 1]! & R[s + 1]!)) !== 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 83: // jset32_k
          if ((R[d]! & code[pc + 4]!) !== 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 84: // jset32_x
          if ((R[d]! & R[s]!) !== 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 85: // jgt64_k
          if (R[d + 1]! === code[pc + 5]! ? R[d]! >>> 0 > code[pc + 4]! >>> 0 : R[d + 1]! >>> 0 > code[pc + 5]! >>> 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 86: // jgt64_x
          if (R[d + 1]! === R[s + 1]! ? R[d]! >>> 0 > R[s]! >>> 0 : R[d + 1]! >>> 0 > R[s + 1]! >>> 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 87: // jgt32_k
          if (R[d]! >>> 0 > code[pc + 4]! >>> 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 88: // jgt32_x
          if (R[d]! >>> 0 > R[s]! >>> 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 89: // jge64_k
          if (
            R[d + 1]! === code[pc + 5]! ? R[d]! >>> 0 >= code[pc + 4]! >>> 0 : R[d + 1]! >>> 0 > code[pc + 5]! >>> 0
          ) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 90: // jge64_x
          if (R[d + 1]! === R[s + 1]! ? R[d]! >>> 0 >= R[s]! >>> 0 : R[d + 1]! >>> 0 > R[s + 1]! >>> 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 91: // jge32_k
          if (R[d]! >>> 0 >= code[pc + 4]! >>> 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 92: // jge32_x
          if (R[d]! >>> 0 >= R[s]! >>> 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 93: // jlt64_k
          if (R[d + 1]! === code[pc + 5]! ? R[d]! >>> 0 < code[pc + 4]! >>> 0 : R[d + 1]! >>> 0 < code[pc + 5]! >>> 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 94: // jlt64_x
          if (R[d + 1]! === R[s + 1]! ? R[d]! >>> 0 < R[s]! >>> 0 : R[d + 1]! >>> 0 < R[s + 1]! >>> 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 95: // jlt32_k
          if (R[d]! >>> 0 < code[pc + 4]! >>> 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 96: // jlt32_x
          if (R[d]! >>> 0 < R[s]! >>> 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 97: // jle64_k
          if (
            R[d + 1]! === code[pc + 5]! ? R[d]! >>> 0 <= code[pc + 4]! >>> 0 : R[d + 1]! >>> 0 < code[pc + 5]! >>> 0
          ) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 98: // jle64_x
          if (R[d + 1]! === R[s + 1]! ? R[d]! >>> 0 <= R[s]! >>> 0 : R[d + 1]! >>> 0 < R[s + 1]! >>> 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 99: // jle32_k
          if (R[d]! >>> 0 <= code[pc + 4]! >>> 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 100: // jle32_x
          if (R[d]! >>> 0 <= R[s]! >>> 0) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 101: // jsgt64_k
          if (R[d + 1]! === code[pc + 5]! ? R[d]! >>> 0 > code[pc + 4]! >>> 0 : R[d + 1]! > code[pc + 5]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 102: // jsgt64_x
          if (R[d + 1]! === R[s + 1]! ? R[d]! >>> 0 > R[s]! >>> 0 : R[d + 1]! > R[s + 1]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 103: // jsgt32_k
          if (R[d]! > code[pc + 4]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 104: // jsgt32_x
          if (R[d]! > R[s]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 105: // jsge64_k
          if (R[d + 1]! === code[pc + 5]! ? R[d]! >>> 0 >= code[pc + 4]! >>> 0 : R[d + 1]! > code[pc + 5]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 106: // jsge64_x
          if (R[d + 1]! === R[s + 1]! ? R[d]! >>> 0 >= R[s]! >>> 0 : R[d + 1]! > R[s + 1]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 107: // jsge32_k
          if (R[d]! >= code[pc + 4]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 108: // jsge32_x
          if (R[d]! >= R[s]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 109: // jslt64_k
          if (R[d + 1]! === code[pc + 5]! ? R[d]! >>> 0 < code[pc + 4]! >>> 0 : R[d + 1]! < code[pc + 5]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 110: // jslt64_x
          if (R[d + 1]! === R[s + 1]! ? R[d]! >>> 0 < R[s]! >>> 0 : R[d + 1]! < R[s + 1]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 111: // jslt32_k
          if (R[d]! < code[pc + 4]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 112: // jslt32_x
          if (R[d]! < R[s]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 113: // jsle64_k
          if (R[d + 1]! === code[pc + 5]! ? R[d]! >>> 0 <= code[pc + 4]! >>> 0 : R[d + 1]! < code[pc + 5]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 114: // jsle64_x
          if (R[d + 1]! === R[s + 1]! ? R[d]! >>> 0 <= R[s]! >>> 0 : R[d + 1]! < R[s + 1]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 115: // jsle32_k
          if (R[d]! <= code[pc + 4]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 116: // jsle32_x
          if (R[d]! <= R[s]!) {
            pc = code[pc + 3]!;
            continue;
          }
          break;
        case 117: // goto
          pc = code[pc + 3]!;
          continue;
        case 118: // goto_fuel
          // Taken back edges pass through here where fuel is checked; this is not an instruction of the program.
          budget++;
          if (budget < fuelFloor) throw outOfFuel;
          pc = code[pc + 3]!;
          continue;
        case 119: // may_goto
          if (frames.mayGoto()) {
            pc = code[pc + 3]!;
            continue;
          }
          break;

        // Loads and stores without checks: outside the memory, the view throws.
        case 120: // ldxb
          R[d] = view.getUint8((R[s]! + code[pc + 3]!) | 0);
          R[d + 1] = 0;
          break;
        case 121: // ldxh
          R[d] = view.getUint16((R[s]! + code[pc + 3]!) | 0, true);
          R[d + 1] = 0;
          break;
        case 122: // ldxw
          R[d] = view.getInt32((R[s]! + code[pc + 3]!) | 0, true);
          R[d + 1] = 0;
          break;
        case 123: // ldxdw
          a = (R[s]! + code[pc + 3]!) | 0;
          lo = view.getInt32(a, true);
          R[d + 1] = view.getInt32(a + 4, true);
          R[d] = lo;
          break;
        case 124: // ldxsb
          lo = view.getInt8((R[s]! + code[pc + 3]!) | 0);
          R[d] = lo;
          R[d + 1] = lo >> 31;
          break;
        case 125: // ldxsh
          lo = view.getInt16((R[s]! + code[pc + 3]!) | 0, true);
          R[d] = lo;
          R[d + 1] = lo >> 31;
          break;
        case 126: // ldxsw
          lo = view.getInt32((R[s]! + code[pc + 3]!) | 0, true);
          R[d] = lo;
          R[d + 1] = lo >> 31;
          break;
        case 127: // stxb
          view.setInt8((R[d]! + code[pc + 3]!) | 0, R[s]!);
          break;
        case 128: // stxh
          view.setInt16((R[d]! + code[pc + 3]!) | 0, R[s]!, true);
          break;
        case 129: // stxw
          view.setInt32((R[d]! + code[pc + 3]!) | 0, R[s]!, true);
          break;
        case 130: // stxdw
          a = (R[d]! + code[pc + 3]!) | 0;
          view.setInt32(a + 4, R[s + 1]!, true);
          view.setInt32(a, R[s]!, true);
          break;
        case 131: // stb
          view.setInt8((R[d]! + code[pc + 3]!) | 0, code[pc + 4]!);
          break;
        case 132: // sth
          view.setInt16((R[d]! + code[pc + 3]!) | 0, code[pc + 4]!, true);
          break;
        case 133: // stw
          view.setInt32((R[d]! + code[pc + 3]!) | 0, code[pc + 4]!, true);
          break;
        case 134: // stdw
          a = (R[d]! + code[pc + 3]!) | 0;
          view.setInt32(a + 4, code[pc + 5]!, true);
          view.setInt32(a, code[pc + 4]!, true);
          break;

        // Loads and stores with checks: the shadow of every byte must hold the right.
        case 135: // ldxb_checked
          a = (R[s]! + code[pc + 3]!) | 0;
          if ((R[s + 1]! | ((view.getUint8(a + delta) & 0x01) ^ 0x01)) !== 0) throw noAccess;
          R[d] = view.getUint8(a);
          R[d + 1] = 0;
          break;
        case 136: // ldxh_checked
          a = (R[s]! + code[pc + 3]!) | 0;
          if ((R[s + 1]! | ((view.getUint16(a + delta, true) & 0x0101) ^ 0x0101)) !== 0) throw noAccess;
          R[d] = view.getUint16(a, true);
          R[d + 1] = 0;
          break;
        case 137: // ldxw_checked
          a = (R[s]! + code[pc + 3]!) | 0;
          if ((R[s + 1]! | ((view.getInt32(a + delta, true) & 0x01010101) ^ 0x01010101)) !== 0) throw noAccess;
          R[d] = view.getInt32(a, true);
          R[d + 1] = 0;
          break;
        case 138: // ldxdw_checked
          a = (R[s]! + code[pc + 3]!) | 0;
          if (
            (R[s + 1]! |
              ((view.getInt32(a + delta, true) & view.getInt32(a + delta + 4, true) & 0x01010101) ^ 0x01010101)) !==
            0
          )
            throw noAccess;
          lo = view.getInt32(a, true);
          R[d + 1] = view.getInt32(a + 4, true);
          R[d] = lo;
          break;
        case 139: // ldxsb_checked
          a = (R[s]! + code[pc + 3]!) | 0;
          if ((R[s + 1]! | ((view.getUint8(a + delta) & 0x01) ^ 0x01)) !== 0) throw noAccess;
          lo = view.getInt8(a);
          R[d] = lo;
          R[d + 1] = lo >> 31;
          break;
        case 140: // ldxsh_checked
          a = (R[s]! + code[pc + 3]!) | 0;
          if ((R[s + 1]! | ((view.getUint16(a + delta, true) & 0x0101) ^ 0x0101)) !== 0) throw noAccess;
          lo = view.getInt16(a, true);
          R[d] = lo;
          R[d + 1] = lo >> 31;
          break;
        case 141: // ldxsw_checked
          a = (R[s]! + code[pc + 3]!) | 0;
          if ((R[s + 1]! | ((view.getInt32(a + delta, true) & 0x01010101) ^ 0x01010101)) !== 0) throw noAccess;
          lo = view.getInt32(a, true);
          R[d] = lo;
          R[d + 1] = lo >> 31;
          break;
        case 142: // stxb_checked
          a = (R[d]! + code[pc + 3]!) | 0;
          if ((R[d + 1]! | ((view.getUint8(a + delta) & 0x02) ^ 0x02)) !== 0) throw noAccess;
          view.setInt8(a, R[s]!);
          view.setInt8(a + delta, 3);
          break;
        case 143: // stxh_checked
          a = (R[d]! + code[pc + 3]!) | 0;
          if ((R[d + 1]! | ((view.getUint16(a + delta, true) & 0x0202) ^ 0x0202)) !== 0) throw noAccess;
          view.setInt16(a, R[s]!, true);
          view.setInt16(a + delta, 0x0303, true);
          break;
        case 144: // stxw_checked
          a = (R[d]! + code[pc + 3]!) | 0;
          if ((R[d + 1]! | ((view.getInt32(a + delta, true) & 0x02020202) ^ 0x02020202)) !== 0) {
            if (frames.storeCtx(pc, a, false)) break;
            throw noAccess;
          }
          view.setInt32(a, R[s]!, true);
          view.setInt32(a + delta, 0x03030303, true);
          break;
        case 145: // stxdw_checked
          a = (R[d]! + code[pc + 3]!) | 0;
          if (
            (R[d + 1]! |
              ((view.getInt32(a + delta, true) & view.getInt32(a + delta + 4, true) & 0x02020202) ^ 0x02020202)) !==
            0
          )
            throw noAccess;
          view.setInt32(a + 4, R[s + 1]!, true);
          view.setInt32(a, R[s]!, true);
          view.setInt32(a + delta, 0x03030303, true);
          view.setInt32(a + delta + 4, 0x03030303, true);
          break;
        case 146: // stb_checked
          a = (R[d]! + code[pc + 3]!) | 0;
          if ((R[d + 1]! | ((view.getUint8(a + delta) & 0x02) ^ 0x02)) !== 0) throw noAccess;
          view.setInt8(a, code[pc + 4]!);
          view.setInt8(a + delta, 3);
          break;
        case 147: // sth_checked
          a = (R[d]! + code[pc + 3]!) | 0;
          if ((R[d + 1]! | ((view.getUint16(a + delta, true) & 0x0202) ^ 0x0202)) !== 0) throw noAccess;
          view.setInt16(a, code[pc + 4]!, true);
          view.setInt16(a + delta, 0x0303, true);
          break;
        case 148: // stw_checked
          a = (R[d]! + code[pc + 3]!) | 0;
          if ((R[d + 1]! | ((view.getInt32(a + delta, true) & 0x02020202) ^ 0x02020202)) !== 0) {
            if (frames.storeCtx(pc, a, true)) break;
            throw noAccess;
          }
          view.setInt32(a, code[pc + 4]!, true);
          view.setInt32(a + delta, 0x03030303, true);
          break;
        case 149: // stdw_checked
          a = (R[d]! + code[pc + 3]!) | 0;
          if (
            (R[d + 1]! |
              ((view.getInt32(a + delta, true) & view.getInt32(a + delta + 4, true) & 0x02020202) ^ 0x02020202)) !==
            0
          )
            throw noAccess;
          view.setInt32(a + 4, code[pc + 5]!, true);
          view.setInt32(a, code[pc + 4]!, true);
          view.setInt32(a + delta, 0x03030303, true);
          view.setInt32(a + delta + 4, 0x03030303, true);
          break;

        // Atomics: W4 is the operation, W5 says whether access is checked.
        case 150: // atomic32
          frames.atomic32(pc);
          break;
        case 151: // atomic64
          frames.atomic64(pc);
          break;

        // Calls.
        case 152: // call_local
          if (budget < fuelFloor) throw outOfFuel;
          pc = frames.call(pc);
          continue;
        case 153: // call_helper
          helpers[code[pc + 4]!]!(R);
          break;
        case 154: // call_iterator
          if (budget < fuelFloor) throw outOfFuel;
          pc = frames.beginIterator(pc);
          continue;
        case 155: // tail_call
          if (budget < fuelFloor) throw outOfFuel;
          pc = frames.tailCall(pc);
          continue;
        case 156: // exit
          pc = frames.leave(budget);
          if (pc < 0) return 'exit';
          continue;
        case 157: // ld_packet
          if (!frames.loadPacket(pc)) {
            pc = frames.leave(budget);
            if (pc < 0) return 'exit';
            continue;
          }
          break;
        case 158: // trap
          return raiseTrap(memory, must(TRAPS[code[pc + 4]! - 1], 'a trap').name, code[pc + 3]);
        case 159: // callx
          if (budget < fuelFloor) throw outOfFuel;
          pc = frames.callRegister(pc);
          continue;
        case 160: // fall_off
          // Behind the last instruction of a function; no instruction of the program.
          budget++;
          return raiseTrap(memory, 'fall-off');
        case 161: // count_block
          // In front of the first instruction of a block; no instruction of the program.
          budget++;
          a = code[pc + 3]!;
          lo = (i32[a]! + 1) | 0;
          i32[a] = lo;
          if (lo === 0) i32[a + 1] = i32[a + 1]! + 1;
          break;
        case 162: // lower
          // A function that was never entered before; no instruction of the program.
          budget++;
          frames.lower(code[pc + 6]!);
          continue;
      }
      pc += INSN_WORDS;
    }
    budget = 0;
    return 'paused';
  } finally {
    frames.pc = pc;
    frames.budget = budget;
  }
}
