/**
 * Classes of rejections: which of the kernel's last words belong to which, why Linux says so, and what people usually do
 * about it. Data only. In texts `{1}` is what the pattern's first group matched, `{R1}` the register that it names, in
 * words, as the verifier knew it.
 */

export interface RejectionClass {
  /** Stable, for programs. */
  readonly id: string;
  /** What kind of rule was broken, and how. */
  readonly family: string;
  readonly title: string;
  /** Matches the message's line. The first row that matches counts. */
  readonly pattern: RegExp;
  readonly reason: string;
  /** What is wrong at the marked place, in a few words. */
  readonly mark: string;
  readonly suggestion: string;
}

function row(
  id: string,
  family: string,
  title: string,
  pattern: RegExp,
  mark: string,
  reason: string,
  suggestion: string,
): RejectionClass {
  return { id, family, title, pattern, mark, reason, suggestion };
}

const REGISTERS = 'Register type safety';
const PACKET = 'Packet access';
const MEMORY = 'Memory bounds';
const STACK = 'Stack';
const CTX = 'Context';
const ARITHMETIC = 'Pointer arithmetic';
const CALLS = 'Calls';
const RESOURCES = 'Resources';
const FLOW = 'Control flow';
const ENCODING = 'Instruction encoding';
const LIMITS = 'Limits';
const PRIVILEGE = 'Privilege';

export const REJECTION_CLASSES: readonly RejectionClass[] = [
  row(
    'unreadable-register',
    REGISTERS,
    'unreadable register',
    /^R(\d+) !read_ok$/,
    'R{1} is read here',
    'On this path nothing has been written to R{1} since the function began, or a call has made it unreadable: a call keeps R6 to R9 and returns R0, and R1 to R5 are lost.',
    'Give R{1} a value on every path that leads here, or keep what you need across the call in R6 to R9 or on the stack.',
  ),
  row(
    'packet-bounds',
    PACKET,
    'access outside of what was checked',
    /^R(\d+) offset is outside of the packet$/,
    'bytes that may not be there',
    'R{1} is {R1}. The instruction reaches further than the packet is known to reach on this path.',
    'Compare before the access: `if (p + bytes > data_end) return ...;` with the pointer that is then used, after each helper that may move the packet, and with the full size of what is read.',
  ),
  row(
    'packet-read-only',
    PACKET,
    'packet may not be written here',
    /^cannot write into packet$/,
    'a store into the packet',
    'Programs of this type may read the packet directly, but not write it.',
    'Use a helper that writes (skb_store_bytes), or another program type.',
  ),
  row(
    'packet-to-helper',
    PACKET,
    'helper may not get packet memory',
    /^helper access to the packet is not allowed$/,
    'a packet pointer is passed here',
    'This helper, or helpers in programs of this type, do not take pointers into the packet.',
    'Copy the bytes to the stack first and pass that.',
  ),
  row(
    'possibly-null',
    REGISTERS,
    'pointer may be NULL',
    /^R(\d+) (?:invalid mem access '(\w+?)_or_null_?\w*'|pointer arithmetic on (\w+)_or_null_?\w* prohibited, null-check it first)$/,
    'R{1} may be NULL',
    'R{1} is {R1}. What returned it returns NULL when there is nothing, and no comparison on this path has excluded that.',
    'Compare the pointer with NULL right after the call, and use it only where it is not: `if (!p) return ...;`. A comparison of a copy or of a value spilled to the stack counts too; one made before the call does not.',
  ),
  row(
    'not-a-pointer',
    REGISTERS,
    'a number is used as an address',
    /^R(\d+) invalid mem access 'scalar'$/,
    'R{1} is not a pointer',
    'R{1} is {R1}: a plain number. Either it never was a pointer, or the verifier has lost that it was one: after arithmetic of 32 bits, after storing a part of it, or after a load from memory that does not keep pointers.',
    'Keep pointers in 64-bit variables, do not mask or cast them, and reload ctx fields (data, data_end) instead of keeping them in memory.',
  ),
  row(
    'wrong-memory',
    REGISTERS,
    'no memory of this kind may be accessed so',
    /^R(\d+) invalid mem access '(.+)'$/,
    'R{1} cannot be accessed like this',
    'R{1} is {R1}. Loads and stores through it are not allowed.',
    'Use the helper or the ctx field that this object is for.',
  ),
  row(
    'ctx-access',
    CTX,
    'no such field for this program type',
    /^invalid bpf_context access off=(-?\d+) size=(\d+)$/,
    '{2} bytes at offset {1} of the context',
    'Programs of this type may not read or write {2} bytes at offset {1} of their context: the field is not there for them, is read-only, or must be accessed with another width.',
    'Look the field up in the table of contexts for this program and attach type. Some fields may only be read with their full width; the compiler makes narrower loads unless the field is `volatile`.',
  ),
  row(
    'ctx-pointer',
    CTX,
    'the context pointer was changed',
    /^(?:negative offset ctx ptr R(\d+) off=.* disallowed|dereference of modified ctx ptr R(\d+) off=.* disallowed|variable ctx access var_off=.* disallowed)$/,
    'the context is reached through a changed pointer',
    'The context is rewritten field by field, so every access must be the unchanged pointer plus a constant, and helpers must get the pointer as it came in.',
    'Access fields by name (`ctx->field`) and keep the compiler from computing a pointer into the context, for example by reading the field into a variable in each branch.',
  ),
  row(
    'misaligned',
    MEMORY,
    'misaligned access',
    /^misaligned (\w+) access /,
    'not a multiple of its size',
    'The address is not known to be a multiple of the access size. The stack and the context always ask for that; packets and map values do where strict alignment is on.',
    'Read the bytes one by one or with a smaller width (`__attribute__((packed))`), or align the structure.',
  ),
  row(
    'map-value-bounds',
    MEMORY,
    'access outside of a map value',
    /^(?:invalid access to map (?:value|key),? |invalid access to map value pointer, )value_size=(\d+) off=(-?\d+)/,
    'outside of the value',
    'The value has {1} bytes, and the instruction reaches to offset {2} or beyond.',
    'Check the size that the map was made with against the type that the code uses, and the index against the array inside.',
  ),
  row(
    'value-range',
    MEMORY,
    'offset is not bounded well enough',
    /^R(\d+) (?:(max|min) value is outside of the allowed memory range|min value is negative, either use unsigned index or do a if \(index >=0\) check\.|unbounded memory access, make sure to bounds check any such access)$/,
    'the offset may be too large, or negative',
    'R{1} is {R1}. With the largest or the smallest offset that is possible on this path the access would leave the memory it points to.',
    'Bound the index right before its use, as an unsigned number: `if (i >= N) return ...;` or `i &= N - 1;`. If the check is there, the compiler has kept index and check in different registers: put `asm volatile("" : "+r"(i));` behind the check.',
  ),
  row(
    'size-range',
    CALLS,
    'size argument is not bounded',
    /^R(\d+) (?:min value is negative, either use unsigned or 'var &= const'|unbounded memory access, use 'var &= const' or 'if \(var < const\)'|invalid zero-sized read: .*|invalid zero-sized read)$/,
    'R{1} is a size that is not known well enough',
    'R{1} is {R1}. The helper takes it for the number of bytes, which must be positive and no more than the memory that goes with it.',
    'Make the size unsigned and bound it on both sides before the call: `if (n == 0 || n > sizeof(buf)) return ...;`',
  ),
  row(
    'map-read-only',
    MEMORY,
    'map may not be accessed this way',
    /^(write into|read from) map forbidden, /,
    'the map does not allow it',
    'The map was made read-only or write-only for programs (`.rodata`, BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG).',
    'Put what changes into `.data`, `.bss` or a map of its own.',
  ),
  row(
    'object-field',
    MEMORY,
    'no such field of a kernel object',
    /^R(\d+) (?:invalid (sock|sock_common|tcp_sock|xdp_sock) access off=(-?\d+) size=(\d+)|cannot write into (\w+))$/,
    'R{1} has no such field for programs',
    'R{1} is {R1}. Of this object programs see the fields of its uapi structure, each with its width, and may not write.',
    'Read documented fields with their full width; fields of struct bpf_sock beyond the common part need bpf_sk_fullsock, those of struct bpf_tcp_sock need bpf_tcp_sock.',
  ),
  row(
    'special-field',
    MEMORY,
    'a lock, timer or kernel pointer is touched directly',
    /(?:bpf_\w+ cannot be accessed directly by load\/store|kptr|untrusted_ptr_ access|access beyond struct|has no valid (?:bpf_\w+|kptr)|cannot be accessed indirectly by helper)/,
    'the field is for helpers only',
    'The value has a field that only its own helpers may touch: a spin lock, a timer, a kernel pointer.',
    'Copy the members around it one by one; do not clear or copy the whole structure.',
  ),
  row(
    'stack-access',
    STACK,
    'access outside of the stack, or before a write',
    /^(?:invalid (?:write to|read from|indirect (?:read|write|access) (?:from|to)) stack|invalid (?:variable-offset|unbounded variable-offset) (?:read|write|access|indirect read|indirect access) (?:from|to) stack|invalid size of register fill|corrupted spill memory|R(\d+) variable stack access prohibited|attempt to corrupt spilled pointer on stack|invalid unbounded variable-offset)/,
    'this part of the stack cannot be accessed so',
    'A function has 512 bytes of stack below R10. Without CAP_PERFMON they must be written before they are read, a spilled pointer must be read back as a whole, and an offset that is not constant must stay inside for all its values.',
    'Initialise the buffer (`struct key k = {};`, also its padding), make it smaller, or bound the index.',
  ),
  row(
    'stack-pointer-escape',
    STACK,
    'a stack pointer leaves its function',
    /^cannot (?:return stack pointer to the caller|spill pointers to stack into stack frame of the caller)$/,
    'a pointer to this frame would outlive it',
    'The frame is gone once its function has returned, so no pointer into it may be returned or stored in the frame of the caller.',
    'Let the caller own the buffer and pass its address down.',
  ),
  row(
    'frame-pointer-write',
    STACK,
    'R10 is read-only',
    /^frame pointer is read only$/,
    'a write to R10',
    'R10 is the frame pointer, and no instruction may change it.',
    'Copy it to another register and change that.',
  ),
  row(
    'pointer-arithmetic',
    ARITHMETIC,
    'arithmetic that is not allowed on this pointer',
    /^(?:math between (\w+) pointer and|R(\d+) (?:pointer \+= pointer prohibited|tried to subtract pointer from scalar|subtraction from stack pointer prohibited|pointer arithmetic on \w+ prohibited|bitwise operator \S+ on pointer prohibited|32-bit pointer arithmetic prohibited|pointer arithmetic with \S+ operator prohibited|pointer comparison prohibited|has unknown scalar with mixed signed bounds.*)|value -?\d+ makes (\w+) pointer be out of bounds|(\w+) pointer offset -?\d+ is not allowed)/,
    'the result could not be followed',
    'A pointer may be moved by adding or subtracting a number that is bounded well enough; other operations, other pointers and unbounded numbers make it something the verifier cannot follow.',
    'Compute the offset as a number first, bound it, and add it to the pointer last.',
  ),
  row(
    'exit-value',
    FLOW,
    'return value out of range',
    /^At (program exit|callback return) the register R0 (.*)$/,
    'R0 is not what may be returned here',
    'Programs of this type, and callbacks, may only return certain values: R0 {2}.',
    'Return one of the named verdicts on every path; make sure that a value which is passed on is checked to be one.',
  ),
  row(
    'reference-leak',
    RESOURCES,
    'a reference is not given back',
    /(?:would lead to reference leak|^Unreleased reference id=\d+ alloc_insn=\d+|acquired.*not released)/,
    'a reference is still held here',
    'A helper on this path has returned something that must be given back: a socket, a record of a ring buffer, a kernel object. Here the program could end, or run on somewhere else, without having done so.',
    'Release it on every path: bpf_sk_release, bpf_ringbuf_submit or bpf_ringbuf_discard, the release function of the kfunc; also on error paths and before a tail call.',
  ),
  row(
    'release-argument',
    RESOURCES,
    'released is something that is not held',
    /^R(\d+) must (?:be referenced when passed to release function|be referenced or trusted|have zero offset when passed to release func or trusted arg to kfunc)/,
    'R{1} is not the reference itself',
    'R{1} is {R1}. What is released must be the unchanged pointer that was acquired, once.',
    'Keep the pointer as it was returned, and release that; do not release twice.',
  ),
  row(
    'lock',
    RESOURCES,
    'spin lock rules',
    /(?:bpf_spin_(?:un)?lock|inside bpf_spin_lock-ed region|while holding a lock|lock)/,
    'not allowed with, or without, the lock',
    'While a spin lock is held the program may only compute and access memory: no calls but the unlock, no other lock, no exit.',
    'Shorten the locked region to the loads and stores that need it, and unlock the same lock on every path.',
  ),
  row(
    'argument-type',
    CALLS,
    'argument of the wrong kind',
    /^R(\d+) type=(\S+) expected=(.*)$/,
    'R{1} is of kind {2}',
    'R{1} is {R1}. The function wants: {3}.',
    'Pass what the prototype asks for, with its NULL check done; see docs/helpers.md.',
  ),
  row(
    'argument-map',
    CALLS,
    'map of the wrong type for this helper',
    /^(?:cannot pass map_type (\d+) into func (\S+)|only read from bpf_array is supported|only read is supported|invalid zero-sized read$)/,
    'this map does not go with this function',
    'The helper does not work on maps of this type: they have no keys, or no values that a program may look at.',
    'Use the helper that belongs to the type of the map, or another type.',
  ),
  row(
    'map-pointer',
    CALLS,
    'map descriptor cannot be accessed',
    /^R(\d+) is bpf_\w+ invalid negative access: off=-?\d+$/,
    'an access into the map itself',
    'R{1} is the map, not a value of it.',
    'Look a value up first.',
  ),
  row(
    'helper-unknown',
    CALLS,
    'function is not available',
    /^(?:program of this type cannot use helper|unknown func|invalid func|cannot call GPL-restricted function|calling kernel function|kernel btf_id|invalid kernel function call)/,
    'not for this program',
    'There is no such function, or programs of this type, with this licence or with these capabilities, may not call it.',
    'See docs/helpers.md for which program types may call which helper; GPL-only helpers need a GPL-compatible `license` section.',
  ),
  row(
    'helper-argument',
    CALLS,
    'argument has a value that is not allowed',
    /(?:doesn't support non-zero flags|arg#?\d+|R(\d+) must be a known constant|R(\d+) leaks addr|must be a rdonly_mem|Caller passes invalid args into func|kernel function \S+ args?#|expects? )/,
    'the argument is not acceptable',
    'The function asks for more than the kind of the argument: a certain constant, an initialised object, memory of some size.',
    'See the description of the function.',
  ),
  row(
    'bad-map',
    ENCODING,
    'no such map',
    /^fd -?\d+ is not pointing to valid bpf_map$/,
    'a map that does not exist',
    'The instruction loads the address of a map, but its file descriptor is none.',
    'Let the loader create the maps and relocate the program; declare them in `.maps`.',
  ),
  row(
    'infinite-loop',
    FLOW,
    'loop without end',
    /^(?:infinite loop detected at insn \d+|old state: .*|back-edge from insn \d+ to \d+)$/,
    'the loop comes round in the same state',
    'The loop arrives here again and nothing has changed that would end it, as far as the verifier can tell.',
    'Give the loop a constant upper bound and a counter that the compiler keeps (`for (int i = 0; i < 64; i++)`), or use bpf_loop or an open-coded iterator.',
  ),
  row(
    'unreachable',
    FLOW,
    'jumps lead nowhere, or nothing leads here',
    /^(?:unreachable insn \d+|jump out of range from insn \d+ to -?\d+|last insn is not an exit or jmp|jump into the middle of ldimm64 insn \d+|call to invalid destination|subprog .* invalid|call stack|no subprog)/,
    'the flow of control is broken here',
    'Every instruction must be reachable, every jump must stay inside its function and hit the start of an instruction, and every function must end with exit or a jump.',
    'Compilers do not make such code: look at inline assembly, at hand-made instructions, and at functions without `return`.',
  ),
  row(
    'call-depth',
    LIMITS,
    'too many frames or too much stack',
    /^(?:the call stack of \d+ frames is too deep ?!?|combined stack size of \d+ calls is \d+\. Too large|tail_calls are not allowed when call stack of previous frames is \d+ bytes\. Too large)$/,
    'one frame too many',
    'Calls may be 8 frames deep, and all frames of a chain together may have 512 bytes of stack; 256 where a tail call follows.',
    'Inline small functions (`__always_inline`), move buffers to a per-CPU array, or use a tail call from the top.',
  ),
  row(
    'complexity',
    LIMITS,
    'too complex',
    /(?:BPF program is too large\. Processed \d+ insn|The sequence of \d+ jumps is too complex\.|too many (?:subprograms|states|jumps))/,
    'the limit was reached here',
    'The verifier follows every path until it finds a state it has seen, and has given up after a million instructions.',
    'Look for loops that are unrolled or whose state differs each time round, split the program with tail calls or global functions, and make values that do not matter unknown (barrier_var) so that states become alike.',
  ),
  row(
    'same-insn',
    FLOW,
    'one instruction, different pointers',
    /^same insn cannot be used with different pointers$/,
    'reached with pointers of different kinds',
    'An access is rewritten for the kind of memory its pointer has; here the same instruction is reached with pointers of different kinds.',
    'Make the access in each branch, not behind them: the compiler has merged the two (a `volatile` access or an `asm volatile("")` in one branch keeps them apart).',
  ),
  row(
    'atomic-target',
    MEMORY,
    'no atomic operation on this memory',
    /^BPF_ATOMIC stores into R(\d+) (\S+) is not allowed$/,
    'an atomic operation on {2}',
    'Atomic operations work on the stack and on map values, not on {2}.',
    'Load, compute and store, or keep the counter in a map.',
  ),
  row(
    'packet-load',
    PACKET,
    'LD_ABS and LD_IND rules',
    /(?:LD_ABS|LD_IND|BPF_LD_\[ABS\|IND\])/,
    'a legacy packet load',
    'These loads end the program when the packet is too short, so they are only allowed where that does no harm, in program types that have a socket buffer, with the context in R6.',
    'Use direct packet access or bpf_skb_load_bytes.',
  ),
  row(
    'dynptr-iterator',
    RESOURCES,
    'dynptr or iterator rules',
    /(?:dynptr|iterator|iter_|uninitialized iter|expected an initialized|expected an uninitialized)/i,
    'not in the state that is asked for',
    'Dynptrs and iterators live on the stack and change state by their own functions only: made once, used, and given back.',
    'Keep to the order new, use, destroy (or submit and discard) on every path, and do not touch their stack slots otherwise.',
  ),
  row(
    'unprivileged',
    PRIVILEGE,
    'not without more capabilities',
    /(?:leaks addr|pointer comparison prohibited|is not allowed for !root|CAP_|unprivileged|Permission denied|prohibited for !root|attempt to corrupt spilled|requires? .*privilege)/,
    'needs more rights',
    'Without CAP_PERFMON a program must not show kernel addresses, compare pointers or read memory it has not written.',
    'Load with CAP_BPF and CAP_PERFMON, or avoid the operation.',
  ),
  row(
    'encoding',
    ENCODING,
    'not a valid instruction',
    /^(?:unknown opcode|BPF_\w+ uses reserved fields|BPF_\w+ uses|invalid bpf_ld_imm64 insn|unrecognized bpf_ld_imm64 insn|R\d+ is invalid|div by zero|invalid shift|invalid BPF_|unknown insn|direct value offset|invalid atomic|func#)/,
    'no such instruction',
    'The bits of this instruction mean nothing, or use fields that must be 0.',
    'Compilers do not make such code: look at inline assembly and at what generated the bytes.',
  ),
];

/** What a message belongs to where no row matches it. */
export const OTHER_REJECTION: RejectionClass = row(
  'other',
  'Verification',
  'rejected',
  /^(.*)$/,
  'rejected here',
  "In the kernel's words: {1}.",
  'Read the log of the path (-v) from its end upwards.',
);

/** The class of the kernel's last word, and what its pattern matched. */
export function classify(message: string): { readonly found: RejectionClass; readonly groups: readonly string[] } {
  for (const found of REJECTION_CLASSES) {
    const match = found.pattern.exec(message);
    if (match !== null) return { found, groups: match.map((group) => (group as string | undefined) ?? '') };
  }
  return { found: OTHER_REJECTION, groups: [message, message] };
}
