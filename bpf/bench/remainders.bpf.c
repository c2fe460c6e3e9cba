// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Trial division: 64-bit remainders of the odd numbers below 1,000 by 3 and 5, mixed into one sum. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int remainders(struct xdp_md *ctx)
{
	__u64 three = 3 + ((__u64)ctx->ingress_ifindex >> 31); /* 3, but the compiler must not know */
	__u64 five = three + 2;
	__u64 sum = 0;

#pragma clang loop unroll(disable)
	for (__u64 n = 3; n < 1000; n += 2)
		sum = sum * 3 + (n % three) * (n % five);
	return sum & 8 ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
