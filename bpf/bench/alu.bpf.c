// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* 1,000 rounds of xorshift64: registers only, each step waits for the one before. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int alu(struct xdp_md *ctx)
{
	__u64 x = 0x9e3779b97f4a7c15ULL ^ ctx->ingress_ifindex;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 1000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return (x >> 32) & 1 ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
