// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How programs and sections go together: several programs in one section, section names with suffixes, and one
 * program that a loader leaves out unless it is asked for. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int first(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int second(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp.frags")
int fragments(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp/devmap")
int after_redirect(struct xdp_md *ctx)
{
	return ctx->egress_ifindex == 1 ? XDP_DROP : XDP_PASS;
}

SEC("xdp/cpumap")
int on_other_cpu(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("?xdp")
int not_by_default(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("tc")
int classify(struct __sk_buff *skb)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
