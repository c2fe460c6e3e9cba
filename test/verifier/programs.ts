/** Small programs, one for each thing the verifier looks at, with what Linux 6.18 answers. Data only. */
import type { ProgTypeName } from '../../vm/spec/prog-types.js';
import type { VerifierMap } from '../../vm/verifier/verify.js';

export interface Case {
  readonly name: string;
  /** Default `xdp`. */
  readonly type?: ProgTypeName;
  readonly text: string;
  /** The message of the rejection; absent where the program is accepted. */
  readonly message?: string;
  /** Default EACCES, 13. */
  readonly errno?: 13 | 22 | 7;
  /** Instructions looked at. */
  readonly processed: number;
  /** Uses `MAPS`, so a kernel cannot be asked without them. */
  readonly maps?: true;
}

/** `ld_pseudo r1, 0x1, 0` is the first one. */
export const MAPS: readonly VerifierMap[] = [
  { name: 'numbers', type: 'array', keyBytes: 4, valueBytes: 8, maxEntries: 4, flags: 0, frozen: false },
  { name: 'flows', type: 'hash', keyBytes: 4, valueBytes: 8, maxEntries: 4, flags: 0, frozen: false },
];

const PACKET = 'r2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +4)\nr0 = 1\n';
const LOOKUP = '*(u32 *)(r10 -4) = 9\nr2 = r10\nr2 += -4\nld_pseudo r1, 0x1, 1\ncall 1\n';

export const CASES: readonly Case[] = [
  { name: 'returns a number', text: 'r0 = 1\nexit', processed: 2 },
  { name: 'r0 is never set', text: 'exit', message: 'R0 !read_ok', processed: 1 },
  { name: 'falls off its end', text: 'r0 = 1', message: 'last insn is not an exit or jmp', errno: 22, processed: 0 },
  { name: 'unreachable', text: 'r0 = 1\nexit\nexit', message: 'unreachable insn 2', errno: 22, processed: 0 },
  {
    name: 'jumps out',
    text: 'r0 = 1\nif r0 == 1 goto +5\nexit',
    message: 'jump out of range from insn 1 to 7',
    errno: 22,
    processed: 0,
  },
  { name: 'endless', text: 'r0 = 1\nl: goto l', message: 'old state: R0=1 R1=ctx() R10=fp0', errno: 22, processed: 9 },
  { name: 'reads what the stack never held', text: 'r0 = *(u64 *)(r10 -8)\nexit', processed: 2 },
  {
    name: 'writes above the stack',
    text: '*(u64 *)(r10 +0) = 1\nr0 = 0\nexit',
    message: 'invalid write to stack R10 off=0 size=8',
    processed: 1,
  },
  {
    name: 'a pointer is spilled and filled',
    text: '*(u64 *)(r10 -8) = r1\nr2 = *(u64 *)(r10 -8)\nr3 = *(u32 *)(r2 +0)\nr0 = 1\nexit',
    processed: 5,
  },
  {
    name: 'half a pointer is filled',
    text: '*(u64 *)(r10 -8) = r1\nr2 = *(u32 *)(r10 -8)\nr0 = 1\nexit',
    message: 'invalid size of register fill',
    processed: 2,
  },
  {
    name: 'a context field that does not exist',
    text: 'r0 = *(u32 *)(r1 +24)\nexit',
    message: 'invalid bpf_context access off=24 size=4',
    processed: 1,
  },
  {
    name: 'a context field in part',
    text: 'r0 = *(u16 *)(r1 +0)\nexit',
    message: 'invalid bpf_context access off=0 size=2',
    processed: 1,
  },
  {
    name: 'a packet is read behind a check',
    text: `${PACKET}r4 = r2\nr4 += 1\nif r4 > r3 goto e\nr0 = *(u8 *)(r2 +0)\nr0 = 1\ne: exit`,
    processed: 10,
  },
  {
    name: 'a packet is read without a check',
    text: `${PACKET}r0 = *(u8 *)(r2 +0)\nexit`,
    message: 'R2 offset is outside of the packet',
    processed: 4,
  },
  {
    name: 'a packet is read one byte too far',
    text: `${PACKET}r4 = r2\nr4 += 1\nif r4 > r3 goto e\nr0 = *(u8 *)(r2 +1)\ne: exit`,
    message: 'R2 offset is outside of the packet',
    processed: 7,
  },
  {
    name: 'a number is followed',
    text: 'r1 = 8\nr0 = *(u8 *)(r1 +0)\nexit',
    message: "R1 invalid mem access 'scalar'",
    processed: 2,
  },
  { name: 'a bounded loop', text: 'r0 = 0\nl: r0 += 1\nif r0 < 10 goto l\nexit', processed: 22 },
  {
    name: 'a loop that may not end',
    text: 'call 7\nl: if r0 == 1 goto e\ngoto l\ne: exit',
    message: 'old state: R0=scalar() R10=fp0',
    errno: 22,
    processed: 10,
  },
  { name: 'divides by 0', text: 'r0 = 1\nr0 /= 0\nexit', message: 'div by zero', errno: 22, processed: 2 },
  { name: 'shifts too far', text: 'r0 = 1\nr0 <<= 64\nexit', message: 'invalid shift 64', errno: 22, processed: 2 },
  { name: 'writes r10', text: 'r10 = 1\nr0 = 0\nexit', message: 'frame pointer is read only', processed: 1 },
  {
    name: 'adds pointers',
    text: 'r1 += r10\nr0 = 0\nexit',
    message: 'R1 pointer += pointer prohibited',
    processed: 1,
  },
  {
    name: 'multiplies a pointer',
    text: 'r1 *= 2\nr0 = 0\nexit',
    message: 'R1 pointer arithmetic with *= operator prohibited',
    processed: 1,
  },
  {
    name: 'moves the context pointer',
    text: 'r1 += 4\nr0 = *(u32 *)(r1 +0)\nexit',
    message: 'dereference of modified ctx ptr R1 off=4 disallowed',
    processed: 2,
  },
  {
    name: 'a helper that does not exist',
    text: 'call 9999\nexit',
    message: 'invalid func unknown#9999',
    errno: 22,
    processed: 1,
  },
  {
    name: 'a helper of other programs',
    text: 'call 9\nexit',
    message: 'program of this type cannot use helper bpf_skb_store_bytes#9',
    errno: 22,
    processed: 1,
  },
  {
    name: 'arguments are gone after a call',
    text: 'call 5\nr0 = r1\nexit',
    message: 'R1 !read_ok',
    processed: 2,
  },
  { name: 'walks into a function', text: 'call f\nexit\nf: r0 = 1\nexit', processed: 4 },
  {
    name: 'a range at exit',
    type: 'cgroup_skb',
    text: 'r0 = 5\nexit',
    message: 'At program exit the register R0 has smin=5 smax=5 should have been in [0, 1]',
    errno: 22,
    processed: 2,
  },
  {
    name: 'misaligned on the stack',
    text: '*(u32 *)(r10 -6) = 1\nr0 = 0\nexit',
    message: 'misaligned stack access off 0+0+-6 size 4',
    processed: 1,
  },
  {
    name: 'a context is changed atomically',
    text: 'r2 = 1\nlock *(u32 *)(r1 +0) += w2\nr0 = 0\nexit',
    message: 'BPF_ATOMIC stores into R1 ctx is not allowed',
    processed: 2,
  },
  {
    name: 'a lookup is checked',
    maps: true,
    text: `${LOOKUP}if r0 == 0 goto e\nr0 = *(u64 *)(r0 +0)\ne: r0 = 1\nexit`,
    processed: 10,
  },
  {
    name: 'a lookup is not checked',
    maps: true,
    text: `${LOOKUP}r0 = *(u64 *)(r0 +0)\nexit`,
    message: "R0 invalid mem access 'map_value_or_null'",
    processed: 6,
  },
  {
    name: 'a known entry of an array needs no check',
    maps: true,
    text: '*(u32 *)(r10 -8) = 3\nr2 = r10\nr2 += -8\nld_pseudo r1, 0x1, 0\ncall 1\nr0 = *(u64 *)(r0 +0)\nr0 = 1\nexit',
    processed: 8,
  },
  {
    name: 'a value is read past its end',
    maps: true,
    text: `${LOOKUP}if r0 == 0 goto e\nr0 = *(u64 *)(r0 +8)\ne: r0 = 1\nexit`,
    message: 'R0 min value is outside of the allowed memory range',
    processed: 7,
  },
  {
    name: 'a map and a helper that do not fit',
    maps: true,
    text: 'ld_pseudo r2, 0x1, 0\nr3 = 0\ncall 12\nr0 = 1\nexit',
    message: 'expected prog array map for tail call',
    errno: 22,
    processed: 3,
  },
];
