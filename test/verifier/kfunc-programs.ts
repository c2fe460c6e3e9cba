/**
 * Small programs that call kernel functions, each with what Linux 6.18 answers: iterators, dynptrs, read and preemption
 * locks. Kernel functions stand in the text by name. Data only.
 */
import type { ProgTypeName } from '../../vm/spec/prog-types.js';
import type { VerifierMap } from '../../vm/verifier/verify.js';

export interface KfuncProgram {
  readonly name: string;
  /** Default `sched_cls`. */
  readonly type?: ProgTypeName;
  readonly text: string;
  /** The message of the rejection; absent where the program is accepted. */
  readonly message?: string;
  /** Default EINVAL, 22. */
  readonly errno?: 13;
  /** Instructions looked at. */
  readonly processed: number;
}

/** `ld_pseudo r1, 0x1, 0` is the first one. */
export const KFUNC_MAPS: readonly VerifierMap[] = [
  { name: 'numbers', type: 'array', keyBytes: 4, valueBytes: 8, maxEntries: 4, flags: 0, frozen: false },
  { name: 'ring', type: 'ringbuf', keyBytes: 0, valueBytes: 0, maxEntries: 4096, flags: 0, frozen: false },
];

const NEW = 'r1 = r10\nr1 += -8\nr2 = 0\nr3 = 10\ncall bpf_iter_num_new\n';
const NEXT = 'r1 = r10\nr1 += -8\ncall bpf_iter_num_next\n';
const DESTROY = 'r1 = r10\nr1 += -8\ncall bpf_iter_num_destroy\n';
const FROM_SKB = 'r6 = r1\nr2 = 0\nr3 = r10\nr3 += -16\ncall bpf_dynptr_from_skb\n';
const SLICE =
  'r1 = r10\nr1 += -16\nr2 = 0\nr3 = r10\nr3 += -32\nr4 = 8\n*(u64 *)(r10 -32) = 0\ncall bpf_dynptr_slice\n';
const RESERVE = 'ld_pseudo r1, 0x1, 1\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -16\ncall 198\n';
const SUBMIT = 'r1 = r10\nr1 += -16\nr2 = 0\ncall 199\n';
const DATA = 'r1 = r10\nr1 += -16\nr2 = 0\nr3 = 8\ncall 203\n';
const VALUE = '*(u32 *)(r10 -4) = 0\nr2 = r10\nr2 += -4\nld_pseudo r1, 0x1, 0\ncall 1\nif r0 == 0 goto e\n';
const END = 'r0 = 0\nexit';

export const KFUNC_PROGRAMS: readonly KfuncProgram[] = [
  {
    name: 'loop over numbers',
    text: `${NEW}r6 = 0\nl: ${NEXT}if r0 == 0 goto e\nr1 = *(u32 *)(r0 +0)\nr6 += r1\ngoto l\ne: ${DESTROY}${END}`,
    processed: 48,
  },
  { name: 'loop unread', text: `${NEW}l: ${NEXT}if r0 != 0 goto l\n${DESTROY}${END}`, processed: 18 },
  {
    name: 'iter not destroyed',
    text: `${NEW}${END}`,
    message: 'BPF_EXIT instruction in main prog would lead to reference leak',
    processed: 7,
  },
  {
    name: 'next without new',
    text: `${NEXT}${END}`,
    message: 'expected an initialized iter_num as arg #0',
    processed: 3,
  },
  {
    name: 'destroy without new',
    text: `${DESTROY}${END}`,
    message: 'expected an initialized iter_num as arg #0',
    processed: 3,
  },
  {
    name: 'new twice',
    text: `${NEW}${NEW}${DESTROY}${END}`,
    message: 'expected uninitialized iter_num as arg #0',
    processed: 10,
  },
  {
    name: 'iter written over',
    text: `${NEW}*(u64 *)(r10 -8) = 0\n${DESTROY}${END}`,
    message: 'expected an initialized iter_num as arg #0',
    processed: 9,
  },
  {
    name: 'iter read',
    text: `${NEW}r0 = *(u64 *)(r10 -8)\n${DESTROY}${END}`,
    message: 'invalid read from stack off -8+0 size 8',
    errno: 13,
    processed: 6,
  },
  {
    name: 'iter not on stack',
    text: `r1 = 1\nr2 = 0\nr3 = 10\ncall bpf_iter_num_new\n${END}`,
    message: 'arg#0 expected pointer to an iterator on stack',
    processed: 4,
  },
  {
    name: 'iter unaligned',
    text: `r1 = r10\nr1 += -12\nr2 = 0\nr3 = 10\ncall bpf_iter_num_new\n${END}`,
    message: 'expected uninitialized iter_num as arg #0',
    processed: 5,
  },
  {
    name: 'iter element written',
    text: `${NEW}${NEXT}if r0 == 0 goto e\n*(u32 *)(r0 +0) = 1\ne: ${DESTROY}${END}`,
    message: 'R0 cannot write into rdonly_mem',
    errno: 13,
    processed: 16,
  },
  {
    name: 'iter element after destroy',
    text: `${NEW}${NEXT}r6 = r0\n${DESTROY}if r6 == 0 goto e\nr0 = *(u32 *)(r6 +0)\ne: ${END}`,
    message: "R6 invalid mem access 'scalar'",
    errno: 13,
    processed: 21,
  },
  {
    name: 'iter element too far',
    text: `${NEW}${NEXT}if r0 == 0 goto e\nr0 = *(u64 *)(r0 +0)\ne: ${DESTROY}${END}`,
    message: 'R0 min value is outside of the allowed memory range',
    errno: 13,
    processed: 16,
  },
  {
    name: 'iter element unchecked',
    text: `${NEW}${NEXT}r0 = *(u32 *)(r0 +0)\n${DESTROY}${END}`,
    message: "R0 invalid mem access 'scalar'",
    errno: 13,
    processed: 9,
  },
  {
    name: 'iter arg pointer',
    text: `r1 = r10\nr1 += -8\nr2 = r10\nr3 = 10\ncall bpf_iter_num_new\n${END}`,
    message: 'R2 is not a scalar',
    processed: 5,
  },
  {
    name: 'iter destroyed twice',
    text: `${NEW}${DESTROY}${DESTROY}${END}`,
    message: 'expected an initialized iter_num as arg #0',
    processed: 11,
  },
  {
    name: 'imprecise widening',
    text: `${NEW}r6 = 0\nr7 = 0\nl: ${NEXT}if r0 == 0 goto e\nr6 += 1\nif r6 > 100 goto e\nr7 ^= 1\ngoto l\ne: ${DESTROY}r0 = r6\nexit`,
    processed: 1424,
  },
  {
    name: 'nested',
    text: `r1 = r10\nr1 += -16\nr2 = 0\nr3 = 3\ncall bpf_iter_num_new\no: r1 = r10\nr1 += -16\ncall bpf_iter_num_next\nif r0 == 0 goto x\n${NEW}l: ${NEXT}if r0 != 0 goto l\n${DESTROY}goto o\nx: r1 = r10\nr1 += -16\ncall bpf_iter_num_destroy\n${END}`,
    processed: 35,
  },
  {
    name: 'array by iter',
    text: `${NEW}l: ${NEXT}if r0 == 0 goto e\nr1 = *(u32 *)(r0 +0)\nif r1 > 7 goto l\nr2 = r10\nr2 += -16\nr2 += r1\n*(u8 *)(r2 +0) = 1\ngoto l\ne: ${DESTROY}${END}`,
    processed: 28,
  },
  {
    name: 'break out',
    text: `${NEW}l: ${NEXT}if r0 == 0 goto e\nr1 = *(u32 *)(r0 +0)\nif r1 == 7 goto e\ngoto l\ne: ${DESTROY}${END}`,
    processed: 26,
  },
  { name: 'skb slice', text: `${FROM_SKB}${SLICE}if r0 == 0 goto e\nr0 = *(u64 *)(r0 +0)\ne: ${END}`, processed: 19 },
  {
    name: 'skb slice too far',
    text: `${FROM_SKB}${SLICE}if r0 == 0 goto e\nr0 = *(u64 *)(r0 +1)\ne: ${END}`,
    message: 'R0 min value is outside of the allowed memory range',
    errno: 13,
    processed: 15,
  },
  {
    name: 'skb slice unchecked',
    text: `${FROM_SKB}${SLICE}r0 = *(u64 *)(r0 +0)\n${END}`,
    message: "R0 invalid mem access 'rdonly_mem_or_null'",
    errno: 13,
    processed: 14,
  },
  {
    name: 'skb slice write',
    text: `${FROM_SKB}${SLICE}if r0 == 0 goto e\n*(u8 *)(r0 +0) = 1\ne: ${END}`,
    message: 'R0 cannot write into rdonly_mem',
    errno: 13,
    processed: 15,
  },
  {
    name: 'skb slice_rdwr',
    text: `${FROM_SKB}r1 = r10\nr1 += -16\nr2 = 0\nr3 = r10\nr3 += -32\nr4 = 8\n*(u64 *)(r10 -32) = 0\ncall bpf_dynptr_slice_rdwr\nif r0 == 0 goto e\n*(u8 *)(r0 +0) = 1\ne: ${END}`,
    processed: 19,
  },
  {
    name: 'slice null buffer',
    text: `${FROM_SKB}r1 = r10\nr1 += -16\nr2 = 0\nr3 = 0\nr4 = 8\ncall bpf_dynptr_slice\nif r0 == 0 goto e\nr0 = *(u64 *)(r0 +0)\ne: ${END}`,
    processed: 17,
  },
  {
    name: 'slice len unknown',
    text: `${FROM_SKB}r4 = *(u32 *)(r6 +0)\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = 0\ncall bpf_dynptr_slice\n${END}`,
    message: 'R4 must be a known constant',
    processed: 11,
  },
  {
    name: 'slice len too large',
    text: `${FROM_SKB}r1 = r10\nr1 += -16\nr2 = 0\nr3 = r10\nr3 += -8\nr4 = 16\ncall bpf_dynptr_slice\n${END}`,
    message: 'arg#2 arg#3 memory, len pair leads to invalid memory access',
    processed: 12,
  },
  {
    name: 'slice gone',
    text: `${FROM_SKB}${SLICE}r7 = r0\nr1 = r6\nr2 = 100\ncall 39\nif r7 == 0 goto e\nr0 = *(u64 *)(r7 +0)\ne: ${END}`,
    message: "R7 invalid mem access 'scalar'",
    errno: 13,
    processed: 19,
  },
  {
    name: 'slice gone after pull',
    text: `${FROM_SKB}${SLICE}if r0 == 0 goto e\nr7 = r0\nr1 = r6\nr2 = 100\ncall 39\nr0 = *(u64 *)(r7 +0)\ne: ${END}`,
    message: "R7 invalid mem access 'scalar'",
    errno: 13,
    processed: 19,
  },
  {
    name: 'slice of nothing',
    text: `*(u64 *)(r10 -16) = 0\n*(u64 *)(r10 -8) = 0\n${SLICE}${END}`,
    message: 'Expected an initialized dynptr as arg #0',
    processed: 10,
  },
  {
    name: 'slice of nothing 2',
    text: `${SLICE}${END}`,
    message: 'Expected an initialized dynptr as arg #0',
    processed: 8,
  },
  {
    name: 'dynptr overwritten',
    text: `${FROM_SKB}*(u64 *)(r10 -8) = 0\n${SLICE}${END}`,
    message: 'Expected an initialized dynptr as arg #0',
    processed: 14,
  },
  {
    name: 'dynptr read',
    text: `${FROM_SKB}r0 = *(u64 *)(r10 -8)\n${END}`,
    message: 'invalid read from stack off -8+0 size 8',
    errno: 13,
    processed: 6,
  },
  {
    name: 'dynptr ctx not',
    text: `r1 = 0\nr2 = 0\nr3 = r10\nr3 += -16\ncall bpf_dynptr_from_skb\n${END}`,
    message: 'Possibly NULL pointer passed to trusted arg0',
    errno: 13,
    processed: 5,
  },
  {
    name: 'dynptr ctx stack',
    text: `r1 = r10\nr1 += -8\nr2 = 0\nr3 = r10\nr3 += -16\ncall bpf_dynptr_from_skb\n${END}`,
    message: 'arg#0 expected pointer to ctx, but got fp',
    processed: 6,
  },
  {
    name: 'dynptr in xdp',
    type: 'xdp',
    text: `${FROM_SKB}${END}`,
    message: 'calling kernel function bpf_dynptr_from_skb is not allowed',
    errno: 13,
    processed: 5,
  },
  {
    name: 'dynptr from xdp',
    type: 'xdp',
    text: `r6 = r1\nr2 = 0\nr3 = r10\nr3 += -16\ncall bpf_dynptr_from_xdp\n${SLICE}if r0 == 0 goto e\nr0 = *(u64 *)(r0 +0)\ne: ${END}`,
    processed: 19,
  },
  {
    name: 'dynptr from xdp in tc',
    text: `r6 = r1\nr2 = 0\nr3 = r10\nr3 += -16\ncall bpf_dynptr_from_xdp\n${END}`,
    message: 'calling kernel function bpf_dynptr_from_xdp is not allowed',
    errno: 13,
    processed: 5,
  },
  {
    name: 'dynptr meta',
    text: `r6 = r1\nr2 = 0\nr3 = r10\nr3 += -16\ncall bpf_dynptr_from_skb_meta\n${SLICE}if r0 == 0 goto e\nr0 = *(u64 *)(r0 +0)\ne: ${END}`,
    processed: 19,
  },
  {
    name: 'dynptr not on stack',
    text: `r2 = 0\nr3 = r1\ncall bpf_dynptr_from_skb\n${END}`,
    message: 'arg#2 expected pointer to stack or const struct bpf_dynptr',
    processed: 3,
  },
  {
    name: 'dynptr misplaced',
    text: `r2 = 0\nr3 = r10\nr3 += -12\ncall bpf_dynptr_from_skb\n${END}`,
    message: 'Dynptr has to be an uninitialized dynptr',
    processed: 4,
  },
  {
    name: 'dynptr too short',
    text: `r2 = 0\nr3 = r10\nr3 += -8\ncall bpf_dynptr_from_skb\n${END}`,
    message: 'Dynptr has to be an uninitialized dynptr',
    processed: 4,
  },
  {
    name: 'dynptr adjust',
    text: `${FROM_SKB}r1 = r10\nr1 += -16\nr2 = 1\nr3 = 2\ncall bpf_dynptr_adjust\n${END}`,
    processed: 12,
  },
  { name: 'dynptr size', text: `${FROM_SKB}r1 = r10\nr1 += -16\ncall bpf_dynptr_size\n${END}`, processed: 10 },
  {
    name: 'dynptr clone',
    text: `${FROM_SKB}r1 = r10\nr1 += -16\nr2 = r10\nr2 += -48\ncall bpf_dynptr_clone\nr1 = r10\nr1 += -48\nr2 = 0\nr3 = 0\nr4 = 4\ncall bpf_dynptr_slice\nif r0 == 0 goto e\nr0 = *(u32 *)(r0 +0)\ne: ${END}`,
    processed: 21,
  },
  {
    name: 'dynptr new twice',
    text: `${FROM_SKB}r1 = r6\nr2 = 0\nr3 = r10\nr3 += -24\ncall bpf_dynptr_from_skb\n${SLICE}${END}`,
    message: 'Expected an initialized dynptr as arg #0',
    processed: 18,
  },
  { name: 'ringbuf dynptr', text: `${RESERVE}${SUBMIT}${END}`, processed: 12 },
  {
    name: 'ringbuf dynptr leaked',
    text: `${RESERVE}${END}`,
    message: 'BPF_EXIT instruction in main prog would lead to reference leak',
    processed: 8,
  },
  {
    name: 'ringbuf dynptr twice',
    text: `${RESERVE}${SUBMIT}${SUBMIT}${END}`,
    message: 'arg 1 is an unacquired reference',
    processed: 14,
  },
  {
    name: 'ringbuf dynptr overwritten',
    text: `${RESERVE}*(u64 *)(r10 -16) = 0\n${SUBMIT}${END}`,
    message: 'cannot overwrite referenced dynptr',
    processed: 7,
  },
  {
    name: 'ringbuf dynptr remade',
    text: `${RESERVE}${RESERVE}${SUBMIT}${END}`,
    message: 'cannot overwrite referenced dynptr',
    processed: 12,
  },
  {
    name: 'ringbuf data',
    text: `${RESERVE}${DATA}if r0 == 0 goto e\n*(u64 *)(r0 +0) = 1\ne: ${SUBMIT}${END}`,
    processed: 25,
  },
  {
    name: 'ringbuf data far',
    text: `${RESERVE}${DATA}if r0 == 0 goto e\n*(u64 *)(r0 +1) = 1\ne: ${SUBMIT}${END}`,
    message: 'R0 min value is outside of the allowed memory range',
    errno: 13,
    processed: 13,
  },
  {
    name: 'ringbuf data after',
    text: `${RESERVE}${DATA}r6 = r0\n${SUBMIT}if r6 == 0 goto e\n*(u64 *)(r6 +0) = 1\ne: ${END}`,
    message: "R6 invalid mem access 'scalar'",
    errno: 13,
    processed: 18,
  },
  {
    name: 'ringbuf data len',
    text: `${RESERVE}r1 = r10\nr1 += -16\nr2 = 0\nr3 = r0\ncall 203\n${SUBMIT}${END}`,
    message: "R3 is not a known constant'",
    errno: 13,
    processed: 11,
  },
  {
    name: 'ringbuf clone',
    text: `${RESERVE}r1 = r10\nr1 += -16\nr2 = r10\nr2 += -48\ncall bpf_dynptr_clone\n${SUBMIT}r1 = r10\nr1 += -48\ncall bpf_dynptr_size\n${END}`,
    message: 'Expected an initialized dynptr as arg #0',
    processed: 18,
  },
  {
    name: 'ringbuf clone released',
    text: `${RESERVE}r1 = r10\nr1 += -16\nr2 = r10\nr2 += -48\ncall bpf_dynptr_clone\nr1 = r10\nr1 += -48\nr2 = 0\ncall 199\n${END}`,
    processed: 17,
  },
  {
    name: 'dynptr read helper',
    text: `${RESERVE}r1 = r10\nr1 += -32\nr2 = 8\nr3 = r10\nr3 += -16\nr4 = 0\nr5 = 0\ncall 201\n${SUBMIT}${END}`,
    processed: 20,
  },
  {
    name: 'dynptr read helper none',
    text: `r1 = r10\nr1 += -32\nr2 = 8\nr3 = r10\nr3 += -16\nr4 = 0\nr5 = 0\ncall 201\n${END}`,
    message: 'Expected an initialized dynptr as arg #2',
    processed: 8,
  },
  {
    name: 'dynptr read into itself',
    text: `${RESERVE}r1 = r10\nr1 += -16\nr2 = 8\nr3 = r10\nr3 += -16\nr4 = 0\nr5 = 0\ncall 201\n${SUBMIT}${END}`,
    message: 'potential write to dynptr at off=-16 disallowed',
    errno: 13,
    processed: 14,
  },
  {
    name: 'dynptr write helper',
    text: `${RESERVE}*(u64 *)(r10 -32) = 1\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = r10\nr3 += -32\nr4 = 8\nr5 = 0\ncall 202\n${SUBMIT}${END}`,
    processed: 21,
  },
  {
    name: 'dynptr write skb',
    text: `${FROM_SKB}${SLICE}r7 = r0\n*(u64 *)(r10 -32) = 1\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = r10\nr3 += -32\nr4 = 8\nr5 = 0\ncall 202\nif r7 == 0 goto e\nr0 = *(u8 *)(r7 +0)\ne: ${END}`,
    message: "R7 invalid mem access 'scalar'",
    errno: 13,
    processed: 25,
  },
  {
    name: 'release skb dynptr',
    text: `${FROM_SKB}${SUBMIT}${END}`,
    message: 'arg 1 is an unacquired reference',
    processed: 9,
  },
  { name: 'release nothing', text: `${SUBMIT}${END}`, message: 'arg 1 is an unacquired reference', processed: 4 },
  {
    name: 'dynptr from stack',
    text: `*(u64 *)(r10 -32) = 1\nr1 = r10\nr1 += -32\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -16\ncall 197\n${END}`,
    message: 'Unsupported reg type fp for bpf_dynptr_from_mem data',
    errno: 13,
    processed: 8,
  },
  {
    name: 'dynptr from value',
    text: `${VALUE}r1 = r0\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -32\ncall 197\nr1 = r10\nr1 += -32\nr2 = 0\nr3 = 4\ncall 203\nif r0 == 0 goto e\nr0 = *(u32 *)(r0 +0)\ne: ${END}`,
    processed: 23,
  },
  {
    name: 'dynptr from value gone',
    text: `${VALUE}r1 = r0\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -32\ncall 197\nr1 = r10\nr1 += -32\nr2 = 0\nr3 = 4\ncall 203\nif r0 == 0 goto e\n*(u64 *)(r10 -32) = 0\nr0 = *(u32 *)(r0 +0)\ne: ${END}`,
    message: "R0 invalid mem access 'scalar'",
    errno: 13,
    processed: 20,
  },
  {
    name: 'local slice',
    text: `${VALUE}r1 = r0\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -32\ncall 197\nr1 = r10\nr1 += -32\nr2 = 0\nr3 = 0\nr4 = 4\ncall bpf_dynptr_slice\nif r0 == 0 goto e\n*(u64 *)(r10 -32) = 0\nr0 = *(u32 *)(r0 +0)\ne: ${END}`,
    processed: 24,
  },
  { name: 'rcu', text: `call bpf_rcu_read_lock\ncall bpf_rcu_read_unlock\n${END}`, processed: 4 },
  {
    name: 'rcu held',
    text: `call bpf_rcu_read_lock\n${END}`,
    message: 'BPF_EXIT instruction in main prog cannot be used inside bpf_rcu_read_lock-ed region',
    processed: 3,
  },
  {
    name: 'rcu not held',
    text: `call bpf_rcu_read_unlock\n${END}`,
    message: 'unmatched rcu read unlock (kernel function bpf_rcu_read_unlock)',
    processed: 1,
  },
  {
    name: 'rcu twice',
    text: `call bpf_rcu_read_lock\ncall bpf_rcu_read_lock\ncall bpf_rcu_read_unlock\ncall bpf_rcu_read_unlock\n${END}`,
    message: 'nested rcu read lock (kernel function bpf_rcu_read_lock)',
    processed: 2,
  },
  { name: 'preempt', text: `call bpf_preempt_disable\ncall bpf_preempt_enable\n${END}`, processed: 4 },
  {
    name: 'preempt held',
    text: `call bpf_preempt_disable\n${END}`,
    message: 'BPF_EXIT instruction in main prog cannot be used inside bpf_preempt_disable-ed region',
    processed: 3,
  },
  {
    name: 'preempt not held',
    text: `call bpf_preempt_enable\n${END}`,
    message: 'unmatched attempt to enable preemption (kernel function bpf_preempt_enable)',
    processed: 1,
  },
  { name: 'kern ctx', text: `call bpf_cast_to_kern_ctx\n${END}`, processed: 3 },
  {
    name: 'kern ctx unset',
    text: `r1 = 0\ncall bpf_cast_to_kern_ctx\n${END}`,
    message: 'arg#0 expected pointer to ctx, but got scalar',
    processed: 2,
  },
  { name: 'kern ctx write', text: `call bpf_cast_to_kern_ctx\nr0 += 8\n${END}`, processed: 4 },
];
