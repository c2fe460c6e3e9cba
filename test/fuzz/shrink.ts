/** Makes a list of lines that shows something smaller, as long as it still shows it. Knows nothing of what that is. */

/** @param shows must hold for `lines`; may be asked about lists that mean nothing, and then says no */
export function shrinkLines(lines: readonly string[], shows: (lines: readonly string[]) => boolean): readonly string[] {
  let best = lines;
  for (let size = Math.ceil(best.length / 2); size >= 1;) {
    let smaller = false;
    for (let at = 0; at < best.length;) {
      const tried = [...best.slice(0, at), ...best.slice(at + size)];
      if (tried.length > 0 && shows(tried)) {
        best = tried;
        smaller = true;
      } else at += size;
    }
    if (!smaller || size > best.length) size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  return best;
}
