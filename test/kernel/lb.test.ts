/**
 * lb.bpf.o on the live kernel, loaded and run but never attached: every packet of the cases, its verdict, the reason
 * that was counted, and each byte. Skips with the reason where bpf() cannot be used.
 */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { toHex } from '../../vm/bytes.js';
import { must } from '../../vm/errors.js';
import { loadObject } from '../../vm/loader/load-object.js';
import { CONTENTS, LB_CASES, REASONS, RING_SLOTS, verdictOf } from '../bpf/lb-cases.js';
import { withVariable } from '../bpf/with-variable.js';
import { whyNoBpf } from './bpf-syscall.js';
import { Kernel, type KernelMachine } from './helpers-kernel.js';

const CPUS = 8;

/** Packets counted for each reason, on all CPUs. */
function readReasons(machine: KernelMachine): number[] {
  return REASONS.map((_, index) => {
    let packets = 0;
    for (let cpu = 0; cpu < CPUS; cpu++) {
      const value = machine.lookup('reasons', Uint8Array.of(index, 0, 0, 0), cpu);
      if (value !== undefined) packets += Number(Buffer.from(value).readBigUInt64LE(0));
    }
    return packets;
  });
}

t.test('lb.bpf.o on this kernel', { skip: whyNoBpf() ?? false }, (t) => {
  const object = withVariable(loadObject(readFileSync('bpf/lb.bpf.o')), 'ring_slots', RING_SLOTS);
  const machine = new Kernel().open(object);
  t.teardown(() => machine.close());
  for (const [map, entries] of Object.entries(CONTENTS)) {
    for (const [key, value] of entries) machine.update(map, key, value);
  }
  const program = must(object.programs[0], 'a program').func;
  const want = REASONS.map(() => 0);
  for (const { name, packet, reason, out = packet } of LB_CASES) {
    const { errno, retval, data } = machine.run(packet, program);
    const answer = `${errno} ${retval} ${toHex(data)}`;
    const expected = `0 ${verdictOf(reason)} ${toHex(out)}`;
    if (answer !== expected) t.equal(answer, expected, name);
    const index = REASONS.indexOf(reason);
    want[index] = (want[index] ?? 0) + 1;
  }
  t.strictSame(
    Object.fromEntries(readReasons(machine).map((packets, i) => [REASONS[i], packets])),
    Object.fromEntries(want.map((packets, i) => [REASONS[i], packets])),
    `${LB_CASES.length} packets: counted by reason`,
  );
  t.end();
});
