/** How much of a world lies in memory, known before anything of it is read. */
import type { WorldSpec } from './world-spec.js';

export interface WorldSize {
  readonly sockets: number;
  /** The root included. */
  readonly cgroups: number;
}

export const BARE_WORLD_SIZE: WorldSize = { sockets: 0, cgroups: 1 };

/** At most what the world will have. */
export function worldSizeOf({ sockets = [], cgroups = [] }: WorldSpec): WorldSize {
  const paths = new Set(['']);
  for (const { path } of cgroups) {
    for (let end = path.indexOf('/', 1); end > 0; end = path.indexOf('/', end + 1)) paths.add(path.slice(0, end));
    if (path !== '/') paths.add(path);
  }
  return { sockets: sockets.length, cgroups: paths.size };
}
