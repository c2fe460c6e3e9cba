/** All classes of rejections, and which of them a message belongs to. Makes no judgement of its own. */
import { ACCESS_CLASSES } from './report-access-classes.js';
import { type PointerLoss, row, type RejectionClass } from './report-class.js';
import { RULE_CLASSES } from './report-rule-classes.js';

export type { RejectionClass } from './report-class.js';

export const REJECTION_CLASSES: readonly RejectionClass[] = [...ACCESS_CLASSES, ...RULE_CLASSES];

/** What a message belongs to where no row matches it. */
export const OTHER_REJECTION: RejectionClass = row(
  'other',
  'Verification',
  'rejected',
  /^(.*)$/,
  'rejected here',
  "In the kernel's words: {1}.",
  'Read the log of the path (-v) from its end upwards.',
);

/**
 * The class of the kernel's last word, and what its pattern matched.
 * @param lostAs how the register that the message names lost its pointer, if it did
 */
export function classify(
  message: string,
  lostAs?: PointerLoss,
): { readonly found: RejectionClass; readonly groups: readonly string[] } {
  for (const found of REJECTION_CLASSES) {
    if (found.lost !== undefined && found.lost !== lostAs) continue;
    const match = found.pattern.exec(message);
    if (match !== null) return { found, groups: match.map((group) => (group as string | undefined) ?? '') };
  }
  return { found: OTHER_REJECTION, groups: [message, message] };
}
