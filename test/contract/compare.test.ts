/** Every case of the contract on every engine: the same outcome, and the same memory behind it. */
import t from 'tap';
import type { Engine } from '../../vm/engine/engine.js';
import { interp } from '../../vm/engine/interp/interp.js';
import { wasm, wasmEngine } from '../../vm/engine/wasm/wasm.js';
import { cells, CELLS_END } from '../../vm/memory/cells.js';
import { CASE_MAPS } from './bench.js';
import type { Bench } from './bench.js';
import { readCases } from './case-file.js';
import { CHECK_MODES } from './check-modes.js';
import { describeOutcome, needsChecks, tryBench } from './data-cases.js';
import { applies, benchFor, PROGRAMS } from './run-programs.js';

const OTHERS: readonly (readonly [name: string, engine: Engine])[] = [
  ['wasm', wasm],
  ['wasm with dispatch loops', wasmEngine({ control: 'dispatch' })],
  ['wasm with a trampoline', wasmEngine({ tailCalls: false })],
];

/** Cells that are an engine's own business. */
const PRIVATE: ReadonlySet<string> = new Set<keyof typeof cells>(['resume', 'retHi']);

interface Result {
  readonly outcome: string;
  readonly cells: Readonly<Record<string, number>>;
  readonly guest: Uint8Array;
  readonly shadow: Uint8Array;
}

function resultOf({ machine, runner }: Bench): Result {
  const { memory, layout, shadow } = machine;
  const names = Object.entries(cells).filter(([name]) => !PRIVATE.has(name));
  const outcome = runner.outcome();
  return {
    outcome: describeOutcome(outcome),
    // Nobody reads r0 after a trap, nor the details of a trap where there was none.
    cells: Object.fromEntries(
      names
        .filter(([name]) => (outcome.kind === 'exit' ? !/^trap[A-Z]/.test(name) : name !== 'r0'))
        .map(([name, at]) => [name, memory.word(at)]),
    ),
    guest: memory.read(CELLS_END, layout.end - CELLS_END),
    shadow: shadow.delta === 0 ? new Uint8Array() : memory.read(CELLS_END + shadow.delta, layout.end - CELLS_END),
  };
}

/** First difference in words, or undefined. */
function difference(a: Result, b: Result): string | undefined {
  if (a.outcome !== b.outcome) return `${a.outcome} / ${b.outcome}`;
  for (const [name, value] of Object.entries(a.cells)) {
    if (b.cells[name] !== value) return `cell ${name}: ${String(value)} / ${String(b.cells[name])}`;
  }
  for (const what of ['guest', 'shadow'] as const) {
    if (Buffer.compare(a[what], b[what]) === 0) continue;
    const at = a[what].findIndex((byte, i) => byte !== b[what][i]);
    return `${what} at ${String(CELLS_END + at)}: ${String(a[what][at])} / ${String(b[what][at])}`;
  }
  return undefined;
}

interface Subject {
  readonly name: string;
  /** Runs on a fresh machine; undefined where the engine does not cover it. */
  run(engine: Engine): Result | undefined;
}

function subjectsOf(mode: (typeof CHECK_MODES)[number]): readonly Subject[] {
  const programs = PROGRAMS.filter((each) => applies(each, mode)).map((each) => ({
    name: each.name,
    run: (engine: Engine): Result | undefined => {
      const bench = benchFor(each, engine, mode);
      if (typeof bench === 'string') return undefined;
      bench.runXdp(each.packet);
      return resultOf(bench);
    },
  }));
  const cases = readCases()
    .filter((each) => mode.checks.memory || !needsChecks(each))
    .map((each) => ({
      name: each.name,
      run: (engine: Engine): Result | undefined => {
        const bench = tryBench(each.asm, { engine, checks: mode.checks, maps: CASE_MAPS });
        if (typeof bench === 'string') return undefined;
        bench.runOn(each.mem);
        return resultOf(bench);
      },
    }));
  return [...programs, ...cases];
}

for (const mode of CHECK_MODES) {
  t.test(mode.name, (t) => {
    const compared = new Map(OTHERS.map(([name]) => [name, 0]));
    for (const subject of subjectsOf(mode)) {
      const reference = subject.run(interp);
      if (reference === undefined) throw new Error(`interp refuses ${subject.name}`);
      for (const [name, engine] of OTHERS) {
        const result = subject.run(engine);
        if (result === undefined) continue;
        const found = difference(reference, result);
        if (found !== undefined) t.fail(`${subject.name}: interp / ${name}: ${found}`);
        compared.set(name, (compared.get(name) ?? 0) + 1);
      }
    }
    for (const [name, count] of compared) t.ok(count > 500, `${name} agrees in ${String(count)} cases`);
    t.end();
  });
}
