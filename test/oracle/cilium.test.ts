/**
 * Cilium's test objects against what Linux made of them: the same tests and subtests, the same outcomes, and each step's
 * return value. `SKEP_CILIUM_OBJECTS` names the folder of the objects, built elsewhere; `SKEP_ENGINE` chooses the engine.
 */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { must } from '../../vm/errors.js';
import { testObject } from '../../vm/testing/test-object.js';
import { foreignObjects, recordedFile } from './recorded.js';

interface Recorded {
  readonly objects: readonly {
    readonly object: string;
    readonly tests: readonly {
      readonly name: string;
      readonly outcome: string;
      readonly subtests: readonly string[];
      readonly steps: Readonly<Record<string, { readonly ret: number }>>;
    }[];
  }[];
}

const objects = foreignObjects('SKEP_CILIUM_OBJECTS');
const file = recordedFile('cilium-2025-10-kernel.json');
const skip =
  file === undefined
    ? 'no record of Linux in ../shared/oracle or $SKEP_ORACLE'
    : objects.size === 0
      ? '$SKEP_CILIUM_OBJECTS names no folder with objects'
      : false;
const engine = process.env.SKEP_ENGINE === 'wasm' ? 'wasm' : 'interp';

t.test(`as Linux: ${engine}`, { skip }, (t) => {
  const recorded = JSON.parse(readFileSync(must(file, 'a file'), 'utf8')) as Recorded;
  let steps = 0;
  let tests = 0;
  for (const { object, tests: want } of recorded.objects) {
    const path = objects.get(object);
    if (path === undefined) {
      t.fail(`${object}.o is not there`);
      continue;
    }
    const ours = testObject(readFileSync(path), { name: object, engine }).map((result) => ({
      name: result.name,
      outcome: result.status.toUpperCase(),
      subtests: result.subtests.map(({ name }) => name),
      steps: Object.fromEntries(result.steps.map(({ step, retval }) => [step, retval])),
    }));
    const theirs = want.map(({ name, outcome, subtests, steps }) => ({
      name,
      outcome,
      subtests,
      steps: Object.fromEntries(Object.entries(steps).map(([step, { ret }]) => [step, ret])),
    }));
    t.strictSame(ours, theirs, object);
    tests += ours.length;
    steps += ours.reduce((sum, each) => sum + Object.keys(each.steps).length, 0);
  }
  t.comment(`${tests} tests, ${steps} steps`);
  t.end();
});
