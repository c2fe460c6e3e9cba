// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The smallest XDP program: two instructions, no map, no helper. Also built big endian, which skep refuses. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
