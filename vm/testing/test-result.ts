/** What came of a test: data for reports. Knows no machine. */
import type { TrapReport } from '../datapath/trap-report.js';
import type { Failure } from './failure.js';
import type { StepName } from './find-tests.js';
import type { Subtest } from './suite-result.js';
import type { TestStatus } from './test-status.js';

export interface TestResult {
  readonly name: string;
  readonly status: TestStatus;
  /** Those that ran, in order. */
  readonly steps: readonly StepResult[];
  readonly subtests: readonly Subtest[];
  /** Lines that the check logged outside of subtests. */
  readonly log: readonly string[];
  /** Why the status is what it is, where no subtest and no log line says it. */
  readonly reason?: string;
  /** Where its check said no and what it compared there; of failed tests, where that could be found out. */
  readonly failure?: Failure;
}

export interface StepResult {
  readonly step: StepName;
  readonly program: string;
  /** r0 as u32. */
  readonly retval: number;
  readonly insns: number;
  /** Lines of bpf_trace_printk. */
  readonly trace: readonly string[];
  readonly trap?: TrapReport;
}
