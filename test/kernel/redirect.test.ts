/**
 * Redirects, fib_lookup, clocks and snprintf against Linux: answers of a live kernel are recorded in `test/cases/kernel`
 * (`BLESS=1` records again), both engines are held against the record, and the kernel where it can be asked.
 */
import t from 'tap';
import { assemble } from '../../vm/asm/assemble.js';
import { toHex } from '../../vm/bytes.js';
import { ENGINES } from '../../vm/datapath/engines.js';
import { DEFAULT_FUEL } from '../../vm/engine/engine.js';
import { hookOf } from '../../vm/hooks/table.js';
import { objectFromInsns } from '../../vm/object/from-insns.js';
import type { ObjectSpec } from '../../vm/object/object-spec.js';
import { beginTestRun } from '../../vm/packet/test-run.js';
import { layoutOf } from '../../vm/machine/layout.js';
import { Machine } from '../../vm/machine/machine.js';
import { BARE_WORLD } from '../../vm/world/world-spec.js';
import { le } from '../machine/harness.js';
import { Kernel } from './helpers-kernel.js';
import { MapKernel } from './maps-kernel.js';
import { testRecordedAnswers, type Mode } from './recorded-answers.js';
import { ANSWER_BYTES, PACKET, R0_OFF, type RedirectCase } from './redirect-case.js';
import { REDIRECT_CASES } from './redirect-cases.js';

// Thousands of machines are made.
t.setTimeout(240_000);

/** What the kernel says at load about a format, skep says when it runs. */
const REFUSED = 'refused';
const EINVAL = 'eaffffffffffffff';

function objectOf({ text, type, maps = [] }: RedirectCase): ObjectSpec {
  const bare = text
    .replace(/(r\d) = &map(\d+)/g, 'ld_pseudo $1, 0x1, $2')
    .replace(/(r\d) = &value(\d+)/g, 'ld_pseudo $1, 0x2, $2');
  return objectFromInsns(assemble(bare).bytes, { maps, type });
}

/** r0, and the 64 bytes behind it without the zeros at their end. */
function answer(packet: Uint8Array): string {
  const r0 = toHex(packet.subarray(R0_OFF, R0_OFF + 8));
  const out = toHex(packet.subarray(R0_OFF + 8, R0_OFF + ANSWER_BYTES)).replace(/(00)+$/, '');
  return out === '' ? r0 : `${r0} ${out}`;
}

function runCase(each: RedirectCase, { engine, checks }: Mode): string {
  const object = objectOf(each);
  const layout = layoutOf(object, { memoryBytes: 2 << 20, packetBytes: 1024, shadow: checks.memory });
  // The recorded answers are of a machine without the devices that are asked for.
  const machine = new Machine(object, layout, { world: BARE_WORLD });
  machine.setFuel(DEFAULT_FUEL);
  const hook = hookOf(each.type);
  if (hook === undefined) throw new Error('no hook');
  machine.enter(hook);
  machine.world.setClock(0x12345678, 0x17000000);
  for (const [key, value] of each.entries ?? []) machine.maps.handle(0).set(key, value);
  if (each.type === 'xdp') machine.xdp.receive(PACKET);
  else beginTestRun(machine.skb, PACKET);
  const runner = ENGINES[engine].compile(object, machine.layout, checks).bind(machine);
  runner.run(0, machine.layout.ctx);
  const outcome = runner.outcome();
  if (outcome.kind === 'trap') return `trap ${outcome.trap.name}: ${outcome.trap.message}`;
  return answer(machine.packet.bytes());
}

function askKernel(kernels: { plain: Kernel; maps: MapKernel }, each: RedirectCase): string {
  const object = objectOf(each);
  if (each.type !== 'xdp') {
    const machine = kernels.plain.open(object);
    try {
      const run = machine.run(PACKET);
      return run.errno === 0 ? answer(run.data) : `errno ${run.errno}`;
    } finally {
      machine.close();
    }
  }
  const kernel = kernels.maps;
  const fds = object.maps.map((spec) => kernel.create(spec));
  try {
    const [fd = -1] = fds;
    for (const [key, value] of each.entries ?? []) kernel.entry('update', fd, key, value);
    for (const [index, { contents }] of object.maps.entries()) {
      if (contents === undefined) continue;
      kernel.entry('update', fds[index] ?? -1, le(0, 4), contents);
      kernel.ask('freeze', (attr) => attr.writeInt32LE(fds[index] ?? -1, 0));
    }
    return runLoaded(kernel, object, fds, each.name.startsWith('snprintf'));
  } finally {
    for (const fd of fds) kernel.close(fd);
  }
}

function runLoaded(kernel: MapKernel, object: ObjectSpec, fds: readonly number[], mayRefuse: boolean): string {
  let program: number;
  try {
    program = kernel.load(object, fds);
  } catch (error) {
    if (mayRefuse && String(error).includes('(-22)')) return REFUSED;
    throw error;
  }
  try {
    return answer(kernel.run(program, PACKET));
  } finally {
    kernel.close(program);
  }
}

testRecordedAnswers({
  file: 'test/cases/kernel/redirect.json',
  cases: REDIRECT_CASES,
  moreThan: 1000,
  *askSkep(mode) {
    for (const each of REDIRECT_CASES) yield [each, runCase(each, mode)];
  },
  openKernel: () => {
    const kernels = { plain: new Kernel(), maps: new MapKernel() };
    return (each) => askKernel(kernels, each);
  },
  expected: (recorded) => (recorded === REFUSED ? EINVAL : recorded),
});
