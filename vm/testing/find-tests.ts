/**
 * Tests that an object carries: programs whose sections are named `(tc|xdp)/test/NAME/(pktgen|setup|check)`. Pure; knows no
 * machine.
 */
import { hookOf } from '../hooks/table.js';
import { ConfigError } from '../errors.js';
import type { ObjectSpec, ProgramSpec } from '../object/object-spec.js';

/** In the order in which they run. */
export const STEPS = ['pktgen', 'setup', 'check'] as const;
export type StepName = (typeof STEPS)[number];

/** A test: up to three programs that hand a packet on to each other; the last one judges. */
export interface SectionTest {
  readonly kind: 'sections';
  readonly name: string;
  readonly steps: readonly TestStep[];
}

export interface TestStep {
  readonly step: StepName;
  readonly program: ProgramSpec;
}

const SECTION = /^(?:tc|xdp)\/test\/([^/]+)\/(pktgen|setup|check)$/;

/**
 * The tests by name, in the order of their names' bytes.
 * @param duplicate told of programs that the last one of the same section takes the place of
 * @throws ConfigError `config-value` where a test has no check
 */
export function findSectionTests(object: ObjectSpec, duplicate?: (program: ProgramSpec) => void): SectionTest[] {
  const found = new Map<string, Map<string, ProgramSpec>>();
  for (const program of object.programs) {
    const [, name, step] = SECTION.exec(program.section) ?? [];
    if (name === undefined || step === undefined || hookOf(program.type) === undefined) continue;
    const steps = found.get(name) ?? new Map<string, ProgramSpec>();
    const before = steps.get(step);
    if (before !== undefined) duplicate?.(before);
    found.set(name, steps.set(step, program));
  }
  return [...found].sort(byBytes).map(([name, programs]) => {
    const steps = STEPS.flatMap((step) => {
      const program = programs.get(step);
      return program === undefined ? [] : [{ step, program }];
    });
    if (programs.has('check')) return { kind: 'sections', name, steps };
    const section = steps[0]?.program.section ?? '';
    throw new ConfigError('config-value', `test \`${name}\` has no check program`, {
      where: { file: object.name, section },
      data: { test: name },
      hint: `it needs one in section ${section.replace(/[^/]+$/, 'check')}`,
    });
  });
}

function byBytes([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
