/** Where a command reads and writes. Passed in, so that tests run commands in their own process. */
import type { Readable } from 'node:stream';
import { defaultCacheFolder } from '../node/verdict-cache.js';

export interface Io {
  out(text: string | Uint8Array): void;
  err(text: string): void;
  readonly stdin: Readable;
  /** Whether `out` is a terminal that takes colours. */
  readonly colours: boolean;
  /** Where a progress bar may be drawn; undefined where nobody would see it. */
  readonly terminal: NodeJS.WriteStream | undefined;
  /** Where verdicts are remembered; undefined: nowhere. */
  readonly cacheFolder: string | undefined;
  /** Sets the exit code of a command that does not throw. */
  exit(code: number): void;
}

/** Exit code for bad input and wrong usage. */
export const EXIT_BAD_INPUT = 2;

/** The process's own streams. */
export function processIo(): Io {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: process.stdin,
    colours: process.stdout.isTTY && process.env.NO_COLOR === undefined,
    terminal: process.stderr.isTTY ? process.stderr : undefined,
    cacheFolder: defaultCacheFolder(),
    exit: (code) => {
      process.exitCode = code;
    },
  };
}

/** All of standard input. */
export async function readStdin(io: Io): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of io.stdin)
    chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Uint8Array));
  return Buffer.concat(chunks);
}
