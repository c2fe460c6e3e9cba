/**
 * Helpers, maps and the XDP packet against Linux. The answers of a live kernel are recorded in `test/cases/kernel`
 * (`BLESS=1` records again), skep is held against the record everywhere, and the kernel where it can be asked.
 */
import { toHex } from '../../vm/bytes.js';
import { ALL_CHECKS } from '../../vm/engine/engine.js';
import { machineOf, objectOf, runOn } from '../machine/harness.js';
import { KERNEL_CASES, type KernelCase } from './helpers-cases.js';
import { Kernel } from './helpers-kernel.js';
import { hashBytes, testRecordedAnswers } from './recorded-answers.js';

/** Short data as it is, long data by length and hash; metadata and packet apart. */
function dataText(data: Uint8Array, metaBytes: number): string {
  const part = (bytes: Uint8Array) => (bytes.length <= 24 ? toHex(bytes) : `${bytes.length}:${hashBytes(bytes)}`);
  return `${metaBytes === 0 ? '' : `${part(data.subarray(0, metaBytes))}|`}${part(data.subarray(metaBytes))}`;
}

function answer(retval: number, data: Uint8Array, metaBytes: number): string {
  return `${retval | 0} ${dataText(data, metaBytes)}`;
}

function runCase({ text, maps = [], packet }: KernelCase): string {
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

/** Indices of perf buffers in skep: the current CPU's, on which a program may write, and those of others. */
const OWN_BUFFER = /flags (0|0x(18)?ffffffff ll)$/;
const OTHER_BUFFER = /flags [123]$/;

/** The kernel's answer, put right for what is different on purpose: in skep somebody listens to every perf buffer. */
function expected(kernels: string, name: string): string {
  if (!name.startsWith('perf_event_output')) return kernels;
  const code = OWN_BUFFER.test(name) ? '00'.repeat(8) : OTHER_BUFFER.test(name) ? 'a1'.padEnd(16, 'f') : undefined;
  return code === undefined ? kernels : kernels.replace('feffffffffffffff', code);
}

testRecordedAnswers({
  file: 'test/cases/kernel/helpers.json',
  cases: KERNEL_CASES,
  moreThan: 500,
  modes: { interp: { engine: 'interp', checks: ALL_CHECKS } },
  *askSkep() {
    for (const each of KERNEL_CASES) yield [each, runCase(each)];
  },
  openKernel: () => {
    const kernel = new Kernel();
    return (each) => askKernel(kernel, each);
  },
  expected,
});
