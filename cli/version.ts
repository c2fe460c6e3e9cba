/** skep's own version. */
import { createRequire } from 'node:module';

/** Asked of the package by its own name, which works from source and from dist alike. */
export function version(): string {
  const { version } = createRequire(import.meta.url)('skep/package.json') as { version: string };
  return version;
}
