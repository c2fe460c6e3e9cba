/**
 * Opens a capture's bytes: a file, or standard input as `-`, unpacked if it is gzip. What gzip is, its first bytes
 * say, not its name. Knows nothing of what a capture is.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ConfigError, PcapError } from '../vm/errors.js';

const CHUNK_BYTES = 256 * 1024;
/** gzip packs at most about 1:1000, so that a slice unpacks to 16 MB at worst. */
const PACKED_SLICE_BYTES = 16 * 1024;

export interface CaptureSourceOptions {
  /** Told how many bytes of the file, before unpacking, have been read so far. */
  readonly onProgress?: (readBytes: number) => void;
  /** Whether chunks of a file may share their memory: each is then only good until the next is asked for. */
  readonly reuse?: boolean;
  /** What `-` reads; the process's standard input if not given. */
  readonly stdin?: Readable;
}

export interface CaptureSource {
  /** The path as given, or `stdin`. */
  readonly name: string;
  /** Size of the file, for a progress bar; undefined where only reading tells (pipes). */
  readonly fileBytes: number | undefined;
  /** The unpacked bytes. Can be read once. Throws PcapError `pcap-truncated` or `pcap-block` if the gzip is broken. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Lets go of the file if `chunks` is never read. */
  close(): void;
}

/**
 * Opens `path` for reading; `-` is standard input.
 * @throws ConfigError `config-file` if there is no such file, or it is a directory or may not be read.
 */
export async function openCaptureSource(path: string, options: CaptureSourceOptions = {}): Promise<CaptureSource> {
  if (path === '-') {
    const stdin = options.stdin ?? process.stdin;
    return sourceOf('stdin', undefined, stdin, () => void stdin.destroy(), options);
  }
  try {
    const file = await open(path, 'r');
    const stat = await file.stat();
    if (stat.isDirectory()) {
      await file.close();
      throw new ConfigError('config-file', `${path} is a directory, not a capture`, { where: { file: path } });
    }
    if (options.reuse === true) {
      const close = (): void => void file.close().catch(() => undefined);
      return sourceOf(path, stat.isFile() ? stat.size : undefined, sharedChunks(file), close, options);
    }
    const stream = createReadStream(path, { fd: file, highWaterMark: CHUNK_BYTES });
    return sourceOf(path, stat.isFile() ? stat.size : undefined, stream, () => void stream.destroy(), options);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError('config-file', `cannot open ${path}: ${reasonOf(error)}`, {
      where: { file: path },
      cause: error,
    });
  }
}

function sourceOf(
  name: string,
  fileBytes: number | undefined,
  stream: AsyncIterable<Uint8Array>,
  close: () => void,
  options: CaptureSourceOptions,
): CaptureSource {
  return {
    name,
    fileBytes,
    chunks: unpacked(name, counted(name, stream, options.onProgress)),
    close,
  };
}

/** A file through one buffer. */
async function* sharedChunks(file: FileHandle): AsyncGenerator<Uint8Array, void, undefined> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function* counted(
  name: string,
  stream: AsyncIterable<Uint8Array>,
  onProgress: ((readBytes: number) => void) | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let readBytes = 0;
  try {
    for await (const chunk of stream) {
      readBytes += chunk.length;
      onProgress?.(readBytes);
      yield chunk;
    }
  } catch (error) {
    throw new ConfigError('config-file', `cannot read ${name}: ${reasonOf(error)}`, {
      where: { file: name },
      cause: error,
    });
  }
}

/** Passes chunks on, through gunzip if they start with gzip's magic. */
async function* unpacked(
  name: string,
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const first: Uint8Array[] = [];
  let firstBytes = 0;
  while (firstBytes < 2) {
    const next = await chunks.next();
    if (next.done === true) break;
    first.push(next.value);
    firstBytes += next.value.length;
  }
  const start = Buffer.concat(first);
  const whole = prepend(start, chunks);
  if (start[0] !== 0x1f || start[1] !== 0x8b) {
    yield* whole;
    return;
  }
  try {
    yield* gunzipped(whole);
  } catch (error) {
    if (!isZlibError(error)) throw error;
    const code = error.code === 'Z_BUF_ERROR' ? 'pcap-truncated' : 'pcap-block';
    throw new PcapError(code, `the gzip around the capture is broken: ${error.message}`, {
      where: { file: name },
      cause: error,
    });
  }
}

/**
 * Unpacks slice by slice, so that all that came before a break is yielded before the error: a piped stream would throw
 * away what it still holds.
 */
async function* gunzipped(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  let ready: Uint8Array[] = [];
  const failed = new Promise<never>((_, reject) => gunzip.once('error', reject));
  // Awaited below only while something is being done; a late error must not be an unhandled one.
  failed.catch(() => undefined);
  // Also comes early, and then no write is answered any more, if zeros are padded to the file.
  const ended = new Promise((resolve) => gunzip.once('end', resolve));
  gunzip.on('data', (chunk: Uint8Array) => ready.push(chunk));
  try {
    for await (const chunk of packed) {
      for (let at = 0; at < chunk.length; at += PACKED_SLICE_BYTES) {
        const slice = chunk.subarray(at, at + PACKED_SLICE_BYTES);
        try {
          await Promise.race([failed, ended, new Promise((resolve) => gunzip.write(slice, resolve))]);
          // An error is told to the callback of the write and, a moment later, to the listener.
          if (gunzip.errored !== null) await failed;
        } finally {
          const done = ready;
          ready = [];
          yield* done;
        }
        if (gunzip.readableEnded) return;
      }
    }
    // Not the callback of end(): that comes before what is missing is noticed.
    gunzip.end();
    await Promise.race([failed, ended]);
    yield* ready;
  } finally {
    gunzip.destroy();
  }
}

async function* prepend(
  start: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (start.length > 0) yield start;
  yield* rest;
}

function isZlibError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_');
}

/** What went wrong, in words where the system's code is one that people meet. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a directory';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
