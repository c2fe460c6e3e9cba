/** The reader of captures knows no file names; what it throws gets one here. */
import { PcapError } from '../vm/index.js';

/** The same error with the capture's name in its place. */
export function nameCapture(error: PcapError, file: string): PcapError {
  return new PcapError(error.code, error.message, {
    where: { ...error.where, file },
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  });
}
