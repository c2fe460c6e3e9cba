/**
 * All tests of an object from its bytes to results, and why those failed that did. Plain data comes out, so that it may come
 * from another thread. Knows no files and no reports.
 */
import { Datapath } from '../datapath/datapath.js';
import type { DatapathOptions } from '../datapath/datapath.js';
import { loadObject } from '../loader/load-object.js';
import type { LoadOptions } from '../loader/load-object.js';
import { ConfigError, must } from '../errors.js';
import type { ObjectSpec } from '../object/object-spec.js';
import type { Failure } from './failure.js';
import { ObjectTests } from './object-tests.js';
import type { ObjectTest, TestContract } from './object-tests.js';
import type { TestResult } from './test-result.js';

export interface TestObjectOptions extends DatapathOptions, LoadOptions, TestContract {
  /** Which tests run, by name; absent: all. */
  readonly selects?: (name: string) => boolean;
  /** Told before each test and after the last one. */
  readonly onTest?: (name: string | undefined) => void;
}

/** Checks that run longer are not watched: it would take minutes. */
const MAX_WATCHED_INSNS = 5_000_000;

/** Names of an object's tests, in the order in which they run. */
export function listTests(bytes: Uint8Array, options: TestObjectOptions = {}): readonly string[] {
  const { selects = () => true } = options;
  const tests = new ObjectTests(new Datapath(loadObject(bytes, options), options), options).list();
  return tests.map(({ name }) => name).filter(selects);
}

/**
 * Runs the tests of an object.
 * @throws SkepError where the object cannot be loaded, has no tests, or one without a check
 */
export function testObject(bytes: Uint8Array, options: TestObjectOptions = {}): readonly TestResult[] {
  const { selects = () => true } = options;
  const object = loadObject(bytes, options);
  refuseLostTags(object);
  const tests = new ObjectTests(new Datapath(object, options), options);
  const all = tests.list();
  if (all.length === 0) {
    throw new ConfigError('config-value', 'there are no tests in this object', {
      where: { file: object.name },
      hint: 'tests are programs in sections tc/test/NAME/check or xdp/test/NAME/check; see docs/testing.md',
    });
  }
  const chosen = all.filter(({ name }) => selects(name));
  const results = chosen.map((test) => {
    options.onTest?.(test.name);
    return tests.run(test);
  });
  options.onTest?.(undefined);
  const failures = explainFailures(object, options, chosen, results);
  return results.map((result) => {
    const failure = failures.get(result.name);
    return failure === undefined ? result : { ...result, failure };
  });
}

/** Tail calls of tests are in tags; what one of them would lead to is not in the object. */
function refuseLostTags({ name, notes }: ObjectSpec): void {
  const lost = notes.find(({ code }) => code === 'tail-tag');
  if (lost === undefined) return;
  throw new ConfigError('config-value', lost.message, {
    where: { file: name },
    hint: 'a tag is tail:MAP/N, with MAP a program array of the object that has more than N entries',
  });
}

/** Runs the same tests once more, watched, as far as one failed: a machine gives the same answers twice. */
function explainFailures(
  object: ObjectSpec,
  options: TestObjectOptions,
  tests: readonly ObjectTest[],
  results: readonly TestResult[],
): ReadonlyMap<string, Failure> {
  const failures = new Map<string, Failure>();
  const isWanted = ({ status, steps }: TestResult): boolean =>
    status === 'fail' && (steps.at(-1)?.insns ?? 0) <= MAX_WATCHED_INSNS;
  const last = results.findLastIndex(isWanted);
  if (last < 0) return failures;
  const again = new ObjectTests(new Datapath(object, { ...options, engine: 'interp' }), options);
  for (const [index, test] of tests.slice(0, last + 1).entries()) {
    if (test.kind !== 'sections' || !isWanted(must(results[index], 'a result'))) again.run(test);
    else {
      const failure = again.explain(test);
      if (failure !== undefined) failures.set(test.name, failure);
    }
  }
  return failures;
}
