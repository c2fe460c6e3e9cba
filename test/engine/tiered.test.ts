/** When a program goes over from one engine to the other, that nothing else tells of it, and modules that meet at run time. */
import t from 'tap';
import { ALL_CHECKS, NO_CHECKS } from '../../vm/engine/engine.js';
import type { Engine } from '../../vm/engine/engine.js';
import { interp } from '../../vm/engine/interp/interp.js';
import { mayRunLong } from '../../vm/engine/may-run-long.js';
import { tiered } from '../../vm/engine/tiered.js';
import { wasm, wasmEngine } from '../../vm/engine/wasm/wasm.js';
import { makeBench, mapSpec } from '../contract/bench.js';

/** An engine that counts its runs. */
function counting(engine: Engine): Engine & { runs: number } {
  const counted = {
    name: engine.name,
    runs: 0,
    compile: (...[object, layout, checks]: Parameters<Engine['compile']>) => ({
      bind: (...args: Parameters<ReturnType<Engine['compile']>['bind']>) => {
        const runner = engine.compile(object, layout, checks).bind(...args);
        return {
          run: (...input: Parameters<typeof runner.run>) => {
            counted.runs++;
            return runner.run(...input);
          },
          runBatch: (...input: Parameters<typeof runner.runBatch>) => {
            runner.runBatch(...input);
          },
          runCallback: (...input: Parameters<typeof runner.runCallback>) => runner.runCallback(...input),
          outcome: () => runner.outcome(),
        };
      },
    }),
  };
  return counted;
}

function tiers() {
  const cold = counting(interp);
  const hot = counting(wasm);
  return { cold, hot, engine: tiered({ cold, hot, check: () => undefined }) };
}

t.test('a program without loops is compiled once it has executed enough', (t) => {
  const { cold, hot, engine } = tiers();
  const text = `r0 = 1\n${'r0 += 1\n'.repeat(2000)}exit`;
  const bench = makeBench(text, { engine });
  const seen = new Set<string>();
  for (let i = 0; i < 400; i++) {
    const outcome = bench.runXdp();
    seen.add(outcome.kind === 'exit' ? `${String(outcome.r0)} after ${String(outcome.insns)}` : outcome.trap.message);
  }
  t.strictSame([...seen], ['2001 after 2002']);
  t.equal(cold.runs + hot.runs, 400);
  t.ok(cold.runs > 200 && cold.runs < 400, `${String(cold.runs)} runs before`);
  t.equal(engine.name, 'wasm');
  t.end();
});

t.test('traps on either side leave nothing behind for the other', (t) => {
  const { cold, hot, engine } = tiers();
  // Stops two frames deep, or reads where a frame was that is closed by then.
  const text = `if r2 == 0 goto deep\nr0 = *(u64 *)(r10 - 1024)\nexit\ndeep: call f\nexit\n${'r0 = 0\n'.repeat(900)}exit
f: *(u64 *)(r10 - 8) = 1\ncall g\nexit\ng: *(u64 *)(r10 - 8) = 1\nr1 = 0\nr0 = *(u64 *)(r1 + 0)\nexit`;
  const bench = makeBench(text, { engine });
  const { machine, runner } = bench;
  const seen = new Set<string>();
  const note = (): void => {
    const outcome = runner.outcome();
    seen.add(outcome.kind === 'exit' ? 'exit' : outcome.trap.message);
  };
  for (let i = 0; i < 100_000 && hot.runs < 20; i++) {
    runner.run(0, machine.layout.ctx, i & 1);
    note();
  }
  t.ok(cold.runs > 0 && hot.runs >= 20, `${String(cold.runs)}, then ${String(hot.runs)}`);
  t.equal(seen.size, 2, [...seen].join('; '));
  t.notOk(seen.has('exit'));
  t.end();
});

t.test('what may run long is compiled at once', (t) => {
  const cases: readonly (readonly [text: string, long: boolean])[] = [
    ['r0 = 0\nexit', false],
    ['r0 = 0\ngoto b\na: exit\nb: goto a', false],
    ['r0 = 5\na: r0 -= 1\nif r0 != 0 goto a\nexit', true],
    ['call f\nexit\nf: r0 = 5\na: r0 -= 1\nif r0 != 0 goto a\nexit', true],
    ['r1 = 2\nld_pseudo r2, 0x4, f\nr3 = 0\nr4 = 0\ncall loop\nexit\nf: r0 = 0\nexit', true],
  ];
  for (const [text, long] of cases) {
    const { cold, hot, engine } = tiers();
    const bench = makeBench(text, { engine });
    t.equal(mayRunLong(bench.object, 0), long, text);
    t.equal(bench.runXdp().kind, 'exit');
    t.strictSame([cold.runs, hot.runs], long ? [0, 1] : [1, 0]);
  }
  t.end();
});

/** The second function is in no module of the first's: a tail call leads to it. It calls back one that neither calls. */
const APART = `ld_pseudo r2, 0x1, 0x0\nr3 = 0\ncall tail_call\nr0 = 77\nexit
next: r1 = 3\nld_pseudo r2, 0x4, back\nr3 = r10\nr3 += -8\n*(u64 *)(r10 - 8) = 5\nr4 = 0\ncall loop\nr0 = *(u64 *)(r10 - 8)\nexit
back: r0 = *(u64 *)(r2 + 0)\nr0 += r1\n*(u64 *)(r2 + 0) = r0\nr0 = 0\nexit
last: call next\ncall last\nexit`;

t.test('modules meet where programs leave for others', (t) => {
  const maps = [mapSpec({ name: 'progs', type: 'prog_array', valueBytes: 4, maxEntries: 2 })];
  for (const checks of [ALL_CHECKS, NO_CHECKS]) {
    for (const engine of [interp, wasm, wasmEngine({ control: 'dispatch' }), wasmEngine({ tailCalls: false })]) {
      const bench = makeBench(APART, { engine, maps, checks });
      t.match(bench.runXdp(), { kind: 'exit', r0: 77n, insns: 5 }, 'nothing there');
      bench.map('progs').setProgram(0, bench.funcAt('next'));
      for (let i = 0; i < 2; i++) t.match(bench.runXdp(), { kind: 'exit', r0: 8n, insns: 27 }, engine.name);
    }
  }
  t.end();
});
