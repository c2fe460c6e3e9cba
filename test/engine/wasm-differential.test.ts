/** Random programs on both engines: the outcome to the letter, memory and rights to the byte. */
import fc from 'fast-check';
import t from 'tap';
import type { FunctionSpec } from '../../vm/object/object-spec.js';
import { ALL_CHECKS } from '../../vm/engine/engine.js';
import { CHECK_MODES } from '../contract/check-modes.js';
import { compareEngines } from './compare-engines.js';
import { anyObject } from './random-programs.js';

function listing({ name, insns }: FunctionSpec): string {
  const lines = insns.map(({ pc, name, dst, src, off, imm }) => `${pc}: ${name} r${dst} r${src} ${off} ${imm}`);
  return [`${name}:`, ...lines].join('\n');
}

const seed = Number(process.env.SEED ?? Date.now() | 0);
const numRuns = Number(process.env.RUNS ?? 250);

/** Counts of blocks are memory, so that they are compared. */
const COUNTING = { name: 'counters', checks: { ...ALL_CHECKS, counters: true } };

for (const { name, checks } of [...CHECK_MODES, COUNTING]) {
  t.test(`random programs, ${name}`, (t) => {
    t.comment(`seed ${seed}`);
    const kinds = new Map<string, number>();
    const wild = checks.fuel && checks.memory;
    const result = fc.check(
      fc.property(anyObject(wild), (object) => {
        const { outcome, difference } = compareEngines(object, checks);
        const kind = outcome.replace(/^r0.*/, 'exit').replace(/ at .*/, '');
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        if (difference !== undefined) throw new Error(difference);
      }),
      { seed, numRuns },
    );
    t.comment([...kinds].map(([kind, count]) => `${kind} ${count}`).join(', '));
    const { message } = (result.errorInstance ?? {}) as Partial<Error>;
    t.equal(message, undefined, `no difference (path ${result.counterexamplePath ?? 'none'})`);
    for (const func of result.counterexample?.[0].functions ?? []) t.comment(listing(func));
    t.ok((kinds.get('exit') ?? 0) > numRuns / 20, 'enough of them exit');
    t.end();
  });
}
