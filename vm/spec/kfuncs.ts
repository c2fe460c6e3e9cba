/** Every kfunc of Linux 6.18 as recorded from its BTF, one row each. Data only. */
import { KFUNC_NAMES } from './facts/kfunc-names.js';

export type KfuncName = (typeof KFUNC_NAMES)[number];

export interface KfuncRow {
  /** As in the kernel's BTF, prefix included. */
  readonly name: KfuncName;
  /** Set until both engines can run it. */
  readonly unsupported?: true;
}

export const KFUNCS: readonly KfuncRow[] = KFUNC_NAMES.map((name) => ({ name, unsupported: true }));

const BY_NAME: ReadonlyMap<string, KfuncRow> = new Map(KFUNCS.map((row) => [row.name, row]));

/** The row of a kfunc; undefined if Linux 6.18, as it was built for the recording, has none of that name. */
export function kfuncByName(name: string): KfuncRow | undefined {
  return BY_NAME.get(name);
}
