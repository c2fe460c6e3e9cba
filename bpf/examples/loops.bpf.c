// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Loops that the verifier walks to their end: over the packet's bytes, nested, and with an early exit. Built for the v3
 * machine and for v1, which has neither 32-bit jumps nor a "less than". */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define BYTES_MAX 64

__u32 checksum;
__u32 longest_run;

SEC("xdp")
int sum_bytes(struct xdp_md *ctx)
{
	__u8 *byte = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 sum = 0;

	for (int i = 0; i < BYTES_MAX && byte + 1 <= end; i++, byte++)
		sum = (sum << 1 | sum >> 31) ^ *byte;
	checksum = sum;
	return sum & 1 ? XDP_DROP : XDP_PASS;
}

/* The longest run of equal bytes among the first 16. */
SEC("xdp")
int runs(struct xdp_md *ctx)
{
	__u8 *byte = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 longest = 0;

	if (byte + 16 > end)
		return XDP_PASS;
	for (int start = 0; start < 16; start++) {
		__u32 run = 1;

		for (int i = start + 1; i < 16 && byte[i] == byte[start]; i++)
			run++;
		if (run > longest)
			longest = run;
	}
	longest_run = longest;
	return longest > 4 ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
