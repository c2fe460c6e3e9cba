/** Formats of test reports by name. */
import type { Reporter } from './reporter.js';
import { goReporter } from './test-go.js';
import { jsonReporter } from './test-json.js';
import { junitReporter } from './test-junit.js';
import { tapReporter } from './test-tap.js';

export const REPORTERS = {
  go: goReporter,
  tap: tapReporter,
  junit: junitReporter,
  json: jsonReporter,
} as const satisfies Record<string, Reporter>;

export type ReportFormat = keyof typeof REPORTERS;
