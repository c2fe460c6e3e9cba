/** Machines: checkpoints, independence, map handles, effects. */
import t from 'tap';
import { interp } from '../../vm/engine/interp/interp.js';
import { ALL_CHECKS, type SteppingRunner } from '../../vm/engine/engine.js';
import { ConfigError } from '../../vm/errors.js';
import type { Machine } from '../../vm/machine/machine.js';
import { cells } from '../../vm/memory/cells.js';
import { errno } from '../../vm/spec/errno.js';
import { Effects } from '../../vm/world/effects.js';
import { le, machineOf, machineWith, mapSpec, objectOf, patternBytes, runOn } from './harness.js';

/** Counts packets in a hash by their first byte, sends each to a ring and a perf buffer, and moves the head. */
const BUSY_TEXT = `
  r6 = r1
  r7 = *(u32 *)(r1 + 0)
  r8 = *(u8 *)(r7 + 0)
  *(u32 *)(r10 - 4) = r8
  call get_prandom_u32
  *(u64 *)(r10 - 16) = r0
  r1 = &map0
  r2 = r10
  r2 += -4
  r3 = r10
  r3 += -16
  r4 = 0
  call map_update_elem
  r1 = &map1
  r2 = r10
  r2 += -16
  r3 = 8
  r4 = 0
  call ringbuf_output
  r1 = r6
  r2 = &map2
  r3 = 0x4ffffffff ll
  r4 = r10
  r4 += -16
  r5 = 8
  call perf_event_output
  r1 = r6
  r2 = -4
  call xdp_adjust_head
  r0 = *(u64 *)(r10 - 16)
  exit`;

function busyMachine(): Machine {
  return machineOf(
    objectOf(BUSY_TEXT, [
      mapSpec({ type: 'hash', maxEntries: 64 }),
      mapSpec({ type: 'ringbuf', keyBytes: 0, valueBytes: 0, maxEntries: 4096 }),
      mapSpec({ type: 'perf_event_array', valueBytes: 4 }),
    ]),
  );
}

function packetOf(id: number): Uint8Array {
  return patternBytes(60).fill(id, 0, 1);
}

/** Everything that can be seen of what a machine does with some packets. */
function story(machine: Machine, ids: readonly number[]): string {
  const runs = ids.map((id) => {
    const { outcome, data } = runOn(machine, { packet: packetOf(id) });
    return [outcome.kind === 'exit' ? String(outcome.r0) : outcome.trap.message, Buffer.from(data).toString('hex')];
  });
  const map = [...machine.maps.handle(0).entries()].map((pair) =>
    pair.map((bytes) => Buffer.from(bytes).toString('hex')),
  );
  return JSON.stringify({ runs, map, effects: machine.world.effects.take() });
}

t.test('a checkpoint brings everything back', (t) => {
  const machine = busyMachine();
  story(machine, [1, 2, 3]);
  runOn(machine, { packet: packetOf(4) });
  const checkpoint = machine.save();
  const first = story(machine, [5, 6, 1, 7]);
  for (let i = 0; i < 3; i++) {
    story(machine, [40 + i, 50, 1]);
    machine.restore(checkpoint);
    t.equal(story(machine, [5, 6, 1, 7]), first, 'the same packets, the same story, events that waited included');
  }
  t.end();
});

t.test('a checkpoint in the middle of a run', (t) => {
  const machine = busyMachine();
  const runner = interp.compile(machine.object, machine.layout, ALL_CHECKS).bind(machine) as SteppingRunner;
  const finish = (): unknown => {
    while (runner.step(1) === 'paused');
    return [runner.outcome(), machine.maps.handle(0).get(le(9, 4)), machine.world.effects.take()];
  };
  machine.packet.receive(packetOf(9), 1, 0);
  runner.begin(0, machine.layout.ctx);
  runner.step(12);
  t.equal(machine.memory.word(cells.insns), 12);
  const checkpoint = machine.save();
  const first = finish();
  t.match(first, [{ kind: 'exit', insns: 31 }]);
  machine.restore(checkpoint);
  t.strictSame(finish(), first);
  t.end();
});

t.test('two machines of one object share nothing', (t) => {
  const a = busyMachine();
  const b = busyMachine();
  const expected = story(busyMachine(), [1, 2]);
  story(a, [9, 8, 7, 6]);
  t.equal(story(b, [1, 2]), expected);
  t.equal([...a.maps.handle(0).entries()].length, 4);
  t.equal([...b.maps.handle(0).entries()].length, 2);
  t.end();
});

t.test('handles', (t) => {
  const machine = machineWith(
    [
      mapSpec({ type: 'hash', name: 'h', keyBytes: 3, valueBytes: 5, maxEntries: 3 }),
      mapSpec({ type: 'array', name: 'a', valueBytes: 6, maxEntries: 2 }),
      mapSpec({ type: 'percpu_array', name: 'p', valueBytes: 3, maxEntries: 2 }),
      mapSpec({ type: 'stack_trace', name: 'l' }),
    ],
    { cpus: 3 },
  );
  const [hash, array, percpu, stacks] = [0, 1, 2, 3].map((id) => machine.maps.handle(id));
  if (hash === undefined || array === undefined || percpu === undefined || stacks === undefined)
    throw new Error('maps');
  t.strictSame(
    ['h', 'a', 'p', 'l', 'x'].map((name) => machine.maps.idOf(name)),
    [0, 1, 2, 3, undefined],
  );

  const key = (id: number) => le(id, 3);
  const value = (id: number) => le(id, 5);
  t.equal(hash.get(key(1)), undefined);
  t.equal(hash.set(key(1), value(10), 2), -errno.ENOENT);
  t.equal(hash.set(key(1), value(10), 1), 0);
  t.equal(hash.set(key(1), value(11), 1), -errno.EEXIST);
  t.strictSame(hash.get(key(1)), value(10));
  for (const id of [2, 3]) t.equal(hash.set(key(id), value(10 * id)), 0);
  t.equal(hash.set(key(4), value(0)), -errno.E2BIG);
  const seen: number[] = [];
  for (const [each, held] of hash.entries()) {
    seen.push(each[0] ?? 0);
    t.strictSame(held, value(10 * (each[0] ?? 0)));
    t.equal(hash.delete(each), 0, 'deleting on the way is allowed');
  }
  t.strictSame(seen.sort(), [1, 2, 3]);
  t.equal(hash.delete(key(1)), -errno.ENOENT);
  const copy = le(7, 5);
  hash.set(key(7), copy);
  copy.fill(0xff);
  hash.get(key(7))?.fill(0xee);
  t.strictSame(hash.get(key(7)), value(7), 'what goes in and comes out is a copy');

  t.strictSame([...array.entries()].length, 2);
  t.equal(array.set(le(2, 4), new Uint8Array(6)), -errno.E2BIG);
  t.equal(array.get(le(2, 4)), undefined);
  t.equal(array.delete(le(0, 4)), -errno.EINVAL);

  t.equal(percpu.valueBytes, 24);
  const three = Uint8Array.from({ length: 24 }, (_, i) => i + 1);
  t.equal(percpu.set(le(1, 4), three), 0);
  const kept = three.map((byte, i) => (i % 8 < 3 ? byte : 0));
  t.strictSame(percpu.get(le(1, 4)), kept, 'padding between values is not the map’s');
  t.strictSame(
    [...percpu.entries()],
    [
      [le(0, 4), new Uint8Array(24)],
      [le(1, 4), kept],
    ],
  );

  t.notOk(stacks.supported);
  t.equal(stacks.get(new Uint8Array(4)), undefined);
  t.equal(stacks.set(new Uint8Array(4), new Uint8Array(8)), -errno.EOPNOTSUPP);
  t.strictSame([...stacks.entries()], []);
  t.equal(hash.setProgram(0, 0), -errno.EINVAL);

  const wrong = { code: 'config-value' };
  t.throws(() => hash.get(le(1, 4)), { ...wrong, data: { map: 'h', what: 'key', bytes: 4, want: 3 } });
  t.throws(() => hash.set(key(1), le(1, 4)), { ...wrong, data: { map: 'h', what: 'value', bytes: 4, want: 5 } });
  t.throws(() => percpu.set(le(0, 4), le(1, 3)), { ...wrong, data: { map: 'p', what: 'value', bytes: 3, want: 24 } });
  t.throws(() => hash.delete(new Uint8Array(0)), ConfigError);
  t.end();
});

t.test('effects have limits', (t) => {
  const effects = new Effects();
  const data = new Uint8Array(1 << 20);
  for (let i = 0; i < 70; i++) effects.emit({ map: 'm', cpu: 0, data });
  t.match(effects.take(), { events: { length: 64 }, lost: 6 });
  const small = new Uint8Array(1);
  for (let i = 0; i < 65_540; i++) effects.emit({ map: 'm', cpu: 0, data: small });
  for (let i = 0; i < 65_540; i++) effects.traceLine('x');
  const { events, trace, lost } = effects.take();
  t.strictSame([events.length, trace.length, lost], [65_536, 65_536, 8]);
  t.strictSame(effects.take(), { events: [], trace: [], clones: [], lost: 0 });
  t.end();
});
