/**
 * Where recorded answers and foreign objects are, on a machine that has them. Neither is part of this repository: tests that
 * need them say why they were skipped.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Path of a recorded file: in `$SKEP_ORACLE`, else in `../shared/oracle`. Undefined where it is not there. */
export function recordedFile(name: string): string | undefined {
  const path = join(process.env.SKEP_ORACLE ?? '../shared/oracle', name);
  return existsSync(path) ? path : undefined;
}

/** Objects in the folder that an environment variable names, by name without `.o`; empty where it names none. */
export function foreignObjects(variable: string): ReadonlyMap<string, string> {
  const folder = process.env[variable];
  if (folder === undefined || !existsSync(folder)) return new Map();
  const names = readdirSync(folder).filter((name) => name.endsWith('.o'));
  return new Map(names.sort().map((name) => [name.slice(0, -2), join(folder, name)]));
}
