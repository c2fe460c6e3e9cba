/** Blocks of written functions, and order and dominators of random graphs against the definitions. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { assemble } from '../../vm/asm/assemble.js';
import { decode } from '../../vm/isa/decode.js';
import { dominanceOf } from '../../vm/isa/dominators.js';
import { type Flow, flowOf } from '../../vm/isa/flow.js';
import type { Insn } from '../../vm/isa/insn.js';

function insnsOf(text: string): readonly Insn[] {
  const result = decode(assemble(text).bytes);
  if (!result.ok) throw new Error(result.fault.message);
  return result.insns;
}

/** `first-last` and where it leads: `>` on, `@` by a jump, `!` off the end. */
function describe({ blocks }: Flow): string[] {
  return blocks.map(({ first, last, next, taken, fallsOff }) =>
    [
      `${first}-${last}`,
      next === undefined ? '' : ` >${next}`,
      taken === undefined ? '' : ` @${taken}`,
      fallsOff ? ' !' : '',
    ].join(''),
  );
}

const CASES: readonly { readonly name: string; readonly text: string; readonly blocks: readonly string[] }[] = [
  { name: 'straight', text: 'r0 = 0\ncall 5\nexit', blocks: ['0-2'] },
  {
    name: 'a diamond',
    text: 'if r1 == 0 goto a\nr0 = 1\ngoto b\na: r0 = 2\nb: exit',
    blocks: ['0-0 >1 @2', '1-2 @3', '3-3 >3', '4-4'],
  },
  {
    name: 'a loop over a wide load',
    text: 'a: r1 = 5 ll\nr0 += 1\nif r0 < r1 goto a\nexit',
    blocks: ['0-2 >1 @0', '3-3'],
  },
  { name: 'a jump to what follows', text: 'if r1 == 0 goto +0\nexit', blocks: ['0-0 >1 @1', '1-1'] },
  {
    name: 'gotol and may_goto',
    text: 'gotol a\na: may_goto b\nr0 = 1\nb: exit',
    blocks: ['0-0 @1', '1-1 >2 @3', '2-2 >3', '3-3'],
  },
  { name: 'off the end', text: 'r0 = 0\nif r0 == 0 goto -2', blocks: ['0-1 @0 !'] },
  { name: 'what nothing reaches', text: 'exit\nr0 = 1\nexit', blocks: ['0-0', '1-2'] },
];

for (const { name, text, blocks } of CASES) {
  t.test(name, (t) => {
    t.strictSame(describe(flowOf(insnsOf(text))), blocks);
    t.end();
  });
}

t.test('no instructions at all', (t) => {
  t.strictSame(describe(flowOf([])), ['0--1 !']);
  t.end();
});

t.test('a jump to no instruction', (t) => {
  const cases: readonly (readonly [string, number])[] = [
    ['goto +1\nexit', 0],
    ['r0 = 0\nif r0 == 0 goto -3\nexit', 1],
    ['goto +1\nr1 = 5 ll\nexit', 0],
  ];
  for (const [text, pc] of cases) {
    t.throws(() => flowOf(insnsOf(text), 'f'), { code: 'load-insn', data: { pc }, where: { func: 'f', pc } }, text);
  }
  t.end();
});

type Successors = number[][];

const anyGraph: fc.Arbitrary<Successors> = fc.integer({ min: 1, max: 14 }).chain((count) =>
  fc.array(fc.uniqueArray(fc.nat(count - 1), { minLength: 1, maxLength: 2, size: 'max' }), {
    minLength: count,
    maxLength: count,
  }),
);

function reachable(graph: Successors, from: number, without = -1): Set<number> {
  const seen = new Set(from === without ? [] : [from]);
  for (const node of seen) for (const to of graph[node] ?? []) if (to !== without) seen.add(to);
  return seen;
}

/** Whether repeatedly merging a node into its only predecessor leaves one node (Hecht and Ullman's T1 and T2). */
function collapses(graph: Successors): boolean {
  const live = reachable(graph, 0);
  const into = new Map([...live].map((node) => [node, new Set<number>()]));
  for (const node of live) for (const to of graph[node] ?? []) if (to !== node) into.get(to)?.add(node);
  for (let changed = true; changed;) {
    changed = false;
    for (const [node, from] of into) {
      const [only] = from;
      if (node === 0 || from.size !== 1 || only === undefined) continue;
      into.delete(node);
      for (const [other, others] of into) if (others.delete(node) && other !== only) others.add(only);
      changed = true;
    }
  }
  return into.size === 1;
}

t.test('random graphs', (t) => {
  const seed = Date.now() | 0;
  t.comment(`seed ${seed}`);
  const seen = { reducible: 0, irreducible: 0 };
  fc.assert(
    fc.property(anyGraph, (graph) => {
      const { order, position, dominator, reducible } = dominanceOf(graph);
      const live = reachable(graph, 0);
      assert.equal(order[0], 0);
      assert.deepEqual(new Set(order), live);
      for (const [node] of graph.entries()) {
        if (!live.has(node)) {
          assert.equal(position[node], -1);
          assert.equal(dominator[node], -1);
          continue;
        }
        assert.equal(order[position[node] ?? -1], node);
        // A node dominates another if that cannot be reached without it; the closest is dominated by all others.
        const above = [...live].filter((other) => other !== node && !reachable(graph, 0, other).has(node));
        const closest = above.find((each) =>
          above.every((other) => other === each || !reachable(graph, 0, other).has(each)),
        );
        assert.equal(dominator[node], closest ?? -1);
        // Reverse postorder: an edge leads back only within a cycle.
        for (const to of graph[node] ?? []) {
          const back = (position[to] ?? 0) <= (position[node] ?? 0);
          if (back) assert.ok(reachable(graph, to).has(node));
        }
      }
      assert.equal(reducible, collapses(graph));
      seen[reducible ? 'reducible' : 'irreducible']++;
    }),
    { seed, numRuns: 300 },
  );
  t.ok(seen.reducible > 20 && seen.irreducible > 20, JSON.stringify(seen));
  t.end();
});

t.test('graphs as large as objects may make them take no long time and no deep stack', (t) => {
  const count = 200_000;
  const chain = Array.from({ length: count }, (_, node) => (node + 1 < count ? [node + 1, count - 1] : []));
  const { dominator, reducible } = dominanceOf(chain.map((to) => [...new Set(to)]));
  t.ok(reducible);
  t.equal(dominator[count - 1], 0, 'the shared exit');
  t.equal(dominator[count - 2], count - 3);
  const back = Array.from({ length: count }, (_, node) => [Math.max(0, node - 1), Math.min(count - 1, node + 1)]);
  const found = dominanceOf(back.map((to) => [...new Set(to)]));
  t.ok(found.reducible);
  t.equal(found.dominator[count - 1], count - 2);
  t.end();
});
