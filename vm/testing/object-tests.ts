/**
 * The tests of one object, run in order over one machine. Maps live as long as the object, so that a test sees what earlier ones
 * left; tests by annotation each begin with maps as the object has them. Knows no files and no reports.
 */
import type { Datapath } from '../datapath/datapath.js';
import type { TestRun, TestRunResult } from '../datapath/test-run.js';
import { ConfigError } from '../errors.js';
import type { Checkpoint } from '../machine/machine.js';
import type { MapHandle } from '../machine/map-table.js';
import { suggestion } from '../suggest.js';
import { CheckWatch } from './check-watch.js';
import { findAnnotatedTests } from './find-annotated.js';
import type { AnnotatedTest } from './find-annotated.js';
import { runAnnotatedTest } from './run-annotated-test.js';
import { explainFailure } from './explain-failure.js';
import type { Failure } from './failure.js';
import { findSectionTests } from './find-tests.js';
import type { SectionTest } from './find-tests.js';
import { runSectionTest, SETUP_CODE_BYTES } from './run-section-test.js';
import type { SectionTestMaps, StepInput } from './run-section-test.js';
import type { TestResult } from './test-result.js';
import { statusOf } from './test-status.js';

/** Names that tests and their runner have to agree on. */
export interface TestContract {
  /** Array map whose entry 0 takes subtests and log lines. Default `suite_result_map`, where the object has it. */
  readonly resultMap?: string;
  /** Array maps whose entry 0 is cleared after each test. Default `mock_skb_meta_map`, where the object has it. */
  readonly clearMaps?: readonly string[];
}

const RESULT_MAP = 'suite_result_map';
const CLEAR_MAPS = ['mock_skb_meta_map'];

/** A hint names no more maps than this. */
const MAX_NAMES = 8;

/** Clock at the first step, and how far it goes from step to step, in ns. */
const FIRST_NS = 3_600_000_000_000;
const STEP_NS = 10_000;

export type ObjectTest = SectionTest | AnnotatedTest;

export class ObjectTests {
  readonly #datapath: Datapath;
  readonly #run: TestRun;
  readonly #maps: SectionTestMaps;
  /** As the object begins, where it has tests by annotation: each of them finds its maps so. */
  readonly #fresh: Checkpoint | undefined;
  #steps = 0;

  /**
   * @throws ConfigError `config-value` where the object lacks a map that `contract` names
   */
  constructor(datapath: Datapath, contract: TestContract = {}) {
    this.#datapath = datapath;
    this.#run = datapath.testRun();
    this.#fresh = findAnnotatedTests(datapath.object).length > 0 ? datapath.machine.save() : undefined;
    this.#maps = {
      results: this.#mapOf(contract.resultMap, RESULT_MAP),
      cleared: (contract.clearMaps ?? CLEAR_MAPS).flatMap(
        (name) => this.#mapOf(contract.clearMaps === undefined ? undefined : name, name) ?? [],
      ),
    };
  }

  /** @throws ConfigError `config-value` where a test has no check */
  list(): readonly ObjectTest[] {
    const { object } = this.#datapath;
    return [...findSectionTests(object), ...findAnnotatedTests(object)];
  }

  run(test: ObjectTest): TestResult {
    if (test.kind === 'sections') return runSectionTest(test, (step) => this.#step(this.#run, step), this.#maps);
    if (this.#fresh !== undefined) this.#datapath.machine.restore(this.#fresh);
    this.#tick(this.#run);
    return runAnnotatedTest(test, this.#run);
  }

  /**
   * Runs a test and finds out by which comparison its check fails. Engine `interp` only, and slow.
   * @returns undefined where it does not fail
   */
  explain(test: SectionTest): Failure | undefined {
    const { machine } = this.#datapath;
    const watch = new CheckWatch(machine);
    const watched = this.#datapath.testRun(watch);
    const setup = test.steps.find(({ step }) => step === 'setup')?.program;
    let failure: Failure | undefined;
    const runStep = (step: StepInput): TestRunResult => {
      if (step.step !== 'check') return this.#step(this.#run, step);
      watch.begin();
      const result = this.#step(watched, step);
      const decision = result.trap === undefined && statusOf(result.retval) === 'fail' ? watch.decision() : undefined;
      if (decision !== undefined) {
        const frameOff = setup === undefined ? 0 : SETUP_CODE_BYTES;
        failure = explainFailure(machine, decision, { frameOff, setup });
      }
      return result;
    };
    runSectionTest(test, runStep, this.#maps);
    return failure;
  }

  #step(run: TestRun, { program, data, ctx }: StepInput): TestRunResult {
    this.#tick(run);
    return run.run(program, { data, ...(ctx === undefined ? {} : { ctx }) });
  }

  #tick(run: TestRun): void {
    run.setClock(FIRST_NS + STEP_NS * this.#steps++);
  }

  #mapOf(asked: string | undefined, usual: string): MapHandle | undefined {
    const name = asked ?? usual;
    const { maps } = this.#datapath.machine;
    const id = maps.idOf(name);
    if (id === undefined && asked === undefined) return undefined;
    const handle = id === undefined ? undefined : maps.handle(id);
    if (handle?.spec.type === 'array') return handle;
    const { object } = this.#datapath;
    const arrays = object.maps.filter(({ type, section }) => type === 'array' && section === undefined);
    const names = arrays.map((map) => map.name);
    throw new ConfigError(
      'config-value',
      handle === undefined ? `there is no map \`${name}\`` : `map \`${name}\` is no array`,
      {
        data: { map: name },
        where: { file: object.name },
        hint:
          suggestion(name, names) ??
          (names.length === 0 ? 'the object has no array' : `arrays are ${names.slice(0, MAX_NAMES).join(', ')}`),
      },
    );
  }
}
