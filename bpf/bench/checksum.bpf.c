// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The internet checksum of a packet of up to 1,500 bytes, two bytes at a time. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int checksum(struct xdp_md *ctx)
{
	__u8 *at = (void *)(long)ctx->data;
	__u8 *end = (void *)(long)ctx->data_end;
	__u64 sum = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 750; i++) {
		if (at + 2 > end)
			break;
		sum += *(__u16 *)at;
		at += 2;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum ^ 0xffff) & 1 ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
