/**
 * All tests of an object from its bytes to results, and why those failed that did. Plain data comes out, so that it may come
 * from another thread. Knows no files and no reports.
 */
import { Datapath } from '../datapath/datapath.js';
import type { DatapathOptions } from '../datapath/datapath.js';
import { loadObject } from '../loader/load-object.js';
import type { LoadOptions } from '../loader/load-object.js';
import { ConfigError } from '../errors.js';
import { ObjectTests } from './object-tests.js';
import type { TestContract } from './object-tests.js';
import type { TestResult } from './test-result.js';

export interface TestObjectOptions extends DatapathOptions, LoadOptions, TestContract {
  /** Which tests run, by name; absent: all. */
  readonly selects?: (name: string) => boolean;
  /** Told of each result as it comes. */
  readonly onResult?: (result: TestResult) => void;
}

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
  const tests = new ObjectTests(new Datapath(object, options), options);
  const all = tests.list();
  if (all.length === 0) {
    throw new ConfigError('config-value', 'there are no tests in this object', {
      where: { file: object.name },
      hint: 'tests are programs in sections tc/test/NAME/check or xdp/test/NAME/check; see docs/testing.md',
    });
  }
  return all
    .filter(({ name }) => selects(name))
    .map((test) => {
      const result = tests.run(test);
      options.onResult?.(result);
      return result;
    });
}
