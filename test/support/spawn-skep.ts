/** Runs the `skep` command from source, as a user would. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface SkepRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param input what standard input holds */
export function spawnSkep(args: readonly string[], input: Uint8Array | string = ''): SkepRun {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...process.execArgv, 'cli/main.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
    input,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
  });
  return { status, stdout, stderr };
}
