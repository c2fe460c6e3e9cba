/**
 * BPF_PROG_TEST_RUN of a program on a machine: what the packet and the ctx are for each program type, and what comes
 * back.
 */
import type { Runner } from '../../vm/engine/engine.js';
import type { Hook } from '../../vm/hooks/hook.js';
import type { Machine } from '../../vm/machine/machine.js';
import type { ProgramSpec } from '../../vm/object/object-spec.js';
import { beginTestRun, endTestRun } from '../../vm/packet/test-run.js';

export type TestRun =
  | { readonly retval: number; readonly output: Uint8Array }
  /** Linux would have answered; skep failed. */
  | { readonly failed: string }
  | { readonly unsupported: string };

export function testRun(
  machine: Machine,
  runner: Runner,
  hook: Hook,
  program: ProgramSpec,
  input: Uint8Array,
): TestRun {
  machine.enter(hook);
  if (hook.packet === 'xdp') machine.packet.receive(input);
  else {
    const errno = beginTestRun(machine.skb, input);
    if (errno !== 0) return { failed: `the run was refused with errno ${String(errno)}` };
  }
  runner.run(program.func, machine.layout.ctx);
  const outcome = runner.outcome();
  if (outcome.kind === 'trap') {
    const { name, message } = outcome.trap;
    return name.startsWith('unsupported') ? { unsupported: message } : { failed: `trapped: ${message}` };
  }
  if (hook.packet === 'skb') {
    const { errno } = endTestRun(machine.skb);
    if (errno !== 0) return { failed: `the run ended with errno ${String(errno)}` };
  }
  return { retval: Number(BigInt.asIntN(32, outcome.r0)), output: machine.packet.bytes() };
}
