/** A bound on the work that CO-RE may do for one object: types may be nested so that walking them takes for ever. */
import { BtfError } from '../../errors.js';

/** A relocation of a real object against a kernel's BTF takes a few hundred steps. */
const MAX_STEPS = 5_000_000;
/** As deep as libbpf compares types. */
export const MAX_TYPE_DEPTH = 32;

export class Budget {
  #steps = MAX_STEPS;

  /** Counts one step; throws `BtfError` 'btf-core' when there were too many. */
  spend(): void {
    if (--this.#steps < 0)
      throw new BtfError('btf-core', 'the types of the CO-RE relocations are nested beyond all reason');
  }
}
