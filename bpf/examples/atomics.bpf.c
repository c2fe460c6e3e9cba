// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The atomic instructions of the v3 machine, 32 and 64 bits wide, on map memory (a global) and on the stack. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

__u64 wide = 0xf0;
__u32 narrow = 0xf0;
__u64 old[10];

SEC("xdp")
int without_result(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&wide, 1);
	__sync_fetch_and_and(&wide, 0xff);
	__sync_fetch_and_or(&wide, 0x100);
	__sync_fetch_and_xor(&wide, 0x3);
	__sync_fetch_and_add(&narrow, 1);
	__sync_fetch_and_and(&narrow, 0xff);
	__sync_fetch_and_or(&narrow, 0x100);
	__sync_fetch_and_xor(&narrow, 0x3);
	return XDP_PASS;
}

SEC("xdp")
int with_result(struct xdp_md *ctx)
{
	old[0] = __sync_fetch_and_add(&wide, 5);
	old[1] = __sync_fetch_and_and(&wide, 0xfff);
	old[2] = __sync_fetch_and_or(&wide, 0x1000);
	old[3] = __sync_fetch_and_xor(&wide, 0x33);
	old[4] = __sync_fetch_and_sub(&narrow, 5);
	old[5] = __sync_fetch_and_and(&narrow, 0xfff);
	old[6] = __sync_fetch_and_or(&narrow, 0x1000);
	old[7] = __sync_fetch_and_xor(&narrow, 0x33);
	return XDP_PASS;
}

SEC("xdp")
int exchange(struct xdp_md *ctx)
{
	volatile __u64 local = 7;

	old[0] = __sync_lock_test_and_set(&wide, 11);
	old[1] = __sync_lock_test_and_set(&narrow, 12);
	old[2] = __sync_val_compare_and_swap(&wide, 11, 13); /* swaps */
	old[3] = __sync_val_compare_and_swap(&wide, 11, 14); /* does not */
	old[4] = __sync_val_compare_and_swap(&narrow, 12, 15);
	old[5] = __sync_fetch_and_add(&local, 1);
	old[6] = __sync_val_compare_and_swap(&local, 8, 9);
	return old[6] == 8 && local == 9 ? XDP_PASS : XDP_ABORTED;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
