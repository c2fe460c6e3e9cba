/** Reads a whole input file, with our words where that fails. */
import { readFile, stat } from 'node:fs/promises';
import { ConfigError } from '../vm/index.js';

/** Objects larger than this are refused before they are read. */
const MAX_INPUT_BYTES = 256 * 1024 * 1024;

/** @throws ConfigError `config-file` where the file is missing, a directory, unreadable or absurdly large */
export async function readInput(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > MAX_INPUT_BYTES) {
      throw new ConfigError('config-file', `${String(size)} bytes are more than skep reads of one object`, {
        where: { file: path },
      });
    }
    return await readFile(path);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    const reason =
      code === 'ENOENT'
        ? 'no such file'
        : code === 'EISDIR'
          ? 'this is a directory'
          : code === 'EACCES'
            ? 'permission denied'
            : String(code);
    throw new ConfigError('config-file', `cannot read: ${reason}`, { where: { file: path }, cause: error });
  }
}
