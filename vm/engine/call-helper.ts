/**
 * From the row of a helper or kfunc to a call: which register words it takes, what its memory arguments must be allowed, how r0 is widened.
 * Shared by the engines, so that they cannot disagree.
 */
import { LoadError } from '../errors.js';
import { raiseTrap, WRITE_ACCESS } from '../memory/raise.js';
import { cells } from '../memory/cells.js';
import { READ, READ_WRITE, WRITE } from '../memory/shadow.js';
import type { Rights } from '../memory/shadow.js';
import type { HelperFn } from '../helpers/helper.js';
import type { Machine } from '../machine/machine.js';
import type { ArgKind, CallRow, RetKind } from '../spec/helper-row.js';

/** Word offsets in a register file of int32 pairs, in the order in which the helper takes its words. */
export function wordsOf(row: CallRow): readonly number[] {
  return remembered(WORDS, row, makeWords);
}

const WORDS = new Map<CallRow, readonly number[]>();
const MEMORY_ARGS = new Map<CallRow, readonly MemoryArg[]>();

/** What was made of a row before; there are few rows, and many calls. */
function remembered<T>(known: Map<CallRow, T>, row: CallRow, make: (row: CallRow) => T): T {
  let made = known.get(row);
  if (made === undefined) known.set(row, (made = make(row)));
  return made;
}

function makeWords(row: CallRow): readonly number[] {
  return row.args.flatMap((kind, index) => {
    const register = 2 * (index + 1);
    return kind === 'u64' ? [register, register + 1] : [register];
  });
}

/** An argument that points to memory, by the word offset of its register. */
export interface MemoryArg {
  readonly register: number;
  readonly rights: Rights;
  readonly nullable: boolean;
  /** Bytes, or where they come from. */
  readonly size:
    | number
    | { readonly register: number; readonly mayLack?: true }
    | { readonly map: 'key' | 'value'; readonly register: number };
}

/** Objects of the kernel's that programs only have room for. */
const OBJECTS: Partial<Record<ArgKind, Pick<MemoryArg, 'rights' | 'size'>>> = {
  dynptr: { rights: READ_WRITE, size: 16 },
  'dynptr:new': { rights: WRITE, size: 16 },
  iter: { rights: READ_WRITE, size: 8 },
  'iter:new': { rights: WRITE, size: 8 },
  'spin-lock': { rights: READ_WRITE, size: 4 },
  timer: { rights: READ_WRITE, size: 16 },
};

function rightsOf(letters: string): Rights {
  return letters === 'r' ? READ : letters === 'w' ? WRITE : READ_WRITE;
}

/** The memory arguments of a helper, in their order. */
export function memoryArgs(row: CallRow): readonly MemoryArg[] {
  return remembered(MEMORY_ARGS, row, makeMemoryArgs);
}

function makeMemoryArgs(row: CallRow): readonly MemoryArg[] {
  const mapRegister = 2 * (row.args.indexOf('map') + 1);
  return row.args.flatMap((kind: ArgKind, index): MemoryArg[] => {
    const register = 2 * (index + 1);
    const base = { register, nullable: false };
    if (kind === 'key') return [{ ...base, rights: READ, size: { map: 'key', register: mapRegister } }];
    if (kind === 'value') return [{ ...base, rights: READ, size: { map: 'value', register: mapRegister } }];
    if (kind === 'value?') {
      return [{ ...base, nullable: true, rights: READ, size: { map: 'value', register: mapRegister } }];
    }
    if (kind === 'out-value') return [{ ...base, rights: WRITE, size: { map: 'value', register: mapRegister } }];
    if (kind === 'buffer?')
      return [{ ...base, rights: WRITE, nullable: true, size: { register: register + 2, mayLack: true } }];
    const object = OBJECTS[kind];
    if (object !== undefined) return [{ ...base, ...object }];
    const match = /^mem(\??):(rw|r|w)(\d*)$/.exec(kind);
    if (match === null) return [];
    const [, question = '', letters = '', fixed = ''] = match;
    const size = fixed === '' ? { register: register + 2 } : Number(fixed);
    return [{ register, nullable: question === '?', rights: rightsOf(letters), size }];
  });
}

/** Register file of int32 pairs: word 2n is the low word of rn. */
export type Registers = Int32Array;

/** Checks the arguments of one helper against the shadow, and traps. */
export function makeArgCheck(row: CallRow, machine: Machine): ((regs: Registers) => void) | undefined {
  const args = memoryArgs(row);
  if (args.length === 0) return undefined;
  const { memory, shadow, maps } = machine;
  return (regs) => {
    for (const { register, rights, nullable, size } of args) {
      const lo = regs[register]!;
      const hi = regs[register + 1]!;
      // NULL stands for nothing: no bytes, where a size is given beside it.
      if (nullable && (lo | hi) === 0 && (typeof size === 'number' || 'map' in size || 'mayLack' in size)) continue;
      let bytes = 0;
      if (typeof size === 'number') bytes = size;
      else if ('map' in size) {
        const spec = maps.spec(regs[size.register]!);
        bytes = size.map === 'key' ? spec.keyBytes : spec.valueBytes;
      } else {
        bytes = regs[size.register + 1] === 0 ? regs[size.register]! >>> 0 : 0x7fff_ffff;
      }
      if (hi !== 0 || !shadow.allows(lo, bytes, rights)) {
        const access = bytes + ((rights & WRITE) === 0 ? 0 : WRITE_ACCESS);
        raiseTrap(memory, 'memory', lo, hi, access);
      }
      // What a helper fills in counts as written from here on.
      if (rights === WRITE) shadow.mark(lo, bytes, READ_WRITE);
    }
  };
}

function widen(ret: RetKind): 'sign' | 'zero' | 'cell' {
  return ret === 'int' ? 'sign' : ret === 'u64' ? 'cell' : 'zero';
}

/** Adapts a bound helper to registers: takes its words from r1-r5, puts its result into r0. */
export function makeCall(row: CallRow, fn: HelperFn, machine: Machine, checked: boolean): (regs: Registers) => void {
  const words = wordsOf(row);
  const check = checked ? makeArgCheck(row, machine) : undefined;
  const { memory } = machine;
  const kind = widen(row.ret);
  const isVoid = row.ret === 'void';
  const invoke = invoker(words, fn);
  return (regs) => {
    if (check !== undefined) check(regs);
    const lo = invoke(regs);
    regs[0] = isVoid ? 0 : lo;
    regs[1] = kind === 'zero' || isVoid ? 0 : kind === 'sign' ? lo >> 31 : memory.word(cells.retHi);
  };
}

/** One closure per number of words: a spread call would allocate. */
function invoker(words: readonly number[], fn: HelperFn): (r: Registers) => number {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = words;
  switch (words.length) {
    case 0:
      return () => fn();
    case 1:
      return (r) => fn(r[a]!);
    case 2:
      return (r) => fn(r[a]!, r[b]!);
    case 3:
      return (r) => fn(r[a]!, r[b]!, r[c]!);
    case 4:
      return (r) => fn(r[a]!, r[b]!, r[c]!, r[d]!);
    case 5:
      return (r) => fn(r[a]!, r[b]!, r[c]!, r[d]!, r[e]!);
    case 6:
      return (r) => fn(r[a]!, r[b]!, r[c]!, r[d]!, r[e]!, r[f]!);
    case 7:
      return (r) => fn(r[a]!, r[b]!, r[c]!, r[d]!, r[e]!, r[f]!, r[g]!);
    case 8:
      return (r) => fn(r[a]!, r[b]!, r[c]!, r[d]!, r[e]!, r[f]!, r[g]!, r[h]!);
    default:
      throw new LoadError('load-unsupported', `a helper with ${String(words.length)} argument words`);
  }
}
