/** The compiled examples, run by the reference engine with every check on: each gives what its C source says. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { ALL_CHECKS, type Outcome } from '../../vm/engine/engine.js';
import { loadObject } from '../../vm/loader/load-object.js';
import type { Machine } from '../../vm/machine/machine.js';
import { cells } from '../../vm/memory/cells.js';
import { le, machineOf, patternBytes, runOn, type RunOptions, type RunResult } from './harness.js';

interface Example {
  readonly machine: Machine;
  /** Runs a program by name. */
  readonly run: (program: string, options?: RunOptions) => RunResult;
  /** Runs it and gives r0; throws where it trapped. */
  readonly verdict: (program: string, options?: RunOptions) => number;
  /** The words of a map's only value (a data section), 8 bytes each. */
  readonly words: (map: string, from?: number) => bigint[];
  readonly value: (map: string, key: Uint8Array) => Uint8Array | undefined;
}

function open(name: string, cpus = 1): Example {
  const object = loadObject(new Uint8Array(readFileSync(`bpf/examples/${name}.bpf.o`)));
  const machine = machineOf(object, { cpus });
  const handle = (map: string) => machine.maps.handle(machine.maps.idOf(map) ?? -1);
  const example: Example = {
    machine,
    run(program, options = {}) {
      const func = object.programs.find((each) => each.name === program)?.func;
      if (func === undefined) throw new Error(`no program ${program}`);
      return runOn(machine, { ...options, func });
    },
    verdict(program, options) {
      const { outcome } = example.run(program, options);
      if (outcome.kind === 'trap') throw new Error(`${program}: ${outcome.trap.message}`);
      return Number(outcome.r0 & 0xffff_ffffn);
    },
    words(map, from = 0) {
      const bytes = Buffer.from(handle(map).get(le(0, 4)) ?? []);
      return Array.from({ length: (bytes.length - from) >> 3 }, (_, i) => bytes.readBigUInt64LE(from + 8 * i));
    },
    value: (map, key) => handle(map).get(key),
  };
  return example;
}

const [ABORTED, DROP, PASS, TX] = [0, 1, 2, 3];

t.test('pass', (t) => {
  t.equal(open('pass').verdict('pass'), PASS);
  t.end();
});

t.test('globals', (t) => {
  const { verdict, words } = open('globals');
  t.equal(verdict('globals', { packet: new Uint8Array(64) }), PASS);
  t.equal(verdict('globals', { packet: new Uint8Array(63) }), DROP, 'shorter than limits.low: by size');
  t.equal(verdict('globals', { packet: new Uint8Array(1600) }), DROP, 'longer than limits.high: (1600 / 512) & 3 is 3');
  t.equal(verdict('globals', { packet: new Uint8Array(1500) }), PASS);
  t.strictSame(words('.bss.scratch').slice(0, 6), [0n, 102n, 103n, 104n, 105n, 0n]);
  t.end();
});

t.test('subprograms', (t) => {
  const { verdict, words } = open('subprograms');
  t.equal(verdict('deep'), PASS);
  t.equal(words('.bss')[0], 8_765_432n);
  for (const [ifindex, clamped] of [
    [1, 10],
    [15, 15],
    [99, 20],
  ] as const) {
    t.equal(verdict('arguments', { ifindex, queue: 7 }), PASS);
    t.equal(words('.bss')[0], BigInt(1 + 2 * 2 + 3 * 3 + 4 * 4 + 5 * 7 + clamped));
  }
  t.end();
});

t.test('callbacks', (t) => {
  const { verdict, words, machine } = open('callbacks');
  t.equal(verdict('loops'), PASS);
  // 0 + 1 + 4 + ... + 81; and 0 + 1 + 2 + 3 + 4 calls of the inner loop's function.
  t.ok(words('.bss').includes(285n));
  const bss = Buffer.from(machine.maps.handle(machine.maps.idOf('.bss') ?? 0).get(le(0, 4)) ?? []);
  const numbers = (): number[] => Array.from({ length: bss.length >> 2 }, (_, i) => bss.readUInt32LE(4 * i));
  t.ok(numbers().includes(10), 'calls');
  t.equal(verdict('each_element'), PASS);
  t.ok(words('.bss').includes(271n), 'without 0, 1, 4 and 9: 285 - 14');
  const values = [...machine.maps.handle(machine.maps.idOf('cells') ?? 0).entries()].map(([, value]) => value[0]);
  t.strictSame(values, [100, 101, 102, 103, 104, 105, 0, 0]);
  t.end();
});

t.test('tail calls', (t) => {
  const { run, verdict, machine } = open('tail-calls');
  const bss = () => {
    const bytes = Buffer.from(machine.maps.handle(machine.maps.idOf('.bss') ?? 0).get(le(0, 4)) ?? []);
    return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)].sort((a, b) => a - b);
  };
  t.equal(verdict('entry', { packet: new Uint8Array(101) }), PASS);
  t.strictSame(bss(), [0, 123]);
  t.equal(verdict('spin'), PASS);
  t.strictSame(bss(), [34, 123]);
  t.equal(machine.memory.word(cells.tailCalls), 33);
  // The callee of `dynamic` always returns XDP_TX where no tail call is made; clang knows, and returns that itself.
  t.equal(run('dynamic', { queue: 1 }).r0, BigInt(TX), 'an empty slot');
  t.strictSame(bss(), [34, 1234]);
  t.equal(run('dynamic', { queue: 2 }).r0, BigInt(TX), 'decide, called from a subprogram, returns to the caller');
  t.strictSame(bss(), [34, 123_434]);
  t.end();
});

t.test('maps', (t) => {
  const btf = open('maps-btf', 2);
  btf.machine.world.setCpu(1);
  for (let i = 0; i < 3; i++) t.equal(btf.verdict('count', { ifindex: 4, queue: 9 }), PASS);
  const flow = new Uint8Array(16);
  flow[0] = 4;
  flow[12] = 9;
  t.strictSame(btf.value('flows', flow), le(3, 8));
  t.strictSame(btf.value('by_size', le(0, 4))?.subarray(16), le(64, 8));
  t.strictSame(btf.value('per_cpu', le(0, 4)), Uint8Array.of(...le(0, 8), ...le(3, 8)));
  t.strictSame([btf.value('left', le(0, 4)), btf.value('right', le(0, 4))], [le(1, 8), undefined]);
  btf.machine.maps.handle(btf.machine.maps.idOf('settings') ?? 0).set(le(0, 4), le(1, 4));
  t.equal(btf.verdict('count'), DROP);

  const legacy = open('maps-legacy');
  for (const length of [60, 60, 99]) legacy.verdict('count_sizes', { packet: new Uint8Array(length) });
  t.strictSame([legacy.value('sizes', le(60, 4)), legacy.value('sizes', le(99, 4))], [le(2, 8), le(1, 8)]);
  t.strictSame(legacy.value('totals', le(0, 4)), le(3, 8));
  t.end();
});

t.test('events', (t) => {
  const { machine, verdict } = open('events');
  machine.world.setClock(1234, 0);
  const take = () => machine.world.effects.take();
  t.equal(verdict('reserve', { packet: new Uint8Array(60) }), PASS);
  const [event] = take().events;
  t.match(event, { map: 'ring', data: { length: 16 } });
  t.strictSame(event?.data.subarray(0, 12), Uint8Array.of(...le(1234, 8), ...le(60, 4)));
  t.equal(verdict('reserve', { packet: new Uint8Array(59) }), PASS, 'discarded, but it still takes its place');
  t.strictSame(take().events, []);
  t.equal(verdict('output'), PASS);
  t.equal(take().events.length, 1);
  t.equal(verdict('sample', { packet: patternBytes(100) }), PASS);
  const [sample] = take().events;
  t.strictSame(sample?.data.subarray(16), patternBytes(100).subarray(0, 32));
  t.equal(verdict('sample', { packet: patternBytes(20) }), PASS);
  t.equal(take().events[0]?.data.length, 36);
  t.equal(verdict('trace', { packet: new Uint8Array(77), queue: 5 }), PASS);
  t.strictSame(take().trace, ['packet of 77 bytes on queue 5']);
  t.end();
});

t.test('adjust', (t) => {
  const { run } = open('adjust');
  const packet = patternBytes(80);
  const vlan = run('push_vlan', { packet });
  t.equal(vlan.r0, BigInt(TX));
  t.strictSame(vlan.data, Uint8Array.of(...packet.subarray(0, 12), 0x81, 0, 0, 42, ...packet.subarray(12)));
  t.strictSame(run('trim', { packet }).data, packet.subarray(0, 64));
  t.strictSame(run('grow', { packet }).data, Uint8Array.of(...packet, ...new Uint8Array(16)));
  t.equal(run('grow', { packet: new Uint8Array(3510) }).r0, BigInt(DROP), 'no tailroom');
  const marked = run('mark', { packet });
  t.equal(marked.metaBytes, 4);
  t.strictSame(marked.data, Uint8Array.of(...le(0x5ca1ab1e, 4), ...packet));

  const ip = new Uint8Array(40);
  ip.set([8, 0, 0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 1, 2, 3, 10, 4, 5, 6], 12);
  const sum = (bytes: Uint8Array): number => {
    let total = 0;
    for (let i = 14; i < 34; i += 2) total += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
    while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
    return total;
  };
  ip.set([(~sum(ip) >> 8) & 0xff, ~sum(ip) & 0xff], 24);
  const readdressed = run('readdress', { packet: ip });
  t.equal(readdressed.r0, BigInt(TX));
  t.strictSame(readdressed.data.subarray(30, 34), Uint8Array.of(192, 0, 2, 99));
  t.equal(sum(readdressed.data), 0xffff, 'the checksum still holds');
  t.end();
});

t.test('atomics', (t) => {
  const { verdict, machine } = open('atomics');
  t.equal(verdict('without_result'), PASS);
  // (((0xf0 + 1) & 0xff) | 0x100) ^ 3
  const data = Buffer.from(machine.maps.handle(machine.maps.idOf('.data') ?? 0).get(le(0, 4)) ?? []);
  t.ok(data.includes(Buffer.from(le(0x1f2, 8))), 'wide');
  t.ok(data.includes(Buffer.from(le(0x1f2, 4))), 'narrow');
  t.equal(verdict('with_result'), PASS);
  t.equal(open('atomics').verdict('exchange'), PASS);
  const bss = open('atomics');
  bss.verdict('with_result');
  t.strictSame(bss.words('.bss').slice(0, 8), [0xf0n, 0xf5n, 0xf5n, 0x10f5n, 0xf0n, 0xebn, 0xebn, 0x10ebn]);
  t.end();
});

t.test('the v4 machine', (t) => {
  const { verdict, words } = open('cpu-v4');
  t.equal(verdict('arithmetic', { queue: 0 }), PASS);
  const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
  const results = words('.bss');
  t.strictSame(results.slice(0, 7), [-3n, -2n, -3n, -2n, -17n, -17n, -17n].map(u64));
  t.equal(results[7], 0xefff_ffff_ffff_ffffn);
  t.equal(verdict('sign_extending_loads', { queue: 0 }), PASS);
  t.equal(verdict('sign_extending_loads', { queue: 1 }), DROP);
  t.equal(words('.bss')[10], 2n + 300n + 70_000n);
  t.equal(verdict('long_jump', { queue: 0 }), 2);
  t.equal(verdict('long_jump', { queue: 5 }), 1);
  t.equal(verdict('may_goto'), PASS);
  t.equal(words('.bss')[11], 100n);
  t.end();
});

for (const name of ['loops', 'loops-v1']) {
  t.test(name, (t) => {
    const { verdict, machine } = open(name);
    for (const length of [14, 63, 64, 200]) {
      const packet = patternBytes(length);
      let sum = 0;
      for (const byte of packet.subarray(0, 64)) sum = ((sum << 1) | (sum >>> 31)) ^ byte;
      t.equal(verdict('sum_bytes', { packet }), sum & 1 ? DROP : PASS);
      const bss = Buffer.from(machine.maps.handle(machine.maps.idOf('.bss') ?? 0).get(le(0, 4)) ?? []);
      t.ok(bss.includes(Buffer.from(le(sum >>> 0, 4))));
    }
    t.equal(verdict('runs', { packet: Uint8Array.of(1, 2, 2, 2, 2, 3, ...new Uint8Array(4), 4, 5, 6, 7, 8, 9) }), PASS);
    t.equal(verdict('runs', { packet: Uint8Array.of(1, 2, 2, 2, 2, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3) }), DROP);
    t.end();
  });
}

t.test('no BTF', (t) => {
  const { verdict, value } = open('no-btf');
  t.equal(verdict('primes', { queue: 0 }), PASS);
  t.equal(verdict('primes', { queue: 3 }), DROP);
  t.strictSame(value('tables', le(1, 4))?.subarray(28), le(7, 4));
  t.end();
});

/** The C line that an outcome's trap comes from. */
function lineOf({ machine }: Example, outcome: Outcome): string {
  if (outcome.kind !== 'trap') return '';
  const lines = machine.object.functions[outcome.trap.func]?.lines ?? [];
  return lines.findLast(({ pc }) => pc <= outcome.trap.pc)?.text.trim() ?? '';
}

t.test('bad accesses: each trap with its message and C line', (t) => {
  const cases: readonly (readonly [program: string, name: string, message: string, line: RegExp])[] = [
    ['past_packet', 'memory', 'out of bounds read of 4 bytes at packet+4000 (packet is 64 bytes)', /words\[1000\]/],
    ['null_pointer', 'memory', 'out of bounds read of 8 bytes at NULL', /\*value/],
    [
      'past_map_value',
      'memory',
      'out of bounds write of 8 bytes at map `cell` [0] value+8 (a value is 8 bytes)',
      /value\[1\] = 1/,
    ],
    [
      'stale_pointer',
      'memory',
      'out of bounds read of 1 byte at an old packet pointer (the packet has moved since)',
      /\*byte/,
    ],
    ['below_stack', 'memory', 'out of bounds write of 8 bytes at stack-520 (the stack is 512 bytes)', /asm volatile/],
    ['write_context', 'memory', 'write of 4 bytes at ctx+0, which is read-only', /ctx->data/],
  ];
  for (const [program, name, message, line] of cases) {
    const example = open('bad-access');
    const { outcome } = example.run(program);
    t.match(outcome, { kind: 'trap', trap: { name, message } }, program);
    t.match(lineOf(example, outcome), line, program);
  }
  const stack = open('bad-access');
  const strict = { checks: { ...ALL_CHECKS, stackInit: true } };
  t.match(stack.run('unwritten_stack', strict).outcome, {
    trap: { name: 'memory', message: 'read of 8 bytes never written at stack-8' },
  });
  t.equal(stack.run('unwritten_stack').outcome.kind, 'exit', 'Linux lets a privileged program do that');
  const endless = open('bad-access');
  endless.machine.setFuel(10_000);
  const { outcome } = endless.run('endless');
  t.match(outcome, { trap: { name: 'fuel' } });
  t.ok(outcome.insns >= 10_000 && outcome.insns < 10_100);
  t.equal(ABORTED, 0);
  t.end();
});
