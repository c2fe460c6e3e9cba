/** Runs the `skep` command line in this process, with streams of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { runCommandLine } from '../../cli/command-line.js';

export interface SkepRun {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Each test file verifies a program once. */
const REMEMBERED = mkdtempSync(join(tmpdir(), 'skep-test-'));
process.on('exit', () => {
  rmSync(REMEMBERED, { recursive: true, force: true });
});

/**
 * @param input what standard input holds
 * @param cacheFolder where verdicts are remembered
 */
export async function runSkep(
  args: readonly string[],
  input: Uint8Array | string = '',
  cacheFolder = REMEMBERED,
): Promise<SkepRun> {
  const out: Uint8Array[] = [];
  let stderr = '';
  const status = await runCommandLine(args, {
    out: (text) => {
      out.push(typeof text === 'string' ? Buffer.from(text) : text);
    },
    err: (text) => {
      stderr += text;
    },
    stdin: Readable.from([typeof input === 'string' ? Buffer.from(input) : input], { objectMode: false }),
    colours: false,
    terminal: undefined,
    cacheFolder,
    exit: () => undefined,
  });
  return { status, stdout: Buffer.concat(out).toString(), stderr };
}
