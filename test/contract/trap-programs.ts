/** Programs that end in a trap: each kind of it, its place, its words, its count; and those that just do not. */
import { mapSpec } from './bench.js';
import type { ProgramCase } from './program-case.js';

const values = mapSpec({ name: 'values', type: 'array' });
const hash = mapSpec({ name: 'conns', type: 'hash' });
const ring = mapSpec({ name: 'events', type: 'ringbuf', keyBytes: 0, valueBytes: 0, maxEntries: 4096 });
const rodata = mapSpec({
  name: '.rodata',
  type: 'array',
  maxEntries: 1,
  section: '.rodata',
  contents: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  readOnly: true,
});

const LOOKUP = `
  *(u32 *)(r10 - 4) = 0
  r2 = r10
  r2 += -4
  ld_pseudo r1, 0x1, 0x0
  call map_lookup_elem
  if r0 != 0 goto +1
  exit`;

const RESERVE = `
  ld_pseudo r1, 0x1, 0x0
  r2 = 16
  r3 = 0
  call ringbuf_reserve
  if r0 != 0 goto +1
  exit
  r6 = r0`;

const FUEL: readonly ProgramCase[] = [
  {
    name: 'a loop without end',
    text: 'r0 = 0\nagain:\nr0 += 1\ngoto again',
    fuel: 1000,
    want: 'fuel at function 0 pc 2 after 1001 insns: out of fuel after 1001 instructions',
  },
  {
    name: 'a loop of one instruction',
    text: 'again:\ngoto again',
    fuel: 1000,
    want: 'fuel at function 0 pc 0 after 1001 insns: out of fuel after 1001 instructions',
  },
  {
    name: 'a loop that gotol closes',
    text: 'again:\nr0 = 0\ngotol again',
    fuel: 1000,
    want: 'fuel at function 0 pc 1 after 1002 insns: out of fuel after 1002 instructions',
  },
  {
    name: 'enough for the last round',
    text: 'r0 = 0\nagain:\nr0 += 1\nif r0 < 10 goto again\nexit',
    fuel: 19,
    want: 'r0 = 0xa after 22 insns',
  },
  {
    name: 'one too few for the last round',
    text: 'r0 = 0\nagain:\nr0 += 1\nif r0 < 10 goto again\nexit',
    fuel: 18,
    want: 'fuel at function 0 pc 2 after 19 insns: out of fuel after 19 instructions',
  },
  {
    name: 'straight code is not looked at',
    text: 'r0 = 1\nr0 += 1\nr0 += 1\nexit',
    fuel: 1,
    want: 'r0 = 0x3 after 4 insns',
  },
  {
    name: 'a call is looked at',
    text: 'r1 = 1\nr2 = 2\ncall f\nexit\nf:\nr0 = 3\nexit',
    fuel: 2,
    want: 'fuel at function 0 pc 2 after 3 insns: out of fuel after 3 instructions',
  },
  {
    name: 'a loop in a function that is called',
    text: 'call f\nexit\nf:\nr0 = 0\nagain:\nr0 += 1\ngoto again',
    fuel: 100,
    want: 'fuel at function 1 pc 2 after 102 insns: out of fuel after 102 instructions',
  },
  {
    name: 'bpf_loop for very long',
    text: 'r1 = 8388608\nr2 = round ll\nr3 = 0\nr4 = 0\ncall loop\nexit\nround:\nr0 = 0\nexit',
    fuel: 1000,
    want: 'fuel at function 0 pc 5 after 1001 insns: out of fuel after 1001 instructions',
  },
  {
    name: 'a loop in a callback',
    text: 'r1 = 5\nr2 = round ll\nr3 = 0\nr4 = 0\ncall loop\nexit\nround:\ngoto round',
    fuel: 1000,
    want: 'fuel at function 1 pc 0 after 1001 insns: out of fuel after 1001 instructions',
  },
].map((each) => ({ ...each, needs: 'fuel' as const }));

const MEMORY: readonly ProgramCase[] = [
  {
    name: 'NULL',
    text: 'r1 = 0\nr0 = *(u64 *)(r1 + 0)\nexit',
    want: 'memory at function 0 pc 1 after 2 insns: out of bounds read of 8 bytes at NULL',
  },
  {
    name: 'just above NULL',
    text: 'r1 = 0\n*(u16 *)(r1 + 16) = 1\nexit',
    want: 'memory at function 0 pc 1 after 2 insns: out of bounds write of 2 bytes at NULL+16',
  },
  {
    name: 'an invented address',
    text: 'r1 = 0x12345678abcdef01 ll\nr0 = *(u8 *)(r1 + 0)\nexit',
    want: 'memory at function 0 pc 2 after 2 insns: out of bounds read of 1 byte at 0x12345678abcdef01 (not a pointer that this program was given)',
  },
  {
    name: 'a negative address',
    text: 'r1 = -16\nr0 = *(u64 *)(r1 + 0)\nexit',
    want: 'memory at function 0 pc 1 after 2 insns: out of bounds read of 8 bytes at 0xfffffffffffffff0 (not a pointer that this program was given)',
  },
  {
    name: 'an address above the guest memory',
    text: 'r1 = 0xfffffff0 ll\n*(u64 *)(r1 + 0) = 1\nexit',
    want: 'memory at function 0 pc 2 after 2 insns: out of bounds write of 8 bytes at 0xfffffff0',
  },
  {
    name: 'an offset that carries out of the low word',
    text: 'r1 = 0xffff8000 ll\nr1 += 4096\nr0 = *(u8 *)(r1 + 0x7fff)\nexit',
    want: 'memory at function 0 pc 3 after 3 insns: out of bounds read of 1 byte at 0x100000fff (not a pointer that this program was given)',
  },
  {
    name: 'a pointer far below what its offset leads to',
    text: 'r1 = r10\nr1 += -0x7008\n*(u64 *)(r1 + 0x7000) = 1\nr0 = *(u64 *)(r10 - 8)\nexit',
    want: 'r0 = 0x1 after 5 insns',
  },
  {
    name: 'the first byte above the frame',
    text: '*(u8 *)(r10 + 0) = 1\nexit',
    want: 'memory at function 0 pc 0 after 1 insns: out of bounds write of 1 byte at stack+0 (the stack is 512 bytes)',
  },
  {
    name: 'half above the frame',
    text: 'r1 = 1\n*(u64 *)(r10 - 4) = r1\nexit',
    want: 'memory at function 0 pc 1 after 2 insns: out of bounds write of 8 bytes at stack-4 (the stack is 512 bytes)',
  },
  {
    name: 'below the frame',
    text: '*(u64 *)(r10 - 520) = 1\nexit',
    want: 'memory at function 0 pc 0 after 1 insns: out of bounds write of 8 bytes at stack-520 (the stack is 512 bytes)',
  },
  {
    name: 'a frame that is not open',
    text: 'call f\n*(u8 *)(r10 + 1020) = 1\nexit\nf:\n*(u8 *)(r10 - 4) = 1\nr0 = 0\nexit',
    want: 'memory at function 0 pc 1 after 5 insns: out of bounds write of 1 byte at stack-4 of frame 1 (the stack is 512 bytes)',
  },
  {
    name: 'a pointer into a frame that was closed',
    text: 'call f\nr0 = *(u8 *)(r0 + 0)\nexit\nf:\nr0 = r10\nr0 += -8\nexit',
    want: 'memory at function 0 pc 1 after 5 insns: out of bounds read of 1 byte at stack-8 of frame 1 (the stack is 512 bytes)',
  },
  {
    name: 'the end of the packet',
    text: 'r1 = *(u32 *)(r1 + 0)\nr0 = *(u32 *)(r1 + 66)\nexit',
    want: 'memory at function 0 pc 1 after 2 insns: out of bounds read of 4 bytes at packet+66 (packet is 64 bytes)',
  },
  {
    name: 'across the end of the packet',
    text: 'r1 = *(u32 *)(r1 + 0)\nr0 = *(u32 *)(r1 + 61)\nexit',
    want: 'memory at function 0 pc 1 after 2 insns: out of bounds read of 4 bytes at packet+61 (packet is 64 bytes)',
  },
  {
    name: 'the last bytes of the packet',
    text: 'r1 = *(u32 *)(r1 + 0)\nr0 = *(u32 *)(r1 + 60)\nexit',
    packet: Uint8Array.from({ length: 64 }, (_, i) => i),
    want: 'r0 = 0x3f3e3d3c after 3 insns',
  },
  {
    name: 'before the packet',
    text: 'r1 = *(u32 *)(r1 + 0)\n*(u8 *)(r1 - 1) = 1\nexit',
    want: 'memory at function 0 pc 1 after 2 insns: out of bounds write of 1 byte at packet-1 (packet is 64 bytes)',
  },
  {
    name: 'a sign-extending load',
    text: 'r1 = *(u32 *)(r1 + 0)\nr0 = *(s16 *)(r1 + 64)\nexit',
    want: 'memory at function 0 pc 1 after 2 insns: out of bounds read of 2 bytes at packet+64 (packet is 64 bytes)',
  },
  {
    name: 'a write to ctx',
    text: '*(u32 *)(r1 + 4) = 0\nexit',
    want: 'memory at function 0 pc 0 after 1 insns: write of 4 bytes at ctx+4, which is read-only',
  },
  {
    name: 'past ctx',
    text: 'r0 = *(u32 *)(r1 + 24)\nexit',
    want: 'memory at function 0 pc 0 after 1 insns: out of bounds read of 4 bytes at ctx+24',
  },
  {
    name: 'past a map value',
    maps: [mapSpec({ name: 'small', type: 'array', valueBytes: 4 })],
    text: `${LOOKUP}\nr1 = 1\n*(u32 *)(r0 + 4) = r1\nexit`,
    want: 'memory at function 0 pc 9 after 8 insns: out of bounds write of 4 bytes at map `small` [0] value+4 (a value is 4 bytes)',
  },
  {
    name: 'past the last map value',
    maps: [mapSpec({ name: 'one', type: 'array', maxEntries: 1 })],
    text: `${LOOKUP}\nr0 = *(u8 *)(r0 + 8)\nexit`,
    want: 'memory at function 0 pc 8 after 7 insns: out of bounds read of 1 byte at map `one` [0] value+8 (a value is 8 bytes)',
  },
  {
    name: 'read-only data',
    maps: [rodata],
    text: 'ld_pseudo r1, 0x2, 0x0\nr0 = *(u64 *)(r1 + 0)\n*(u8 *)(r1 + 1) = 1\nexit',
    want: 'memory at function 0 pc 3 after 3 insns: write of 1 byte at .rodata+1, which is read-only',
  },
  {
    name: 'past read-only data',
    maps: [rodata],
    text: 'ld_pseudo r1, 0x2, 0x0\nr0 = *(u64 *)(r1 + 4)\nexit',
    want: 'memory at function 0 pc 2 after 2 insns: out of bounds read of 8 bytes at .rodata+4 (.rodata is 8 bytes)',
  },
  {
    name: 'a map itself',
    maps: [values],
    text: 'ld_pseudo r1, 0x1, 0x0\n*(u64 *)(r1 + 0) = 1\nexit',
    want: 'memory at function 0 pc 2 after 2 insns: write of 8 bytes at map `values` itself, which is read-only',
  },
  {
    name: 'a packet pointer after adjust_head',
    text: 'r6 = r1\nr7 = *(u32 *)(r1 + 0)\nr2 = 4\ncall xdp_adjust_head\nr0 = *(u8 *)(r7 + 8)\nexit',
    want: 'memory at function 0 pc 4 after 5 insns: out of bounds read of 1 byte at an old packet pointer (the packet has moved since)',
  },
  {
    name: 'an atomic operation',
    text: 'r1 = *(u32 *)(r1 + 0)\nr2 = 1\nlock *(u64 *)(r1 + 60) += r2\nexit',
    want: 'memory at function 0 pc 2 after 3 insns: out of bounds write of 8 bytes at packet+60 (packet is 64 bytes)',
  },
  {
    name: 'a ring buffer record after submit',
    maps: [ring],
    text: `${RESERVE}\n*(u64 *)(r6 + 8) = 1\nr1 = r6\nr2 = 0\ncall ringbuf_submit\n*(u64 *)(r6 + 8) = 2\nexit`,
    want: 'memory at function 0 pc 12 after 11 insns: out of bounds write of 8 bytes at map `events` (a value is 0 bytes)',
  },
  {
    name: 'past a ring buffer record',
    maps: [ring],
    text: `${RESERVE}\n*(u64 *)(r6 + 16) = 1\nexit`,
    want: 'memory at function 0 pc 8 after 7 insns: out of bounds write of 8 bytes at map `events` (a value is 0 bytes)',
  },
  {
    name: 'a helper: a key that is not there',
    maps: [values],
    text: 'ld_pseudo r1, 0x1, 0x0\nr2 = 0\ncall map_lookup_elem\nexit',
    want: 'memory at function 0 pc 3 after 3 insns: out of bounds read of 4 bytes at NULL',
  },
  {
    name: 'a helper: a value that ends above the frame',
    maps: [values],
    text: '*(u32 *)(r10 - 4) = 0\nld_pseudo r1, 0x1, 0x0\nr2 = r10\nr2 += -4\nr3 = r2\nr4 = 0\ncall map_update_elem\nexit',
    want: 'memory at function 0 pc 7 after 7 insns: out of bounds read of 8 bytes at stack-4 (the stack is 512 bytes)',
  },
  {
    name: 'a helper: a length past the packet',
    maps: [ring],
    text: 'r2 = *(u32 *)(r1 + 0)\nld_pseudo r1, 0x1, 0x0\nr3 = 65\nr4 = 0\ncall ringbuf_output\nexit',
    want: 'memory at function 0 pc 5 after 5 insns: out of bounds read of 65 bytes at packet+0 (packet is 64 bytes)',
  },
  {
    name: 'a helper: a pointer above 32 bits',
    text: 'r1 = 0x100000000 ll\nr2 = 4\nr3 = 0\nr4 = 0\nr5 = 0\ncall csum_diff\nexit',
    want: 'memory at function 0 pc 6 after 6 insns: out of bounds read of 4 bytes at 0x100000000 (not a pointer that this program was given)',
  },
].map((each) => ({ ...each, needs: 'memory' as const }));

const STACK_INIT: readonly ProgramCase[] = [
  {
    name: 'stack that was never written',
    text: 'r0 = *(u64 *)(r10 - 8)\nexit',
    want: 'memory at function 0 pc 0 after 1 insns: read of 8 bytes never written at stack-8',
  },
  {
    name: 'stack that was written in part',
    text: '*(u32 *)(r10 - 8) = 1\nr0 = *(u64 *)(r10 - 8)\nexit',
    want: 'memory at function 0 pc 1 after 2 insns: read of 8 bytes never written at stack-8',
  },
  {
    name: 'stack that an atomic operation reads',
    text: 'r1 = 1\nlock *(u64 *)(r10 - 8) += r1\nexit',
    want: 'memory at function 0 pc 1 after 2 insns: write of 8 bytes never written at stack-8',
  },
  {
    name: 'a key that was never written',
    maps: [values],
    text: 'ld_pseudo r1, 0x1, 0x0\nr2 = r10\nr2 += -4\ncall map_lookup_elem\nexit',
    want: 'memory at function 0 pc 4 after 4 insns: read of 4 bytes never written at stack-4',
  },
  {
    name: 'a frame is new each time',
    text: 'call f\ncall g\nexit\nf:\n*(u64 *)(r10 - 8) = 1\nr0 = 0\nexit\ng:\nr0 = *(u64 *)(r10 - 8)\nexit',
    want: 'memory at function 2 pc 0 after 6 insns: read of 8 bytes never written at stack-8 of frame 1',
  },
].map((each) => ({ ...each, needs: 'stackInit' as const }));

const OTHERS: readonly ProgramCase[] = [
  {
    name: 'calls without end',
    text: 'call f\nexit\nf:\ncall f\nexit',
    want: 'call-depth at function 1 pc 0 after 8 insns: the call stack is deeper than 8 frames',
  },
  {
    name: 'callbacks without end',
    text: 'round:\nr1 = 1\nr2 = next ll\nr3 = 0\nr4 = 0\ncall loop\nexit\nnext:\nr1 = 1\nr2 = next ll\nr3 = 0\nr4 = 0\ncall loop\nexit',
    want: 'call-depth at function 1 pc 5 after 40 insns: the call stack is deeper than 8 frames',
  },
  {
    name: 'an unknown helper',
    text: 'r0 = 0\ncall 9999\nexit',
    want: 'unknown-helper at function 0 pc 1 after 2 insns: helper 9999 does not exist',
  },
  {
    name: 'an unsupported helper',
    text: 'call get_stackid\nexit',
    want: 'unsupported-helper at function 0 pc 0 after 1 insns: helper bpf_get_stackid is unsupported by skep',
  },
  {
    name: 'a kfunc',
    text: 'call kfunc 7\nexit',
    want: 'unsupported-ref at function 0 pc 0 after 1 insns: kfunc #7 is unsupported by skep',
  },
  {
    name: 'a map that is not there',
    text: 'r0 = 0\nld_pseudo r1, 0x1, 0x7\nexit',
    want: 'unsupported-ref at function 0 pc 1 after 2 insns: there is no map 7 is unsupported by skep',
  },
  {
    name: 'an unsupported instruction',
    text: 'r1 = 0\nr0 = addr_space_cast(r1, 0, 1)\nexit',
    want: 'unsupported-insn at function 0 pc 1 after 2 insns: this instruction is unsupported by skep',
  },
  {
    name: 'past the end of a function',
    text: 'call f\nexit\nf:\nr0 = 1\nif r0 == 1 goto +1\nexit\nr0 = 2',
    want: 'fall-off at function 1 pc 3 after 4 insns: the program runs past its last instruction',
  },
  {
    name: 'NULL for a map',
    text: '*(u32 *)(r10 - 4) = 0\nr1 = 0\nr2 = r10\nr2 += -4\ncall map_delete_elem\nexit',
    want: 'bad-map at function 0 pc 4 after 5 insns: NULL is not a map of the type that the helper takes',
  },
  {
    name: 'a map of another type',
    maps: [hash],
    text: 'ld_pseudo r1, 0x1, 0x0\nr2 = 16\nr3 = 0\ncall ringbuf_reserve\nexit',
    want: 'bad-map at function 0 pc 4 after 4 insns: map `conns` itself is not a map of the type that the helper takes',
  },
  {
    name: 'a tail call through a map of another type',
    maps: [hash],
    text: 'ld_pseudo r2, 0x1, 0x0\nr3 = 0\ncall tail_call\nexit',
    want: 'bad-map at function 0 pc 3 after 3 insns: map `conns` itself is not a map of the type that the helper takes',
  },
  {
    name: 'a map of an unsupported type',
    maps: [mapSpec({ name: 'odd', type: 'stack_trace', keyBytes: 4, valueBytes: 8 })],
    text: '*(u32 *)(r10 - 4) = 0\nld_pseudo r1, 0x1, 0x0\nr2 = r10\nr2 += -4\ncall map_delete_elem\nexit',
    want: 'unsupported-map at function 0 pc 5 after 5 insns: map `odd`: type stack_trace is unsupported by skep',
  },
  {
    name: 'a callback that is no function',
    text: 'r1 = 1\nr2 = 64\nr3 = 0\nr4 = 0\ncall loop\nexit',
    want: 'bad-callback at function 0 pc 4 after 5 insns: NULL+64 is not a function',
  },
  {
    name: 'no ring buffer record',
    maps: [ring],
    text: 'r1 = r10\nr1 += -8\nr2 = 0\ncall ringbuf_submit\nexit',
    want: 'bad-record at function 0 pc 3 after 4 insns: stack-8 is not a reserved ring buffer record',
  },
  {
    name: 'a ring buffer record twice',
    maps: [ring],
    text: `${RESERVE}\nr1 = r6\nr2 = 0\ncall ringbuf_discard\nr1 = r6\nr2 = 0\ncall ringbuf_submit\nexit`,
    want: 'bad-record at function 0 pc 13 after 12 insns: map `events` is not a reserved ring buffer record',
  },
];

export const TRAP_PROGRAMS: readonly ProgramCase[] = [...FUEL, ...MEMORY, ...STACK_INIT, ...OTHERS];
