/** Every helper through small programs. What a live kernel can be asked, test/kernel asks; the rest is here. */
import t from 'tap';
import { helperOf } from '../../vm/helpers/table.js';
import { cells } from '../../vm/memory/cells.js';
import { errno } from '../../vm/spec/errno.js';
import { HELPERS, type HelperName } from '../../vm/spec/helpers.js';
import { le, machineOf, mapSpec, objectOf, runOn, runText, signedR0 } from '../machine/harness.js';

function trapOf(text: string, maps = [mapSpec({ type: 'array', name: 'cells' })]): { name: string; message: string } {
  const { outcome } = runText(text, maps);
  return outcome.kind === 'trap' ? outcome.trap : { name: 'none', message: `r0 = ${outcome.r0}` };
}

t.test('the table and the rows agree on what runs', (t) => {
  for (const { name, unsupported } of HELPERS as readonly { name: HelperName; unsupported?: true }[]) {
    if (name === 'tail_call') continue;
    t.equal(helperOf(name) === undefined, unsupported === true, name);
  }
  t.equal(helperOf('tail_call'), undefined, 'tail_call is the engine’s');
  t.end();
});

t.test('ktime_get_ns, get_smp_processor_id', (t) => {
  const object = objectOf(
    'call ktime_get_ns\nr6 = r0\ncall ktime_get_ns\nif r0 != r6 goto bad\nexit\nbad:\nr0 = 0\nexit',
  );
  const machine = machineOf(object);
  for (const time of [0n, 1n, 0xffff_ffffn, 0x1_0000_0000n, 1_700_000_000_123_456_789n]) {
    machine.world.setClock(Number(BigInt.asIntN(32, time)), Number(time >> 32n));
    t.equal(runOn(machine).r0, time, 'time does not move within a run');
  }
  const onCpu = machineOf(objectOf('call get_smp_processor_id\nexit'), { cpus: 3 });
  for (const cpu of [0, 1, 2]) {
    onCpu.world.setCpu(cpu);
    t.equal(runOn(onCpu).r0, BigInt(cpu));
  }
  t.end();
});

t.test('get_prandom_u32: a seed gives one sequence, zero-extended and without short cycles', (t) => {
  const text = 'call get_prandom_u32\nexit';
  const draw = (machine = machineOf(objectOf(text))) => Array.from({ length: 2000 }, () => runOn(machine).r0 ?? -1n);
  const first = draw();
  t.strictSame(draw(), first);
  t.ok(first.every((value) => value >= 0n && value < 1n << 32n));
  t.equal(new Set(first).size, 2000);
  const ones = first.reduce((sum, value) => sum + value.toString(2).replaceAll('0', '').length, 0);
  t.ok(Math.abs(ones / (32 * 2000) - 0.5) < 0.02, 'about half of the bits are set');
  t.end();
});

t.test('map flags above 32 bits are unknown', (t) => {
  const update = (flags: string) =>
    signedR0(
      runText(
        `*(u32 *)(r10 - 4) = 0
        *(u64 *)(r10 - 16) = 1
        r1 = &map0
        r2 = r10
        r2 += -4
        r3 = r10
        r3 += -16
        r4 = ${flags}
        call map_update_elem
        exit`,
        [mapSpec({ type: 'array' })],
      ),
    );
  t.equal(update('0'), 0n);
  for (const flags of ['0x100000000 ll', '0x100000002 ll', '-1']) t.equal(update(flags), BigInt(-errno.EINVAL), flags);
  t.end();
});

t.test('per-CPU values: lookup and update of the CPU that runs', (t) => {
  const text = `
    *(u32 *)(r10 - 4) = 1
    r1 = &map0
    r2 = r10
    r2 += -4
    call map_lookup_elem
    if r0 == 0 goto out
    r1 = *(u64 *)(r0 + 0)
    r1 += 1
    *(u64 *)(r0 + 0) = r1
    r0 = r1
  out:
    exit`;
  const machine = machineOf(objectOf(text, [mapSpec({ type: 'percpu_array' })]), { cpus: 2 });
  const seen = [0, 1, 1, 0, 1].map((cpu) => {
    machine.world.setCpu(cpu);
    return runOn(machine).r0;
  });
  t.strictSame(seen, [1n, 1n, 2n, 2n, 3n]);
  t.strictSame(machine.maps.handle(0).get(le(1, 4)), Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0));
  t.end();
});

/** bpf_loop: r0, rounds done. */
function loop(rounds: string, stopAt: number, flags = '0'): [bigint, bigint] {
  const { r0, outcome, data } = runText(`
    r6 = *(u32 *)(r1 + 0)
    *(u64 *)(r10 - 16) = 0
    *(u64 *)(r10 - 8) = ${stopAt}
    r1 = ${rounds}
    r2 = step ll
    r3 = r10
    r3 += -16
    r4 = ${flags}
    call loop
    r1 = *(u64 *)(r10 - 16)
    *(u64 *)(r6 + 0) = r1
    exit
  step:
    r3 = *(u64 *)(r2 + 0)
    r3 += 1
    *(u64 *)(r2 + 0) = r3
    r4 = *(u64 *)(r2 + 8)
    r0 = 0
    if r1 != r4 goto on
    r0 = 1
  on:
    exit`);
  if (outcome.kind === 'trap') throw new Error(outcome.trap.message);
  return [BigInt.asIntN(64, r0 ?? 0n), Buffer.from(data).readBigUInt64LE(0)];
}

t.test('loop', (t) => {
  const E2BIG = BigInt(-errno.E2BIG);
  const EINVAL = BigInt(-errno.EINVAL);
  t.strictSame(loop('0', -1), [0n, 0n]);
  t.strictSame(loop('1', -1), [1n, 1n]);
  t.strictSame(loop('100', -1), [100n, 100n]);
  t.strictSame(loop('100', 0), [1n, 1n], 'the round that stops counts');
  t.strictSame(loop('100', 41), [42n, 42n]);
  t.strictSame(loop('0x100000003 ll', -1), [3n, 3n], 'the number of rounds is a u32');
  t.strictSame(loop('8388608', 99), [100n, 100n]);
  t.strictSame(loop('8388609', -1), [E2BIG, 0n]);
  t.strictSame(loop('-1', -1), [E2BIG, 0n]);
  for (const flags of ['1', '-1', '0x100000000 ll']) {
    t.strictSame(loop('3', -1, flags), [EINVAL, 0n]);
    t.strictSame(loop('8388609', -1, flags), [EINVAL, 0n], 'flags are looked at first');
  }
  t.end();
});

t.test('loop: the most rounds there may be', (t) => {
  const result = runText(`
    r1 = 8388608
    r2 = step ll
    r3 = 0
    r4 = 0
    call loop
    exit
  step:
    r0 = 0
    exit`);
  t.equal(result.r0, 8_388_608n);
  t.equal(result.outcome.insns, 9 + 2 * 8_388_608 - 3);
  t.end();
});

/** for_each_map_elem over three entries 0..2 with values 100 + key * key: r0, calls, sum of 1000 * key + value. */
function each(type: 'array' | 'hash' | 'percpu_array', stopAfter: number, flags = '0'): [bigint, bigint, bigint] {
  const put = (key: number) => `
    *(u32 *)(r10 - 4) = ${key}
    *(u64 *)(r10 - 16) = ${100 + key * key}
    r1 = &map0
    r2 = r10
    r2 += -4
    r3 = r10
    r3 += -16
    r4 = 0
    call map_update_elem`;
  const { r0, outcome, data } = runText(
    `
    r6 = *(u32 *)(r1 + 0)
    ${[0, 1, 2].map(put).join('\n')}
    *(u64 *)(r10 - 32) = 0
    *(u64 *)(r10 - 24) = 0
    r1 = &map0
    r2 = each ll
    r3 = r10
    r3 += -32
    r4 = ${flags}
    call for_each_map_elem
    r1 = *(u64 *)(r10 - 32)
    *(u64 *)(r6 + 0) = r1
    r1 = *(u64 *)(r10 - 24)
    *(u64 *)(r6 + 8) = r1
    exit
  each:
    r5 = *(u64 *)(r4 + 0)
    r5 += 1
    *(u64 *)(r4 + 0) = r5
    r1 = *(u32 *)(r2 + 0)
    r2 = *(u64 *)(r3 + 0)
    r1 *= 1000
    r1 += r2
    r2 = *(u64 *)(r4 + 8)
    r2 += r1
    *(u64 *)(r4 + 8) = r2
    r0 = 0
    if r5 != ${stopAfter} goto on
    r0 = 1
  on:
    exit`,
    [mapSpec({ type })],
  );
  if (outcome.kind === 'trap') throw new Error(outcome.trap.message);
  const out = Buffer.from(data);
  return [BigInt.asIntN(64, r0 ?? 0n), out.readBigUInt64LE(0), out.readBigUInt64LE(8)];
}

t.test('for_each_map_elem', (t) => {
  // Arrays have all four entries, the last one never written; a hash has the three that are there.
  t.strictSame(each('array', 0), [4n, 4n, 6305n]);
  t.strictSame(each('percpu_array', 0), [4n, 4n, 6305n]);
  t.strictSame(each('hash', 0), [3n, 3n, 3305n]);
  t.strictSame(each('array', 2), [2n, 2n, 1201n]);
  t.strictSame(each('array', 4), [4n, 4n, 6305n]);
  t.strictSame(each('hash', 1).slice(0, 2), [1n, 1n]);
  for (const flags of ['1', '0x100000000 ll']) t.strictSame(each('array', 0, flags), [BigInt(-errno.EINVAL), 0n, 0n]);
  t.end();
});

t.test('for_each_map_elem: an entry that its own callback replaces is not met again', (t) => {
  for (const type of ['hash', 'lru_hash', 'percpu_hash'] as const) {
    for (const flags of type === 'lru_hash' ? [0] : [0, 1]) {
      const put = (key: number) => `
        *(u32 *)(r10 - 4) = ${key}
        *(u64 *)(r10 - 16) = 0
        r1 = &map0
        r2 = r10
        r2 += -4
        r3 = r10
        r3 += -16
        r4 = 0
        call map_update_elem`;
      const text = `
        ${[1, 2, 3].map(put).join('\n')}
        r1 = &map0
        r2 = each ll
        r3 = 0
        r4 = 0
        call for_each_map_elem
        exit
      each:
        r5 = *(u64 *)(r3 + 0)
        r5 += 1
        *(u64 *)(r10 - 8) = r5
        r3 = r10
        r3 += -8
        r4 = 0
        call map_update_elem
        r0 = 0
        exit`;
      const result = runText(text, [mapSpec({ type, maxEntries: 16, flags })]);
      t.equal(signedR0(result), 3n, `${type}, flags ${flags}`);
      const values = [...result.machine.maps.handle(0).entries()].map(
        ([key, value]) => [key[0] ?? 0, value[0]] as const,
      );
      t.strictSame(
        values.sort(([a], [b]) => a - b),
        [
          [1, 1],
          [2, 1],
          [3, 1],
        ],
        'each has been updated once',
      );
    }
  }
  t.end();
});

t.test('tail_call: 33 of them, then it falls through', (t) => {
  const text = `
    r6 = r1
    *(u32 *)(r10 - 4) = 0
    r1 = &map1
    r2 = r10
    r2 += -4
    call map_lookup_elem
    if r0 == 0 goto out
    r1 = *(u64 *)(r0 + 0)
    r1 += 1
    *(u64 *)(r0 + 0) = r1
    r7 = r1
    r1 = r6
    r2 = &map0
    r3 = 2
    call tail_call
    r0 = r7
  out:
    exit`;
  const object = objectOf(text, [mapSpec({ type: 'prog_array', valueBytes: 4 }), mapSpec({ type: 'array' })]);
  const machine = machineOf(object);
  t.equal(runOn(machine).r0, 1n, 'an empty slot falls through');
  machine.maps.handle(0).setProgram(2, 0);
  t.equal(runOn(machine).r0, 1n + 34n);
  t.equal(machine.memory.word(cells.tailCalls), 33);
  t.equal(runOn(machine).r0, 1n + 2n * 34n, 'each run counts anew');
  t.end();
});

t.test('ring buffer: what is submitted comes out after the run', (t) => {
  const text = `
    r1 = &map0
    r2 = 16
    r3 = 0
    call ringbuf_reserve
    if r0 == 0 goto out
    *(u64 *)(r0 + 0) = 1
    *(u64 *)(r0 + 8) = 2
    r1 = r0
    r2 = 1
    call ringbuf_submit
    *(u32 *)(r10 - 4) = 0x55
    r1 = &map0
    r2 = r10
    r2 += -4
    r3 = 4
    r4 = 0
    call ringbuf_output
    r1 = &map0
    r2 = 8
    r3 = 0
    call ringbuf_reserve
    if r0 == 0 goto out
    r1 = r0
    r2 = 0
    call ringbuf_discard
    r1 = &map0
    r2 = 0
    call ringbuf_query
  out:
    exit`;
  const machine = machineOf(
    objectOf(text, [mapSpec({ type: 'ringbuf', name: 'ring', keyBytes: 0, valueBytes: 0, maxEntries: 4096 })]),
  );
  const records = [Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0), Uint8Array.of(0x55, 0, 0, 0)];
  for (let round = 0; round < 300; round++) {
    const { r0 } = runOn(machine);
    const { events } = machine.world.effects.take();
    if (r0 !== 56n || events.length !== 2) t.fail(`round ${round}: ${String(r0)}, ${events.length} events`);
    if (round === 299)
      t.strictSame(
        events,
        records.map((data) => ({ map: 'ring', cpu: 0, data })),
      );
  }
  t.end();
});

t.test('perf_event_output appends the packet', (t) => {
  const { machine } = runText(
    `
    *(u32 *)(r10 - 4) = 0x01020304
    r2 = &map0
    r3 = 0x5ffffffff ll
    r4 = r10
    r4 += -4
    r5 = 4
    call perf_event_output
    exit`,
    [mapSpec({ type: 'perf_event_array', name: 'perf', valueBytes: 4 })],
    { packet: Uint8Array.from({ length: 20 }, (_, i) => 0xa0 + i) },
  );
  const data = Uint8Array.of(4, 3, 2, 1, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4);
  t.strictSame(machine.world.effects.take(), {
    events: [{ map: 'perf', cpu: 0, data }],
    trace: [],
    clones: [],
    lost: 0,
  });
  t.end();
});

t.test('what is no map, no record, no function', (t) => {
  const key = '*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\n';
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [`${key}r1 = 0\ncall map_lookup_elem\nexit`, 'bad-map', /^NULL is not a map/],
    [`${key}r1 = r10\ncall map_lookup_elem\nexit`, 'bad-map', /^stack\+0 is not a map/],
    [`${key}r1 = &map0\nr1 += 4\ncall map_lookup_elem\nexit`, 'bad-map', /is not a map/],
    [`${key}r1 = &value0\ncall map_lookup_elem\nexit`, 'bad-map', /^map `cells` \[0\] value\+0 is not a map/],
    [
      'r1 = &map0\nr2 = 8\nr3 = 0\ncall ringbuf_reserve\nexit',
      'bad-map',
      /^map `cells` itself is not a map of the type/,
    ],
    ['r1 = r10\nr2 = 0\ncall ringbuf_submit\nexit', 'bad-record', /^stack\+0 is not a reserved/],
    ['r2 = &map0\nr3 = 0\ncall tail_call\nexit', 'bad-map', /^map `cells` itself/],
    ['r1 = 1\nr2 = 5\nr3 = 0\nr4 = 0\ncall loop\nexit', 'bad-callback', /^NULL\+5 is not a function/],
    ['r1 = &map0\nr2 = r10\nr3 = 0\nr4 = 0\ncall for_each_map_elem\nexit', 'bad-callback', /^stack\+0 is not/],
    ['call override_return\nexit', 'unsupported-helper', /bpf_override_return is unsupported by skep/],
  ];
  for (const [text, name, message] of cases) t.match(trapOf(text), { name, message }, text);
  t.end();
});

t.test('a record is committed once', (t) => {
  const ring = [mapSpec({ type: 'ringbuf', name: 'ring', keyBytes: 0, valueBytes: 0, maxEntries: 4096 })];
  const reserve = 'r1 = &map0\nr2 = 8\nr3 = 0\ncall ringbuf_reserve\nr6 = r0\nr1 = r6\nr2 = 0\ncall ringbuf_submit\n';
  t.match(trapOf(`${reserve}r1 = r6\nr2 = 0\ncall ringbuf_discard\nexit`, ring), { name: 'bad-record' });
  t.match(trapOf(`${reserve}*(u8 *)(r6 + 0) = 1\nexit`, ring), {
    name: 'memory',
    message: /write of 1 byte at map `ring`/,
  });
  t.end();
});

t.test('memory arguments are checked', (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['r1 = &map0\nr2 = 0\ncall map_lookup_elem\nexit', /out of bounds read of 4 bytes at NULL/],
    ['r1 = &map0\nr2 = r10\ncall map_lookup_elem\nexit', /out of bounds read of 4 bytes at stack\+0/],
    ['r1 = &map0\nr2 = r10\nr2 += -2\ncall map_lookup_elem\nexit', /read of 4 bytes at stack-2/],
    [
      'r1 = &map0\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -4\nr4 = 0\ncall map_update_elem\nexit',
      /read of 8 bytes at stack-4/,
    ],
    ['r1 = r10\nr1 += -4\nr2 = 8\nr3 = 0\nr4 = 0\nr5 = 0\ncall csum_diff\nexit', /read of 8 bytes at stack-4/],
    ['r1 = 0\nr2 = 8\nr3 = 0\nr4 = 0\nr5 = 0\ncall csum_diff\nexit', /read of 8 bytes at NULL/],
    [
      'r1 = r10\nr1 += -4\nr2 = 0x100000004 ll\nr3 = 0\nr4 = 0\nr5 = 0\ncall csum_diff\nexit',
      /read of 2147483647 bytes/,
    ],
    ['r1 = 0x100001000 ll\nr2 = 4\nr3 = 0\nr4 = 0\nr5 = 0\ncall csum_diff\nexit', /not a pointer/],
  ];
  for (const [text, message] of cases) t.match(trapOf(text).message, message, text);
  t.end();
});
