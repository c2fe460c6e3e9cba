// A text that uses every directive; llvm-objdump's listing of its object is tour.txt.
.license "Dual BSD/GPL"

.map conns, type=hash, key=4, value=8, entries=1024, flags=BPF_F_NO_PREALLOC
.map chain, type=prog_array, key=4, value=4, entries=8
.map inside, type=array, key=4, value=8, entries=1
.map outside, type=array_of_maps, key=4, value=4, entries=2, inner=inside

.rodata
greeting: .asciz "hello, \"world\"\n"
limit:    .quad 42, -1

.data
.globl counter
counter:  .long 7, -1
table:    .quad conns, prog

.bss
scratch:  .zero 64

.section ".data.more", "aw", @progbits
          .byte 1, 0x2, -3
          .short 65535
          .ascii "a\x00b"

.extern bpf_some_kfunc
.weak maybe

.section "xdp"
prog:
    r6 = r1                       ; the context
    *(u32 *)(r10 - 4) = 1
    r1 = map conns ll
    r2 = r10
    r2 += -4
    call bpf_map_lookup_elem
    if r0 == 0 goto out           # nothing there
    r1 = limit ll
    r1 = *(u64 *)(r1 + 0)
    r2 = counter + 4 ll
    r3 = .bss + 8 ll
    call count
    call bpf_some_kfunc
    r4 = maybe ll
    r1 = 3
    r2 = func callback ll
    r3 = 0
    r4 = 0
    call loop
    r0 = 1 ll
    w0 = w0
out:
    r0 = 2
    exit
    .quad 0xffffffffffffffff

.text
count:
    call twice
    call callback
    exit
.globl twice
twice:
    r0 <<= 1
    exit
.func callback
    r0 = 0
    exit
