// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* 300 calls of small functions of the program. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

static __attribute__((noinline)) __u64 mix(__u64 a, __u64 b)
{
	a ^= b << 7;
	return a + (b >> 3);
}

static __attribute__((noinline)) __u64 choose(__u64 a, __u64 b, __u64 which)
{
	if (which & 1)
		return a - b;
	return a ^ b;
}

SEC("xdp")
int calls(struct xdp_md *ctx)
{
	__u64 x = ctx->ingress_ifindex;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 150; i++) {
		x = mix(x, i);
		x = choose(x, i, x);
	}
	return x & 4 ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
