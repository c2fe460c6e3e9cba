/** Thirty mistakes that checked mode must find on each engine, whatever the program's verdict would have been. */
import t from 'tap';
import { interp } from '../../vm/engine/interp/interp.js';
import { wasm, wasmEngine } from '../../vm/engine/wasm/wasm.js';
import { makeBench, mapSpec } from '../contract/bench.js';

const MAPS = [
  mapSpec({ name: 'values', type: 'array', valueBytes: 8, maxEntries: 4 }),
  mapSpec({ name: 'table', type: 'hash', keyBytes: 8, valueBytes: 12, maxEntries: 4 }),
  mapSpec({ name: 'events', type: 'ringbuf', keyBytes: 0, valueBytes: 0, maxEntries: 4096 }),
  mapSpec({
    name: '.rodata',
    type: 'array',
    valueBytes: 8,
    maxEntries: 1,
    section: '.rodata',
    contents: new Uint8Array(8),
    readOnly: true,
  }),
];

const packet = 'r6 = *(u32 *)(r1 + 0)\nr7 = *(u32 *)(r1 + 4)\n';
const value =
  '*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nld_pseudo r1, 0x1, 0x0\ncall map_lookup_elem\nif r0 == 0 goto out\n';
const record = 'ld_pseudo r1, 0x1, 0x2\nr2 = 16\nr3 = 0\ncall ringbuf_reserve\nif r0 == 0 goto out\nr6 = r0\n';
const end = '\nout: r0 = 2\nexit';

/** What is wrong, the program, how the trap begins. */
const FAULTS: readonly (readonly [what: string, text: string, trap: RegExp])[] = [
  ['reads behind the packet', `${packet}r0 = *(u8 *)(r7 + 0)${end}`, /^memory .*read of 1 byte/],
  ['reads across the end of the packet', `${packet}r0 = *(u64 *)(r7 - 4)${end}`, /^memory .*read of 8 bytes/],
  ['reads before the packet', `${packet}r0 = *(u16 *)(r6 - 2)${end}`, /^memory .*read of 2 bytes/],
  ['writes behind the packet', `${packet}*(u32 *)(r7 + 0) = 1${end}`, /^memory .*write of 4 bytes/],
  ['reads a packet pointer as 64 bits', `r6 = *(u64 *)(r1 + 0)\nr0 = *(u8 *)(r6 + 0)${end}`, /^memory /],
  [
    'a packet pointer from before adjust_head',
    `r9 = r1\n${packet}r2 = 4\nr1 = r9\ncall xdp_adjust_head\nr0 = *(u8 *)(r6 + 20)${end}`,
    /^memory /,
  ],
  [
    'a packet pointer from before adjust_tail',
    `r9 = r1\n${packet}r2 = -4\nr1 = r9\ncall xdp_adjust_tail\nr0 = *(u8 *)(r6 + 0)${end}`,
    /^memory /,
  ],
  ['writes to the ctx', `*(u32 *)(r1 + 0) = 0${end}`, /^memory .*read-only/],
  ['reads behind the ctx', `r0 = *(u32 *)(r1 + 24)${end}`, /^memory /],
  ['NULL', `r1 = 0\nr0 = *(u32 *)(r1 + 0)${end}`, /^memory .*NULL/],
  ['NULL and a little', `r1 = 0\n*(u64 *)(r1 + 0x70) = 7${end}`, /^memory .*NULL\+112/],
  ['a number for a pointer', `r1 = 0x12345678 ll\nr0 = *(u8 *)(r1 + 0)${end}`, /^memory /],
  ['a pointer with a high word', `${packet}r1 = 1\nr1 <<= 32\nr6 += r1\nr0 = *(u8 *)(r6 + 0)${end}`, /^memory /],
  ['a negative address', `r1 = -16\nr0 = *(u64 *)(r1 + 0)${end}`, /^memory /],
  ['behind a map value', `${value}r0 = *(u64 *)(r0 + 40)${end}`, /^memory /],
  ['across the end of the last value', `${value}r0 = *(u64 *)(r0 + 28)${end}`, /^memory /],
  ['before the first value', `${value}r0 = *(u32 *)(r0 - 4)${end}`, /^memory /],
  [
    'a missing entry that was not asked for',
    '*(u64 *)(r10 - 8) = 1\nr2 = r10\nr2 += -8\nld_pseudo r1, 0x1, 0x1\ncall map_lookup_elem\nr0 = *(u32 *)(r0 + 0)\nexit',
    /^memory .*NULL/,
  ],
  [
    'the padding behind a value',
    '*(u64 *)(r10 - 8) = 1\n*(u64 *)(r10 - 24) = 1\n*(u64 *)(r10 - 16) = 1\nr2 = r10\nr2 += -8\nr3 = r10\nr3 += -24\nr4 = 0\nld_pseudo r1, 0x1, 0x1\ncall map_update_elem\nr2 = r10\nr2 += -8\nld_pseudo r1, 0x1, 0x1\ncall map_lookup_elem\nif r0 == 0 goto out\nr0 = *(u64 *)(r0 + 8)\nout: r0 = 0\nexit',
    /^memory /,
  ],
  ['a map itself', `ld_pseudo r1, 0x1, 0x0\nr0 = *(u32 *)(r1 + 8)${end}`, /^memory /],
  ['a map itself, written', `ld_pseudo r1, 0x1, 0x1\n*(u64 *)(r1 + 0) = 1${end}`, /^memory /],
  ['below the stack', `*(u64 *)(r10 - 520) = 1${end}`, /^memory /],
  ['above the stack', `r0 = *(u64 *)(r10 + 0)${end}`, /^memory /],
  ['a frame that is gone', `call f\nr0 = *(u64 *)(r0 - 8)\nexit\nf: *(u64 *)(r10 - 8) = 1\nr0 = r10\nexit`, /^memory /],
  ['a constant, written', `ld_pseudo r1, 0x2, 0x3\n*(u32 *)(r1 + 0) = 1${end}`, /^memory .*read-only/],
  ['behind the constants', `ld_pseudo r1, 0x2, 0x3\nr0 = *(u64 *)(r1 + 4)${end}`, /^memory /],
  [
    'a key outside of memory',
    `r2 = 16\nld_pseudo r1, 0x1, 0x1\ncall map_lookup_elem${end}`,
    /^memory .*read of 8 bytes/,
  ],
  [
    'a value across the end of the stack',
    `*(u64 *)(r10 - 8) = 1\nr2 = r10\nr2 += -8\nr3 = r10\nr3 += -8\nr4 = 0\nld_pseudo r1, 0x1, 0x1\ncall map_update_elem${end}`,
    /^memory .*read of 12 bytes/,
  ],
  [
    'a record that was submitted',
    `${record}r1 = r6\nr2 = 0\ncall ringbuf_submit\n*(u64 *)(r6 + 0) = 1${end}`,
    /^memory /,
  ],
  ['behind a record', `${record}*(u64 *)(r6 + 16) = 1${end}`, /^memory /],
  ['no map', `r1 = 0x5000\nr2 = r10\nr2 += -8\n*(u64 *)(r10 - 8) = 0\ncall map_lookup_elem${end}`, /^bad-map /],
  ['a loop without end', `again: goto again`, /^fuel /],
];

for (const [name, engine] of [
  ['interp', interp],
  ['wasm', wasm],
  ['wasm by a jump table', wasmEngine({ control: 'dispatch' })],
] as const) {
  t.test(`planted faults, ${name}`, (t) => {
    for (const [what, text, trap] of FAULTS) {
      const outcome = makeBench(text, { engine, maps: MAPS }).runXdp();
      t.match(outcome.kind === 'exit' ? 'exit' : `${outcome.trap.name} ${outcome.trap.message}`, trap, what);
      // Same trap, place and count.
      t.strictSame(outcome, makeBench(text, { engine: interp, maps: MAPS }).runXdp(), what);
    }
    t.end();
  });
}
