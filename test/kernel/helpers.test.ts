/**
 * Helpers, maps and the XDP packet against Linux. The answers of a live kernel are recorded in `test/cases/kernel`
 * (`BLESS=1` records again), skep is held against the record everywhere, and the kernel where it can be asked.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { toHex } from '../../vm/bytes.js';
import { machineOf, objectOf, runOn } from '../machine/harness.js';
import { whyNotRecordedKernel } from './bpf-syscall.js';
import { KERNEL_CASES, type KernelCase } from './helpers-cases.js';
import { Kernel } from './helpers-kernel.js';
import { FACTS_VERSION } from './render-facts.js';

const FILE = 'test/cases/kernel/helpers.json';
const bless = process.env.BLESS === '1';
const skip = whyNotRecordedKernel(FACTS_VERSION) ?? false;

/** Short data as it is, long data by length and hash; metadata and packet apart. */
function dataText(data: Uint8Array, metaBytes: number): string {
  const part = (bytes: Uint8Array) => (bytes.length <= 24 ? toHex(bytes) : `${bytes.length}:${hash(bytes)}`);
  return `${metaBytes === 0 ? '' : `${part(data.subarray(0, metaBytes))}|`}${part(data.subarray(metaBytes))}`;
}

/** FNV-1a. */
function hash(bytes: Uint8Array): string {
  let h = 0x811c9dc5;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193);
  return (h >>> 0).toString(16).padStart(8, '0');
}

function answer(retval: number, data: Uint8Array, metaBytes: number): string {
  return `${retval | 0} ${dataText(data, metaBytes)}`;
}

function askSkep({ text, maps = [], packet }: KernelCase): string {
  const { outcome, data, metaBytes } = runOn(machineOf(objectOf(text, maps)), { packet, ifindex: 1 });
  if (outcome.kind === 'trap') return `trap ${outcome.trap.name}: ${outcome.trap.message}`;
  return answer(Number(BigInt.asIntN(32, outcome.r0)), data, metaBytes);
}

function askKernel(kernel: Kernel, { text, maps = [], packet }: KernelCase): string {
  const machine = kernel.open(objectOf(text, maps));
  try {
    const ctx = Buffer.alloc(24);
    ctx.writeUInt32LE(packet.length, 4);
    ctx.writeUInt32LE(1, 12);
    const run = machine.run(packet, 0, ctx);
    if (run.errno !== 0) return `errno ${run.errno}`;
    return answer(run.retval, run.data, Buffer.from(run.ctx).readUInt32LE(0));
  } finally {
    machine.close();
  }
}

if (bless && skip === false) {
  const kernel = new Kernel();
  const rows = Object.fromEntries(KERNEL_CASES.map((each) => [each.name, askKernel(kernel, each)]));
  writeFileSync(FILE, `${JSON.stringify({ kernel: FACTS_VERSION, answers: rows }, undefined, 2)}\n`);
}

const { answers } = JSON.parse(readFileSync(FILE, 'utf8')) as { answers: Readonly<Record<string, string>> };

/** Indices of perf buffers in skep: the current CPU's, on which a program may write, and those of others. */
const OWN_BUFFER = /flags (0|0x(18)?ffffffff ll)$/;
const OTHER_BUFFER = /flags [123]$/;

/** The kernel's answer, put right for what is different on purpose: in skep somebody listens to every perf buffer. */
function expected(name: string, kernels: string): string {
  if (!name.startsWith('perf_event_output')) return kernels;
  const code = OWN_BUFFER.test(name) ? '00'.repeat(8) : OTHER_BUFFER.test(name) ? 'a1'.padEnd(16, 'f') : undefined;
  return code === undefined ? kernels : kernels.replace('feffffffffffffff', code);
}

t.test('the record holds every case', (t) => {
  t.strictSame(Object.keys(answers).sort(), KERNEL_CASES.map(({ name }) => name).sort());
  t.end();
});

t.test('skep answers as the kernel did', (t) => {
  for (const each of KERNEL_CASES) {
    const ours = askSkep(each);
    const theirs = expected(each.name, answers[each.name] ?? 'nothing');
    if (ours !== theirs) t.equal(ours, theirs, each.name);
  }
  t.ok(KERNEL_CASES.length > 500, `${KERNEL_CASES.length} cases`);
  t.end();
});

t.test('the kernel still answers so', { skip }, (t) => {
  const kernel = new Kernel();
  for (const each of KERNEL_CASES) {
    const now = askKernel(kernel, each);
    if (now !== answers[each.name]) t.equal(now, answers[each.name], each.name);
  }
  t.pass(`${KERNEL_CASES.length} cases`);
  t.end();
});
