/** What a step says of single instructions: pointers against numbers, spills, calls, callbacks, packet loads, traps. */
import t from 'tap';
import { assembleObject } from '../../vm/asm/index.js';
import { PacketTracer } from '../../vm/debug/trace-packet.js';
import type { TraceOutcome } from '../../vm/debug/trace-packet.js';
import type { TraceStep } from '../../vm/debug/trace-step.js';
import { load } from '../../vm/datapath/datapath.js';
import type { Packet } from '../../vm/net/packet.js';

/** IPv4, UDP from 192.0.2.1:1000 to 192.0.2.2:53. */
const FRAME = Uint8Array.from([
  ...[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0],
  ...[0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2],
  ...[3, 232, 0, 53, 0, 8, 0, 0],
]);

function packetOf(data: Uint8Array, sec = 0): Packet {
  const { length: origBytes } = data;
  return { data, origBytes, sec, nsec: 0, linkType: 1, interfaceId: 0, index: 0, fileOff: 0, comment: undefined };
}

interface Traced {
  readonly steps: readonly TraceStep[];
  readonly outcome: TraceOutcome;
}

function traceText(body: string, head = '', frame = FRAME): Traced {
  const object = assembleObject(`.license "GPL"\n${head}\n.section "xdp"\nprog:\n${body}\n`);
  const steps: TraceStep[] = [];
  const tracer = new PacketTracer(load(object, { memoryBytes: 2 ** 26 }), 'prog');
  const outcome = tracer.trace(packetOf(frame), (step) => steps.push(step));
  return { steps, outcome };
}

/** The register texts of each step. */
function registersOf({ steps }: Traced): string[] {
  return steps.map(({ registers }) => registers.map(({ name, text }) => `${name} = ${text}`).join(', '));
}

const EXIT = 'r0 = 2\nexit';

t.test('pointers are followed; numbers stay numbers', (t) => {
  const texts = registersOf(
    traceText(`
      r2 = r10
      r2 += -8
      r3 = 0x8ff8
      *(u64 *)(r2 + 0) = r2
      r4 = *(u64 *)(r10 - 8)
      *(u32 *)(r2 + 0) = 1
      r4 = *(u64 *)(r10 - 8)
      r5 = *(u32 *)(r1 + 0)
      r6 = *(u32 *)(r1 + 4)
      r7 = r6
      r7 -= r5
      r5 += r7
      w6 = w5
      r1 = 5
      ${EXIT}`),
  );
  t.same(texts.slice(0, 6), ['r2 = stack', 'r2 = stack-8', 'r3 = 36856 (0x8ff8)', '', 'r4 = stack-8', '']);
  t.equal(texts[6], 'r4 = 1', 'an overwritten spill is no pointer');
  t.same(texts.slice(7, 12), ['r5 = packet+0', 'r6 = packet+42', 'r7 = packet+42', 'r7 = 42 (0x2a)', 'r5 = packet+42']);
  t.match(texts[12], /^r6 = \d+ \(/, 'half a pointer is a number');
  t.end();
});

t.test('packet fields are read as the network means them', (t) => {
  const { steps } = traceText(`
      r1 = *(u32 *)(r1 + 0)
      r2 = *(u8 *)(r1 + 23)
      r2 = *(u16 *)(r1 + 36)
      r2 = *(u32 *)(r1 + 26)
      r2 = *(u32 *)(r1 + 34)
      r2 = *(u8 *)(r1 + 30)
      ${EXIT}`);
  t.same(
    steps.flatMap(({ memory }) => memory.map(({ place, field, text }) => [place, field, text])),
    [
      ['ctx+0', 'data', 'packet+0'],
      ['packet+23', 'ip.proto', '17'],
      ['packet+36', 'udp.dstport', '53'],
      ['packet+26', 'ip.src', '192.0.2.1'],
      ['packet+34', 'udp.srcport, udp.dstport', '1000, 53'],
      ['packet+30', 'ip.dst+0', '192 (0xc0)'],
    ],
  );
  t.end();
});

t.test('a store that changes the headers changes their names', (t) => {
  const { steps } = traceText(`
      r1 = *(u32 *)(r1 + 0)
      *(u8 *)(r1 + 23) = 6
      r2 = *(u16 *)(r1 + 36)
      *(u8 *)(r1 + 23) = 1
      r2 = *(u8 *)(r1 + 34)
      ${EXIT}`);
  // Eight bytes are no TCP header, but they are an ICMP one.
  t.same(
    steps.slice(1, 5).flatMap(({ memory }) => memory.map(({ kind, field, text }) => [kind, field, text])),
    [
      ['write', 'ip.proto', '6'],
      ['read', undefined, '13568 (0x3500)'],
      ['write', 'ip.proto', '1'],
      ['read', 'icmp.type', '3'],
    ],
  );
  t.end();
});

t.test('calls: depth, registers that come back, what is returned', (t) => {
  const { steps } = traceText(
    `
      r6 = r10
      r1 = 7
      call twice
      r7 = r6
      ${EXIT}
    twice:
      r6 = 1
      r0 = r1
      r0 += r1
      exit`,
  );
  t.same(
    steps.map(({ func, depth }) => `${func} ${String(depth)}`),
    ['prog 0', 'prog 0', 'prog 0', 'twice 1', 'twice 1', 'twice 1', 'twice 1', 'prog 0', 'prog 0', 'prog 0'],
  );
  t.equal(steps[2]?.enters, 'twice');
  t.same(steps[6]?.returns, { value: '14 (0xe)', to: 'prog', again: false });
  t.same(
    steps[6]?.registers.map(({ name, text }) => `${name} = ${text}`),
    ['r6 = stack'],
  );
  t.same(
    steps[7]?.registers.map(({ text }) => text),
    ['stack'],
  );
  t.end();
});

t.test('branches: taken or not, and where to', (t) => {
  const { steps } = traceText(`
      r1 = 1
      if r1 == 1 goto same
      r1 = 2
    same:
      if r1 == 2 goto other
      if r1 == 1 goto other
    other:
      ${EXIT}`);
  t.same(
    steps.flatMap(({ branch }) => branch ?? []),
    [
      { taken: true, to: 3 },
      { taken: false, to: 5 },
      // A jump to the next instruction leads where no jump would.
      { taken: false, to: 5 },
    ],
  );
  t.end();
});

t.test('helpers: keys, values, results, errnos', (t) => {
  const { steps } = traceText(
    `
      *(u32 *)(r10 - 4) = 7
      *(u64 *)(r10 - 16) = 9
      r1 = map hits ll
      r2 = r10
      r2 += -4
      call bpf_map_delete_elem
      r1 = map hits ll
      r2 = r10
      r2 += -4
      r3 = r10
      r3 += -16
      r4 = 0
      call bpf_map_update_elem
      r1 = map hits ll
      r2 = r10
      r2 += -4
      call bpf_map_lookup_elem
      r1 = *(u64 *)(r0 + 0)
      ${EXIT}`,
    '.map hits, type=hash, key=4, value=8, entries=4',
  );
  const key = 'key stack-4 = 07 00 00 00';
  t.same(
    steps.flatMap(({ call }) => call ?? []),
    [
      { name: 'bpf_map_delete_elem', args: ['hits', key], result: '-2 (ENOENT)' },
      {
        name: 'bpf_map_update_elem',
        args: ['hits', key, 'value stack-16 = 09 00 00 00 00 00 00 00', '0'],
        result: '0',
      },
      { name: 'bpf_map_lookup_elem', args: ['hits', key], result: 'map `hits` value+0' },
    ],
  );
  t.match(steps.at(-3), { memory: [{ place: 'map `hits` value+0', text: '9' }], registers: [{ text: '9' }] });
  t.end();
});

t.test('traps: the step that could not be done is the last', (t) => {
  const cases: readonly { body: string; trap: string; steps: number }[] = [
    { body: 'r1 = 0\nr0 = *(u64 *)(r1 + 8)\nexit', trap: 'memory', steps: 2 },
    { body: 'r1 = -1\n*(u64 *)(r1 + 0) = 1\nexit', trap: 'memory', steps: 2 },
    { body: 'r1 = -8 ll\nr1 = *(u64 *)(r1 + 0)\nexit', trap: 'memory', steps: 2 },
    { body: 'r2 = 0\nr1 = r2\ncall bpf_map_lookup_elem\nexit', trap: 'bad-map', steps: 3 },
  ];
  for (const { body, trap, steps: count } of cases) {
    const { steps, outcome } = traceText(body);
    t.equal(outcome.insns, steps.length, body);
    t.equal(steps.length, count, body);
    t.same(
      steps.map((step) => step.trap !== undefined),
      steps.map((_, index) => index === count - 1),
      body,
    );
    t.equal(steps.at(-1)?.trap?.name, trap, body);
  }
  t.end();
});

t.test('steps are told while the program runs, and none is kept: fuel ends an endless loop', (t) => {
  const object = assembleObject('.section "xdp"\nprog:\nr0 = 0\nagain:\nr0 += 1\ngoto again\n');
  const tracer = new PacketTracer(load(object, { memoryBytes: 2 ** 26, fuel: 1000 }));
  let steps = 0;
  const { insns, trap } = tracer.trace(packetOf(FRAME), () => steps++);
  t.equal(trap?.name, 'fuel');
  t.equal(steps, insns);
  t.end();
});

t.test('a second trace starts afresh, and the clock never goes back', (t) => {
  const object = assembleObject('.section "xdp"\nprog:\ncall bpf_ktime_get_ns\nr6 = r0\nr0 = 2\nexit\n');
  const tracer = new PacketTracer(load(object, { memoryBytes: 2 ** 26 }));
  tracer.skip(packetOf(FRAME, 10));
  for (const sec of [3, 4]) {
    const steps: TraceStep[] = [];
    tracer.trace(packetOf(FRAME, sec), (step) => steps.push(step));
    t.same(
      steps.map(({ step }) => step),
      [1, 2, 3, 4],
    );
    t.equal(steps[0]?.call?.result, '10000000000 (0x2540be400)');
  }
  t.end();
});
