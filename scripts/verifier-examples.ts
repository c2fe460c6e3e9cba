/**
 * For each class of rejections a smallest program that gets it, and where there is one the same program mended. Data only; they
 * are run when docs/verifier.md is made, and by a test.
 */

export interface VerifierExample {
  /** Of `RejectionClass`. */
  readonly id: string;
  /** A whole source for `skep asm`. */
  readonly wrong: string;
  /** The same, as Linux takes it. */
  readonly mended?: string;
}

const PACKET = `    r2 = *(u32 *)(r1 + 0)           // data
    r3 = *(u32 *)(r1 + 4)           // data_end
    r0 = 1`;

const LOOKUP = `.map hits, type=array, key=4, value=8, entries=4
.section "xdp"
    *(u32 *)(r10 - 4) = 7           // the key
    r2 = r10
    r2 += -4
    r1 = map hits ll
    call bpf_map_lookup_elem`;

const SOCKET = `.section "tc"
    *(u64 *)(r10 - 16) = 0          // a tuple of zeros
    *(u64 *)(r10 - 8) = 0
    r2 = r10
    r2 += -16
    r3 = 12
    r4 = -1
    r5 = 0
    call bpf_sk_lookup_tcp`;

const RECORD = `.map events, type=ringbuf, entries=4096
.section "xdp"
    r1 = map events ll
    r2 = 8
    r3 = 0
    call bpf_ringbuf_reserve
    if r0 == 0 goto out`;

export const VERIFIER_EXAMPLES: readonly VerifierExample[] = [
  {
    id: 'unreadable-register',
    wrong: `.section "xdp"
    r6 = 1
    call bpf_ktime_get_ns
    r0 = r1                         // a call leaves nothing in r1 to r5
    exit`,
    mended: `.section "xdp"
    r6 = 1
    call bpf_ktime_get_ns
    r0 = r6                         // r6 to r9 survive
    exit`,
  },
  {
    id: 'packet-bounds',
    wrong: `.section "xdp"
${PACKET}
    r4 = r2
    r4 += 14
    if r4 > r3 goto out             // 14 bytes are there,
    r0 = *(u8 *)(r2 + 14)           // and this is the fifteenth
out:
    r0 = 1
    exit`,
    mended: `.section "xdp"
${PACKET}
    r4 = r2
    r4 += 15
    if r4 > r3 goto out
    r0 = *(u8 *)(r2 + 14)
out:
    r0 = 1
    exit`,
  },
  {
    id: 'stale-packet-pointer',
    wrong: `.section "xdp"
    r6 = r1
    r7 = *(u32 *)(r1 + 0)
    r3 = *(u32 *)(r1 + 4)
    r4 = r7
    r4 += 14
    if r4 > r3 goto out
    r2 = -4
    call bpf_xdp_adjust_head        // the packet begins elsewhere now
    *(u8 *)(r7 + 0) = 0
out:
    r0 = 1
    exit`,
    mended: `.section "xdp"
    r6 = r1
    r2 = -4
    call bpf_xdp_adjust_head
    r7 = *(u32 *)(r6 + 0)           // taken after the call,
    r3 = *(u32 *)(r6 + 4)
    r4 = r7
    r4 += 14
    if r4 > r3 goto out             // and compared
    *(u8 *)(r7 + 0) = 0
out:
    r0 = 1
    exit`,
  },
  {
    id: 'packet-read-only',
    wrong: `.section "cgroup_skb/ingress"
    r2 = *(u32 *)(r1 + 76)
    r3 = *(u32 *)(r1 + 80)
    r0 = 1
    r4 = r2
    r4 += 1
    if r4 > r3 goto out
    *(u8 *)(r2 + 0) = 0             // a cgroup program only looks
out:
    exit`,
  },
  {
    id: 'packet-to-helper',
    wrong: `.section "cgroup_skb/ingress"
    r6 = r1
    r2 = *(u32 *)(r1 + 76)
    r3 = *(u32 *)(r1 + 80)
    r4 = r2
    r4 += 8
    if r4 > r3 goto out
    r1 = r6
    r3 = r2                         // into the packet?
    r2 = 0
    r4 = 8
    call bpf_skb_load_bytes
out:
    r0 = 1
    exit`,
    mended: `.section "cgroup_skb/ingress"
    r2 = 0
    r3 = r10
    r3 += -8                        // onto the stack
    r4 = 8
    call bpf_skb_load_bytes
    r0 = 1
    exit`,
  },
  {
    id: 'possibly-null',
    wrong: `${LOOKUP}
    r0 = *(u64 *)(r0 + 0)           // there may be no entry 7
    exit`,
    mended: `${LOOKUP}
    if r0 == 0 goto out
    r0 = *(u64 *)(r0 + 0)
out:
    exit`,
  },
  {
    id: 'not-a-pointer',
    wrong: `.section "xdp"
    r2 = *(u32 *)(r1 + 12)          // ingress_ifindex, a number
    r0 = *(u8 *)(r2 + 0)
    exit`,
  },
  {
    id: 'wrong-memory',
    wrong: `.section "xdp"
    r3 = *(u32 *)(r1 + 4)           // data_end marks a place, and is not memory
    r0 = *(u8 *)(r3 - 1)
    exit`,
  },
  {
    id: 'ctx-access',
    wrong: `.section "xdp"
    r0 = *(u16 *)(r1 + 0)           // half of data
    exit`,
    mended: `.section "xdp"
    r2 = *(u32 *)(r1 + 0)
    r0 = 1
    exit`,
  },
  {
    id: 'ctx-pointer',
    wrong: `.section "xdp"
    r1 += 4
    r0 = *(u32 *)(r1 + 8)
    exit`,
    mended: `.section "xdp"
    r0 = *(u32 *)(r1 + 12)          // the offset belongs into the instruction
    exit`,
  },
  {
    id: 'misaligned',
    wrong: `.section "xdp"
    *(u32 *)(r10 - 6) = 0
    r0 = 1
    exit`,
    mended: `.section "xdp"
    *(u32 *)(r10 - 8) = 0
    r0 = 1
    exit`,
  },
  {
    id: 'value-range',
    wrong: `${LOOKUP}
    if r0 == 0 goto out
    r0 = *(u32 *)(r0 + 6)           // bytes 6 to 9 of 8
out:
    exit`,
    mended: `${LOOKUP}
    if r0 == 0 goto out
    r0 = *(u32 *)(r0 + 4)
out:
    exit`,
  },
  {
    id: 'size-range',
    wrong: `.section "xdp"
    r4 = *(u32 *)(r1 + 12)          // any number
    r3 = r10
    r3 += -16
    r2 = 0
    call bpf_xdp_load_bytes
    r0 = 1
    exit`,
    mended: `.section "xdp"
    r4 = *(u32 *)(r1 + 12)
    r4 &= 15
    r4 += 1                         // from 1 to 16
    r3 = r10
    r3 += -16
    r2 = 0
    call bpf_xdp_load_bytes
    r0 = 1
    exit`,
  },
  {
    id: 'map-read-only',
    wrong: `.map fixed, type=array, key=4, value=8, entries=1, flags=BPF_F_RDONLY_PROG
.section "xdp"
    *(u32 *)(r10 - 4) = 0
    r2 = r10
    r2 += -4
    r1 = map fixed ll
    call bpf_map_lookup_elem
    if r0 == 0 goto out
    *(u64 *)(r0 + 0) = 1
out:
    r0 = 1
    exit`,
  },
  {
    id: 'object-field',
    wrong: `${SOCKET}
    if r0 == 0 goto out
    *(u32 *)(r0 + 4) = 2            // sockets are not written like this
    r1 = r0
    call bpf_sk_release
out:
    r0 = 0
    exit`,
  },
  {
    id: 'special-field',
    wrong: `${LOOKUP}
    if r0 == 0 goto out
    r1 = r0
    call bpf_spin_lock              // the value has no struct bpf_spin_lock
out:
    r0 = 1
    exit`,
  },
  {
    id: 'stack-access',
    wrong: `.section "xdp"
    *(u64 *)(r10 - 520) = 0         // 512 bytes is all there is
    r0 = 1
    exit`,
    mended: `.section "xdp"
    *(u64 *)(r10 - 512) = 0
    r0 = 1
    exit`,
  },
  {
    id: 'stack-pointer-escape',
    wrong: `.section "xdp"
    call buffer
    r0 = 1
    exit
.text
buffer:
    *(u64 *)(r10 - 8) = 0
    r0 = r10                        // gone with its function
    exit`,
  },
  {
    id: 'frame-pointer-write',
    wrong: `.section "xdp"
    r10 += -8
    r0 = 1
    exit`,
    mended: `.section "xdp"
    r2 = r10
    r2 += -8
    r0 = 1
    exit`,
  },
  {
    id: 'pointer-range',
    wrong: `.section "xdp"
    r6 = r1
    call bpf_get_prandom_u32
    r0 <<= 16                       // up to 2^48
    r2 = r10
    r2 += r0
    r0 = 1
    exit`,
    mended: `.section "xdp"
    *(u64 *)(r10 - 8) = 0
    call bpf_get_prandom_u32
    r0 &= 7                         // from 0 to 7
    r2 = r10
    r2 += -8
    r2 += r0
    r0 = *(u8 *)(r2 + 0)
    exit`,
  },
  {
    id: 'pointer-arithmetic',
    wrong: `.section "xdp"
    r2 = r10
    r2 *= 2
    r0 = 1
    exit`,
  },
  {
    id: 'exit-value',
    wrong: `.section "cgroup_skb/ingress"
    r0 = 2                          // 0 drops, 1 lets pass
    exit`,
    mended: `.section "cgroup_skb/ingress"
    r0 = 1
    exit`,
  },
  {
    id: 'reference-leak',
    wrong: `${RECORD}
    *(u64 *)(r0 + 0) = 1            // written, and never submitted
out:
    r0 = 1
    exit`,
    mended: `${RECORD}
    *(u64 *)(r0 + 0) = 1
    r1 = r0
    r2 = 0
    call bpf_ringbuf_submit
out:
    r0 = 1
    exit`,
  },
  {
    id: 'release-argument',
    wrong: `${RECORD}
    r1 = r0
    r1 += 4                         // not what was reserved
    r2 = 0
    call bpf_ringbuf_submit
out:
    r0 = 1
    exit`,
  },
  {
    id: 'released-pointer',
    wrong: `${RECORD}
    r6 = r0
    r1 = r0
    r2 = 0
    call bpf_ringbuf_submit
    *(u64 *)(r6 + 0) = 1            // somebody else may read it by now
out:
    r0 = 1
    exit`,
    mended: `${RECORD}
    *(u64 *)(r0 + 0) = 1
    r1 = r0
    r2 = 0
    call bpf_ringbuf_submit
out:
    r0 = 1
    exit`,
  },
  {
    id: 'argument-type',
    wrong: `.map hits, type=array, key=4, value=8, entries=4
.section "xdp"
    r2 = 7                          // the key itself, not its address
    r1 = map hits ll
    call bpf_map_lookup_elem
    r0 = 1
    exit`,
    mended: `.map hits, type=array, key=4, value=8, entries=4
.section "xdp"
    *(u32 *)(r10 - 4) = 7
    r2 = r10
    r2 += -4
    r1 = map hits ll
    call bpf_map_lookup_elem
    r0 = 1
    exit`,
  },
  {
    id: 'argument-map',
    wrong: `.map events, type=perf_event_array, key=4, value=4, entries=2
.section "xdp"
    *(u32 *)(r10 - 4) = 0
    r2 = r10
    r2 += -4
    r1 = map events ll
    call bpf_map_lookup_elem        // events are only written
    r0 = 1
    exit`,
  },
  {
    id: 'map-pointer',
    wrong: `.map hits, type=array, key=4, value=8, entries=4
.section "xdp"
    r1 = map hits ll
    r0 = *(u64 *)(r1 - 8)
    exit`,
  },
  {
    id: 'helper-unknown',
    wrong: `.section "xdp"
    r2 = 0
    r3 = r10
    r3 += -8
    r4 = 8
    r5 = 0
    call bpf_skb_store_bytes        // XDP has no socket buffer
    r0 = 1
    exit`,
  },
  {
    id: 'helper-argument',
    wrong: `.map local, type=cgroup_storage, key=16, value=8, entries=0
.section "cgroup_skb/ingress"
    r1 = map local ll
    r2 = 1                          // flags
    call bpf_get_local_storage
    r0 = 1
    exit`,
    mended: `.map local, type=cgroup_storage, key=16, value=8, entries=0
.section "cgroup_skb/ingress"
    r1 = map local ll
    r2 = 0
    call bpf_get_local_storage
    r0 = 1
    exit`,
  },
  {
    id: 'bad-map',
    wrong: `.section "xdp"
    ld_pseudo r1, 0x1, 0x7fffffff   // a file descriptor that nobody has opened
    r0 = 1
    exit`,
  },
  {
    id: 'infinite-loop',
    wrong: `.section "xdp"
    r0 = 1
again:
    if r0 == 0 goto out             // nothing in the loop changes r0
    goto again
out:
    exit`,
    mended: `.section "xdp"
    r0 = 8
again:
    r0 += -1
    if r0 == 0 goto out
    goto again
out:
    exit`,
  },
  {
    id: 'unreachable',
    wrong: `.section "xdp"
    r0 = 1
    exit
    r0 = 2                          // nothing leads here
    exit`,
    mended: `.section "xdp"
    r0 = 1
    exit`,
  },
  {
    id: 'call-depth',
    wrong: `.section "xdp"
    call f1                         // the ninth function is one too many
    exit
.text
f1:
    call f2
    exit
f2:
    call f3
    exit
f3:
    call f4
    exit
f4:
    call f5
    exit
f5:
    call f6
    exit
f6:
    call f7
    exit
f7:
    call f8
    exit
f8:
    r0 = 1
    exit`,
  },
  {
    id: 'stack-size',
    wrong: `.section "xdp"
    *(u64 *)(r10 - 304) = 0
    call more
    r0 = 1
    exit
.text
more:
    *(u64 *)(r10 - 304) = 0         // 304 bytes here and 304 there
    r0 = 0
    exit`,
    mended: `.section "xdp"
    *(u64 *)(r10 - 304) = 0
    call more
    r0 = 1
    exit
.text
more:
    *(u64 *)(r10 - 104) = 0
    r0 = 0
    exit`,
  },
  {
    id: 'too-many-branches',
    wrong: `.section "xdp"
${PACKET}
again:
    r4 = r2
    r4 += 1
    if r4 > r3 goto out             // the packet ends, but the verifier does not know where
    r0 = *(u8 *)(r2 + 0)
    r2 = r4
    if r0 != 255 goto again
out:
    exit`,
    mended: `.section "xdp"
${PACKET}
    r5 = 64                         // rounds
again:
    r4 = r2
    r4 += 1
    if r4 > r3 goto out
    r0 = *(u8 *)(r2 + 0)
    r2 = r4
    if r0 == 255 goto out
    r5 += -1
    if r5 != 0 goto again
out:
    exit`,
  },
  {
    id: 'complexity',
    wrong: `.section "xdp"
    r0 = 0
again:
    r0 += 1
    if r0 < 1000000 goto again      // ends, but only after two million instructions
    exit`,
    mended: `.section "xdp"
    r0 = 0
again:
    r0 += 1
    if r0 < 1000 goto again
    exit`,
  },
  {
    id: 'same-insn',
    wrong: `.section "xdp"
    r6 = r10
    r6 += -8
    *(u64 *)(r6 + 0) = 0
    r0 = *(u32 *)(r1 + 12)
    if r0 == 1 goto load
    r6 = r1
load:
    r0 = *(u32 *)(r6 + 0)           // of the stack or of the context
    exit`,
  },
  {
    id: 'dynptr-iterator',
    wrong: `.section "xdp"
    r1 = r10
    r1 += -8
    r2 = 8
    r3 = r10
    r3 += -32                       // nothing has made a dynptr there
    r4 = 0
    r5 = 0
    call bpf_dynptr_read
    r0 = 1
    exit`,
    mended: `.map events, type=ringbuf, entries=4096
.section "xdp"
    r1 = map events ll
    r2 = 8
    r3 = 0
    r4 = r10
    r4 += -32
    call bpf_ringbuf_reserve_dynptr
    r1 = r10
    r1 += -8
    r2 = 8
    r3 = r10
    r3 += -32
    r4 = 0
    r5 = 0
    call bpf_dynptr_read
    r1 = r10
    r1 += -32
    r2 = 0
    call bpf_ringbuf_discard_dynptr
    r0 = 1
    exit`,
  },
  {
    id: 'atomic-target',
    wrong: `.section "xdp"
${PACKET}
    r4 = r2
    r4 += 8
    if r4 > r3 goto out
    lock *(u64 *)(r2 + 0) += r0
out:
    exit`,
  },
  {
    id: 'packet-load',
    wrong: `.section "xdp"
    r6 = r1
    r0 = *(u16 *)skb[12]
    exit`,
    mended: `.section "socket"
    r6 = r1
    r0 = *(u16 *)skb[12]
    exit`,
  },
  {
    id: 'encoding',
    wrong: `.section "xdp"
    r0 = 1
    r0 /= 0
    exit`,
  },
];

/** Classes that no text for `skep asm` can show, and why. */
export const WITHOUT_EXAMPLE: ReadonlyMap<string, string> = new Map([
  [
    'map-value-bounds',
    'The address of a place outside of a data section: loaders refuse such an object before the kernel sees it.',
  ],
  ['lock', 'Needs a map whose value has a `struct bpf_spin_lock` in BTF, which only a compiler writes.'],
  ['unprivileged', 'Only for programs that are loaded with fewer capabilities.'],
]);
