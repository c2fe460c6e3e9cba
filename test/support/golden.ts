/** Compares text with a golden file; BLESS=1 writes the file instead. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Test } from 'tap';

/** @param path relative to the repository */
export function equalsGolden(t: Test, actual: string, path: string): void {
  if (process.env.BLESS === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, actual);
  }
  t.equal(actual, readFileSync(path, 'utf8'), path);
}
