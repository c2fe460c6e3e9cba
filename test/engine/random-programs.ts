/**
 * Random programs for comparing engines: several functions of any instructions, with jumps anywhere, calls, callbacks and tail
 * calls. Each function sets all registers first, and again after a call what the call leaves undefined; apart from that they
 * are as wild as fast-check makes them. Knows no engine.
 */
import fc from 'fast-check';
import { encode } from '../../vm/isa/encode.js';
import { type Insn, isWide } from '../../vm/isa/insn.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import type { ObjectSpec } from '../../vm/object/object-spec.js';
import { INSNS, type InsnName, type InsnRow } from '../../vm/spec/insns.js';
import { mapSpec } from '../contract/bench.js';
import { PROG_ARRAY } from './compare-engines.js';

const MAPS = [
  mapSpec({ name: 'values', type: 'array', valueBytes: 64, maxEntries: 4 }),
  mapSpec({ name: 'progs', type: 'prog_array', valueBytes: 4, maxEntries: 4 }),
  mapSpec({ name: 'table', type: 'hash', valueBytes: 16, maxEntries: 3 }),
];

/** Jumps and calls by number, taken modulo what there is; a jump's is negative where it may only lead on. */
interface Draft extends Partial<Insn> {
  readonly name: InsnName;
  readonly target?: number;
  readonly callee?: number;
}

const rows: readonly InsnRow<InsnName>[] = INSNS;
const arithmetic = rows.filter(({ op, operands }) => [4, 7].includes(op & 7) && operands.length > 0 && op !== 0x8d);
const jumps = rows.filter(({ operands }) => operands.includes('jump16') || operands.includes('jump32'));
const memory = rows.filter(({ op, operands }) => [1, 2, 3].includes(op & 7) && operands.includes('off'));

function fields(row: InsnRow<InsnName>): Partial<Insn> {
  return {
    ...(row.src === undefined ? {} : { src: row.src }),
    ...(row.off === undefined ? {} : { off: row.off }),
    ...(row.imm === undefined ? {} : { imm: row.imm }),
  };
}

const edges = [0, 1, -1, 2, 31, 32, 33, 63, 64, 0xff, 0x7fff, -0x8000, 0x7fffffff, -0x80000000];
const anyImm = fc.oneof(fc.constantFrom(...edges), fc.integer());
const scalar = fc.integer({ min: 0, max: 5 });
/** Where checks catch what comes of it: mostly the registers that hold no pointer, now and then any, r10 included. */
const target = fc.oneof({ weight: 20, arbitrary: scalar }, { weight: 1, arbitrary: fc.integer({ min: 6, max: 10 }) });
const source = fc.oneof({ weight: 4, arbitrary: scalar }, { weight: 1, arbitrary: fc.integer({ min: 6, max: 10 }) });

function uses(row: InsnRow<InsnName>, field: string): boolean {
  return row.operands.some((operand) => operand.startsWith(field));
}

const anyArithmetic = (checked: boolean): fc.Arbitrary<Draft[]> =>
  fc
    .record({ row: fc.constantFrom(...arithmetic), dst: checked ? target : scalar, src: source, imm: anyImm })
    .map(({ row, dst, src, imm }): Draft[] => [
      {
        name: row.name,
        dst: uses(row, 'dst') ? dst : 0,
        src: uses(row, 'src') ? src : 0,
        imm: uses(row, 'imm') ? imm : 0,
        ...fields(row),
      },
    ]);

function anyJump(forward: boolean): fc.Arbitrary<Draft[]> {
  return fc
    .record({ row: fc.constantFrom(...jumps), dst: source, src: source, imm: anyImm, target: fc.nat(1000) })
    .map(({ row, dst, src, imm, target }): Draft[] => [
      {
        name: row.name,
        dst: uses(row, 'dst') ? dst : 0,
        src: uses(row, 'src') ? src : 0,
        imm: uses(row, 'imm') ? imm : 0,
        target: forward ? -1 - target : target,
        ...fields(row),
      },
    ]);
}

/** An access relative to a pointer; where rights are checked, also relative to anything. */
function anyAccess(checked: boolean): fc.Arbitrary<Draft[]> {
  const pointer = fc.integer({ min: 7, max: 10 });
  const base = checked ? fc.oneof({ weight: 8, arbitrary: pointer }, { weight: 1, arbitrary: scalar }) : pointer;
  const off = checked
    ? fc.oneof(fc.integer({ min: -80, max: 80 }), fc.integer({ min: -520, max: 8 }), fc.constantFrom(-0x8000, 0x7fff))
    : fc.integer({ min: -64, max: -8 });
  return fc
    .record({ row: fc.constantFrom(...memory), base, value: checked ? target : scalar, off, imm: anyImm })
    .map(({ row, base, value, off, imm }): Draft[] => {
      // Loads have their base in src, everything else in dst.
      const loads = row.operands.includes('dst:w');
      const aligned = checked ? off : off & ~7;
      return [
        {
          name: row.name,
          dst: loads ? value : base,
          src: loads ? base : uses(row, 'src') ? value : 0,
          off: aligned,
          imm: uses(row, 'imm') ? imm : 0,
          ...fields(row),
        },
      ];
    });
}

/** Beyond the memory, whatever its size; unchecked not with an offset that leads back into it, where engines differ. */
const wildAccess = (checked: boolean): fc.Arbitrary<Draft[]> =>
  fc
    .record({
      row: fc.constantFrom(...memory),
      lo: fc.constantFrom(0x7fff_fff0, -1, -16, -0x8000_0000, 0x7fff_ffff),
      hi: fc.constantFrom(0, 0, -1, 1),
      off: checked ? fc.constantFrom(0, 8, -8) : fc.constantFrom(0, -8),
    })
    .map(({ row, lo, hi, off }): Draft[] => {
      const loads = row.operands.includes('dst:w');
      return [
        { name: 'lddw', dst: 4, imm: lo, immHi: hi },
        { name: row.name, dst: loads ? 3 : 4, src: loads ? 4 : uses(row, 'src') ? 3 : 0, off, imm: 0, ...fields(row) },
      ];
    });

const mov = (dst: number, imm: number): Draft => ({ name: 'mov64_k', dst, imm });
const copy = (dst: number, src: number): Draft => ({ name: 'mov64_x', dst, src });
const add = (dst: number, imm: number): Draft => ({ name: 'add64_k', dst, imm });
const map = (dst: number, imm: number): Draft => ({ name: 'ld_map_fd', dst, src: 1, imm });
const helper = (imm: number): Draft => ({ name: 'call_helper', imm });
/** What a call leaves undefined. */
const afterCall: readonly Draft[] = [1, 2, 3, 4, 5].map((dst) => mov(dst, dst));
const small = fc.integer({ min: 0, max: 4 });

const anyLookup = fc
  .record({ which: fc.constantFrom(0, 2), key: small, id: fc.constantFrom(1, 2, 3) })
  .map(({ which, key, id }): Draft[] => [
    { name: 'stw', dst: 10, off: -8, imm: key },
    map(1, which),
    copy(2, 10),
    add(2, -8),
    copy(3, 10),
    add(3, -128),
    mov(4, 0),
    helper(id),
  ]);
const worldHelper = fc.constantFrom(5, 7, 8).map((id): Draft[] => [helper(id)]);
/** Any helper with whatever the registers hold. */
const wildHelper = fc
  .constantFrom(1, 2, 3, 6, 12, 25, 28, 44, 54, 65, 130, 131, 132, 133, 164, 181, 23, 9999)
  .map((id): Draft[] => [helper(id), ...afterCall]);
const localCall = fc.nat(30).map((callee): Draft[] => [{ name: 'call_local', src: 1, callee }, ...afterCall]);
const callback = fc

  .record({ callee: fc.nat(30), rounds: small, id: fc.constantFrom(181, 164) })
  .map(({ callee, rounds, id }): Draft[] => [
    id === 181 ? mov(1, rounds) : map(1, rounds % 2 === 0 ? 0 : 2),
    { name: 'ld_func', dst: 2, src: 4, callee },
    mov(3, 7),
    mov(4, 0),
    helper(id),
    ...afterCall,
  ]);
const tailCall = fc
  .record({ index: small, which: fc.constantFrom(...Array<number>(9).fill(PROG_ARRAY), 0) })
  .map(({ index, which }): Draft[] => [map(2, which), mov(3, index), helper(12), ...afterCall]);
const wide = fc
  .record({ dst: scalar, imm: anyImm, immHi: anyImm })
  .map(({ dst, imm, immHi }): Draft[] => [{ name: 'lddw', dst, imm, immHi }]);
const leave = fc.constant<Draft[]>([{ name: 'exit' }]);
const packetLoad = fc
  .record({
    row: fc.constantFrom(...rows.filter(({ group }) => group === 'packet')),
    imm: fc.constantFrom(0, 1, 13, 60, 61, 64, -1, 0x7fffffff),
    src: scalar,
  })
  .map(({ row, imm, src }): Draft[] => [{ name: row.name, imm, src: uses(row, 'src') ? src : 0 }]);

interface FunctionDraft {
  readonly steps: readonly (readonly Draft[])[];
  readonly values: readonly number[];
}

function anyFunction(checked: boolean): fc.Arbitrary<FunctionDraft> {
  const step = fc.oneof(
    { weight: 30, arbitrary: anyArithmetic(checked) },
    { weight: 14, arbitrary: anyAccess(checked) },
    { weight: 14, arbitrary: anyJump(!checked) },
    { weight: 3, arbitrary: wide },
    { weight: 3, arbitrary: anyLookup },
    { weight: 3, arbitrary: worldHelper },
    { weight: 3, arbitrary: localCall },
    { weight: 3, arbitrary: callback },
    { weight: 2, arbitrary: tailCall },
    { weight: 2, arbitrary: packetLoad },
    { weight: 1, arbitrary: leave },
    { weight: 1, arbitrary: wildAccess(checked) },
    { weight: checked ? 2 : 0, arbitrary: wildHelper },
  );
  return fc.record({
    steps: fc.array(step, { maxLength: 40, size: 'max' }),
    values: fc.array(anyImm, { minLength: 6, maxLength: 6 }),
  });
}

/** r0-r5 scalars; r6 what came in r1; r7 a map's value; r8, r9 into the stack. */
function prologue(values: readonly number[]): Draft[] {
  return [
    copy(6, 1),
    { name: 'ld_map_value', dst: 7, src: 2, imm: 0, immHi: 64 },
    copy(8, 10),
    add(8, -64),
    copy(9, 10),
    add(9, -256),
    ...values.map((imm, dst) => mov(dst, imm)),
  ];
}

/** Puts every register where it can be compared. */
const LAST: readonly Draft[] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((src): Draft => ({ name: 'stxdw', dst: 10, src, off: -400 - 8 * src })),
  { name: 'exit' },
];

/** Where the jump at index `at` leads: anywhere, or on to the start of one of the next steps. */
function aim(jump: number, at: number, count: number, steps: readonly number[]): number {
  if (jump >= 0) return jump % count;
  const ahead = steps.filter((step) => step > at).slice(0, 8);
  return ahead[-jump % ahead.length] ?? count - 1;
}

function link(functions: readonly FunctionDraft[]): ObjectSpec {
  const lists = functions.map(({ steps, values }) => [...prologue(values), ...steps.flat(), ...LAST]);
  const pcs: number[][] = [];
  let pc = 0;
  for (const list of lists) {
    const own: number[] = [];
    for (const { name } of list) {
      own.push(pc);
      pc += isWide(name) ? 2 : 1;
    }
    pcs.push(own);
  }
  const insns = lists.flatMap((list, func) => {
    const own = pcs[func] ?? [];
    const steps: number[] = [];
    let next = list.length - LAST.length - (functions[func]?.steps.flat().length ?? 0);
    for (const step of functions[func]?.steps ?? []) {
      steps.push(next);
      next += step.length;
    }
    steps.push(list.length - LAST.length);
    return list.map(({ callee, target, ...draft }, at): Insn => {
      const here = own[at] ?? 0;
      const insn = { dst: 0, src: 0, off: 0, imm: 0, immHi: 0, ...draft, pc: here };
      if (callee !== undefined) {
        // A function behind it, or (seldom) itself, until the call depth stops it.
        const to = callee === 0 ? func : Math.min(func + 1 + (callee % 2), pcs.length - 1);
        return { ...insn, imm: (pcs[to]?.[0] ?? 0) - here - 1 };
      }
      if (target === undefined) return insn;
      const distance = (own[aim(target, at, list.length, steps)] ?? 0) - here - 1;
      return insn.name === 'gotol' ? { ...insn, imm: distance } : { ...insn, off: distance };
    });
  });
  return objectFromInsns(encode(insns), { maps: MAPS });
}

/** What can be called from everywhere. */
const LEAF: FunctionDraft = { steps: [], values: [0, 1, 2, 3, 4, 5] };

/**
 * Objects of two to four functions.
 * @param checked with jumps back and accesses anywhere, as only fuel and memory checks make bearable
 */
export function anyObject(checked: boolean): fc.Arbitrary<ObjectSpec> {
  return fc.array(anyFunction(checked), { minLength: 1, maxLength: 3 }).map((functions) => link([...functions, LEAF]));
}
