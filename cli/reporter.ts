/** What a format of test reports is: it turns reports of files into text, and knows no files and no streams. */
import type { FileReport } from '../node/test-files.js';

export interface ReportOptions {
  /** Also what steps did and printed in tests that pass. */
  readonly verbose: boolean;
}

export interface Reporter {
  /** What comes before everything. */
  begin?(): string;
  /** What can be said once a file is done. */
  file?(report: FileReport, options: ReportOptions): string;
  /** What comes at the end. */
  end(reports: readonly FileReport[], options: ReportOptions): string;
}
