/** Why a check said no, as data for reports. Knows no machine. */

export interface Failure {
  /** The C line that decided. */
  readonly place?: { readonly file: string; readonly line: number; readonly text: string };
  /** What was compared there: fields of the packet by name, or other memory. */
  readonly differences: readonly Difference[];
}

export interface Difference {
  readonly what: string;
  readonly got: string;
  /** Of equal values it was asked that they differ, or something else than equality. */
  readonly wanted?: string;
}
