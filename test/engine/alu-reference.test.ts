/** Random operands for every ALU and conditional jump row, on each engine, against BigInt. A failure prints fast-check's seed. */
import fc from 'fast-check';
import t from 'tap';
import type { Engine } from '../../vm/engine/engine.js';
import { NO_CHECKS } from '../../vm/engine/engine.js';
import { interp } from '../../vm/engine/interp/interp.js';
import { wasm } from '../../vm/engine/wasm/wasm.js';
import { INSNS } from '../../vm/spec/insns.js';
import type { InsnName, InsnRow } from '../../vm/spec/insns.js';
import { makeBench } from '../contract/bench.js';
import { referenceOf } from './bigint-reference.js';

const ENGINES: readonly Engine[] = [interp, wasm];
const M64 = 0xffff_ffff_ffff_ffffn;
const PAIRS = 300;
const IMMEDIATES = 12;

const EDGES = [
  0n,
  1n,
  2n,
  31n,
  32n,
  63n,
  64n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  1n << 63n,
  M64,
];
const operand = fc.oneof(
  fc.constantFrom(...EDGES),
  fc.tuple(fc.bigInt(0n, M64), fc.integer({ min: 0, max: 63 })).map(([value, by]) => value >> BigInt(by)),
  fc.integer().map((value) => BigInt.asUintN(64, BigInt(value))),
);
const immediate = fc.oneof(fc.constantFrom(0, 1, -1, 31, 0x7fff_ffff, -0x8000_0000), fc.integer());

/** r0 = the row on a (in r0) and b (in r1 or the immediate); of a jump, whether it was taken. */
function textFor(row: InsnRow, imm: number): string {
  const insn = row.text
    .replace(/\{w?dst\}/g, (hole) => (hole === '{dst}' ? 'r2' : 'w2'))
    .replace(/\{w?src\}/g, (hole) => (hole === '{src}' ? 'r3' : 'w3'))
    .replace('{imm}', String(imm))
    .replace('{jump}', '+1');
  const load = 'r2 = *(u64 *)(r1 + 0)\nr3 = *(u64 *)(r1 + 8)\n';
  if (row.operands.includes('jump16')) return `${load}r0 = 1\n${insn}\nr0 = 0\nexit`;
  return `${load}${insn}\nr0 = r2\nexit`;
}

/** Runs a row with one immediate on any number of operand pairs. */
function evaluator(engine: Engine, row: InsnRow, imm: number): (a: bigint, b: bigint) => bigint {
  const { machine, runner } = makeBench(textFor(row, imm), { engine, checks: NO_CHECKS });
  machine.packet.receive(new Uint8Array(16));
  const { data } = machine.packet;
  return (a, b) => {
    machine.memory.view.setBigUint64(data, a, true);
    machine.memory.view.setBigUint64(data + 8, b, true);
    runner.run(0, data, 16);
    const outcome = runner.outcome();
    if (outcome.kind === 'trap') throw new Error(outcome.trap.message);
    return outcome.r0;
  };
}

/** Fits an immediate to what the wire allows: shifts by less than the width are all that a compiler emits. */
function immediateFor(name: string, value: number): number {
  const width = /^(?:lsh|rsh|arsh)(32|64)/.exec(name)?.[1];
  return width === undefined ? value : value & (Number(width) - 1);
}

const tested: string[] = [];

for (const engine of ENGINES) {
  t.test(engine.name, (t) => {
    for (const row of INSNS) {
      const reference = referenceOf(row.name);
      if (reference === undefined) continue;
      tested.push(row.name);
      const check = (run: (a: bigint, b: bigint) => bigint, a: bigint, b: bigint): void => {
        const found = run(a, b);
        const wanted = reference(a, b);
        if (found !== wanted) {
          const operands = `a = 0x${a.toString(16)}, b = 0x${b.toString(16)}`;
          throw new Error(`${row.name}, ${operands}: 0x${found.toString(16)}, not 0x${wanted.toString(16)}`);
        }
      };
      t.doesNotThrow(() => {
        if (row.name.endsWith('_k')) {
          const samples = fc.tuple(immediate, fc.array(operand, { minLength: 25, maxLength: 25 }));
          const property = fc.property(samples, ([value, operands]) => {
            const imm = immediateFor(row.name, value);
            const run = evaluator(engine, row, imm);
            for (const a of operands) check(run, a, BigInt.asUintN(64, BigInt(imm)));
          });
          fc.assert(property, { numRuns: IMMEDIATES });
        } else {
          const run = evaluator(engine, row, 0);
          for (const a of EDGES) for (const b of EDGES) check(run, a, b);
          fc.assert(
            fc.property(operand, operand, (a, b) => {
              check(run, a, b);
            }),
            { numRuns: PAIRS },
          );
        }
      }, row.name);
    }
    t.end();
  });
}

t.test('no row is left out', (t) => {
  const families = /^(add|sub|mul|s?div|s?mod|or|and|xor|lsh|rsh|arsh|mov|movsx|neg|le|be|bswap|j\w\w+)\d/;
  const rows = INSNS.map(({ name }) => name).filter((name) => families.test(name));
  t.strictSame(new Set(tested), new Set<InsnName>(rows));
  t.ok(rows.length > 100);
  t.end();
});
