/** Runs the `skep` command line in this process, with streams of its own. */
import { Readable } from 'node:stream';
import { runCommandLine } from '../../cli/command-line.js';

export interface SkepRun {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * @param input what standard input holds
 * @param cacheFolder where verdicts are remembered; nowhere if not given
 */
export async function runSkep(
  args: readonly string[],
  input: Uint8Array | string = '',
  cacheFolder?: string,
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
