/**
 * The protocol by which a check tells of subtests and log lines: protobuf messages in entry 0 of a map. SuiteResult has
 * `results` = 1 (TestResult: `name` = 1, `status` = 2, `log` = 3) and `log` = 2; a Log has `fmt` = 1 and fixed64 `args` = 2.
 * The macros that write them give lengths one byte, also where a varint would need two. Knows no map.
 */
import { viewOf } from '../bytes.js';
import { decodeText } from '../host.js';
import { formatLog } from './format-log.js';
import { statusOf } from './test-status.js';
import type { TestStatus } from './test-status.js';

export interface Subtest {
  readonly name: string;
  readonly status: TestStatus;
  readonly log: readonly string[];
}

export interface SuiteResult {
  readonly subtests: readonly Subtest[];
  readonly log: readonly string[];
}

const RESULT = 0x0a;
const SUITE_LOG = 0x12;
const NAME = 0x0a;
const STATUS = 0x10;
const TEST_LOG = 0x1a;
const LOG_FORMAT = 0x0a;
const LOG_ARG = 0x11;
const ARG_BYTES = 8;
/** No text starts with a character below it. */
const FIRST_PRINTABLE = 0x20;

/** Reads as far as the bytes make sense; what follows the last message is zeros. */
export function readSuiteResult(bytes: Uint8Array): SuiteResult {
  const reader = new Reader(bytes, 0, bytes.length);
  const subtests: Subtest[] = [];
  const log: string[] = [];
  for (;;) {
    const tag = reader.byte();
    if (tag === RESULT) subtests.push(readSubtest(reader.message(reader.varint())));
    else if (tag === SUITE_LOG) log.push(readLog(reader));
    else return { subtests, log };
  }
}

function readSubtest(reader: Reader): Subtest {
  let name = '';
  let status: TestStatus = 'error';
  const log: string[] = [];
  for (;;) {
    const tag = reader.byte();
    if (tag === NAME) name = reader.text();
    else if (tag === STATUS) status = statusOf(reader.varint()) ?? 'error';
    else if (tag === TEST_LOG) log.push(readLog(reader));
    else return { name, status, log };
  }
}

function readLog(outer: Reader): string {
  const reader = outer.message(outer.messageLength());
  let format = '';
  const args: bigint[] = [];
  for (;;) {
    const tag = reader.byte();
    if (tag === LOG_FORMAT) format = reader.text();
    else if (tag === LOG_ARG) args.push(reader.fixed64());
    else return formatLog(format, args);
  }
}

/** Reads a part of the bytes; behind its end everything is 0. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  byte(): number {
    return this.#at < this.#end ? (this.#bytes[this.#at++] ?? 0) : 0;
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  }

  /** The next bytes as a reader of their own. */
  message(bytes: number): Reader {
    const start = this.#at;
    this.#at = Math.min(start + bytes, this.#end);
    return new Reader(this.#bytes, start, this.#at);
  }

  /** Length of a Log: a second byte that starts its first field is no part of the number. */
  messageLength(): number {
    return this.#length((next) => next === LOG_FORMAT);
  }

  /** A string behind its length, without the NUL that C put there. */
  text(): string {
    const bytes = this.#length((next) => next >= FIRST_PRINTABLE);
    const start = this.#at;
    this.#at = Math.min(start + bytes, this.#end);
    return decodeText(this.#bytes.subarray(start, this.#at)).replace(/\0.*$/s, '');
  }

  fixed64(): bigint {
    const start = this.#at;
    this.#at = Math.min(start + ARG_BYTES, this.#end);
    return this.#at - start < ARG_BYTES ? 0n : viewOf(this.#bytes).getBigUint64(start, true);
  }

  /** One byte where what follows belongs to the contents, else a varint. */
  #length(isContents: (next: number) => boolean): number {
    const first = this.#bytes[this.#at] ?? 0;
    const next = this.#bytes[this.#at + 1] ?? 0;
    return first >= 0x80 && isContents(next) ? this.byte() : this.varint();
  }
}
