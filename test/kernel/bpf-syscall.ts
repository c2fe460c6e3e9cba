/**
 * BPF_PROG_LOAD on the running kernel, through libc. Loads, reads the verifier's log and closes again: nothing is
 * attached, pinned or kept. Knows nothing of what is loaded.
 */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import koffi from 'koffi';

/** What a load asks for; numbers are the kernel's. */
export interface LoadRequest {
  readonly insns: Uint8Array;
  readonly type: number;
  readonly attach?: number;
  readonly attachBtfId?: number;
  readonly license?: string;
  /** 1: what was rejected; 2: also the state after each instruction. */
  readonly logLevel?: 1 | 2;
  readonly flags?: number;
}

export interface LoadAnswer {
  readonly accepted: boolean;
  /** 0 where accepted. */
  readonly errno: number;
  readonly log: string;
}

export type Loader = (request: LoadRequest) => LoadAnswer;

const SYSCALL_NUMBERS: Readonly<Record<string, number>> = {
  x64: 321,
  arm64: 280,
  riscv64: 280,
  loong64: 280,
  s390x: 351,
};
const BPF_PROG_LOAD = 5;
const ATTR_BYTES = 120;
const LOG_BYTES = 1 << 16;

/** Why bpf() cannot be used here, in words for a test's skip; undefined where it can. */
export function whyNoBpf(): string | undefined {
  if (process.platform !== 'linux') return 'not Linux';
  if (SYSCALL_NUMBERS[process.arch] === undefined) return `no bpf() number known for ${process.arch}`;
  if (process.getuid?.() !== 0) return 'not root';
  const capabilities = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  const sysAdmin = 1n << 21n;
  if ((BigInt(`0x${capabilities}`) & sysAdmin) === 0n) return 'root without CAP_SYS_ADMIN';
  return undefined;
}

/** Why the recorded facts cannot be compared here; undefined where they can. */
export function whyNotRecordedKernel(version: string): string | undefined {
  const reason = whyNoBpf();
  if (reason !== undefined) return reason;
  return release().startsWith(`${version}.`) ? undefined : `the facts are of Linux ${version}, this is ${release()}`;
}

export function openLoader(): Loader {
  const libc = koffi.load(null);
  const syscall = libc.func('long syscall(long number, int command, void *attr, unsigned int bytes)') as (
    number: number,
    command: number,
    attr: Buffer,
    bytes: number,
  ) => number;
  const close = libc.func('int close(int fd)') as (fd: number) => number;
  const number = SYSCALL_NUMBERS[process.arch] ?? 0;
  const attr = Buffer.alloc(ATTR_BYTES);
  const log = Buffer.alloc(LOG_BYTES);
  const logAddress = koffi.address(log);

  return ({ insns, type, attach = 0, attachBtfId = 0, license = 'GPL', logLevel = 1, flags = 0 }) => {
    const licenseText = Buffer.from(`${license}\0`);
    log[0] = 0;
    attr.fill(0);
    attr.writeUInt32LE(type, 0);
    attr.writeUInt32LE(insns.length / 8, 4);
    attr.writeBigUInt64LE(koffi.address(insns), 8);
    attr.writeBigUInt64LE(koffi.address(licenseText), 16);
    attr.writeUInt32LE(logLevel, 24);
    attr.writeUInt32LE(LOG_BYTES, 28);
    attr.writeBigUInt64LE(logAddress, 32);
    attr.writeUInt32LE(flags, 44);
    attr.writeUInt32LE(attach, 68);
    attr.writeUInt32LE(attachBtfId, 108);
    const fd = syscall(number, BPF_PROG_LOAD, attr, ATTR_BYTES);
    const errno = fd < 0 ? koffi.errno() : 0;
    if (fd >= 0) close(fd);
    return { accepted: fd >= 0, errno, log: log.toString('latin1', 0, log.indexOf(0)) };
  };
}
