/** Programs that call helpers, call back, tail call and call each other. Results were worked out by hand. */
import type { Test } from 'tap';
import { mapSpec } from './bench.js';
import type { Bench } from './bench.js';
import type { ProgramCase } from './program-case.js';

const values = mapSpec({ name: 'values', type: 'array' });
const hash = mapSpec({ name: 'conns', type: 'hash' });
const percpu = mapSpec({ name: 'counters', type: 'percpu_array', maxEntries: 2 });
const ring = mapSpec({ name: 'events', type: 'ringbuf', keyBytes: 0, valueBytes: 0, maxEntries: 4096 });
const perf = mapSpec({ name: 'samples', type: 'perf_event_array', valueBytes: 4 });
const progs = mapSpec({ name: 'progs', type: 'prog_array', valueBytes: 4 });

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function u64(value: bigint): Uint8Array {
  return new Uint8Array(BigUint64Array.of(value).buffer);
}

function map(index: number, register = 'r1'): string {
  return `ld_pseudo ${register}, 0x1, 0x${String(index)}`;
}

/** r2 = address of the key on the stack. */
function key(value: number): string {
  return `*(u32 *)(r10 - 4) = ${String(value)}\nr2 = r10\nr2 += -4`;
}

function update(value: number, flags = 0, index = 0): string {
  return `${key(index)}\n*(u64 *)(r10 - 16) = ${String(value)}\nr3 = r10\nr3 += -16\nr4 = ${String(flags)}\n${map(0)}\ncall map_update_elem`;
}

const MAPS: readonly ProgramCase[] = [
  {
    name: 'array: what the host put in, and what it reads back',
    maps: [values],
    text: `${key(2)}\n${map(0)}\ncall map_lookup_elem\nif r0 == 0 goto +4\nr1 = *(u64 *)(r0 + 0)\nr1 += 1\n*(u64 *)(r0 + 0) = r1\nr0 = r1\nexit`,
    prepare: (bench) => bench.map('values').set(u32(2), u64(41n)),
    want: 'r0 = 0x2a after 11 insns',
    verify: (t, bench) => t.strictSame(bench.map('values').get(u32(2)), u64(42n)),
  },
  {
    name: 'array: an update past the end is E2BIG',
    maps: [values],
    text: `${update(1, 0, 4)}\nexit`,
    want: 'r0 = 0xfffffffffffffff9 after 10 insns',
  },
  {
    name: 'array: BPF_NOEXIST is EEXIST',
    maps: [values],
    text: `${update(1, 1)}\nexit`,
    want: 'r0 = 0xffffffffffffffef after 10 insns',
  },
  {
    name: 'hash: update, lookup, delete, lookup',
    maps: [hash],
    text: `${update(7, 0, 9)}\nr6 = r0\n${key(9)}\n${map(0)}\ncall map_lookup_elem\nif r0 == 0 goto end\nr7 = *(u64 *)(r0 + 0)\n${key(9)}\n${map(0)}\ncall map_delete_elem\nr6 += r0\n${key(9)}\n${map(0)}\ncall map_lookup_elem\nr0 += r6\nr0 += r7\nend:\nexit`,
    want: 'r0 = 0x7 after 31 insns',
    verify: (t, bench) => t.strictSame([...bench.map('conns').entries()], []),
  },
  {
    name: 'hash: BPF_EXIST without an entry is ENOENT',
    maps: [hash],
    text: `${update(1, 2)}\nexit`,
    want: 'r0 = 0xfffffffffffffffe after 10 insns',
  },
  {
    name: 'hash: unknown flags are EINVAL',
    maps: [hash],
    text: `${update(1, 64)}\nexit`,
    want: 'r0 = 0xffffffffffffffea after 10 insns',
  },
  {
    name: 'percpu_array: the value of the CPU that runs',
    maps: [percpu],
    cpus: 3,
    text: `${key(1)}\n${map(0)}\ncall map_lookup_elem\nif r0 == 0 goto +3\n*(u64 *)(r0 + 0) = 77\ncall get_smp_processor_id\nexit\nexit`,
    prepare: (bench) => {
      bench.machine.world.setCpu(2);
    },
    want: 'r0 = 0x2 after 9 insns',
    verify: (t, bench) => {
      const all = bench.map('counters').get(u32(1)) ?? new Uint8Array();
      t.strictSame([...new BigUint64Array(all.slice().buffer)], [0n, 0n, 77n]);
    },
  },
];

const WORLD: readonly ProgramCase[] = [
  {
    name: 'ktime_get_ns has 64 bits',
    text: 'call ktime_get_ns\nexit',
    prepare: (bench) => {
      bench.machine.world.setClock(0x89abcdef, 0x81234567);
    },
    want: 'r0 = 0x8123456789abcdef after 2 insns',
  },
  {
    name: 'get_prandom_u32 goes on, and has 32 bits',
    text: 'call get_prandom_u32\nr6 = r0\ncall get_prandom_u32\nr1 = r0\nr1 >>= 32\nif r0 == r6 goto +1\nr1 += 1\nr0 = r1\nexit',
    want: 'r0 = 0x1 after 9 insns',
  },
  {
    name: 'csum_diff of what was added',
    text: '*(u32 *)(r10 - 4) = 0x01020304\nr1 = 0\nr2 = 0\nr3 = r10\nr3 += -4\nr4 = 4\nr5 = 5\ncall csum_diff\nexit',
    // 0x0102 + 0x0304 + 5.
    want: 'r0 = 0x40b after 9 insns',
  },
  {
    name: 'trace_printk',
    text: '*(u64 *)(r10 - 8) = 0x6425203a\nr1 = r10\nr1 += -8\nr2 = 8\nr3 = -5\nr4 = 0\nr5 = 0\ncall trace_printk\nr0 = 0\nexit',
    want: 'r0 = 0x0 after 10 insns',
    verify: (t, bench) => t.strictSame(bench.machine.world.effects.take().trace, [': %d'.replace('%d', '-5')]),
  },
];

function verifyEvents(...expected: readonly (readonly number[])[]): (t: Test, bench: Bench) => void {
  return (t, { machine }) => {
    machine.maps.drain();
    t.strictSame(
      machine.world.effects.take().events.map(({ data }) => [...data]),
      expected,
    );
  };
}

const EVENTS: readonly ProgramCase[] = [
  {
    name: 'ringbuf: reserve, fill, submit; reserve, discard',
    maps: [ring],
    text: `${map(0)}\nr2 = 8\nr3 = 0\ncall ringbuf_reserve\nif r0 == 0 goto +13\n*(u64 *)(r0 + 0) = 258\nr1 = r0\nr2 = 0\ncall ringbuf_submit\n${map(0)}\nr2 = 8\nr3 = 0\ncall ringbuf_reserve\nif r0 == 0 goto +3\nr1 = r0\nr2 = 0\ncall ringbuf_discard\nexit`,
    want: 'r0 = 0x0 after 18 insns',
    verify: verifyEvents([2, 1, 0, 0, 0, 0, 0, 0]),
  },
  {
    name: 'ringbuf: output, and no room',
    maps: [ring],
    text: `r2 = *(u32 *)(r1 + 0)\n${map(0)}\nr3 = 3\nr4 = 0\ncall ringbuf_output\nr6 = r0\n${map(0)}\nr2 = 4096\nr3 = 0\ncall ringbuf_reserve\nr0 += r6\nexit`,
    packet: Uint8Array.of(9, 8, 7, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    want: 'r0 = 0x0 after 12 insns',
    verify: verifyEvents([9, 8, 7]),
  },
  {
    name: 'perf_event_output: a sample and a piece of the packet',
    maps: [perf],
    text: `*(u32 *)(r10 - 4) = 0x04030201\n${map(0, 'r2')}\nr3 = 0x2ffffffff ll\nr4 = r10\nr4 += -4\nr5 = 4\ncall perf_event_output\nexit`,
    packet: Uint8Array.of(9, 8, 7, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    want: 'r0 = 0x0 after 8 insns',
    verify: verifyEvents([1, 2, 3, 4, 9, 8]),
  },
];

const PACKET: readonly ProgramCase[] = [
  {
    name: 'adjust_head: data moves, ctx follows',
    text: 'r6 = r1\nr2 = 14\ncall xdp_adjust_head\nif r0 != 0 goto +5\nr1 = *(u32 *)(r6 + 0)\nr2 = *(u32 *)(r6 + 4)\nr0 = *(u8 *)(r1 + 0)\nr2 -= r1\nr0 += r2\nexit',
    packet: Uint8Array.from({ length: 64 }, (_, i) => i),
    // The byte 14, and 50 bytes left.
    want: 'r0 = 0x40 after 10 insns',
    verify: (t, { machine }) => t.equal(machine.packet.lengthBytes, 50),
  },
  {
    name: 'adjust_head: too far is EINVAL and changes nothing',
    text: 'r6 = r1\nr2 = 60\ncall xdp_adjust_head\nexit',
    want: 'r0 = 0xffffffffffffffea after 4 insns',
    verify: (t, { machine }) => t.equal(machine.packet.lengthBytes, 64),
  },
  {
    name: 'adjust_tail: grows with zeros',
    text: 'r6 = r1\nr2 = 4\ncall xdp_adjust_tail\nif r0 != 0 goto +2\nr1 = *(u32 *)(r6 + 0)\nr0 = *(u32 *)(r1 + 64)\nexit',
    packet: new Uint8Array(64).fill(0xff),
    want: 'r0 = 0x0 after 7 insns',
    verify: (t, { machine }) => t.strictSame([...machine.packet.bytes().subarray(62)], [0xff, 0xff, 0, 0, 0, 0]),
  },
  {
    name: 'adjust_meta: room before the packet',
    text: 'r6 = r1\nr2 = -4\ncall xdp_adjust_meta\nif r0 != 0 goto +4\nr1 = *(u32 *)(r6 + 8)\n*(u32 *)(r1 + 0) = 0x55\nr0 = *(u32 *)(r6 + 0)\nr0 -= r1\nexit',
    want: 'r0 = 0x4 after 9 insns',
  },
];

const LOOP = (rounds: number, callback = 'round'): string =>
  `r1 = ${String(rounds)}\nr2 = ${callback} ll\nr3 = r10\nr3 += -8\nr4 = 0\ncall loop`;

const CALLBACKS: readonly ProgramCase[] = [
  {
    name: 'loop: every index, a ctx',
    text: `*(u64 *)(r10 - 8) = 0\n${LOOP(5)}\nr0 <<= 8\nr1 = *(u64 *)(r10 - 8)\nr0 |= r1\nexit\nround:\nr3 = *(u64 *)(r2 + 0)\nr3 += r1\n*(u64 *)(r2 + 0) = r3\nr0 = 0\nexit`,
    want: 'r0 = 0x50a after 36 insns',
  },
  {
    name: 'loop: an early stop counts its round',
    text: `*(u64 *)(r10 - 8) = 0\n${LOOP(100)}\nexit\nround:\nr0 = 0\nif r1 < 3 goto +1\nr0 = 1\nexit`,
    want: 'r0 = 0x4 after 21 insns',
  },
  {
    name: 'loop: no round',
    text: `${LOOP(0)}\nexit\nround:\nr0 = 0\nexit`,
    want: 'r0 = 0x0 after 7 insns',
  },
  {
    name: 'loop: too many rounds are E2BIG',
    text: `${LOOP(8388609)}\nexit\nround:\nr0 = 0\nexit`,
    want: 'r0 = 0xfffffffffffffff9 after 7 insns',
  },
  {
    name: 'loop: flags are EINVAL',
    text: 'r1 = 1\nr2 = round ll\nr3 = 0\nr4 = 1\ncall loop\nexit\nround:\nr0 = 0\nexit',
    want: 'r0 = 0xffffffffffffffea after 6 insns',
  },
  {
    name: 'loop: a loop in a loop',
    text: `*(u64 *)(r10 - 8) = 0\n${LOOP(3)}\nr0 = *(u64 *)(r10 - 8)\nexit\nround:\nr3 = r2\nr1 = 4\nr2 = inner ll\nr4 = 0\ncall loop\nr0 = 0\nexit\ninner:\nr3 = *(u64 *)(r2 + 0)\nr3 += 1\n*(u64 *)(r2 + 0) = r3\nr0 = 0\nexit`,
    want: 'r0 = 0xc after 90 insns',
  },
  {
    name: 'loop: r6-r9 of the caller stay, whatever the callback does',
    text: `r6 = 6\nr7 = 7\nr8 = 8\nr9 = 9\n${LOOP(2)}\nr0 += r6\nr0 += r7\nr0 += r8\nr0 += r9\nexit\nround:\nr6 = 0\nr7 = 0\nr8 = 0\nr9 = 0\nr0 = 0\nexit`,
    want: 'r0 = 0x20 after 27 insns',
  },
  {
    name: 'loop: the callback calls a function',
    text: `*(u64 *)(r10 - 8) = 0\n${LOOP(3)}\nr0 = *(u64 *)(r10 - 8)\nexit\nround:\ncall add\nr0 = 0\nexit\nadd:\nr3 = *(u64 *)(r2 + 0)\nr3 += 2\n*(u64 *)(r2 + 0) = r3\nr0 = 0\nexit`,
    want: 'r0 = 0x6 after 33 insns',
  },
  {
    name: 'loop: a callback that returns a 64-bit value stops',
    text: `${LOOP(9)}\nexit\nround:\nr0 = 0x100000000 ll\nexit`,
    want: 'r0 = 0x1 after 9 insns',
  },
  {
    name: 'for_each_map_elem: keys and values of an array',
    maps: [values],
    text: `*(u64 *)(r10 - 8) = 0\n${map(0)}\nr2 = each ll\nr3 = r10\nr3 += -8\nr4 = 0\ncall for_each_map_elem\nr1 = *(u64 *)(r10 - 8)\nr0 <<= 32\nr0 |= r1\nexit\neach:\nr1 = *(u32 *)(r2 + 0)\nr3 = *(u64 *)(r3 + 0)\nr1 += r3\nr2 = *(u64 *)(r4 + 0)\nr2 += r1\n*(u64 *)(r4 + 0) = r2\nr0 = 0\nexit`,
    prepare: (bench) => {
      for (let i = 0; i < 4; i++) bench.map('values').set(u32(i), u64(BigInt(100 * i)));
    },
    // 0 + 1 + 2 + 3 and a hundred times as much.
    want: 'r0 = 0x40000025e after 43 insns',
  },
  {
    name: 'for_each_map_elem: a hash whose entries the callback deletes',
    maps: [hash],
    text: `${map(0)}\nr2 = each ll\nr3 = 0\nr4 = 0\ncall for_each_map_elem\nexit\neach:\ncall map_delete_elem\nexit`,
    prepare: (bench) => {
      for (let i = 0; i < 3; i++) bench.map('conns').set(u32(i), u64(1n));
    },
    want: 'r0 = 0x3 after 12 insns',
    verify: (t, bench) => t.strictSame([...bench.map('conns').entries()], []),
  },
  {
    name: 'for_each_map_elem: an empty hash',
    maps: [hash],
    text: `${map(0)}\nr2 = each ll\nr3 = 0\nr4 = 0\ncall for_each_map_elem\nexit\neach:\nr0 = 0\nexit`,
    want: 'r0 = 0x0 after 6 insns',
  },
];

/** Code behind the programs that nobody runs: it makes the label a function. */
const mention = (label: string): string => `\nr0 = ${label} ll\nexit`;

function setProgram(index: number, label: string): (bench: Bench) => void {
  return (bench) => {
    bench.map('progs').setProgram(index, bench.funcAt(label));
  };
}

const TAIL = `${map(0, 'r2')}\nr3 = 1\ncall tail_call`;

const TAIL_CALLS: readonly ProgramCase[] = [
  {
    name: "tail call: r0 is the target's, ctx goes along",
    maps: [progs],
    text: `${TAIL}\nr0 = 1\nexit\n${mention('target')}\ntarget:\nr0 = *(u32 *)(r1 + 4)\nr1 = *(u32 *)(r1 + 0)\nr0 -= r1\nexit`,
    prepare: setProgram(1, 'target'),
    want: 'r0 = 0x40 after 7 insns',
  },
  {
    name: 'tail call: an empty slot',
    maps: [progs],
    text: `${TAIL}\nr0 = 5\nexit\n${mention('target')}\ntarget:\nr0 = 2\nexit`,
    prepare: setProgram(0, 'target'),
    want: 'r0 = 0x5 after 5 insns',
  },
  {
    name: 'tail call: an index past the end',
    maps: [progs],
    text: `${map(0, 'r2')}\nr3 = 4\ncall tail_call\nr0 = 5\nexit`,
    want: 'r0 = 0x5 after 5 insns',
  },
  {
    name: 'tail call: an index of all ones',
    maps: [progs],
    text: `${map(0, 'r2')}\nr3 = -1\ncall tail_call\nr0 = 5\nexit`,
    want: 'r0 = 0x5 after 5 insns',
  },
  {
    name: 'tail call: only 33 in a run',
    maps: [progs, values],
    text: `goto target\n${mention('target')}\ntarget:\n*(u64 *)(r10 - 8) = 0\nr6 = r1\n*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\n${map(1)}\ncall map_lookup_elem\nif r0 == 0 goto +2\nr7 = 1\nlock *(u64 *)(r0 + 0) += r7\nr1 = r6\n${TAIL}\nr0 = 99\nexit`.replace(
      'goto target',
      'call target\nexit',
    ),
    prepare: setProgram(1, 'target'),
    // 34 times 14 instructions, then the two behind the last tail call, the call and the exit of the first function.
    want: 'r0 = 0x63 after 480 insns',
    verify: (t, bench) => t.strictSame(bench.map('values').get(u32(0)), u64(34n)),
  },
  {
    name: 'tail call: from a function, returns to its caller',
    maps: [progs],
    text: `r6 = 7\ncall f\nr0 += r6\nexit\nf:\n${TAIL}\nr0 = 1\nexit\n${mention('target')}\ntarget:\nr6 = 0\nr0 = 30\nexit`,
    prepare: setProgram(1, 'target'),
    want: 'r0 = 0x25 after 10 insns',
  },
  {
    name: 'tail call: in a loop of its own it ends by the limit, not by fuel',
    maps: [progs],
    text: `call target\nexit\ntarget:\n${TAIL}\nr0 = 3\nexit`,
    prepare: setProgram(1, 'target'),
    want: 'r0 = 0x3 after 106 insns',
  },
];

export const HELPER_PROGRAMS: readonly ProgramCase[] = [
  ...MAPS,
  ...WORLD,
  ...EVENTS,
  ...PACKET,
  ...CALLBACKS,
  ...TAIL_CALLS,
];
