/**
 * Writes an output file as a whole or not at all: into a file beside it, renamed at the end. What is no regular file (a pipe,
 * a device) is written as it is. Knows nothing of what is written.
 */
import { closeSync, openSync, realpathSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ConfigError } from '../vm/index.js';

/** Pieces are gathered to this much before they are written. */
const GATHER_BYTES = 256 * 1024;

export interface Output {
  /** @throws ConfigError `config-file` where the disk is full and the like */
  write(bytes: Uint8Array): void;
  /** Puts the file in its place; nothing may be written after it. */
  commit(): void;
  /** Leaves nothing behind; does nothing after `commit`. */
  discard(): void;
}

function reasonOf(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return 'there is no such directory';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'this is a directory';
    case 'ENOSPC':
      return 'no space left';
    default:
      return String((error as NodeJS.ErrnoException).code ?? error);
  }
}

function attempt<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new ConfigError('config-file', `cannot write: ${reasonOf(error)}`, { where: { file: path }, cause: error });
  }
}

/** @throws ConfigError `config-file` where the file cannot be made */
export function openOutput(path: string): Output {
  const known = statSync(path, { throwIfNoEntry: false });
  if (known?.isDirectory() === true) {
    throw new ConfigError('config-file', 'cannot write: this is a directory', { where: { file: path } });
  }
  // A link stays a link: what it points to is replaced.
  const target = known === undefined ? path : realpathSync(path);
  const isSpecial = known !== undefined && !known.isFile();
  const part = isSpecial ? target : join(dirname(target), `.${basename(target)}.${String(process.pid)}.part`);
  const file = attempt(path, () => openSync(part, 'w'));
  let isOpen = true;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  const flush = (): void => {
    const all = Buffer.concat(waiting);
    waiting = [];
    waitingBytes = 0;
    attempt(path, () => {
      for (let at = 0; at < all.length;) at += writeSync(file, all, at);
    });
  };
  return {
    write(bytes) {
      waiting.push(bytes);
      waitingBytes += bytes.length;
      if (waitingBytes >= GATHER_BYTES) flush();
    },
    commit() {
      flush();
      isOpen = false;
      closeSync(file);
      if (!isSpecial)
        attempt(path, () => {
          renameSync(part, target);
        });
    },
    discard() {
      if (!isOpen) return;
      isOpen = false;
      closeSync(file);
      if (!isSpecial) unlinkSync(part);
    },
  };
}
