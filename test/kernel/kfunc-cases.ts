/**
 * Programs over dynptrs, iterators and connection tracking that are asked of the kernel and of skep, and must be answered
 * alike. `call bpf_...` in their text is a kfunc. Results are mixed into r0, bytes are left in the packet. Knows neither side.
 */
import type { MapSpec } from '../../vm/object/object-spec.js';
import { mapSpec, patternBytes } from '../machine/harness.js';
import { PACKETS } from './skb-case.js';

export interface KfuncCase {
  readonly name: string;
  readonly type: 'xdp' | 'sched_cls';
  readonly text: string;
  readonly packet: Uint8Array;
  readonly maps?: readonly MapSpec[];
}

/** The two dynptrs, a buffer of 64 bytes, an iterator; from r10. */
const AT = { one: -16, two: -32, buffer: -96, iter: -104, opts: -120, tuple: -160 } as const;
type Place = keyof typeof AT;
type Arg = number | string;

function isPlace(arg: Arg): arg is Place {
  return typeof arg === 'string' && arg in AT;
}

/** Loads arguments, calls, and mixes r0 in. */
function call(name: string, ...args: readonly Arg[]): string {
  const load = args.map((arg, i) => {
    const r = `r${i + 1}`;
    return arg === 'ctx' ? `${r} = r6` : isPlace(arg) ? `${r} = r10\n${r} += ${AT[arg]}` : `${r} = ${arg}`;
  });
  return `${load.join('\n')}\ncall ${name}\n`;
}

const MIX = 'r7 *= 31\nr7 += r0\n';
/** Where the result is an int, the upper half says nothing; where it is a bool, only the low byte says something. */
const MIX32 = 'w0 = w0\nr7 *= 31\nr7 += r0\n';
const MIX8 = 'r0 &= 255\nr7 *= 31\nr7 += r0\n';
const mixBuffer = Array.from(
  { length: 8 },
  (_, i) => `r1 = *(u64 *)(r10 - ${-AT.buffer - 8 * i})\nr7 *= 17\nr7 += r1`,
).join('\n');
const fillBuffer = Array.from(
  { length: 8 },
  (_, i) => `*(u64 *)(r10 - ${-AT.buffer - 8 * i}) = ${0x11223344 + i * 0x01010101}`,
).join('\n');

let labels = 0;

/** One operation on dynptr `at`, and what is said of it. */
interface Op {
  readonly say: string;
  readonly text: (at: 'one' | 'two') => string;
}

function op(say: string, text: (at: 'one' | 'two') => string): Op {
  return { say, text };
}

const size = op('size', (at) => call('bpf_dynptr_size', at) + MIX32);
const isNull = op('is_null', (at) => call('bpf_dynptr_is_null', at) + MIX8);
const isRdonly = op('is_rdonly', (at) => call('bpf_dynptr_is_rdonly', at) + MIX8);
const adjust = (start: number, end: number): Op =>
  op(`adjust ${start} ${end}`, (at) => call('bpf_dynptr_adjust', at, start, end) + MIX32);
const read = (offset: number | string, bytes: number, flags: number | string = 0): Op =>
  op(
    `read ${offset} ${bytes} ${flags}`,
    (at) => `${call('dynptr_read', 'buffer', bytes, at, offset, flags)}${MIX}${mixBuffer}\n`,
  );
const write = (offset: number | string, bytes: number, flags: number | string = 0): Op =>
  op(`write ${offset} ${bytes} ${flags}`, (at) => call('dynptr_write', at, offset, 'buffer', bytes, flags) + MIX);
const memset = (offset: number, bytes: number, value = 0x77): Op =>
  op(`memset ${offset} ${bytes}`, (at) => call('bpf_dynptr_memset', at, offset, bytes, value) + MIX32);
const copy = (toOffset: number, fromOffset: number, bytes: number): Op =>
  op(
    `copy ${toOffset} ${fromOffset} ${bytes}`,
    (at) => call('bpf_dynptr_copy', at, toOffset, at, fromOffset, bytes) + MIX32,
  );
const slice = (offset: number, bytes: number, buffer: 'buffer' | 0, writes: boolean): Op =>
  op(`slice${writes ? '_rdwr' : ''} ${offset} ${bytes}${buffer === 0 ? '' : ' with a buffer'}`, (at) => {
    const label = `none${labels++}`;
    return `
      ${call(`bpf_dynptr_slice${writes ? '_rdwr' : ''}`, at, offset, buffer, bytes)}
      r7 *= 31
      if r0 == 0 goto ${label}
      r1 = *(u8 *)(r0 + 0)
      r7 += r1
      r1 = *(u8 *)(r0 + ${bytes - 1})
      r7 *= 31
      r7 += r1
      r7 += 7
      ${writes ? '*(u8 *)(r0 + 0) = 0x5a' : ''}
    ${label}:
    `;
  });

function program(body: string): string {
  return `
    r6 = r1
    r7 = 0
    ${fillBuffer}
    ${body}
    r0 = r7
    r0 >>= 32
    r0 ^= r7
    exit`;
}

const FRAMES = { short: patternBytes(60), 'two pages': patternBytes(5000), 'three pieces': patternBytes(9000) };

function packetCases(): KfuncCase[] {
  const cases: KfuncCase[] = [];
  const add = (
    type: 'xdp' | 'sched_cls',
    packet: string,
    bytes: Uint8Array,
    ops: readonly Op[],
    flags: number | string = 0,
  ): void => {
    const from = type === 'xdp' ? 'bpf_dynptr_from_xdp' : 'bpf_dynptr_from_skb';
    const name = `${type} on ${packet}${flags === 0 ? '' : `, flags ${flags}`}: ${ops.map(({ say }) => say).join(', ')}`;
    const text = program(call(from, 'ctx', flags, 'one') + MIX32 + ops.map((each) => each.text('one')).join('\n'));
    cases.push({ name, type, text, packet: bytes });
  };
  const both = (ops: readonly Op[], flags: number | string = 0): void => {
    add('sched_cls', 'ipv4 tcp', PACKETS['ipv4 tcp'], ops, flags);
    for (const [packet, bytes] of Object.entries(FRAMES)) add('xdp', packet, bytes, ops, flags);
  };
  for (const flags of [0, 1, -1, '0x100000000 ll']) both([size, isNull, isRdonly, read(0, 8)], flags);
  const offsets = [
    0, 1, 14, 59, 60, 66, 70, 73, 74, 3500, 3519, 3520, 4990, 5000, 7600, 8999, 9000, 65536, 0xffffff, -1,
  ];
  for (const offset of offsets) {
    for (const bytes of [1, 8, 33, 64]) {
      both([read(offset, bytes)]);
      both([write(offset, bytes), read(offset, bytes)]);
      both([slice(offset, bytes, 0, false)]);
      both([slice(offset, bytes, 'buffer', false)]);
      both([slice(offset, bytes, 'buffer', true), slice(offset, bytes, 0, true)]);
    }
    both([read(offset, 0), write(offset, 0)]);
  }
  for (const flags of [1, 2, 3, 4, -1, '0x100000000 ll']) {
    both([read(0, 8, flags)]);
    both([write(20, 8, flags)]);
  }
  for (const [start, end] of [
    [0, 0],
    [0, 20],
    [10, 60],
    [60, 60],
    [61, 60],
    [0, 75],
    [14, 74],
    [20, 5000],
    [3000, 4000],
    [4000, 9000],
    [0, 9001],
    [-1, -1],
  ] as const) {
    both([adjust(start, end), size, read(0, 8), slice(0, 4, 'buffer', false)]);
    both([adjust(start, end), adjust(4, 12), size, write(1, 4), read(0, 16)]);
  }
  for (const [offset, bytes] of [
    [0, 10],
    [50, 24],
    [50, 25],
    [3500, 300],
    [3510, 1000],
    [60, 0],
    [9000, 0],
    [9001, 0],
    [-1, 2],
  ] as const) {
    both([memset(offset, bytes)]);
    both([memset(offset, bytes), read(offset, 8)]);
  }
  for (const [to, from, bytes] of [
    [0, 20, 10],
    [20, 0, 40],
    [40, 0, 40],
    [0, 4, 0],
    [3400, 0, 300],
    [0, 3400, 300],
    [3000, 3400, 600],
    [3500, 3400, 700],
    [8000, 3500, 900],
    [3600, 3400, 8000],
  ] as const) {
    both([copy(to, from, bytes)]);
  }
  both([op('clone', () => call('bpf_dynptr_clone', 'one', 'two') + MIX32), op('size of it', () => size.text('two'))]);
  both([
    adjust(4, 40),
    op('clone', () => call('bpf_dynptr_clone', 'one', 'two') + MIX32),
    op('adjust it', () => adjust(4, 20).text('two')),
    op('read it', () => read(0, 12).text('two')),
    read(0, 12),
  ]);
  return cases;
}

const VALUES = mapSpec({ type: 'array', name: 'values', valueBytes: 64, maxEntries: 2 });
const RING = mapSpec({ type: 'ringbuf', name: 'ring', keyBytes: 0, valueBytes: 0, maxEntries: 4096 });

function memoryCases(): KfuncCase[] {
  const cases: KfuncCase[] = [];
  const add = (from: string, begin: string, end: string, ops: readonly Op[]): void => {
    cases.push({
      name: `${from}: ${ops.map(({ say }) => say).join(', ')}`,
      type: 'xdp',
      maps: [VALUES, RING],
      text: program(`${begin}\n${ops.map((each) => each.text('one')).join('\n')}\n${end}\nout:`),
      packet: patternBytes(60),
    });
  };
  const lookup = `
    *(u32 *)(r10 - 164) = 1
    r1 = &map0
    r2 = r10
    r2 += -164
    call map_lookup_elem
    if r0 == 0 goto out
    r8 = r0
    *(u64 *)(r8 + 0) = 0x1234567
    *(u64 *)(r8 + 56) = 0x7654321`;
  const mem = (bytes: number, flags: number | string): string =>
    `${lookup}\n${call('dynptr_from_mem', 'r8', bytes, flags, 'one')}${MIX}`;
  const mixValue = 'r1 = *(u64 *)(r8 + 0)\nr7 += r1\nr1 = *(u64 *)(r8 + 8)\nr7 += r1\nr1 = *(u64 *)(r8 + 56)\nr7 += r1';
  const data = (offset: number, bytes: number): Op =>
    op(`data ${offset} ${bytes}`, (at) => {
      const label = `null${labels++}`;
      return `
        ${call('dynptr_data', at, offset, bytes)}
        r7 *= 31
        if r0 == 0 goto ${label}
        r7 += 9
        ${bytes > 0 ? 'r1 = *(u8 *)(r0 + 0)\nr7 += r1\n*(u8 *)(r0 + 0) = 0x33' : ''}
      ${label}:
      `;
    });
  const commit = (what: string): string => call(`ringbuf_${what}_dynptr`, 'one', 0);
  const listed: readonly (readonly Op[])[] = [
    [size, isNull, isRdonly],
    [read(0, 8), read(56, 8), read(57, 8), read(0, 64), read(64, 0), read(65, 0)],
    [write(8, 8), read(0, 16), write(60, 8)],
    [write(0, 8, 1), read(0, 8, 1)],
    [data(0, 8), data(8, 56), data(8, 57), data(64, 0), read(0, 16)],
    [slice(0, 8, 0, false), slice(56, 8, 'buffer', true), slice(57, 8, 'buffer', false), read(56, 8)],
    [adjust(8, 40), size, data(0, 8), read(0, 8), write(0, 8), adjust(0, 33)],
    [adjust(64, 64), size, read(0, 0), data(0, 0)],
    [memset(4, 20), memset(60, 5), read(0, 32)],
    [copy(8, 0, 8), copy(60, 0, 8), copy(0, 4, 32), read(0, 64)],
    [op('clone', () => call('bpf_dynptr_clone', 'one', 'two') + MIX32), op('its size', () => size.text('two'))],
  ];
  for (const ops of listed) {
    for (const [bytes, flags] of [
      [64, 0],
      [32, 0],
      [64, 1],
    ] as const) {
      add(`mem of ${bytes}, flags ${flags}`, mem(bytes, flags), mixValue, ops);
    }
    for (const [bytes, flags] of [
      [64, 0],
      [4080, 0],
      [4089, 0],
      [0x1000000, 0],
      [64, 1],
    ] as const) {
      // What a record holds before it is written is the ring's past.
      if (bytes < 100 && flags === 0 && !ops.some(({ say }) => /^(adjust 64|size)/.test(say))) continue;
      for (const what of ['submit', 'discard']) {
        add(
          `ringbuf of ${bytes}, flags ${flags}, ${what}`,
          `${call('ringbuf_reserve_dynptr', '&map1', bytes, flags, 'one')}${MIX}`,
          commit(what),
          bytes < 4089 && flags === 0 ? [memset(0, 64), ...ops] : ops,
        );
      }
    }
  }
  return cases;
}

function iteratorCases(): KfuncCase[] {
  const cases: KfuncCase[] = [];
  for (const [start, end] of [
    [0, 0],
    [0, 1],
    [0, 10],
    [5, 3],
    [-5, 5],
    [10, 11],
    [0, 8388608],
    [0, 8388609],
    [-8388608, 0],
    [0x7ffffff0, 0x7fffffff],
    [-0x80000000, -0x7ffffff8],
    [-0x80000000, 0x7fffffff],
    [0x7fffffff, 0x7fffffff],
  ] as const) {
    for (const rounds of [3, 100]) {
      cases.push({
        name: `numbers ${start} to ${end}, ${rounds} rounds at most`,
        type: 'xdp',
        text: program(`
          r8 = 0
          ${call('bpf_iter_num_new', 'iter', start, end)}
          ${MIX32}
        again:
          ${call('bpf_iter_num_next', 'iter')}
          if r0 == 0 goto done
          r1 = *(u32 *)(r0 + 0)
          r7 *= 31
          r7 += r1
          r8 += 1
          if r8 < ${rounds} goto again
        done:
          ${call('bpf_iter_num_destroy', 'iter')}`),
        packet: patternBytes(60),
      });
    }
  }
  return cases;
}

function conntrackCases(): KfuncCase[] {
  const cases: KfuncCase[] = [];
  const add = (
    type: 'xdp' | 'sched_cls',
    fields: { netns?: number; proto?: number; zone?: number; dir?: number; reserved?: number },
    tupleBytes: number,
    optsBytes: number,
  ): void => {
    const { netns = -1, proto = 6, zone = 0, dir = 0, reserved = 0 } = fields;
    const what = Object.entries(fields).map(([key, value]) => `${key} ${value}`);
    cases.push({
      name: `${type} ct_lookup ${what.join(' ')}, tuple of ${tupleBytes}, opts of ${optsBytes}`,
      type,
      text: program(`
        *(u32 *)(r10 - 120) = ${netns}
        *(u32 *)(r10 - 116) = 0x5a5a
        *(u32 *)(r10 - 112) = ${(zone << 16) | proto}
        *(u32 *)(r10 - 108) = ${(reserved << 8) | dir}
        *(u64 *)(r10 - 160) = 0x0200000a
        *(u64 *)(r10 - 152) = 0x35001389
        *(u64 *)(r10 - 144) = 0
        *(u64 *)(r10 - 136) = 0
        *(u64 *)(r10 - 128) = 0
        ${call(type === 'xdp' ? 'bpf_xdp_ct_lookup' : 'bpf_skb_ct_lookup', 'ctx', 'tuple', tupleBytes, 'opts', optsBytes)}
        if r0 == 0 goto none
        r1 = r0
        call bpf_ct_release
        r7 = 1
      none:
        r1 = *(u32 *)(r10 - 116)
        r7 += r1`),
      packet: type === 'xdp' ? patternBytes(60) : PACKETS['ipv4 tcp'],
    });
  };
  for (const type of ['xdp', 'sched_cls'] as const) {
    for (const tupleBytes of [4, 12, 16, 36, 40])
      for (const optsBytes of [12, 16]) add(type, {}, tupleBytes, optsBytes);
    for (const proto of [0, 1, 6, 17, 58, 132]) add(type, { proto }, 12, 16);
    for (const netns of [-3, -2, -1, 0, 5]) add(type, { netns }, 12, 16);
    for (const zone of [1, 9]) for (const optsBytes of [12, 16]) add(type, { zone }, 12, optsBytes);
    for (const reserved of [1, 0x100, 0x10000])
      for (const optsBytes of [12, 16]) add(type, { reserved }, 12, optsBytes);
    add(type, { netns: 5, proto: 1 }, 7, 16);
    add(type, { netns: 5 }, 7, 16);
  }
  return cases;
}

function sectionCases(): KfuncCase[] {
  return [
    ['bpf_rcu_read_lock', 'bpf_rcu_read_unlock'],
    ['bpf_preempt_disable', 'bpf_preempt_enable'],
  ].map(([open = '', close = '']) => ({
    name: open,
    type: 'xdp',
    text: program(`call ${open}\nr7 += 3\ncall ${close}`),
    packet: patternBytes(60),
  }));
}

const CASES = [...packetCases(), ...memoryCases(), ...iteratorCases(), ...conntrackCases(), ...sectionCases()];

/** Of cases that come out twice, one. */
export const KFUNC_CASES: readonly KfuncCase[] = [...new Map(CASES.map((each) => [each.name, each])).values()].sort(
  (a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0),
);
